//! Every statement that is ours. Names and texts of users go in quoted.

use sharded_migrations_core::{Direction, State, Version};

use crate::amend::Action;
use crate::engine::{
    AUDIT_TABLE, Change, Commits, Entry, HISTORY_TABLE, Mark, Progress, RowChange, Server, Since, Step,
};
use crate::step::Value;

/// One message, two statements: what the server and the database are, then the history.
///
/// The identity is the server's start (in microseconds), the database and the schema: it needs no
/// special right and is the same through every name and port. A history table that is on the
/// `search_path` already is the one to use; else it will be made in the current schema. A backend that is new
/// has to read each catalog that a query names, so this one names none (1259 is `pg_class`).
pub(super) const SURVEY: &str = "\
SELECT pg_catalog.pg_is_in_recovery(), \
pg_catalog.concat_ws('/', extract(epoch from pg_catalog.pg_postmaster_start_time()), pg_catalog.current_database()), \
coalesce(o.schema, pg_catalog.quote_ident(pg_catalog.current_schema())), \
pg_catalog.current_setting('server_version_num')::int >= 140000 AND pg_catalog.strpos(pg_catalog.version(), 'linux') > 0, \
o.schema IS NOT NULL OR pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE'), \
pg_catalog.current_setting('transaction_read_only'), \
CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off' THEN 'nothing' \
WHEN pg_catalog.current_setting('synchronous_standby_names') = '' THEN 'disk' ELSE 'others' END \
FROM pg_catalog.pg_identify_object(1259, pg_catalog.to_regclass('sharded_migrations_history'), 0) o;\n\
SELECT version, name, checksum, state, statements_done FROM sharded_migrations_history ORDER BY version";

/// The whole history, oldest first; times are those of Greenwich, whatever the session's zone is.
pub(super) fn history(schema: &str) -> String {
    format!(
        "SELECT version, name, checksum, state, statements_done, \
         pg_catalog.to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
         execution_ms, applied_by, host, application_version FROM {} h ORDER BY h.applied_at, version",
        table(schema)
    )
}

/// The whole audit, oldest first.
pub(super) fn audit_records(schema: &str) -> String {
    format!(
        "SELECT id, pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), who, host, \
         application_version, action, version, name, detail FROM {} ORDER BY id",
        audit_table(schema)
    )
}

/// All tables that are not the server's, a row for each column, and one for a table that has none.
pub(super) const TABLES: &str = "\
SELECT n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid), a.attname \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
ORDER BY 1, 2, a.attnum";

/// The schemas that are not the server's and have something in them, each with the number of its tables. A schema is what
/// others depend on; that of extensions alone counts too.
pub(super) const CONTENTS: &str = "\
SELECT pg_catalog.quote_ident(n.nspname), pg_catalog.count(c.oid) FROM pg_catalog.pg_namespace n \
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'f') \
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND (n.nspname <> 'public' OR EXISTS (SELECT 1 FROM pg_catalog.pg_depend d \
WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid)) GROUP BY n.nspname ORDER BY 1";

/// The statements that make the schema `public` as it is now, empty.
pub(super) const PUBLIC_AGAIN: &str = "\
SELECT pg_catalog.concat('CREATE SCHEMA public AUTHORIZATION ', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(nspowner)), \
';\nGRANT USAGE ON SCHEMA public TO PUBLIC', \
CASE WHEN pg_catalog.has_schema_privilege('public', 'public', 'CREATE') THEN ';\nGRANT CREATE ON SCHEMA public TO PUBLIC' END) \
FROM pg_catalog.pg_namespace WHERE nspname = 'public'";

/// Drops schemas, and makes `public` again where it is one of them.
pub(super) fn empty(schemas: &[String], public: Option<&str>) -> String {
    let drops: String = schemas.iter().map(|schema| format!("DROP SCHEMA {schema} CASCADE;\n")).collect();
    let again = public.filter(|_| schemas.iter().any(|schema| schema == "public"));
    let again = again.map(|again| format!("{again};\n")).unwrap_or_default();
    format!(
        "BEGIN;\nSET LOCAL lock_timeout = '10s';\nSET LOCAL client_min_messages = 'warning';\n{drops}{again}COMMIT"
    )
}

