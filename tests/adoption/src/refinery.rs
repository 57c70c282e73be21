//! refinery, over tokio-postgres and rusqlite.

use std::path::Path;

use refinery::{Runner, load_sql_migrations};
use tokio_postgres::NoTls;

use crate::{Result, file};

pub(crate) async fn migrate(url: &str, folder: &Path, table: Option<&String>) -> Result {
    let mut runner = Runner::new(&load_sql_migrations(folder)?);
    if let Some(table) = table {
        runner.set_migration_table_name(table);
    }
    if let Some(file) = file(url) {
        runner.run(&mut rusqlite::Connection::open(file)?)?;
        return Ok(());
    }
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    runner.run_async(&mut client).await?;
    drop(client);
    Ok(connection.await??)
}
