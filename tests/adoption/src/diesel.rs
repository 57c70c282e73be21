//! diesel's migration harness.

use std::path::Path;

use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};

use crate::{Result, file};

pub(crate) fn migrate(url: &str, folder: &Path) -> Result {
    let migrations = FileBasedMigrations::from_path(folder)?;
    let migrated = match file(url) {
        Some(file) => SqliteConnection::establish(file)?.run_pending_migrations(migrations).map(|_| ()),
        None => PgConnection::establish(url)?.run_pending_migrations(migrations).map(|_| ()),
    };
    migrated.map_err(|error| error.to_string().into())
}
