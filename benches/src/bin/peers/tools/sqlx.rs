//! sqlx's migrator.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sharded_migrations_benches::{Result, set};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr};

use crate::contender::Tool;

pub(crate) struct Sqlx(Migrator);

impl Sqlx {
    pub(crate) fn new() -> Self {
        let migration = |(version, name, sql): (usize, &'static str, &'static str)| {
            Migration::new(version as i64, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
        };
        Self(Migrator::with_migrations(set::numbered().map(migration).collect()))
    }
}

impl Tool for Sqlx {
    fn name(&self) -> &'static str {
        "sqlx"
    }

    fn history(&self) -> Option<&'static str> {
        Some("_sqlx_migrations")
    }

    fn migrate(self: Arc<Self>, url: String, _applied: usize) -> BoxFuture<'static, Result> {
        Box::pin(async move {
            let mut connection = PgConnection::connect(&url).await?;
            // What `run` does once it has acquired the connection; `run` itself cannot be spawned with one.
            self.0.run_direct(None, &mut connection, false).await?;
            Ok(connection.close().await?)
        })
    }
}
