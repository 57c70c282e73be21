//! refinery, over tokio-postgres.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use refinery::{Migration, Runner};
use sharded_migrations_benches::{Result, set};
use tokio_postgres::NoTls;

use crate::contender::Tool;

pub(crate) struct Refinery(Vec<Migration>);

impl Refinery {
    pub(crate) fn new() -> Result<Self> {
        let migration = |(version, name, sql)| Ok(Migration::unapplied(&format!("V{version}__{name}"), sql)?);
        Ok(Self(set::numbered().map(migration).collect::<Result<_>>()?))
    }
}

impl Tool for Refinery {
    fn name(&self) -> &'static str {
        "refinery"
    }

    fn history(&self) -> Option<&'static str> {
        Some("refinery_schema_history")
    }

    fn migrate(self: Arc<Self>, url: String, _applied: usize) -> BoxFuture<'static, Result> {
        Box::pin(async move {
            let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await?;
            let connection = tokio::spawn(connection);
            Runner::new(&self.0).run_async(&mut client).await?;
            drop(client);
            Ok(connection.await??)
        })
    }
}