/// Takes the migration lock for the session.
pub(super) fn try_lock(schema: &str) -> String {
    format!("SELECT pg_catalog.pg_try_advisory_lock({})", lock_key(schema))
}

/// Takes the migration lock for a transaction, or fails with an error that the server's log is clear about.
pub(super) fn lock_or_fail(schema: &str) -> String {
    format!(
        "SELECT pg_catalog.current_setting('sharded_migrations: the migration lock is held by another session') \
         WHERE NOT pg_catalog.pg_try_advisory_xact_lock({})",
        lock_key(schema)
    )
}

/// Keeps everybody else from writing to the history until the transaction ends, or fails at once. Unlike a
/// query it leaves a migration free to choose its transaction's isolation level.
pub(super) fn lock_history(schema: &str) -> String {
    format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE NOWAIT", table(schema))
}

/// Who is at work there, as a text: holds the migration lock, or the history's.
pub(super) fn lock_holder(schema: &str) -> String {
    format!(
        "SELECT pg_catalog.format('pid %s (%s)', l.pid, \
         coalesce(nullif(a.application_name, ''), a.usename, 'unknown')) \
         FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid) \
         WHERE {} ORDER BY l.granted DESC LIMIT 1",
        is_at_work(schema),
    )
}

/// Who keeps whoever is at work there from going on, as a text. Whose session that is need not be known: the
/// lock is the run's, whatever pooler it goes through.
pub(super) fn table_lock_holder(schema: &str) -> String {
    format!(
        "SELECT CASE WHEN b.pid = 0 THEN 'a prepared transaction' ELSE pg_catalog.format('pid %s (%s%s)', b.pid, \
         coalesce(nullif(a.application_name, ''), a.usename, a.backend_type, 'unknown'), \
         CASE WHEN a.state LIKE 'idle in transaction%' THEN ', idle in a transaction' END) END \
         FROM pg_catalog.pg_locks l CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) b (pid) \
         LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid \
         WHERE {} AND l.granted LIMIT 1",
        is_at_work(schema),
    )
}

/// The rows of `pg_locks` that are of whoever migrates the database now.
fn is_at_work(schema: &str) -> String {
    format!(
        "l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
         AND (l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND ((l.classid::bigint << 32) | l.objid::bigint) = {} \
         OR l.locktype = 'relation' AND l.relation = pg_catalog.to_regclass({}) \
         AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'))",
        lock_key(schema),
        literal(&table(schema)),
    )
}

/// The server keeps the advisory locks of its databases apart; within one, a lock is a history
/// table's.
fn lock_key(schema: &str) -> String {
    format!("pg_catalog.hashtextextended({}, 0)", literal(&table(schema)))
}

/// Safe when two processes come here at once: the lock lets in one at a time. It has no CHECK: each would be
/// compiled by every new backend at its first row, some hundredths of what twenty migrations take.
pub(super) fn create_history(schema: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         version bigint PRIMARY KEY,\n\
         name text NOT NULL,\n\
         checksum text NOT NULL,\n\
         state text NOT NULL,\n\
         statements_done integer NOT NULL,\n\
         applied_at timestamptz NOT NULL,\n\
         execution_ms bigint NOT NULL,\n\
         applied_by text NOT NULL,\n\
         host text NOT NULL,\n\
         application_version text,\n\
         checkpoint text)",
        table(schema)
    )
}

/// Made when something is changed by hand for the first time.
fn create_audit(schema: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n\
         at timestamptz NOT NULL,\n\
         who text NOT NULL,\n\
         host text NOT NULL,\n\
         application_version text,\n\
         action text NOT NULL,\n\
         version bigint NOT NULL,\n\
         name text NOT NULL,\n\
         detail text)",
        audit_table(schema)
    )
}

/// Which of the two tables are there: to make one `IF NOT EXISTS` takes the right to make it, also where it does.
pub(super) fn tables(schema: &str) -> String {
    let is_there = |table: &str| format!("pg_catalog.to_regclass({}) IS NOT NULL", literal(table));
    format!("SELECT {}, {}", is_there(&table(schema)), is_there(&audit_table(schema)))
}

