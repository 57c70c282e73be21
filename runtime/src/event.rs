//! What happens during a run, as it happens. The executor talks to nobody else: reporters and
//! applications alike listen here.

use std::time::Duration;

use sharded_migrations_core::set::Stale;
use sharded_migrations_core::{DatabaseName, Migration};

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
    /// A migration is applied.
    MigrationApplied {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
        /// How long it took.
        elapsed: Duration,
    },
    /// A database is done with, well or not.
    DatabaseFinished(&'a DatabaseReport),
    /// The run is over.
    RunFinished(&'a Report),
}
