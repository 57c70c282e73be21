//! What happens during a run, as it happens. The executor talks to nobody else: reporters and
//! applications alike listen here.

use std::time::Duration;

use sharded_migrations_core::set::Stale;
use sharded_migrations_core::{DatabaseName, Migration};

use crate::error::DatabaseError;
use crate::interrupt::Urgency;
use crate::report::{DatabaseReport, Report};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The folder of migrations is not what this (debug) build was made from.
    StaleBinary(&'a Stale),
    /// A database is being migrated.
    DatabaseStarted {
        /// The database.
        database: &'a DatabaseName,
        /// How many migrations are to be applied.
        pending: usize,
    },
    /// Another process holds a database's migration lock; it is waited for.
    LockWaiting {
        /// The database.
        database: &'a DatabaseName,
        /// Who holds it, where that is known.
        holder: Option<&'a str>,
    },
    /// A migration is being applied.
    MigrationStarted {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
    },
    /// A migration is applied, and stays so if the server crashes now. Where several are sent at once, they are
    /// told of together.
    MigrationApplied {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
        /// How long it took.
        elapsed: Duration,
    },
    /// Others were in a migration's way; it is rolled back, and tried again after a pause.
    MigrationRetried {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
        /// What was in its way.
        error: &'a DatabaseError,
        /// The pause.
        pause: Duration,
    },
    /// The run is to end early.
    Interrupted(Urgency),
    /// A database is done with, well or not.
    DatabaseFinished(&'a DatabaseReport),
    /// The run is over.
    RunFinished(&'a Report),
}