/// For a transaction that another one behind it makes durable with itself.
pub(super) const COMMIT_AT_ONCE: &str = "SET LOCAL synchronous_commit = off";

/// For a transaction whose role or database would not wait: what is told of as applied stays.
pub(super) const WAIT_FOR_DISK: &str = "SET LOCAL synchronous_commit = local";

/// Gives a session back its start when a migration is done with it, so that nothing leaks into the next: not
/// `DISCARD ALL`, which would take the lock as well. The role comes first, as the rest is ours to do.
pub(super) const RESET: [&str; 7] = [
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "CLOSE ALL",
    "UNLISTEN *",
    "DISCARD TEMP",
    "DEALLOCATE ALL",
];

/// Lets the client hear that a migration's row is written. The server holds back its answers until a message
/// ends, except for a notice (seen with 15): this one is that there is no such thing. What it is a notice of
/// is nothing that somebody's event trigger would keep from being dropped.
pub(super) const PROGRESS: &str = "DROP TEXT SEARCH PARSER IF EXISTS pg_temp.sharded_migrations";

/// Lets the server look now and then whether anybody still waits for its work: a migration whose
/// process is gone would otherwise hold its place in the queue for a table, and everybody behind it, for as
/// long as it waits. PostgreSQL 14 and later, where the system can tell (Linux; others refuse the setting).
const NOTICE_A_LOST_CLIENT: (&str, u128) = ("client_connection_check_interval", 2_000);

/// The settings of a migration.
pub(super) fn settings(server: &Server, step: &Step<'_>, set: &str) -> impl Iterator<Item = String> {
    let (name, interval) = NOTICE_A_LOST_CLIENT;
    let limit = |timeout: Option<std::time::Duration>| timeout.map(|timeout| timeout.as_millis());
    let settings = [
        (name, server.notices_lost_clients.then_some(interval)),
        ("lock_timeout", limit(step.limits.lock)),
        ("statement_timeout", limit(step.limits.statement)),
    ];
    settings.into_iter().filter_map(move |(name, value)| Some(format!("{set} {name} = {}", value?)))
}

/// The history row of a migration in a transaction. It refuses itself (a NULL version) unless the history is
/// what it should be.
///
/// A transaction's own start is that of the whole message, so the time counts from the row before, where
/// that is of the same message.
pub(super) fn insert_applied(schema: &str, step: &Step<'_>, since: Since, is_behind_another: bool) -> String {
    let before = if is_behind_another { "pg_catalog.max(applied_at)" } else { "NULL" };
    let elapsed = format!(
        "(extract(epoch from pg_catalog.clock_timestamp() - \
         coalesce({before}, pg_catalog.transaction_timestamp())) * 1000)::bigint"
    );
    insert(schema, step, since, "applied", step.script.statements.len(), &elapsed)
}

/// Deletes the history row of a migration that is taken back, and keeps in the audit table that it was. It
/// refuses itself (a NULL version there) unless the history is what it should be: what a statement counts is what
/// was there before it, its own deletion included.
pub(super) fn delete_applied(schema: &str, step: &Step<'_>, since: Since) -> String {
    let migration = step.migration;
    format!(
        "WITH gone AS (DELETE FROM {table} WHERE version = {version}) \
         INSERT INTO {audit} (at, who, host, application_version, action, version, name) \
         SELECT pg_catalog.clock_timestamp(), session_user, {host}, {application_version}, '{action}', {guarded}, {name} \
         FROM {table}",
        table = table(schema),
        audit = audit_table(schema),
        version = migration.version,
        host = literal(&step.who.host),
        application_version = or_null(step.who.application_version.as_deref()),
        action = Action::Down,
        guarded = if_it_is_there(step, since),
        name = literal(&migration.name),
    )
}

