//! Schema migrations for applications that run over many databases.
//!
//! [`embed_sharded_migrations!`] puts the migrations of a folder and the fleet of a
//! `databases.toml` into the binary, and fails the build when a route or a file cannot be right for
//! some database. At run time a [`Migrator`] applies to every database that is not a replica, in
//! parallel, exactly the migrations routed to it.
//!
//! ```no_run
//! # use sharded_migrations::Migrations;
//! # static MIGRATIONS: Migrations = Migrations::EMPTY; // in an application: embed_sharded_migrations!()
//! use sharded_migrations::{Fleet, Migrator};
//!
//! # async fn migrate() -> Result<(), Box<dyn std::error::Error>> {
//! let fleet = Fleet::from_env(&MIGRATIONS)?;
//! let report = Migrator::new(&MIGRATIONS, fleet).concurrency(32).run().await?;
//! println!("{} migrations applied", report.applied());
//! # Ok(())
//! # }
//! ```
//!
//! An application with a command line flattens [`cli::MigrateArgs`] into its own and has
//! `--migrate`.
//!
//! # Features
//! `postgres` and `sqlite` are the engines, `clap` is the command-line front; all three are on by
//! default. `tracing` shows what happens as spans and events of that crate: a span `database` with the
//! fields `database` and `group`, and below it a span `migration` with `version` and `migration`.
//!
//! `testing` gives an application's own tests a migrated fleet of throw-away databases: `testing::TestFleet`.
//!
//! `adopt` lets a fleet go on where another tool has stopped, see [`Migrator::adopt`].
//!
//! `lint` has the macro look for statements that lock out or break a running application; nothing of it is linked.

pub mod adopt;
pub mod amend;
pub mod audit;
#[cfg(feature = "clap")]
pub mod cli;
pub mod error;
pub mod event;
pub mod exit_code;
pub mod fleet;
pub mod history;
pub mod html;
pub mod planned;
pub mod readiness;
pub mod record;
pub mod repair;
pub mod report;
#[cfg(feature = "clap")]
mod reporter;
pub mod reset;
pub mod step;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trail;

mod backoff;
mod code;
#[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "some of it only PostgreSQL has a use for"))]
mod engine;
mod executor;
mod figures;
mod interrupt;
mod migrate;
mod outside;
mod rollout;
mod slots;
mod survey;
#[cfg(feature = "tracing")]
mod trace;
mod watch;
mod work;

pub use adopt::{Mismatch, Tool, ToolTable};
pub use amend::{Action, Amended, AmendedDatabase, Amendments};
pub use audit::{AuditRecord, Audits, DatabaseAudit};
pub use engine::{AUDIT_TABLE, HISTORY_TABLE};
pub use error::{DatabaseError, StepError};
pub use event::{Event, Wave};
pub use executor::Migrator;
pub use fleet::{Fleet, Selection};
pub use history::{DatabaseHistory, Histories, HistoryRecord};
pub use interrupt::{Interrupter, Urgency};
pub use planned::RolloutPlan;
pub use readiness::{Readiness, Verdict};
pub use repair::Repair;
pub use report::{DatabaseReport, Outcome, Reason, Report, RunError};
pub use rollout::Stopped;
pub use sharded_migrations_core::rollout::Blocker;
pub use sharded_migrations_core::{
    Back, Checksum, Code, Database, DatabaseName, Direction, EngineKind, GroupName, HistoryRow, Kind, Label,
    LockLevel, Locks, Migration, Migrations, OnFailure, OutOfOrder, Outside, Plan, Refusal, Replaces,
    Requirement, Resume, Reverse, Role, Rollout, Route, Script, Share, Spans, Start, State, Step, TableLock,
    Timeouts, Topology, Transaction, Version,
};
pub use sharded_migrations_macros::embed_sharded_migrations;
pub use survey::{Survey, Surveyed};

/// What the macro's expansion names; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use std::borrow::Cow::Borrowed;
    pub use std::option::Option::{None, Some};
    pub use std::time::Duration;

    pub use crate::step::StepFunction;
    pub use sharded_migrations_core::embedded::{Columns, ScriptShape, Shape, migrations};
    pub use sharded_migrations_core::set::Origin;
    pub use sharded_migrations_core::{
        Code, Database, DatabaseName, EngineKind, GroupName, Kind, Label, Migration, Migrations, OnFailure,
        OutOfOrder, Outside, Requirement, Rerouted, Resume, Role, Rollout, Route, Share, Timeouts, Topology,
        Transaction, Version,
    };
}
