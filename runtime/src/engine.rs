//! What an engine has to be able to do. Everything above these two traits knows no SQL.

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
compile_error!("`sharded-migrations` needs an engine: switch on its feature `postgres` or `sqlite`");

mod client;
#[cfg(feature = "adopt")]
pub(crate) mod foreign;
#[cfg(feature = "postgres")]
mod postgres;
mod rows;
#[cfg(feature = "sqlite")]
mod sqlite;
pub(crate) mod words;

#[cfg(all(feature = "postgres", feature = "testing"))]
pub(crate) use postgres::Admin;

use std::time::Duration;

pub(crate) use rows::Rows;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sharded_migrations_core::{
    Checksum, Direction, EngineKind, HistoryRow, Migration, Resume, Script, State, Timeouts, Version,
};

use crate::amend::Action;
use crate::audit::AuditRecord;
use crate::error::DatabaseError;
use crate::fleet::Target;
use crate::history::HistoryRecord;
pub(crate) use client::{Answer, Client, Mark};

/// The table in each database that records what was applied.
pub const HISTORY_TABLE: &str = "sharded_migrations_history";
/// The one beside it that records what was changed in it by hand.
pub const AUDIT_TABLE: &str = "sharded_migrations_audit";

/// Connects to databases of one kind.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// Opens a connection. Nothing is written.
    async fn connect(&self, target: &Target) -> Result<Box<dyn Session>, DatabaseError>;

    /// The server that a URL leads to, where several databases may be on one.
    fn server(&self, _url: &str) -> Option<String> {
        None
    }

    /// Who holds the lock that whoever migrates a database waits for, where the engine can tell. Opens a
    /// connection for a moment.
    async fn holder(&self, _target: &Target, _server: &Server) -> Result<Option<String>, DatabaseError> {
        Ok(None)
    }

    /// Whether a session keeps its lock between statements, as migrations outside a transaction need it.
    /// May open two connections for a moment.
    async fn keeps_locks(&self, _target: &Target) -> Result<(), DatabaseError> {
        Ok(())
    }
}

/// One connection to one database.
///
/// Dropping it at any point releases the lock and rolls back what is not committed.
#[async_trait]
pub(crate) trait Session: Client {
    /// Reads what the database is and what was applied to it. Nothing is written, no lock is taken.
    async fn survey(&mut self) -> Result<Facts, DatabaseError>;

    /// Reads the whole history, oldest first, once a survey of this session has found one.
    async fn history(&mut self) -> Result<Vec<HistoryRecord>, DatabaseError>;

    /// Reads the whole audit, oldest first, once this session has surveyed; none where there is no such table.
    async fn audit(&mut self) -> Result<Vec<AuditRecord>, DatabaseError>;

    /// Reads which tables there are, those of the server left out. Nothing is written.
    async fn tables(&mut self) -> Result<Vec<FoundTable>, DatabaseError>;

    /// Takes over what an earlier connection's survey has found out about the server.
    fn assume(&mut self, server: Server);

    /// Applies migrations in order, or takes them back, each in one transaction with its history row, unless
    /// somebody else is at work there or has been since the plan was made. `done` is called behind each one with the
    /// rows that it changed, but only when all of this has returned, or [`settle`](Self::settle) has, is it sure to
    /// outlive the server.
    async fn apply(&mut self, batch: &Batch<'_>, done: &Done<'_>) -> Result<(), Stop>;

    /// Makes everything durable that a survey has shown.
    async fn settle(&mut self) -> Result<(), DatabaseError>;

    /// Tries to take the database's migration lock for as long as the session lasts, without waiting.
    async fn try_lock(&mut self) -> Result<Lock, DatabaseError>;

    /// Whether somebody else is at work there now.
    async fn look_at_lock(&mut self) -> Result<Lock, DatabaseError>;

