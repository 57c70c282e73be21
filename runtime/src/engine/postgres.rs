//! PostgreSQL, through tokio-postgres. Only the simple query protocol is used: what goes over the
//! wire is the text of the migrations, and nothing has to be prepared.

mod connect;
mod failure;
mod sql;

use std::str::FromStr;

use async_trait::async_trait;
use futures_util::StreamExt;
use sharded_migrations_core::HistoryRow;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::{Engine, Facts, Lock, Progress, Session, Step, history_row};
use crate::error::{DatabaseError, SqlPlace};
use crate::fleet::Target;
use connect::Driver;
use failure::{describe, describe_at, exchanges_data};

/// The engine.
pub(super) struct Postgres;

#[async_trait]
impl Engine for Postgres {
    async fn connect(&self, target: &Target) -> Result<Box<dyn Session>, DatabaseError> {
        let (client, driver) = connect::connect(target.url.expose()).await?;
        Ok(Box::new(PostgresSession { client, driver, schema: None }))
    }
}

struct PostgresSession {
    client: Client,
    driver: Driver,
    /// The schema of the history table, once a survey has told.
    schema: Option<String>,
}

#[async_trait]
impl Session for PostgresSession {
    async fn survey(&mut self) -> Result<Facts, DatabaseError> {
        // One message. Where there is no history table its second statement fails, after the
        // first one's row has come.
        let answers = self.client.simple_query_raw(sql::SURVEY).await.map_err(|error| describe(&error))?;
        let mut answers = std::pin::pin!(answers);
        let mut about: Option<About> = None;
        let mut history = Vec::new();
        let mut has_history = true;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(SimpleQueryMessage::Row(row)) if about.is_none() => about = Some(About::read(&row)?),
                Ok(SimpleQueryMessage::Row(row)) => history.push(row_of_history(&row)?),
                Ok(_) => {}
                Err(error) if about.is_some() && error.code() == Some(&SqlState::UNDEFINED_TABLE) => {
                    has_history = false
                }
                Err(error) => return Err(describe(&error)),
            }
        }
        let about = about.ok_or_else(|| DatabaseError::new("the server did not answer the survey"))?;
        self.schema = about.schema;
        let obstacle = self.schema().err();
        Ok(Facts { identity: about.identity, is_replica: about.is_replica, has_history, history, obstacle })
    }

    async fn try_lock(&mut self) -> Result<Lock, DatabaseError> {
        let row = self.row(&sql::try_lock(self.schema()?)).await?;
        if row.get(0) == Some("t") {
            return Ok(Lock::Taken);
        }
        let holder = self.row(&sql::lock_holder(self.schema()?)).await?;
        Ok(Lock::Held(holder.get(0).map(str::to_owned)))
    }

    async fn create_history(&mut self) -> Result<(), DatabaseError> {
        self.run(&sql::create_history(self.schema()?)).await
    }

    async fn apply(&mut self, step: &Step<'_>) -> Result<(), DatabaseError> {
        let message = sql::transaction(self.schema()?, step);
        let place = |place| match place {
            SqlPlace::Byte(byte) => byte
                .checked_sub(message.before.len())
                .filter(|byte| *byte <= step.sql.len())
                .map(SqlPlace::Byte),
            SqlPlace::Statement(index) => {
                index.checked_sub(message.statements_before).map(SqlPlace::Statement)
            }
        };
        let text = [message.before.as_str(), step.sql, message.after.as_str()].concat();
        match self.run(&text).await {
            Ok(()) => Ok(()),
            Err(mut error) => {
                error.place = error.place.and_then(place);
                Err(error)
            }
        }
    }

    async fn record(&mut self, step: &Step<'_>, progress: Progress) -> Result<(), DatabaseError> {
        self.run(&sql::record(self.schema()?, step, progress)).await
    }

    async fn statement(&mut self, sql: &str) -> Result<(), DatabaseError> {
        // Alone in its message: two statements in one message would be one transaction.
        self.run(sql).await
    }

    async fn close(self: Box<Self>) {
        let Self { client, driver, .. } = *self;
        drop(client);
        driver.end().await;
    }
}

impl PostgresSession {
    fn schema(&self) -> Result<&str, DatabaseError> {
        self.schema.as_deref().ok_or_else(|| {
            DatabaseError::new("no schema of the connection's `search_path` exists, so there is none for the history table")
                .help("create the schema, or set a `search_path` for the role: `ALTER ROLE .. SET search_path = ..`")
        })
    }

    /// Sends one message. An error's place says how many statements were done before it.
    async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        let answers = self.client.simple_query_raw(sql).await.map_err(|error| describe(&error))?;
        let mut answers = std::pin::pin!(answers);
        let mut done = 0;
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(SimpleQueryMessage::CommandComplete(_)) => done += 1,
                Ok(_) => {}
                Err(error) => {
                    if exchanges_data(&error) {
                        self.driver.cut();
                    }
                    return Err(describe_at(&error, sql, done));
                }
            }
        }
        Ok(())
    }

    /// The one row of a query.
    async fn row(&self, sql: &str) -> Result<SimpleQueryRow, DatabaseError> {
        let answers = self.client.simple_query(sql).await.map_err(|error| describe(&error))?;
        let row = answers.into_iter().find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        row.ok_or_else(|| DatabaseError::new("the server answered without a row"))
    }
}

/// The first row of a survey.
struct About {
    is_replica: bool,
    identity: String,
    schema: Option<String>,
}

impl About {
    fn read(row: &SimpleQueryRow) -> Result<Self, DatabaseError> {
        Ok(Self {
            is_replica: column(row, 0)? == "t",
            identity: column(row, 1)?.to_owned(),
            schema: row.get(2).map(str::to_owned),
        })
    }
}

fn row_of_history(row: &SimpleQueryRow) -> Result<HistoryRow, DatabaseError> {
    let name = column(row, 1)?.to_owned();
    history_row(number(row, 0)?, name, column(row, 2)?, column(row, 3)?, number(row, 4)?)
}

/// A column that the server keeps as a whole number.
fn number<T: FromStr>(row: &SimpleQueryRow, index: usize) -> Result<T, DatabaseError> {
    let text = column(row, index)?;
    text.parse().map_err(|_| {
        DatabaseError::new(format!("the server's answer `{text}` is not the number it should be"))
    })
}

fn column(row: &SimpleQueryRow, index: usize) -> Result<&str, DatabaseError> {
    let value = row.try_get(index).ok().flatten();
    value.ok_or_else(|| {
        DatabaseError::new(format!("the server left column {} of its answer empty", index + 1))
    })
}