/// The version of a migration that is to be taken back, unless the history is another than it should be.
fn if_it_is_there(step: &Step<'_>, Since { rows, sum, .. }: Since) -> String {
    let version = step.migration.version;
    format!(
        "CASE WHEN pg_catalog.count(*) = {rows} AND coalesce(pg_catalog.sum(version), 0) = {sum} \
         AND pg_catalog.count(*) FILTER (WHERE version = {version} AND checksum = '{}') = 1 THEN {version} END",
        step.migration.checksum
    )
}

/// The history row of a migration outside a transaction, at each stage of it. The first one also
/// makes the settings, for the whole session.
pub(super) fn record(
    schema: &str,
    server: &Server,
    tables: Tables,
    step: &Step<'_>,
    progress: Progress,
) -> String {
    let version = step.migration.version;
    let table = table(schema);
    let settings =
        || settings(server, step, "SET").map(|setting| format!(";\n{setting}")).collect::<String>();
    let reset = || RESET.map(|reset| format!(";\n{reset}")).concat();
    let wait = wait_for_disk(server);
    // The migration may have set both for its own statements.
    let change = |change: String| {
        format!(
            "BEGIN;\nSET LOCAL lock_timeout = '1min';\nSET LOCAL synchronous_commit TO DEFAULT;\n{wait}{change};\nCOMMIT"
        )
    };
    let update = |set: String| change(format!("UPDATE {table} SET {set} WHERE version = {version}"));
    let state = State::running(step.direction).as_str();
    let create: String = tables.missing(schema).map(|create| create + ";\n").collect();
    match progress {
        Progress::Started(since) => {
            let row = match step.direction {
                Direction::Up => insert(schema, step, since, state, 0, "0"),
                Direction::Down => begin_to_undo(schema, step, since, state),
            };
            format!("BEGIN;\n{create}{};\n{row};\nCOMMIT{}", lock_history(schema), settings())
        }
        Progress::Resumed(done) => {
            // A step in Rust may have been mended since.
            let checksum = match step.direction {
                Direction::Up => format!(", checksum = '{}'", step.migration.checksum),
                Direction::Down => String::new(),
            };
            let update = format!("UPDATE {table} SET state = '{state}', statements_done = {done}{checksum}");
            change(format!("{create}{update} WHERE version = {version}")) + &settings()
        }
        Progress::Statements(done) => update(format!("statements_done = {done}")),
        Progress::Paused(done) => {
            let state = State::paused(step.direction).as_str();
            update(format!("state = '{state}', statements_done = {done}")) + &reset()
        }
        Progress::Finished(elapsed) => {
            let finish = match step.direction {
                Direction::Up => update(format!(
                    "state = 'applied', applied_at = pg_catalog.clock_timestamp(), execution_ms = {}",
                    elapsed.as_millis()
                )),
                Direction::Down => {
                    let delete = format!("DELETE FROM {table} WHERE version = {version}");
                    let entry = Entry { action: Action::Down, who: step.who.clone() };
                    change(format!(
                        "{delete};\n{}",
                        audit(schema, version, &step.migration.name, None, &entry)
                    ))
                }
            };
            finish + &reset()
        }
    }
}

/// Makes the row of an applied migration one that is being taken back: it is there already, so it is changed. It
/// refuses itself as [`delete_applied`] does.
fn begin_to_undo(schema: &str, step: &Step<'_>, since: Since, state: &str) -> String {
    let guarded = if_it_is_there(step, since);
    insert_guarded(schema, step, &guarded, state, 0, "0")
        + " ON CONFLICT (version) DO UPDATE SET state = EXCLUDED.state, statements_done = 0"
}

/// Which of our tables are there, and needed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables {
    pub(super) has_history: bool,
    pub(super) has_audit: bool,
}

impl Tables {
    /// All that applying migrations needs.
    pub(super) fn to_apply(since: Since) -> Self {
        Self { has_history: since.has_history, has_audit: true }
    }

    /// What makes the missing ones.
    pub(super) fn missing(self, schema: &str) -> impl Iterator<Item = String> {
        let all = [(self.has_history, create_history(schema)), (self.has_audit, create_audit(schema))];
        all.into_iter().filter(|(is_there, _)| !is_there).map(|(_, create)| create)
    }
}

