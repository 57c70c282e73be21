//! PostgreSQL, through tokio-postgres. Only the simple query protocol is used: what goes over the
//! wire is the text of the migrations, and nothing has to be prepared.

#[cfg(feature = "testing")]
mod admin;
mod answer;
mod batch;
mod client;
mod connect;
mod failure;
#[cfg(feature = "adopt")]
mod foreign;
mod history;
mod lock;
mod message;
mod sql;

use async_trait::async_trait;
use futures_util::StreamExt;
use sharded_migrations_core::{Direction, Resume};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

#[cfg(feature = "adopt")]
use super::foreign::{Foreign, ForeignTable};
use super::{
    AUDIT_TABLE, Batch, Canceller, Done, Engine, Entry, Facts, Found, FoundTable, HISTORY_TABLE, Lock,
    Progress, RowChange, Server, Session, Since, Step, Stop, Why,
};
use crate::audit::AuditRecord;
use crate::error::DatabaseError;
use crate::fleet::Target;
use crate::history::HistoryRecord;
#[cfg(feature = "testing")]
pub(crate) use admin::Admin;
use answer::{About, column, no_schema, number, record_of_audit, record_of_history, row_of_history, rows};
use connect::Driver;
use failure::{describe, describe_at, exchanges_data};
use history::Tables;

/// The engine.
pub(super) struct Postgres;

#[async_trait]
impl Engine for Postgres {
    async fn connect(&self, target: &Target) -> Result<Box<dyn Session>, DatabaseError> {
        Ok(Box::new(PostgresSession::open(target).await?))
    }

    fn server(&self, url: &str) -> Option<String> {
        connect::server(url)
    }

    async fn holder(&self, target: &Target, server: &Server) -> Result<Option<String>, DatabaseError> {
        let session = PostgresSession::open(target).await?;
        let holder =
            session.text(&lock::table_lock_holder(server.schema.as_deref().ok_or_else(no_schema)?)).await;
        Box::new(session).close().await;
        holder
    }

    /// In a transaction pooler two clients meet the same backend, or one client two of them.
    async fn keeps_locks(&self, target: &Target) -> Result<(), DatabaseError> {
        const BACKEND: &str = "SELECT pg_catalog.pg_backend_pid()";
        let first = PostgresSession::open(target).await?;
        let own = first.text(BACKEND).await?;
        let second = PostgresSession::open(target).await?;
        second.run("BEGIN").await?;
        let other = second.text(BACKEND).await?;
        let own_again = first.text(BACKEND).await?;
        second.run("COMMIT").await?;
        for session in [first, second] {
            Box::new(session).close().await;
        }
        if own != other && own == own_again {
            return Ok(());
        }
        Err(DatabaseError::new(
            "the URL leads to a pooler that gives each transaction another connection, where a migration \
             outside a transaction cannot keep its lock",
        )
        .help("let `migrate_url` in databases.toml lead to the server itself, or to a pool in session mode"))
    }
}

struct PostgresSession {
    client: Client,
    driver: Driver,
    /// What a survey has told, this session's or an earlier one's.
    server: Server,
}

