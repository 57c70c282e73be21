//! What was changed by hand, and taken back: where, when, by whom, and why.

use async_trait::async_trait;
use sharded_migrations_core::Version;

use crate::engine::{Facts, Session};
use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::trail::{DatabaseTrail, Kept, Trails};

/// The audits of databases.
pub type Audits = Trails<AuditRecord>;

/// The audit of one database.
pub type DatabaseAudit = DatabaseTrail<AuditRecord>;

/// A row of the table `sharded_migrations_audit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number: the order of the changes.
    pub id: i64,
    /// When it was done. In UTC: `2026-01-31T12:00:00.000Z`.
    pub at: String,
    /// The role of the connection; on SQLite the user of the operating system.
    pub who: String,
    /// The machine it was done from.
    pub host: String,
    /// What the application said of itself, see
    /// [`application_version`](crate::Migrator::application_version).
    pub application_version: Option<String>,
    /// What was done, as [`Action::as_str`](crate::Action::as_str) has it; a newer release may know others.
    pub action: String,
    /// The version of the migration.
    pub version: Version,
    /// The name that its row had then.
    pub name: String,
    /// What else there is to know.
    pub detail: Option<String>,
}

impl Migrator<'_> {
    /// Reads every database's whole audit: what was changed in its history by hand, and what was taken back. Nothing is
    /// written.
    ///
    /// ```no_run
    /// # use sharded_migrations::{Fleet, Migrations, Migrator};
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// # async fn audit(fleet: Fleet) -> Result<(), Box<dyn std::error::Error>> {
    /// for database in Migrator::new(&MIGRATIONS, fleet).audit().await.databases {
    ///     for record in database.records? {
    ///         println!("{}: {} {} by {}", database.name, record.action, record.version, record.who);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn audit(&self) -> Audits {
        self.trails().await
    }
}

#[async_trait]
impl Kept for AuditRecord {
    async fn read(session: &mut dyn Session, _: &Facts) -> Result<Vec<Self>, DatabaseError> {
        session.audit().await
    }
}
