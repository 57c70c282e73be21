//! What a database says of itself: the rows of its history table.

use crate::migration::{Checksum, Version};

/// One row of the history table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRow {
    /// The version that was applied.
    pub version: Version,
    /// The name it had.
    pub name: String,
    /// The checksum it had.
    pub checksum: Checksum,
    /// Whether it was finished.
    pub state: State,
    /// How many statements of a no-transaction migration are done.
    pub statements_done: u32,
}

/// How far a migration came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A no-transaction migration began and did not finish: nobody knows whether the statement behind the
    /// finished ones was run.
    Started,
    /// A no-transaction migration stopped between two statements.
    Paused,
    /// It is applied.
    Applied,
}

impl State {
    /// The text in the history table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Paused => "paused",
            Self::Applied => "applied",
        }
    }

    /// Reads what [`as_str`](Self::as_str) gives.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Started, Self::Paused, Self::Applied].into_iter().find(|state| state.as_str() == name)
    }
}