    /// Records how far a migration outside a transaction has come.
    async fn record(&mut self, step: &Step<'_>, progress: Progress) -> Result<(), Stop>;

    /// Changes rows of the history, all or none of them, and says so in the audit table. Both tables are
    /// made where they are missing.
    async fn change_rows(&mut self, changes: &[RowChange], entry: &Entry) -> Result<(), DatabaseError>;

    /// What `empty` would remove: every schema with something in it, and how many tables that has.
    async fn contents(&mut self) -> Result<Vec<(String, u64)>, DatabaseError>;

    /// Removes all that is in the database, the history too, or nothing.
    async fn empty(&mut self) -> Result<(), DatabaseError>;

    /// Runs one statement outside any transaction; how many rows the server says that it was about.
    async fn statement(&mut self, sql: &str) -> Result<u64, DatabaseError>;

    /// What became of a statement that may have been run, or may still have been running when its session
    /// ended. What it left half done is removed.
    async fn look_for(&mut self, what: &Resume) -> Result<Found, DatabaseError>;

    /// What stops the statement that this session runs, where that needs more than dropping it.
    fn canceller(&self) -> Option<Canceller>;

    /// Reads a table that another tool keeps. Nothing is written.
    #[cfg(feature = "adopt")]
    async fn read_foreign(&mut self, table: foreign::ForeignTable)
    -> Result<foreign::Foreign, DatabaseError>;

    /// Releases the lock and closes the connection.
    async fn close(self: Box<Self>);
}

/// Is told of each migration of a batch as it is done, with the rows that it changed.
pub(crate) type Done<'a> = dyn Fn(Rows) + Sync + 'a;

/// Asks the server to stop what a session is running.
pub(crate) type Canceller = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Equal for two connections exactly when they reach the same database and schema.
    pub(crate) identity: String,
    /// Whether it is there already. A file that is not is made when something is applied.
    pub(crate) exists: bool,
    /// Whether it is a read copy, whatever the fleet's file says.
    pub(crate) is_replica: bool,
    /// Whether it has a history table.
    pub(crate) has_history: bool,
    /// The rows of that table.
    pub(crate) history: Vec<HistoryRow>,
    /// Why nothing can be applied here, if that is known already.
    pub(crate) obstacle: Option<DatabaseError>,
    /// What the engine needs to know of the server.
    pub(crate) server: Server,
}

/// What an engine needs to know of a server, beyond a single connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Server {
    /// The schema of the history table, as SQL names it: quoted where it has to be.
    pub(crate) schema: Option<String>,
    /// Whether it can look now and then whether its client is still there.
    pub(crate) notices_lost_clients: bool,
    /// What its commits wait for.
    pub(crate) commits: Commits,
}

/// What the commits of a session wait for, as it is set for its role or database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Commits {
    /// For the disk. One need not when another one behind it does.
    Disk,
    /// For other servers too, or nobody knows: each is left as it is.
    #[default]
    Others,
    /// For nothing. What is told of as applied has to wait all the same.
    Nothing,
}

/// A table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundTable {
    /// Its schema, where databases have such.
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    /// Whether its name without the schema means it.
    pub(crate) is_visible: bool,
    pub(crate) columns: Vec<String>,
}

/// A row of the history table, as both engines keep it.
fn history_row(
    version: i64,
    name: String,
    checksum: &str,
    state: &str,
    statements_done: u32,
) -> Result<HistoryRow, DatabaseError> {
    let unreadable = |what: &str| {
        DatabaseError::new(format!("the row of version {version} in {HISTORY_TABLE} has no valid {what}"))
            .help("was it changed by hand? put back what was there")
    };
    Ok(HistoryRow {
        version: Version::new(version).ok_or_else(|| unreadable("version"))?,
        name,
        checksum: Checksum::parse(checksum).ok_or_else(|| unreadable("checksum"))?,
        state: State::by_name(state).ok_or_else(|| unreadable("state"))?,
        statements_done,
    })
}

/// The version of a row of the audit table, as both engines keep it.
fn audited_version(version: i64) -> Result<Version, DatabaseError> {
    Version::new(version).ok_or_else(|| {
        DatabaseError::new(format!("a row of {AUDIT_TABLE} has no valid version: {version}"))
            .help("was it changed by hand? put back what was there")
    })
}

/// A time as the history keeps it. A server's clock that was set back has made one less than nothing.
fn milliseconds(number: i64) -> Duration {
    Duration::from_millis(number.try_into().unwrap_or(0))
}

/// The answer to a try for the lock, or to a look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Nobody else has it.
    Free,
    /// Somebody else has it; who, if the database can tell.
    Held(Option<String>),
}

/// One migration on one database.
pub(crate) struct Step<'a> {
    pub(crate) migration: &'a Migration,
    /// Whether it is applied or taken back.
    pub(crate) direction: Direction,
    /// Its text, or that of its reverse file, with the variables of this database filled in.
    pub(crate) sql: &'a str,
    /// The file that this is of.
    pub(crate) script: Script<'a>,
    /// The limits that hold for it.
    pub(crate) limits: Timeouts,
    pub(crate) who: &'a Who,
}

/// Migrations to apply, or to take back, one behind the other; all of them go the same way.
pub(crate) struct Batch<'a> {
    pub(crate) steps: &'a [Step<'a>],
    pub(crate) since: Since,
}

