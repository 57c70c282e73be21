//! What happens during a run, as it happens. The executor talks to nobody else: reporters and
//! applications alike listen here.

use std::time::Duration;

use sharded_migrations_core::set::Stale;
use sharded_migrations_core::{DatabaseName, Direction, Migration};

use crate::error::DatabaseError;
use crate::interrupt::Urgency;
use crate::report::{DatabaseReport, Report};
use crate::rollout::Stopped;

/// Databases that are migrated together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave<'a> {
    /// Which one of its stage, from 1.
    pub number: usize,
    /// How many its stage has.
    pub of: usize,
    /// Which stage, from 1: a new one begins behind each barrier and requirement.
    pub stage: usize,
    /// How many stages there are.
    pub stages: usize,
    /// The databases.
    pub databases: Vec<&'a DatabaseName>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The folder of migrations is not what this (debug) build was made from.
    StaleBinary(&'a Stale),
    /// All is planned, and work begins.
    RunPlanned {
        /// Whether migrations are applied or taken back.
        direction: Direction,
        /// How many databases have something to be done.
        databases: usize,
        /// How many there are.
        of: usize,
        /// How many migrations are to be applied or taken back, on all of them together.
        migrations: usize,
    },
    /// A wave begins.
    WaveStarted(&'a Wave<'a>),
    /// A wave is over, and the next one waits for so long.
    WavePaused {
        /// The pause.
        pause: Duration,
    },
    /// Nothing new is started any more; what is in flight is finished.
    RolloutStopped(&'a Stopped),
    /// A database is being migrated.
    DatabaseStarted {
        /// The database.
        database: &'a DatabaseName,
        /// How many migrations are to be applied or taken back.
        pending: usize,
    },
    /// Another process holds a database's migration lock; it is waited for.
    LockWaiting {
        /// The database.
        database: &'a DatabaseName,
        /// Who holds it, where that is known.
        holder: Option<&'a str>,
    },
    /// A migration is being applied or taken back.
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
        /// How many rows its `INSERT`, `UPDATE`, `DELETE` and `MERGE` statements changed, as the server counts them; `None`
        /// where it has none, or that is not known (a `DO`, a `WITH` that changes rows in its parts, a lost connection, what an
        /// earlier run did). What triggers, foreign keys and functions change is not counted.
        rows: Option<u64>,
    },
    /// A migration is taken back, and stays so if the server crashes now.
    MigrationTakenBack {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
        /// How long it took.
        elapsed: Duration,
        /// How many rows the statements of its reverse file changed, where that is known.
        rows: Option<u64>,
    },
    /// A migration has run for a while, and waits for a lock that somebody else holds. Only told of where it is
    /// looked for, see [`Migrator::tell_table_locks`](crate::Migrator::tell_table_locks).
    TableLockWaiting {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
        /// Who holds it: `pid 4711 (pgbackrest)`.
        holder: &'a str,
    },
    /// A migration that was told to wait for a lock goes on.
    TableLockGiven {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
    },
    /// A migration that is written in Rust says how far it has come, see [`Context::progress`](crate::step::Context::progress).
    MigrationProgress {
        /// The database.
        database: &'a DatabaseName,
        /// The migration.
        migration: &'a Migration,
        /// How much is done, in the migration's own units.
        done: u64,
        /// How much there is.
        of: u64,
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