/// A message that did not get to its end.
struct Broken {
    /// How many of its statements are done.
    done: usize,
    error: DatabaseError,
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
        let obstacle = about.obstacle(has_history);
        self.server = about.server;
        let server = self.server.clone();
        let About { identity, is_replica, .. } = about;
        Ok(Facts { identity, exists: true, is_replica, has_history, history, obstacle, server })
    }

    async fn history(&mut self) -> Result<Vec<HistoryRecord>, DatabaseError> {
        let rows =
            rows(&self.client, &history::records(self.schema()?)).await.map_err(|error| describe(&error))?;
        rows.iter().map(record_of_history).collect()
    }

    async fn audit(&mut self) -> Result<Vec<AuditRecord>, DatabaseError> {
        if !self.look_for_tables().await?.has_audit {
            return Ok(Vec::new());
        }
        let rows = rows(&self.client, &history::audit_records(self.schema()?)).await;
        rows.map_err(|error| may_not_read(describe(&error)))?.iter().map(record_of_audit).collect()
    }

    async fn tables(&mut self) -> Result<Vec<FoundTable>, DatabaseError> {
        let rows = rows(&self.client, sql::TABLES).await.map_err(|error| describe(&error))?;
        let mut tables: Vec<FoundTable> = Vec::new();
        for row in &rows {
            let (schema, name) = (Some(column(row, 0)?.to_owned()), column(row, 1)?.to_owned());
            if tables.last().is_none_or(|last| (&last.schema, &last.name) != (&schema, &name)) {
                let is_visible = column(row, 2)? == "t";
                tables.push(FoundTable { schema, name, is_visible, columns: Vec::new() });
            }
            if let Some(table) = tables.last_mut() {
                table.columns.extend(row.get(3).map(str::to_owned));
            }
        }
        Ok(tables)
    }

    fn assume(&mut self, server: Server) {
        self.server = server;
    }

    async fn apply(&mut self, batch: &Batch<'_>, done: &Done<'_>) -> Result<(), Stop> {
        self.send_batch(batch, done).await
    }

    async fn settle(&mut self) -> Result<(), DatabaseError> {
        self.run(sql::SETTLE).await
    }

    async fn try_lock(&mut self) -> Result<Lock, DatabaseError> {
        match self.text(&lock::try_take(self.schema()?)).await?.as_deref() {
            Some("t") => Ok(Lock::Free),
            _ => self.look_at_lock().await.map(|lock| match lock {
                // It was let go just now.
                Lock::Free => Lock::Held(None),
                held => held,
            }),
        }
    }

    async fn look_at_lock(&mut self) -> Result<Lock, DatabaseError> {
        let holder = self.text(&lock::holder(self.schema()?)).await?;
        Ok(holder.map_or(Lock::Free, |holder| Lock::Held(Some(holder))))
    }

    async fn record(&mut self, step: &Step<'_>, progress: Progress) -> Result<(), Stop> {
        let failed = |error| Stop::at_once(Why::Failed(error));
        let tables = match progress {
            Progress::Started(since) => {
                let tables = self.our_tables(step.direction, since).await;
                tables.map_err(|error| Stop::at_once(Why::Unprepared(error)))?
            }
            Progress::Resumed(_) if step.direction == Direction::Down => {
                self.look_for_tables().await.map_err(failed)?
            }
            _ => Tables { has_history: true, has_audit: true },
        };
        let schema = self.schema().map_err(failed)?;
        let message = history::record(schema, &self.server, tables, step, progress);
        let Err(error) = self.run(&message).await else { return Ok(()) };
        self.undo().await;
        let code = error.sqlstate.as_deref();
        Err(Stop::at_once(match progress {
            Progress::Started(_) if is(code, &SqlState::LOCK_NOT_AVAILABLE) => Why::Locked,
            Progress::Started(_) if is_refused_row(code) => Why::Stale,
            Progress::Started(_) if !(tables.has_history && tables.has_audit) => {
                Why::Unprepared(may_not_create(error, tables, schema))
            }
            _ => Why::Failed(DatabaseError { place: None, ..error }),
        }))
    }

    async fn change_rows(&mut self, changes: &[RowChange], entry: &Entry) -> Result<(), DatabaseError> {
        let tables = self.look_for_tables().await?;
        let schema = self.schema()?;
        let changed = self.run(&history::change_rows(schema, &self.server, tables, changes, entry)).await;
        let Err(error) = changed else { return Ok(()) };
        self.undo().await;
        Err(may_not_create(DatabaseError { place: None, ..error }, tables, schema))
    }

    async fn contents(&mut self) -> Result<Vec<(String, u64)>, DatabaseError> {
        let rows = rows(&self.client, sql::CONTENTS).await.map_err(|error| describe(&error))?;
        rows.iter().map(|row| Ok((column(row, 0)?.to_owned(), number(row, 1)?))).collect()
    }

    async fn empty(&mut self) -> Result<(), DatabaseError> {
        let public = self.text(sql::PUBLIC_AGAIN).await?;
        let schemas: Vec<String> = self.contents().await?.into_iter().map(|(schema, _)| schema).collect();
        let emptied = self.run(&sql::empty(&schemas, public.as_deref())).await;
        if emptied.is_err() {
            self.undo().await;
        }
        emptied
    }

    async fn statement(&mut self, sql: &str) -> Result<u64, DatabaseError> {
        // Alone in its message: two statements in one message would be one transaction.
        let mut changed = 0;
        self.stream(sql, |_, rows| changed = rows).await.map_err(|broken| broken.error)?;
        Ok(changed)
    }

    async fn look_for(&mut self, what: &Resume) -> Result<Found, DatabaseError> {
        match what {
            Resume::Again | Resume::Setting | Resume::Unknown => Ok(Found::Undone),
            Resume::DropIndex { index } => {
                let is_there = self.row(&sql::has_relation(index)).await?.is_some();
                Ok(if is_there { Found::Undone } else { Found::Done })
            }
            Resume::CreateIndex { index, table } => {
                let Some(row) = self.row(&sql::index_of(index, table)).await? else {
                    return Ok(Found::Undone);
                };
                if column(&row, 1)? == "t" {
                    return Ok(Found::Done);
                }
                self.run(&format!("DROP INDEX CONCURRENTLY {}", column(&row, 0)?)).await?;
                Ok(Found::Removed)
            }
        }
    }

    fn canceller(&self) -> Option<Canceller> {
        let canceller = self.driver.canceller();
        Some(Box::new(move || Box::pin(async move { canceller.cancel().await })))
    }

    #[cfg(feature = "adopt")]
    async fn read_foreign(&mut self, table: ForeignTable) -> Result<Foreign, DatabaseError> {
        self.foreign(&table).await
    }

    async fn close(self: Box<Self>) {
        let Self { client, driver, .. } = *self;
        drop(client);
        driver.end().await;
    }
}

