//! A migration that is written in Rust: statement by statement, in a transaction that begins and ends as that of SQL does.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::types::{Value as Stored, ValueRef};
use sharded_migrations_core::Version;

use super::{SqliteSession, batch, describe, sql, transaction};
use crate::engine::client::{in_statement, row_was_changed};
use crate::engine::{Answer, Client, Mark, Since, Step, Stop, Why};
use crate::error::DatabaseError;
use crate::step::{Row, Value};

#[async_trait]
impl Client for SqliteSession {
    async fn begin(&mut self, _: &Step<'_>, since: Since) -> Result<(), Stop> {
        self.prepare(since).await.map_err(Stop::at_once)?;
        let began = self.blocking(|session| transaction::begin(session.open_anew()?)).await;
        began.map_err(|error| Stop::at_once(Why::Failed(error)))
    }

    async fn commit(&mut self, step: &Step<'_>, _: Since, started: Instant) -> Result<(), Stop> {
        let row = sql::Row::since(step, started);
        let ended = self.blocking(move |session| {
            let path = session.path.clone();
            transaction::end(session.open()?, &path, &row, Ok(()))
        });
        ended.await.map_err(|error| Stop::at_once(Why::Failed(error)))
    }

    async fn roll_back(&mut self) {
        let undone = self.blocking(|session| {
            let connection = session.open()?;
            transaction::may_end(connection)?;
            transaction::roll_back(connection);
            Ok(())
        });
        let _ = undone.await;
    }

    async fn query(&mut self, text: &str, values: &[Value]) -> Result<Answer, DatabaseError> {
        let (text, values) = (text.to_owned(), values.to_vec());
        self.blocking(move |session| {
            query(session.open()?, &text, &values).map_err(|error| in_statement(describe(&error), &text))
        })
        .await
    }

    async fn batch(&mut self, text: &str) -> Result<(), DatabaseError> {
        let text = text.to_owned();
        self.blocking(move |session| {
            batch(session.open()?, &text).map(drop).map_err(|error| in_statement(error, &text))
        })
        .await
    }

    async fn checkpoint(&mut self, version: Version) -> Result<Option<String>, DatabaseError> {
        self.blocking(move |session| {
            let failed = |error: rusqlite::Error| describe(&error);
            let connection = session.open()?;
            if !sql::has_checkpoints(connection).map_err(failed)? {
                connection.execute_batch(&sql::add_checkpoints()).map_err(failed)?;
            }
            sql::checkpoint(connection, version.get()).map_err(failed)
        })
        .await
    }

    async fn begin_part(&mut self) -> Result<(), DatabaseError> {
        self.blocking(|session| {
            let connection = session.open()?;
            connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| describe(&error))?;
            transaction::keep_open(connection)
        })
        .await
    }

    async fn save(&mut self, mark: Mark<'_>) -> Result<(), DatabaseError> {
        let Mark { version, before, now, ends_part } = mark;
        let (before, now) = (before.map(str::to_owned), now.to_owned());
        self.blocking(move |session| {
            let connection = session.open()?;
            transaction::may_end(connection)?;
            let saved = save(connection, version.get(), before.as_deref(), &now, ends_part);
            if saved.is_err() {
                transaction::roll_back(connection);
            }
            saved
        })
        .await
    }
}

fn save(
    connection: &Connection,
    version: i64,
    before: Option<&str>,
    now: &str,
    ends_part: bool,
) -> Result<(), DatabaseError> {
    let failed = |error: rusqlite::Error| describe(&error);
    if ends_part && connection.is_autocommit() {
        return Err(DatabaseError::new("the step ended the transaction it began")
            .help("remove what ends it, such as `ON CONFLICT ROLLBACK`"));
    }
    if !sql::save(connection, version, before, now).map_err(failed)? {
        return Err(row_was_changed());
    }
    if ends_part { connection.execute_batch("COMMIT").map_err(failed) } else { Ok(()) }
}

fn query(connection: &Connection, text: &str, values: &[Value]) -> rusqlite::Result<Answer> {
    let mut statement = connection.prepare(text)?;
    // SQLite counts `$1` as a name: what counts is the number in it.
    let mut bound = 0;
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name[1..].parse().ok()).unwrap_or(index);
        let Some(value) = values.get(number.wrapping_sub(1)) else {
            return Err(rusqlite::Error::InvalidParameterCount(values.len(), number));
        };
        statement.raw_bind_parameter(index, stored(value))?;
        bound = bound.max(number);
    }
    if bound < values.len() {
        return Err(rusqlite::Error::InvalidParameterCount(values.len(), bound));
    }
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let changes = !statement.readonly();
    let mut answer = Answer::default();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|index| row.get_ref(index).map(value));
        answer.rows.push(Row::new(Arc::clone(&columns), values.collect::<Result<_, _>>()?));
    }
    answer.count =
        if changes { connection.changes() } else { u64::try_from(answer.rows.len()).unwrap_or(u64::MAX) };
    Ok(answer)
}

fn stored(value: &Value) -> Stored {
    match value {
        Value::Null => Stored::Null,
        Value::Boolean(value) => Stored::Integer(i64::from(*value)),
        Value::Integer(value) => Stored::Integer(*value),
        Value::Real(value) => Stored::Real(*value),
        Value::Text(text) => Stored::Text(text.clone()),
        Value::Bytes(bytes) => Stored::Blob(bytes.clone()),
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Integer(value),
        ValueRef::Real(value) => Value::Real(value),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}