/// What a plan was made from: it holds as long as the history is this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since {
    /// Whether there is a history table.
    pub(crate) has_history: bool,
    /// How many rows it has.
    pub(crate) rows: usize,
    /// The sum of their versions.
    pub(crate) sum: i128,
}

impl Since {
    pub(crate) fn of(facts: &Facts) -> Self {
        let sum = facts.history.iter().map(|row| i128::from(row.version.get())).sum();
        Self { has_history: facts.has_history, rows: facts.history.len(), sum }
    }

    /// The history behind this one with one more row.
    pub(crate) fn with(self, version: Version) -> Self {
        Self { has_history: true, rows: self.rows + 1, sum: self.sum + i128::from(version.get()) }
    }

    /// The history behind this one without one of its rows.
    pub(crate) fn without(self, version: Version) -> Self {
        Self { rows: self.rows.saturating_sub(1), sum: self.sum - i128::from(version.get()), ..self }
    }

    /// The history behind this one when a migration is applied or taken back.
    pub(crate) fn behind(self, version: Version, direction: Direction) -> Self {
        match direction {
            Direction::Up => self.with(version),
            Direction::Down => self.without(version),
        }
    }
}

impl Batch<'_> {
    /// Which way it goes.
    pub(crate) fn direction(&self) -> Direction {
        self.steps.first().map_or(Direction::Up, |step| step.direction)
    }
}

/// Who applies migrations; kept in the history.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who {
    pub(crate) host: String,
    pub(crate) application_version: Option<String>,
}

/// Why not everything was done.
#[derive(Debug)]
pub(crate) struct Stop {
    /// How many migrations were committed before.
    pub(crate) committed: usize,
    pub(crate) why: Why,
}

impl Stop {
    /// Before anything was committed.
    pub(crate) fn at_once(why: Why) -> Self {
        Self { committed: 0, why }
    }
}

/// What stopped it.
#[derive(Debug)]
pub(crate) enum Why {
    /// Somebody else is at work there.
    Locked,
    /// Somebody else was there since the plan was made.
    Stale,
    /// What has to be there before any migration cannot be made.
    Unprepared(DatabaseError),
    /// The next migration failed, and is rolled back.
    Failed(DatabaseError),
}

/// How far a migration outside a transaction has come, or its reverse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing has run yet, and the history is what the plan was made from.
    Started(Since),
    /// It goes on behind so many statements that an earlier run has done.
    Resumed(usize),
    /// So many statements are done.
    Statements(usize),
    /// So many statements are done, and the next one was not run.
    Paused(usize),
    /// All of it, in this time: it is applied, or taken back.
    Finished(Duration),
}

/// What becomes of a row of the history, because somebody says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowChange {
    pub(crate) version: Version,
    /// The name of its migration, as the row has it then.
    pub(crate) name: String,
    pub(crate) change: Change,
    /// What the audit is to keep beside that.
    pub(crate) detail: Option<String>,
}

/// How a row changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// So many statements are done, and the next one was not run.
    Paused(u32),
    /// All of this is done.
    Applied { checksum: Checksum, statements: u32 },
    /// It was applied from a file that has this checksum now.
    Accepted(Checksum),
    /// It is as it was before it was taken back in part.
    Restored { statements: u32 },
    /// It does not count any more.
    Deleted,
    /// There was no row, and now there is one of a migration that counts as applied and was not run: since the
    /// time given (as [`HistoryRecord::applied_at`] is written), else since now.
    Recorded { checksum: Checksum, statements: u32, applied_at: Option<String> },
}

/// What the audit keeps of a change, the same for all rows of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) action: Action,
    pub(crate) who: Who,
}

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It was not done, or can be done again.
    Undone,
    /// It was done.
    Done,
    /// Something of it was there, and was removed: it can be done again.
    Removed,
}

/// The engine of a kind.
pub(crate) fn engine(kind: EngineKind) -> Result<Box<dyn Engine>, DatabaseError> {
    match kind {
        #[cfg(feature = "postgres")]
        EngineKind::Postgres => Ok(Box::new(postgres::Postgres)),
        #[cfg(feature = "sqlite")]
        EngineKind::Sqlite => Ok(Box::new(sqlite::Sqlite)),
        #[cfg(not(all(feature = "postgres", feature = "sqlite")))]
        missing => Err(DatabaseError::new(format!("this binary is built without the engine `{missing}`"))
            .help(format!("switch on the feature `{missing}` of the crate `sharded-migrations`"))),
    }
}
