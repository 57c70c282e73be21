//! What a database says of itself: the rows of its history table.

use crate::migration::{Checksum, Direction, Migration, Version};

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

impl HistoryRow {
    /// Whether a migration is what it was written for: it has the same name and the same checksum.
    pub fn is_of(&self, migration: &Migration) -> bool {
        self.name == migration.name && self.checksum == migration.checksum
    }
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
    /// It is being taken back outside a transaction: so many statements of its reverse file are done, and nobody
    /// knows about the one behind them.
    Undoing,
}

impl State {
    /// That of a migration that runs outside a transaction, so that nobody knows about the statement behind the
    /// finished ones.
    pub const fn running(direction: Direction) -> Self {
        match direction {
            Direction::Up => Self::Started,
            Direction::Down => Self::Undoing,
        }
    }

    /// That of one that stopped between two statements. What is taken back can be asked about in any case.
    pub const fn paused(direction: Direction) -> Self {
        match direction {
            Direction::Up => Self::Paused,
            Direction::Down => Self::Undoing,
        }
    }

    /// The text in the history table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Paused => "paused",
            Self::Applied => "applied",
            Self::Undoing => "undoing",
        }
    }

    /// Reads what [`as_str`](Self::as_str) gives.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Started, Self::Paused, Self::Applied, Self::Undoing]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}
