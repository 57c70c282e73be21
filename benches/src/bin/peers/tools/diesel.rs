//! diesel's migration harness: blocking, so each database takes a thread.

use std::sync::Arc;

use diesel::{Connection, PgConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use futures_util::future::BoxFuture;
use sharded_migrations_benches::{Result, set};
use sharded_migrations_tests::project::Project;

use crate::contender::Tool;

pub(crate) struct Diesel {
    migrations: FileBasedMigrations,
    /// The folder that they are in, for as long as they are used.
    _folder: Project,
}

impl Diesel {
    pub(crate) fn new() -> Result<Self> {
        let folder = set::diesel_folder(set::ALL);
        Ok(Self { migrations: FileBasedMigrations::from_path(folder.migrations_path())?, _folder: folder })
    }
}

impl Tool for Diesel {
    fn name(&self) -> &'static str {
        "diesel"
    }

    fn history(&self) -> Option<&'static str> {
        Some("__diesel_schema_migrations")
    }

    fn migrate(self: Arc<Self>, url: String, _applied: usize) -> BoxFuture<'static, Result> {
        Box::pin(async move {
            tokio::task::spawn_blocking(move || {
                let mut connection = PgConnection::establish(&url)?;
                connection.run_pending_migrations(self.migrations.clone())?;
                Ok(())
            })
            .await?
        })
    }
}
