//! What an engine has to be able to do. Everything above these two traits knows no SQL.

#[cfg(not(any(feature = "postgres", feature = "sqlite")))]
compile_error!("`sharded-migrations` needs an engine: switch on its feature `postgres` or `sqlite`");

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::time::Duration;

use async_trait::async_trait;
use sharded_migrations_core::{Checksum, EngineKind, HistoryRow, Migration, State, Version};

use crate::error::DatabaseError;
use crate::fleet::Target;

/// The table in each database that records what was applied.
pub(crate) const HISTORY_TABLE: &str = "sharded_migrations_history";

/// Connects to databases of one kind.
#[async_trait]
pub(crate) trait Engine: Send + Sync {
    /// Opens a connection. Nothing is written.
    async fn connect(&self, target: &Target) -> Result<Box<dyn Session>, DatabaseError>;
}

/// One connection to one database.
///
/// Dropping it at any point releases the lock and rolls back what is not committed.
#[async_trait]
pub(crate) trait Session: Send {
    /// Reads what the database is and what was applied to it. Nothing is written, no lock is taken.
    async fn survey(&mut self) -> Result<Facts, DatabaseError>;

    /// Tries to take the database's migration lock, without waiting for it.
    async fn try_lock(&mut self) -> Result<Lock, DatabaseError>;

    /// Makes the history table where there is none.
    async fn create_history(&mut self) -> Result<(), DatabaseError>;

    /// Applies a migration and records it, in one transaction.
    async fn apply(&mut self, step: &Step<'_>) -> Result<(), DatabaseError>;

    /// Records how far a migration outside a transaction has come.
    async fn record(&mut self, step: &Step<'_>, progress: Progress) -> Result<(), DatabaseError>;

    /// Runs one statement outside any transaction.
    async fn statement(&mut self, sql: &str) -> Result<(), DatabaseError>;

    /// Releases the lock and closes the connection.
    async fn close(self: Box<Self>);
}

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Equal for two connections exactly when they reach the same database and schema.
    pub(crate) identity: String,
    /// Whether it is a read copy, whatever the fleet's file says.
    pub(crate) is_replica: bool,
    /// Whether it has a history table.
    pub(crate) has_history: bool,
    /// The rows of that table.
    pub(crate) history: Vec<HistoryRow>,
    /// Why nothing can be applied here, if that is known already.
    pub(crate) obstacle: Option<DatabaseError>,
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

/// The answer to a try for the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lock {
    /// It is ours.
    Taken,
    /// Somebody else has it; who, if the database can tell.
    Held(Option<String>),
}

/// One migration on one database.
pub(crate) struct Step<'a> {
    pub(crate) migration: &'a Migration,
    /// Its text with the variables of this database filled in.
    pub(crate) sql: &'a str,
    pub(crate) who: &'a Who,
}

/// Who applies migrations; kept in the history.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who {
    pub(crate) host: String,
    pub(crate) application_version: Option<String>,
}

/// How far a migration outside a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing has run yet.
    Started,
    /// So many statements are done.
    Statements(usize),
    /// All of it, in this time.
    Applied(Duration),
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
