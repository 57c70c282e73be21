//! A streaming replica.

use std::process::Command;

use super::Binaries;
use super::client::{admin_url, must_psql, psql};
use super::database::unique_name;
use super::server::Server;
use crate::poll::wait_for;

/// A hot standby that streams from a [`Cluster`](super::Cluster).
#[derive(Debug)]
pub struct Replica {
    port: u16,
    primary_port: u16,
    /// None when another process, `cargo xtask test`, started it.
    _server: Option<Server>,
}

impl Replica {
    /// Copies the primary and starts the copy. The slot makes the primary keep what a slow copy has
    /// yet to read.
    pub(super) fn start(primary_port: u16) -> Self {
        let server = Server::launch(|watchdog, data| {
            let mut command = Command::new(Binaries::get().path("pg_basebackup"));
            command
                .args(["-R", "-X", "stream", "--checkpoint=fast", "--no-sync"])
                .args(["-C", "-S", &unique_name("replica")])
                .args(["-d", &admin_url(primary_port, "postgres"), "-D"])
                .arg(data);
            let copied = watchdog.run(&command);
            copied.unwrap_or_else(|error| panic!("cannot copy the primary: {error}"));
        });
        Self { port: server.port(), primary_port, _server: Some(server) }
    }

    pub(super) fn attach(primary_port: u16, port: u16) -> Self {
        Self { port, primary_port, _server: None }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's URL of a database on the replica.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        admin_url(self.port, database)
    }

    /// Runs a script on a database of the replica; see [`psql`](super::psql()).
    ///
    /// # Panics
    ///
    /// With the server's message, when a statement fails.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        must_psql(&self.url(database), sql)
    }

    /// Waits until the replica shows all that was committed on the primary before the call.
    ///
    /// # Panics
    ///
    /// When it takes longer than a minute.
    pub fn wait_until_caught_up(&self) {
        // The commit of the message flushes all before it, asynchronous commits too. Only then is
        // the position of the flush one that the replica is sure to reach, even if nothing is
        // written afterwards.
        let position = must_psql(
            &admin_url(self.primary_port, "postgres"),
            "SET synchronous_commit = on;
             DO $$ BEGIN PERFORM pg_logical_emit_message(true, 'harness', ''); END $$;
             SELECT pg_current_wal_flush_lsn();",
        );
        let url = self.url("postgres");
        let query = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
        wait_for("the replica to catch up", || (psql(&url, &query).as_deref() == Ok("t")).then_some(()));
    }
}
