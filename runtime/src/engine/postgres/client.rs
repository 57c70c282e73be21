//! A migration that is written in Rust: statement by statement, in a transaction that begins and ends as those in a message do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use futures_util::StreamExt;
use sharded_migrations_core::Version;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use super::failure::{describe, describe_at, exchanges_data};
use super::{PostgresSession, history, is, is_refused_row, lock, sql};
use crate::engine::client::{in_statement, row_was_changed};
use crate::engine::{Answer, Client, Commits, HISTORY_TABLE, Mark, Since, Step, Stop, Why};
use crate::error::DatabaseError;
use crate::step::{Row, Value};

/// Statements with values are prepared under a name of their own, for the one message that they are in.
static STATEMENTS: AtomicU64 = AtomicU64::new(0);

#[async_trait]
impl Client for PostgresSession {
    async fn begin(&mut self, step: &Step<'_>, since: Since) -> Result<(), Stop> {
        let schema = self.schema().map_err(|error| Stop::at_once(Why::Unprepared(error)))?;
        let mut statements = vec!["BEGIN".to_owned(), lock::take_or_fail(schema)];
        if !since.has_history {
            statements.push(history::create(schema));
        }
        statements.extend(["COMMIT".to_owned(), "BEGIN".to_owned()]);
        let lock = statements.len();
        statements.push(lock::take_history(schema));
        statements.extend(sql::settings(&self.server, step, "SET LOCAL"));
        let Err(broken) = self.stream(&statements.join(";\n"), |_, _| {}).await else { return Ok(()) };
        self.undo().await;
        let code = broken.error.sqlstate.as_deref();
        let (at_lock, at_history) = (broken.done == 1, broken.done == lock);
        Err(Stop::at_once(match broken.done {
            _ if at_lock && is(code, &SqlState::UNDEFINED_OBJECT) => Why::Locked,
            _ if at_history && is(code, &SqlState::LOCK_NOT_AVAILABLE) => Why::Locked,
            done if done < lock => Why::Unprepared(DatabaseError { place: None, ..broken.error }),
            _ => Why::Failed(DatabaseError { place: None, ..broken.error }),
        }))
    }

    async fn commit(&mut self, step: &Step<'_>, since: Since, _: Instant) -> Result<(), Stop> {
        let schema = self.schema().map_err(|error| Stop::at_once(Why::Failed(error)))?;
        let mut statements =
            vec![lock::still_locked_or_fail(schema), "SET CONSTRAINTS ALL IMMEDIATE".to_owned()];
        statements.extend(sql::RESET.map(str::to_owned));
        if self.server.commits == Commits::Nothing {
            statements.push(sql::WAIT_FOR_DISK.to_owned());
        }
        let row = statements.len();
        statements.push(history::insert_applied(schema, step, since, false));
        statements.push("COMMIT".to_owned());
        let Err(broken) = self.stream(&statements.join(";\n"), |_, _| {}).await else { return Ok(()) };
        self.undo().await;
        let code = broken.error.sqlstate.as_deref();
        Err(Stop::at_once(match broken.done {
            0 if is(code, &SqlState::UNDEFINED_OBJECT) => Why::Failed(
                DatabaseError::new("the step has ended the transaction that it ran in, which its history row is part of")
                    .help("look what of it is there; what has to commit in parts has `#[no_transaction]` and `context.transaction()`"),
            ),
            _ if is(code, &SqlState::IN_FAILED_SQL_TRANSACTION) => Why::Failed(
                DatabaseError::new("the step went on after an error, which had undone all that it did")
                    .help("hand the error on (`?`); or run the statement so that it does not fail: `ON CONFLICT DO NOTHING`"),
            ),
            done if done == row && is_refused_row(code) => Why::Stale,
            _ => Why::Failed(DatabaseError { place: None, ..broken.error }),
        }))
    }

    async fn roll_back(&mut self) {
        self.undo().await;
    }

    /// Over the simple protocol too, so that a pooler has nothing to remember: the server prepares the statement, finds out
    /// which types its parameters have, is given the values as literals and forgets it, all in one message.
    async fn query(&mut self, text: &str, values: &[Value]) -> Result<Answer, DatabaseError> {
        if values.is_empty() {
            return self.ask(text, 0..text.len()).await;
        }
        let name = format!("sharded_migrations_{}", STATEMENTS.fetch_add(1, Ordering::Relaxed));
        let before = format!("PREPARE {name} AS ");
        let values: Vec<String> = values.iter().map(sql::value).collect();
        let values = values.join(", ");
        let message = format!("{before}{text}\n;\nEXECUTE {name} ({values});\nDEALLOCATE {name}");
        self.ask(&message, before.len()..before.len() + text.len()).await
    }

    async fn batch(&mut self, text: &str) -> Result<(), DatabaseError> {
        self.ask(text, 0..text.len()).await.map(|_| ())
    }

    async fn checkpoint(&mut self, version: Version) -> Result<Option<String>, DatabaseError> {
        let schema = self.schema()?.to_owned();
        if self.row(&history::has_checkpoints(&schema)).await?.is_none() {
            self.run(&history::add_checkpoints(&schema)).await.map_err(|error| {
                DatabaseError { place: None, ..error }.help(format!(
                    "the step needs a column more in the table {HISTORY_TABLE}: let its owner run `{}`",
                    history::add_checkpoints(&schema)
                ))
            })?;
        }
        self.text(&history::checkpoint(&schema, version)).await
    }

    async fn begin_part(&mut self) -> Result<(), DatabaseError> {
        self.run("BEGIN").await
    }

    async fn save(&mut self, mark: Mark<'_>) -> Result<(), DatabaseError> {
        let message = history::save(self.schema()?, &self.server, mark);
        let Err(error) = self.run(&message).await else { return Ok(()) };
        self.undo().await;
        let is_ours = !is(error.sqlstate.as_deref(), &SqlState::NOT_NULL_VIOLATION);
        Err(if is_ours { DatabaseError { place: None, ..error } } else { row_was_changed() })
    }
}

impl PostgresSession {
    /// Sends one message, and reads all that it gives. The step's own statement is a part of it.
    async fn ask(&self, message: &str, own: std::ops::Range<usize>) -> Result<Answer, DatabaseError> {
        let failed = |error: tokio_postgres::Error, done: usize| {
            if exchanges_data(&error) {
                self.driver.cut();
            }
            in_statement(describe_at(&error, message, done), &message[own.clone()])
        };
        let answers = self.client.simple_query_raw(message).await.map_err(|error| describe(&error))?;
        let mut answers = std::pin::pin!(answers);
        let mut answer = Answer::default();
        let mut columns: Arc<[String]> = Arc::new([]);
        let mut done = 0;
        while let Some(next) = answers.next().await {
            match next.map_err(|error| failed(error, done))? {
                SimpleQueryMessage::RowDescription(described) => {
                    columns = described.iter().map(|column| column.name().to_owned()).collect();
                }
                SimpleQueryMessage::Row(row) => {
                    let value =
                        |index| row.get(index).map_or(Value::Null, |text| Value::Text(text.to_owned()));
                    answer.rows.push(Row::new(Arc::clone(&columns), (0..row.len()).map(value).collect()));
                }
                SimpleQueryMessage::CommandComplete(count) => {
                    // To prepare and to forget gives none.
                    answer.count += count;
                    done += 1;
                }
                _ => {}
            }
        }
        Ok(answer)
    }
}