/// An error, with what to do where it is that the audit could not be read: who changes it needs no right to.
fn may_not_read(error: DatabaseError) -> DatabaseError {
    if !is(error.sqlstate.as_deref(), &SqlState::INSUFFICIENT_PRIVILEGE) {
        return error;
    }
    error.help(format!("GRANT SELECT on {AUDIT_TABLE} to the role of the URL"))
}

/// An error, with what to do where it is that a table of ours could not be made.
fn may_not_create(error: DatabaseError, tables: Tables, schema: &str) -> DatabaseError {
    let is_forbidden = is(error.sqlstate.as_deref(), &SqlState::INSUFFICIENT_PRIVILEGE);
    if !is_forbidden || (tables.has_history && tables.has_audit) {
        return error;
    }
    error.help(format!(
        "GRANT CREATE on the schema `{schema}`, where {HISTORY_TABLE} and {AUDIT_TABLE} are to be; or let \
         migrations use a role that may: `migrate_url` in databases.toml"
    ))
}

fn is(code: Option<&str>, state: &SqlState) -> bool {
    code == Some(state.code())
}

/// What a history row says that refuses itself, or that is there already.
fn is_refused_row(code: Option<&str>) -> bool {
    is(code, &SqlState::NOT_NULL_VIOLATION) || is(code, &SqlState::UNIQUE_VIOLATION)
}

impl PostgresSession {
    async fn open(target: &Target) -> Result<Self, DatabaseError> {
        let (client, driver) = connect::connect(target.url.expose(), target.connect_timeout).await?;
        Ok(Self { client, driver, server: Server::default() })
    }

    fn schema(&self) -> Result<&str, DatabaseError> {
        self.server.schema.as_deref().ok_or_else(no_schema)
    }

    /// Which of our tables are there. A survey says it of the history; of the other only taking back needs to know.
    async fn our_tables(&self, direction: Direction, since: Since) -> Result<Tables, DatabaseError> {
        match direction {
            Direction::Up => Ok(Tables::to_apply(since)),
            Direction::Down => self.look_for_tables().await,
        }
    }

    async fn look_for_tables(&self) -> Result<Tables, DatabaseError> {
        let row = self.row(&history::tables(self.schema()?)).await?;
        let row = row.ok_or_else(|| DatabaseError::new("the server did not say which tables there are"))?;
        Ok(Tables { has_history: column(&row, 0)? == "t", has_audit: column(&row, 1)? == "t" })
    }

    /// Leaves a transaction that failed, and what outlives one: prepared statements. What it says does not matter beside the error that led here.
    async fn undo(&self) {
        let _ = self.run("ROLLBACK; DEALLOCATE ALL").await;
    }

    /// Sends one message. An error's place says how many statements were done before it.
    async fn run(&self, sql: &str) -> Result<(), DatabaseError> {
        self.stream(sql, |_, _| {}).await.map_err(|broken| broken.error)
    }

    /// Sends one message, and counts its statements as they are done, each with its rows.
    async fn stream(&self, sql: &str, mut counted: impl FnMut(usize, u64)) -> Result<(), Broken> {
        let mut done = 0;
        let answers = self.client.simple_query_raw(sql).await;
        let answers = answers.map_err(|error| Broken { done, error: describe(&error) })?;
        let mut answers = std::pin::pin!(answers);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(SimpleQueryMessage::CommandComplete(rows)) => {
                    done += 1;
                    counted(done, rows);
                }
                Ok(_) => {}
                Err(error) => {
                    if exchanges_data(&error) {
                        self.driver.cut();
                    }
                    return Err(Broken { done, error: describe_at(&error, sql, done) });
                }
            }
        }
        Ok(())
    }

    /// The first row of a query, if it has one.
    async fn row(&self, sql: &str) -> Result<Option<SimpleQueryRow>, DatabaseError> {
        Ok(rows(&self.client, sql).await.map_err(|error| describe(&error))?.into_iter().next())
    }

    /// The first value of the first row, if there is one.
    async fn text(&self, sql: &str) -> Result<Option<String>, DatabaseError> {
        Ok(self.row(sql).await?.and_then(|row| row.get(0).map(str::to_owned)))
    }
}
