//! The debug trail: what was applied where, when, by whom, and how long it took.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sharded_migrations_core::{DatabaseName, GroupName, HistoryRow};

use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::exit_code;
use crate::fleet::Target;
use crate::slots::Slots;
use crate::survey::{connect_and_survey, patiently};

/// The histories of databases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histories {
    /// One entry for each selected database, in the fleet's order.
    pub databases: Vec<DatabaseHistory>,
}

/// The history of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseHistory {
    /// The database.
    pub name: DatabaseName,
    /// Its group.
    pub group: Option<GroupName>,
    /// Its history, the newest record last; empty where nothing was applied yet.
    pub records: Result<Vec<HistoryRecord>, DatabaseError>,
}

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

impl Histories {
    /// The exit code for it; see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        match self.databases.iter().filter(|database| database.records.is_err()).count() {
            0 => exit_code::DONE,
            unread if unread == self.databases.len() => exit_code::FAILED,
            _ => exit_code::PARTLY_FAILED,
        }
    }
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
        let slots = Slots::new(&self.rollout, &self.fleet.targets);
        let mut work: Vec<(&Target, BoxFuture<'_, DatabaseHistory>)> = Vec::new();
        for target in &self.fleet.targets {
            let read = Box::pin(async move {
                DatabaseHistory {
                    name: target.database.name.clone(),
                    group: target.database.group.clone(),
                    records: read(target).await,
                }
            });
            work.push((target, read));
        }
        Histories { databases: slots.run(1, work).await }
    }
}

async fn read(target: &Target) -> Result<Vec<HistoryRecord>, DatabaseError> {
    let (mut session, facts) = connect_and_survey(target).await?;
    let records = if facts.has_history { patiently(session.history()).await } else { Ok(Vec::new()) };
    session.close().await;
    records
}
