//! What a migration that is written in Rust does over its session.

use std::time::Instant;

use async_trait::async_trait;
use sharded_migrations_core::Version;

use super::{Since, Step, Stop};
use crate::error::DatabaseError;
use crate::step::{Row, Value};

/// The part of a session that such a migration uses.
#[async_trait]
pub(crate) trait Client: Send {
    /// Begins the transaction of a migration, unless somebody else is at work there.
    async fn begin(&mut self, step: &Step<'_>, since: Since) -> Result<(), Stop>;

    /// Ends it with its history row, unless the history is another than the plan was made from. The row is durable
    /// when this has returned.
    async fn commit(&mut self, step: &Step<'_>, since: Since, started: Instant) -> Result<(), Stop>;

    /// Undoes what is not committed, if anything is. What it says does not matter beside the error that led here.
    async fn roll_back(&mut self);

    /// Runs one statement with values in the places of `$1`, `$2`, ..
    async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Answer, DatabaseError>;

    /// Runs any number of statements.
    async fn batch(&mut self, sql: &str) -> Result<(), DatabaseError>;

    /// The checkpoint in a row of the history; makes the column for it where an older history has none.
    async fn checkpoint(&mut self, version: Version) -> Result<Option<String>, DatabaseError>;

    /// Begins a transaction of a migration that is not one itself.
    async fn begin_part(&mut self) -> Result<(), DatabaseError>;

    /// Puts a checkpoint in the place of the one before, and commits the transaction that is open, if one is.
    async fn save(&mut self, mark: Mark<'_>) -> Result<(), DatabaseError>;
}

/// A checkpoint, and what it takes the place of: a row that has another one is somebody else's by now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark<'a> {
    pub(crate) version: Version,
    pub(crate) before: Option<&'a str>,
    pub(crate) now: &'a str,
    /// Whether a transaction is open.
    pub(crate) ends_part: bool,
}

/// What a statement gave.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) rows: Vec<Row>,
    /// How many rows it gave or changed.
    pub(crate) count: u64,
}

/// That the row of a migration is no longer what its run has left.
pub(super) fn row_was_changed() -> DatabaseError {
    DatabaseError::new("somebody else has changed the history row of this migration meanwhile")
        .help("is another run at work on this database, past a pooler perhaps? the next run goes on from what is in the history")
}

/// The error of a statement that stands in no file, with as much of the statement as a message can show.
pub(super) fn in_statement(error: DatabaseError, text: &str) -> DatabaseError {
    const MOST: usize = 300;
    let text = text.trim();
    let shown = match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{} ..", &text[..end]),
        None => text.to_owned(),
    };
    let mut notes = error.notes;
    notes.push(format!("in the statement: {shown}"));
    DatabaseError { place: None, notes, ..error }
}
