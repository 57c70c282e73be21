//! Throw-away databases.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Binaries;
use super::client::{admin_url, must_psql, psql, url};
use super::cluster::Node;
use crate::process::{client_command, run};

/// A database of one test. It is dropped with this value, whoever is connected to it.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    node: Arc<Node>,
}

impl TestDatabase {
    pub(super) fn create(node: &Arc<Node>, hint: &str, template: &str) -> Self {
        let name = unique_name(hint);
        must_psql(&admin_url(node.port, "postgres"), &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        Self { name, node: Arc::clone(node) }
    }

    /// The database's name, unique in its cluster. It needs no quotes in SQL.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The superuser's URL: `postgres://user:password@127.0.0.1:port/name`.
    #[must_use]
    pub fn url(&self) -> String {
        admin_url(self.node.port, &self.name)
    }

    /// The URL of someone else, a [`TestRole`](super::TestRole) for one.
    #[must_use]
    pub fn url_with_user(&self, user: &str, password: &str) -> String {
        url(user, password, self.node.port, &self.name)
    }

    /// The superuser's URL of this database on the replica, which is started if need be and has
    /// caught up: it has this database, and all that was committed in it so far.
    ///
    /// # Panics
    ///
    /// When the replica does not start, or does not catch up within a minute.
    #[must_use]
    pub fn replica_url(&self) -> String {
        let replica = self.node.replica();
        replica.wait_until_caught_up();
        replica.url(&self.name)
    }

    /// Runs a script as the superuser; see [`psql`](super::psql()).
    ///
    /// # Panics
    ///
    /// With the server's message, when a statement fails.
    pub fn psql(&self, sql: &str) -> String {
        must_psql(&self.url(), sql)
    }

    /// Runs a script as the superuser; see [`psql`](super::psql()).
    ///
    /// # Errors
    ///
    /// What `psql` wrote to standard error.
    pub fn try_psql(&self, sql: &str) -> Result<String, String> {
        psql(&self.url(), sql)
    }

    /// The schema as SQL, the same text for the same schema whenever and of whichever database it
    /// is taken.
    ///
    /// # Panics
    ///
    /// When `pg_dump` fails.
    #[must_use]
    pub fn dump_schema(&self) -> String {
        self.dump(&[])
    }

    /// The schema without the tables that match a pattern of `psql`, such as `*_history`.
    ///
    /// # Panics
    ///
    /// When `pg_dump` fails.
    #[must_use]
    pub fn dump_schema_without(&self, tables: &str) -> String {
        self.dump(&[&format!("--exclude-table={tables}")])
    }

    fn dump(&self, options: &[&str]) -> String {
        let text = run(client_command(Binaries::get().path("pg_dump"))
            .args(["--schema-only", "-d", &self.url()])
            .args(options));
        let text = text.unwrap_or_else(|error| panic!("cannot dump {}: {error}", self.name));
        // Newer versions wrap a dump into \restrict and \unrestrict with a random word, and say who
        // made it.
        let is_stable = |line: &&str| {
            !["\\restrict ", "\\unrestrict ", "-- Dumped "].iter().any(|start| line.starts_with(start))
        };
        text.lines().filter(is_stable).flat_map(|line| [line, "\n"]).collect()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A test may have stopped the server, and then the database goes with its folder.
        let _ = psql(
            &admin_url(self.node.port, "postgres"),
            &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name),
        );
    }
}

/// A name that nobody else uses in a cluster, in lower case and free of anything that SQL would
/// want quoted.
pub(super) fn unique_name(hint: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // A name has room for 63 bytes, and must not begin with a digit.
    let hint: String = hint
        .chars()
        .take(36)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    format!("t_{hint}_{}_{number}", process::id())
}