/// Rows that somebody changes by hand, in one transaction. It is typed by hand, so it says soon that somebody
/// else has locked the table.
pub(super) fn change_rows(
    schema: &str,
    server: &Server,
    tables: Tables,
    changes: &[RowChange],
    entry: &Entry,
) -> String {
    let mut message = format!("BEGIN;\nSET LOCAL lock_timeout = '10s';\n{}", wait_for_disk(server));
    for create in tables.missing(schema) {
        message.push_str(&format!("{create};\n"));
    }
    for change in changes {
        message.push_str(&format!(
            "{};\n{};\n",
            change_row(schema, change, entry),
            audit(schema, change.version, &change.name, change.detail.as_deref(), entry)
        ));
    }
    message + "COMMIT"
}

fn change_row(schema: &str, row: &RowChange, entry: &Entry) -> String {
    let (table, version, name) = (table(schema), row.version, literal(&row.name));
    match &row.change {
        Change::Paused(done) => {
            format!("UPDATE {table} SET state = 'paused', statements_done = {done} WHERE version = {version}")
        }
        Change::Applied { checksum, statements } => format!(
            "UPDATE {table} SET state = 'applied', name = {name}, checksum = '{checksum}', \
             statements_done = {statements}, applied_at = pg_catalog.clock_timestamp() WHERE version = {version}"
        ),
        Change::Accepted(checksum) => {
            format!("UPDATE {table} SET name = {name}, checksum = '{checksum}' WHERE version = {version}")
        }
        Change::Restored { statements } => format!(
            "UPDATE {table} SET state = 'applied', statements_done = {statements} WHERE version = {version}"
        ),
        Change::Deleted => format!("DELETE FROM {table} WHERE version = {version}"),
        Change::Recorded { checksum, statements, applied_at } => {
            let applied_at = applied_at.as_deref().map_or("pg_catalog.clock_timestamp()".to_owned(), literal);
            format!(
                "INSERT INTO {table} (version, name, checksum, state, statements_done, applied_at, execution_ms, \
                 applied_by, host, application_version) VALUES ({version}, {name}, '{checksum}', 'applied', \
                 {statements}, {applied_at}, 0, session_user, {host}, {application_version})",
                host = literal(&entry.who.host),
                application_version = or_null(entry.who.application_version.as_deref()),
            )
        }
    }
}

/// What the audit keeps of a change.
fn audit(schema: &str, version: Version, name: &str, detail: Option<&str>, entry: &Entry) -> String {
    format!(
        "INSERT INTO {} (at, who, host, application_version, action, version, name, detail) VALUES \
         (pg_catalog.clock_timestamp(), session_user, {}, {}, '{}', {version}, {}, {})",
        audit_table(schema),
        literal(&entry.who.host),
        or_null(entry.who.application_version.as_deref()),
        entry.action,
        literal(name),
        or_null(detail),
    )
}

/// Whether the history has a column for checkpoints, which older ones have not.
pub(super) fn has_checkpoints(schema: &str) -> String {
    format!(
        "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) \
         AND attname = 'checkpoint' AND NOT attisdropped",
        literal(&table(schema))
    )
}

/// Gives it one.
pub(super) fn add_checkpoints(schema: &str) -> String {
    format!("ALTER TABLE {} ADD COLUMN IF NOT EXISTS checkpoint text", table(schema))
}

/// The checkpoint of a migration.
pub(super) fn checkpoint(schema: &str, version: Version) -> String {
    format!("SELECT checkpoint FROM {} WHERE version = {version}", table(schema))
}

/// Saves a checkpoint in the transaction that is open, and commits that. The row refuses itself (a NULL name) where it is
/// no longer as this run has left it.
pub(super) fn save(schema: &str, server: &Server, mark: Mark<'_>) -> String {
    let Mark { version, before, now, ends_part } = mark;
    let (begin, before) = (if ends_part { "" } else { "BEGIN;\n" }, or_null(before));
    format!(
        "{begin}SET LOCAL lock_timeout = '1min';\nSET LOCAL synchronous_commit TO DEFAULT;\n{wait}\
         UPDATE {table} SET checkpoint = {now}, name = CASE WHEN state = 'started' \
         AND checkpoint IS NOT DISTINCT FROM {before} THEN name END WHERE version = {version};\nCOMMIT",
        wait = wait_for_disk(server),
        table = table(schema),
        now = literal(now),
    )
}

