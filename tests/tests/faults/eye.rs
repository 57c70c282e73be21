//! What is in the databases, through connections that stay open: a program for each look would take
//! most of the time.

use sharded_migrations_tests::postgres::{Cluster, TestDatabase};
use sharded_migrations_tests::wait_for;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The connections to some databases of a cluster.
pub(crate) struct Eye {
    runtime: Runtime,
    clients: Vec<Client>,
    /// The names of the databases, as a list for SQL.
    names: String,
}

const HISTORY: &str =
    "SELECT version, name, checksum, state, statements_done FROM sharded_migrations_history ORDER BY 1";

/// All objects, and all rows outside the history. Row identifiers and object numbers are left out.
const FINGERPRINT: &str = "
SELECT 'relation', c.relname, c.relkind, c.reloptions, pg_get_viewdef(c.oid), obj_description(c.oid)
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'S', 'm') ORDER BY 2;
SELECT 'column', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attisdropped, a.attidentity, pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 ORDER BY 2, 3;
SELECT 'index', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready FROM pg_index i JOIN pg_class c
ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 2;
SELECT 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
WHERE connamespace = 'public'::regnamespace ORDER BY 3, 2;
SELECT 'enum', t.typname, e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid ORDER BY t.typname, e.enumsortorder;
SELECT 'function', pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY proname;
SELECT 'rows', c.relname, query_to_xml(format('SELECT * FROM %s t ORDER BY t::text', c.oid::regclass), true, true, '')
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
AND c.relname NOT IN ('sharded_migrations_history', 'sharded_migrations_audit') ORDER BY 2";

/// What was done by hand or taken back, but for the times.
const AUDIT: &str = "SELECT 'audit', action, version FROM sharded_migrations_audit ORDER BY 3, 2";

/// Runs to the end, on threads of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    threads().block_on(future)
}

fn threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

impl Eye {
    pub(crate) fn new(cluster: &Cluster, databases: &[TestDatabase]) -> Self {
        let runtime = threads();
        let names: Vec<_> = databases.iter().map(|database| format!("'{}'", database.name())).collect();
        let mut eye = Self { runtime, clients: Vec::new(), names: names.join(", ") };
        let port = cluster.port();
        let connect = |database: &TestDatabase| {
            assert!(database.url().contains(&format!(":{port}/")), "a database of this cluster");
            eye.runtime.block_on(async {
                let url = format!("{}?application_name=eye", database.url());
                let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
                // It ends with its client, or with the server.
                tokio::spawn(async move { drop(connection.await) });
                client
            })
        };
        eye.clients = databases.iter().map(connect).collect();
        eye
    }

    /// Runs statements on one of the databases: the columns of a row apart by `|`.
    pub(crate) fn query(&self, database: usize, sql: &str) -> String {
        let answers = self.runtime.block_on(self.clients[database].simple_query(sql));
        let answers = answers.unwrap_or_else(|error| panic!("{error:?} in {sql}"));
        let rows = answers.iter().filter_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|index| row.get(index).unwrap_or("")).collect::<Vec<_>>().join("|"))
            }
            _ => None,
        });
        rows.collect::<Vec<_>>().join("\n")
    }

    /// Makes a database empty.
    pub(crate) fn empty(&self, database: usize) {
        self.query(database, "DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    }

    /// What is there when all is done: see the queries.
    pub(crate) fn fingerprint(&self, database: usize) -> String {
        let has_audit =
            !self.query(database, "SELECT to_regclass('public.sharded_migrations_audit')").is_empty();
        let audit = if has_audit { AUDIT } else { "SELECT 'no audit'" };
        self.query(database, &format!("{FINGERPRINT};\n{HISTORY};\n{audit}"))
    }

    /// The versions in the history that count as applied; none where there is no history.
    pub(crate) fn applied(&self, database: usize) -> Vec<i64> {
        if self.query(database, "SELECT to_regclass('public.sharded_migrations_history')").is_empty() {
            return Vec::new();
        }
        let rows =
            self.query(database, "SELECT version FROM sharded_migrations_history WHERE state = 'applied'");
        rows.lines().map(|row| row.parse().unwrap()).collect()
    }

    /// Waits until a run's session sleeps where the proxy let it.
    pub(crate) fn wait_for_sleep(&self, name: &str) {
        let asleep =
            format!("SELECT 1 FROM pg_stat_activity WHERE datname = '{name}' AND wait_event = 'PgSleep'");
        wait_for("the session to sleep", || (self.query(0, &asleep) == "1").then_some(()));
    }

    /// Ends sessions that sleep, as a server does that notices that their client is gone.
    pub(crate) fn end_sleepers(&self) {
        self.query(
            0,
            &format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname IN ({})",
                self.names
            ),
        );
    }

    /// Waits until no session and no lock is left of any run. A server hears of a connection's end
    /// after its client.
    pub(crate) fn wait_until_alone(&self) {
        let left = format!(
            "SELECT pid, query FROM pg_stat_activity WHERE datname IN ({0}) AND application_name <> 'eye' \
             UNION ALL SELECT pid, 'an advisory lock' FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
             WHERE locktype = 'advisory' AND datname IN ({0})",
            self.names
        );
        wait_for("sessions and locks to be gone", || self.query(0, &left).is_empty().then_some(()));
    }
}
