//! sqlx's migrator.

use std::path::Path;
use std::str::FromStr;

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::{Result, file};

pub(crate) async fn migrate(url: &str, folder: &Path, table: Option<&String>) -> Result {
    let mut migrator = Migrator::new(folder).await?;
    if let Some(table) = table {
        migrator.dangerous_set_table_name(table.clone());
    }
    if file(url).is_some() {
        let options = SqliteConnectOptions::from_str(url)?.create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        migrator.run(&mut connection).await?;
        return Ok(connection.close().await?);
    }
    let mut connection = PgConnection::connect(url).await?;
    migrator.run(&mut connection).await?;
    Ok(connection.close().await?)
}
