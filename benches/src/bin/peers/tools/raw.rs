//! The limit: the least that has to go over the wire, with nothing that makes it safe.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sharded_migrations_benches::server::whole;
use sharded_migrations_benches::{Result, set};
use tokio_postgres::NoTls;

use crate::contender::{RAW, Tool};

/// Which commits wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commits {
    /// All, as by the server's default.
    Synchronous,
    /// The last one, which takes the earlier ones with it.
    LastOnly,
}

/// One simple-query message for a database: all that is pending, each migration in a transaction of its
/// own. No lock and no history. Where nothing is pending, it reads a table such as a history is.
pub(crate) struct Raw(pub(crate) Commits);

impl Tool for Raw {
    fn name(&self) -> &'static str {
        match self.0 {
            Commits::Synchronous => RAW,
            Commits::LastOnly => "raw async",
        }
    }

    fn history(&self) -> Option<&'static str> {
        None
    }

    fn preparation(&self) -> &'static str {
        "CREATE TABLE raw_history (version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now());
        INSERT INTO raw_history (version, name, checksum)
            SELECT version, 'migration ' || version, repeat('0', 64) FROM generate_series(1, 20) AS version;"
    }

    fn migrate(self: Arc<Self>, url: String, applied: usize) -> BoxFuture<'static, Result> {
        Box::pin(async move {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            let connection = tokio::spawn(connection);
            client.simple_query(&self.message(applied)).await.map_err(|error| whole(&error))?;
            drop(client);
            Ok(connection.await??)
        })
    }
}

impl Raw {
    fn message(&self, applied: usize) -> String {
        if applied == set::ALL {
            return "SELECT version, name, checksum FROM raw_history ORDER BY version".to_owned();
        }
        let transaction = |(version, _, sql)| {
            let setting = match self.0 {
                Commits::LastOnly if version < set::ALL => "SET LOCAL synchronous_commit = off;",
                _ => "",
            };
            format!("BEGIN;{setting}\n{sql}\n;COMMIT;\n")
        };
        set::numbered().skip(applied).map(transaction).collect()
    }
}
