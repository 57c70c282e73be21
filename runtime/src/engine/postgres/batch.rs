//! Migrations that go out together: what goes into which message, and what it means where one does not get to its end.

use tokio_postgres::error::SqlState;

use super::history::Tables;
use super::message::{Message, Place, Within};
use super::{Broken, PostgresSession, is, is_refused_row, may_not_create};
use crate::engine::{Batch, Done, Rows, Since, Step, Stop, Why};
use crate::error::{DatabaseError, SqlPlace};

impl PostgresSession {
    /// Each migration in a transaction of its own; one message, unless they don't fit in or one of them cannot be read.
    pub(super) async fn send_batch(&self, batch: &Batch<'_>, done: &Done<'_>) -> Result<(), Stop> {
        let mut since = batch.since;
        let mut first = 0;
        let mut tables = self.our_tables(batch.direction(), since).await.map_err(|e| unprepared(0, e))?;
        while first < batch.steps.len() {
            let mut message = Message::new(self.schema().map_err(|error| unprepared(first, error))?, tables);
            let fitting =
                self.fill(&mut message, &batch.steps[first..], since).map_err(|e| unprepared(first, e))?;
            let behind = |stop: Stop| Stop { committed: first + stop.committed, ..stop };
            match self.send(&message, &batch.steps[first..][..fitting], done).await {
                Ok(()) => {}
                // The server reads a message as a whole before it runs any of it: what can be applied is,
                // and the one it cannot read is named, one message each.
                Err(Broken { done: 0, error: DatabaseError { place: Some(SqlPlace::Byte(_)), .. } })
                    if fitting > 1 =>
                {
                    for index in 0..fitting {
                        let (before, rest) = batch.steps[first..].split_at(index);
                        let single = Batch { steps: &rest[..1], since: after(since, before) };
                        let alone = Box::pin(self.send_batch(&single, done)).await;
                        alone.map_err(|stop| behind(Stop { committed: index, ..stop }))?;
                    }
                }
                Err(broken) => return Err(behind(self.judge(&message, broken, tables))),
            }
            tables = Tables { has_history: true, has_audit: true };
            since = after(since, &batch.steps[first..][..fitting]);
            first += fitting;
        }
        Ok(())
    }

    /// Adds as many migrations to a message as fit in, and says how many.
    fn fill(&self, message: &mut Message, steps: &[Step<'_>], since: Since) -> Result<usize, DatabaseError> {
        let schema = self.schema()?;
        let mut since = since;
        for (index, step) in steps.iter().enumerate() {
            let next = steps.get(index + 1);
            let size = step.sql.len();
            let is_last = next.is_none_or(|next| !message.has_room_for(size + next.sql.len()));
            message.add(schema, &self.server, step, since, is_last);
            if is_last {
                return Ok(index + 1);
            }
            since = since.behind(step.migration.version, step.direction);
        }
        Ok(steps.len())
    }

    /// Sends a message of these steps, and tells of each of them when it is done.
    async fn send(&self, message: &Message, steps: &[Step<'_>], done: &Done<'_>) -> Result<(), Broken> {
        let mut told = 0;
        let mut rows = Rows::default();
        let count = |statements: usize, count| {
            if let Place::Part { index, at: Within::Own(statement) } = message.place(statements - 1)
                && let Some(statement) = steps.get(index).and_then(|step| step.script.statement(statement))
            {
                rows.add(statement, count);
            }
            while told < message.recorded(statements) {
                told += 1;
                done(std::mem::take(&mut rows));
            }
        };
        let sent = self.stream(&message.text, count).await;
        if sent.as_ref().is_err_and(|broken| broken.done > 0) {
            self.undo().await;
        }
        sent
    }

    /// What a broken message means for its migrations.
    fn judge(&self, message: &Message, Broken { done, mut error }: Broken, tables: Tables) -> Stop {
        let code = error.sqlstate.as_deref();
        let byte = match error.place {
            Some(SqlPlace::Byte(byte)) => Some(byte),
            _ => None,
        };
        let committed = message.committed(done);
        let why = match message.place(done) {
            Place::Prelude { is_lock: true } if is(code, &SqlState::UNDEFINED_OBJECT) => Why::Locked,
            Place::Part { at: Within::Lock, .. } if is(code, &SqlState::LOCK_NOT_AVAILABLE) => Why::Locked,
            Place::Part { at: Within::Row, .. } if is_refused_row(code) => Why::Stale,
            // A message that the server cannot read stops before its start.
            Place::Prelude { .. } => match byte.and_then(|byte| message.byte_in(0, byte)) {
                Some(byte) => Why::Failed(DatabaseError { place: Some(SqlPlace::Byte(byte)), ..error }),
                None => {
                    let schema = self.server.schema.as_deref().unwrap_or_default();
                    Why::Unprepared(may_not_create(DatabaseError { place: None, ..error }, tables, schema))
                }
            },
            Place::Part { index, at } => {
                let byte = byte.and_then(|byte| message.byte_in(index, byte)).map(SqlPlace::Byte);
                error.place = byte.or(match at {
                    Within::Own(statement) => Some(SqlPlace::Statement(statement)),
                    Within::Lock | Within::Row | Within::Around => None,
                });
                Why::Failed(error)
            }
        };
        Stop { committed, why }
    }
}

/// The history behind some more migrations.
fn after(since: Since, steps: &[Step<'_>]) -> Since {
    steps.iter().fold(since, |since, step| since.behind(step.migration.version, step.direction))
}

fn unprepared(committed: usize, error: DatabaseError) -> Stop {
    Stop { committed, why: Why::Unprepared(error) }
}
