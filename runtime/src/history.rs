//! The debug trail: what was applied where, when, by whom, and how long it took.

use std::time::Duration;

use async_trait::async_trait;
use sharded_migrations_core::HistoryRow;

use crate::engine::{Facts, Session};
use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::trail::{DatabaseTrail, Kept, Trails};

/// The histories of databases.
pub type Histories = Trails<HistoryRecord>;

/// The history of one database.
pub type DatabaseHistory = DatabaseTrail<HistoryRecord>;

/// A row of the history with all that is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRecord {
    /// What was applied.
    pub row: HistoryRow,
    /// When it was applied; started, where it is not finished. In UTC: `2026-01-31T12:00:00.000Z`.
    pub applied_at: String,
    /// How long it took.
    pub execution: Duration,
    /// The role of the connection; on SQLite the user of the operating system.
    pub applied_by: String,
    /// The machine it was applied from.
    pub host: String,
    /// What the application said of itself, see
    /// [`application_version`](crate::Migrator::application_version).
    pub application_version: Option<String>,
}

impl Migrator<'_> {
    /// Reads every database's whole history. Nothing is written.
    ///
    /// ```no_run
    /// # use sharded_migrations::{Fleet, Migrations, Migrator};
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// # async fn trail(fleet: Fleet) -> Result<(), Box<dyn std::error::Error>> {
    /// for database in Migrator::new(&MIGRATIONS, fleet).history().await.databases {
    ///     for record in database.records? {
    ///         println!("{}: {} at {}", database.name, record.row.version, record.applied_at);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn history(&self) -> Histories {
        self.trails().await
    }
}

#[async_trait]
impl Kept for HistoryRecord {
    async fn read(session: &mut dyn Session, facts: &Facts) -> Result<Vec<Self>, DatabaseError> {
        if facts.has_history { session.history().await } else { Ok(Vec::new()) }
    }
}