/// Fails unless the transaction still has the lock on the history that it began with.
pub(super) fn still_locked_or_fail(schema: &str) -> String {
    format!(
        "SELECT pg_catalog.current_setting('sharded_migrations: the step has ended its transaction') \
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'relation' \
         AND pid = pg_catalog.pg_backend_pid() AND relation = pg_catalog.to_regclass({}) \
         AND mode = 'ShareRowExclusiveLock' AND granted)",
        literal(&table(schema))
    )
}

/// What a transaction begins with, where it would not wait by itself.
fn wait_for_disk(server: &Server) -> String {
    if server.commits == Commits::Nothing { format!("{WAIT_FOR_DISK};\n") } else { String::new() }
}

fn insert(schema: &str, step: &Step<'_>, since: Since, state: &str, done: usize, elapsed: &str) -> String {
    let Since { rows, sum, .. } = since;
    let guarded = format!(
        "CASE WHEN pg_catalog.count(*) = {rows} AND coalesce(pg_catalog.sum(version), 0) = {sum} THEN {} END",
        step.migration.version
    );
    insert_guarded(schema, step, &guarded, state, done, elapsed)
}

fn insert_guarded(
    schema: &str,
    step: &Step<'_>,
    guarded: &str,
    state: &str,
    done: usize,
    elapsed: &str,
) -> String {
    let migration = step.migration;
    let application_version = or_null(step.who.application_version.as_deref());
    format!(
        "INSERT INTO {table} (version, name, checksum, state, statements_done, applied_at, execution_ms, \
         applied_by, host, application_version) \
         SELECT {guarded}, {name}, '{checksum}', '{state}', {done}, pg_catalog.clock_timestamp(), {elapsed}, \
         session_user, {host}, {application_version} FROM {table}",
        table = table(schema),
        name = literal(&migration.name),
        checksum = migration.checksum,
        host = literal(&step.who.host),
    )
}

/// What there is of an index: nothing, or its full name and whether it is valid.
pub(super) fn index_of(index: &str, table: &str) -> String {
    format!(
        "SELECT c.oid::regclass, i.indisvalid FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid = pg_catalog.to_regclass({}) AND c.relname = (pg_catalog.parse_ident({}))[1]::name",
        literal(table),
        literal(index)
    )
}

/// Whether there is an index of that name.
pub(super) fn has_relation(name: &str) -> String {
    format!("SELECT 1 WHERE pg_catalog.to_regclass({}) IS NOT NULL", literal(name))
}

/// A commit that waits for the disk, and with it for all before it. A row of the history would do as well,
/// but for whoever has locked that.
pub(super) const SETTLE: &str = "BEGIN; SET LOCAL synchronous_commit = local; \
    SELECT pg_catalog.pg_logical_emit_message(true, 'sharded_migrations', ''); COMMIT";

/// The history table; a schema's name is quoted where it has to be, as the server gives it.
fn table(schema: &str) -> String {
    format!("{schema}.{HISTORY_TABLE}")
}

/// The table beside it that says what was changed by hand.
fn audit_table(schema: &str) -> String {
    format!("{schema}.{AUDIT_TABLE}")
}

/// A text for the server, if there is one.
fn or_null(text: Option<&str>) -> String {
    text.map_or("NULL".to_owned(), literal)
}

/// A value of a step, in a place whose type the server finds out: a quoted one may become any.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(value) => literal(&value.to_string()),
        Value::Integer(value) => literal(&value.to_string()),
        Value::Real(value) if value.is_infinite() => {
            literal(if *value > 0.0 { "Infinity" } else { "-Infinity" })
        }
        Value::Real(value) => literal(&value.to_string()),
        Value::Text(text) => literal(text),
        Value::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            literal(&format!("\\x{digits}"))
        }
    }
}

/// A text for the server, read alike with `standard_conforming_strings` on and off.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
