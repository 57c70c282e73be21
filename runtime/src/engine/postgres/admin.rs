//! A connection to a server for what is not about a database's migrations.

use tokio_postgres::Client;

use super::connect::{self, Driver};
use super::failure::describe;
use super::rows;
use crate::error::DatabaseError;

/// A session that runs one statement at a time.
pub(crate) struct Admin {
    client: Client,
    driver: Driver,
}

impl Admin {
    pub(crate) async fn connect(url: &str) -> Result<Self, DatabaseError> {
        let (client, driver) = connect::connect(url, None).await?;
        Ok(Self { client, driver })
    }

    pub(crate) async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.column(sql).await.map(drop)
    }

    /// The first column of a result.
    pub(crate) async fn column(&self, sql: &str) -> Result<Vec<String>, DatabaseError> {
        let rows = rows(&self.client, sql).await.map_err(|error| describe(&error))?;
        Ok(rows.iter().filter_map(|row| row.get(0).map(str::to_owned)).collect())
    }

    pub(crate) async fn close(self) {
        drop(self.client);
        self.driver.end().await;
    }
}
