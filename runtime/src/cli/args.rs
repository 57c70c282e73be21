//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use sharded_migrations_core::{Version, duration};

use super::rollout::RolloutOptions;
use crate::fleet::Selection;
use crate::repair::Repair;
use crate::reporter;

pub(super) const HEADING: &str = "Migrations";

/// Arguments to flatten into an application's own: `--migrate` and its options.
// The documentation is this type's: clap would make it the application's.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(about = None, long_about = None)]
#[group(skip)]
pub struct MigrateArgs {
    /// Migrate all databases that are not replicas, or show what would be done; then exit
    #[arg(
        long,
        value_name = "VERB",
        num_args = 0..=1,
        default_missing_value = "apply",
        help_heading = HEADING
    )]
    pub migrate: Option<Verb>,

    /// How it is done.
    #[command(flatten)]
    pub options: Options,
}

/// The same as a subcommand: `myapp migrate apply`, `myapp migrate status`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum MigrateCommand {
    /// Apply what is pending on all databases that are not replicas
    Apply(Options),
    /// Show what would be applied, and change nothing
    Plan(Options),
    /// Show what is applied and what is pending
    Status(Options),
    /// Settle migrations that broke off outside a transaction, with `--retry` or `--applied`
    Repair(Options),
}

impl MigrateCommand {
    pub(super) fn parts(&self) -> (Verb, &Options) {
        match self {
            Self::Apply(options) => (Verb::Apply, options),
            Self::Plan(options) => (Verb::Plan, options),
            Self::Status(options) => (Verb::Status, options),
            Self::Repair(options) => (Verb::Repair, options),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verb {
    /// Apply what is pending
    Apply,
    /// Show what would be applied, and change nothing
    Plan,
    /// Show what is applied and what is pending
    Status,
    /// Settle migrations that broke off outside a transaction, with `--retry` or `--applied`
    Repair,
}

/// What to do, with what has to be said for it.
pub(super) enum Task {
    Apply,
    Plan,
    Status,
    Repair(Repair),
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Lines for people
    #[default]
    Human,
    /// JSON: a line for each event of a run, one document for plan and status
    Json,
}

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, ValueEnum)]
pub enum Verbosity {
    /// Failures and warnings only
    Quiet,
    /// Also where a run stands, and what it did
    #[default]
    Normal,
    /// Also each migration as it begins and ends
    Verbose,
}

impl From<Verbosity> for reporter::Verbosity {
    fn from(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Quiet => Self::Quiet,
            Verbosity::Normal => Self::Normal,
            Verbosity::Verbose => Self::Verbose,
        }
    }
}

/// Whether it is shown where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Progress {
    /// A bar on a terminal; elsewhere, and in CI, a line for each database that is done
    #[default]
    Auto,
    /// Only what goes wrong, and the results; nobody looks for who holds a lock
    Never,
}

impl From<Progress> for reporter::Wish {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Auto => Self::Auto,
            Progress::Never => Self::Never,
        }
    }
}

/// The options of every verb. Their ids begin with `migrate_`, so that an application may have
/// arguments of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(about = None, long_about = None)]
#[group(skip)]
pub struct Options {
    /// Only these databases, or `all` (the default); a replica is an error
    #[arg(
        id = "migrate_database",
        long = "database",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = HEADING
    )]
    pub database: Vec<String>,

    /// Only databases of these groups
    #[arg(id = "migrate_group", long = "group", value_name = "GROUP", value_delimiter = ',', help_heading = HEADING)]
    pub group: Vec<String>,

    /// Nothing above this version
    #[arg(id = "migrate_to", long = "to", value_name = "VERSION", value_parser = version, help_heading = HEADING)]
    pub to: Option<Version>,

    /// With `repair`: the statement in doubt was not done, the next run begins with it
    #[arg(id = "migrate_retry", long = "retry", help_heading = HEADING)]
    pub retry: bool,

    /// With `repair`: the statement in doubt was done, the next run goes on behind it
    #[arg(id = "migrate_applied", long = "applied", help_heading = HEADING)]
    pub applied: bool,

    /// How the run goes over the fleet.
    #[command(flatten)]
    pub rollout: RolloutOptions,

    /// How long connecting to a server may take; 0 for no limit
    /// [default: `connect_timeout` in the URL, else 10s]
    #[arg(
        id = "migrate_connect_timeout",
        long = "connect-timeout",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub connect_timeout: Option<Duration>,

    /// How long a statement waits for a table that others use, unless its file says it; 0 for no limit
    /// [default: 5s, none for what runs CONCURRENTLY]
    #[arg(
        id = "migrate_lock_timeout",
        long = "lock-timeout",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub lock_timeout: Option<Duration>,

    /// How long a statement may run, unless its file says it; 0 for no limit [default: the server's]
    #[arg(
        id = "migrate_statement_timeout",
        long = "statement-timeout",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub statement_timeout: Option<Duration>,

    /// How long to wait while another process migrates the same database; 0 to give up at once
    /// [default: 5min]
    #[arg(
        id = "migrate_lock_wait",
        long = "lock-wait",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub lock_wait: Option<Duration>,

    /// For how long a migration is tried again that others were in the way of; 0 for a single try
    /// [default: 1min]
    #[arg(
        id = "migrate_retry_for",
        long = "retry-for",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub retry_for: Option<Duration>,

    /// Write what the run did into this file, as an HTML page
    #[arg(id = "migrate_report", long = "report", value_name = "FILE", help_heading = HEADING)]
    pub report: Option<PathBuf>,

    /// How results are shown
    #[arg(
        id = "migrate_format",
        long = "format",
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        help_heading = HEADING
    )]
    pub format: Format,

    /// How much is shown
    #[arg(
        id = "migrate_verbosity",
        long = "verbosity",
        value_name = "LEVEL",
        value_enum,
        default_value_t,
        help_heading = HEADING
    )]
    pub verbosity: Verbosity,

    /// Whether it is shown where a run stands
    #[arg(
        id = "migrate_progress",
        long = "progress",
        value_name = "WHEN",
        value_enum,
        default_value_t,
        help_heading = HEADING
    )]
    pub progress: Progress,
}

impl Options {
    /// What a verb asks for with these options.
    pub(super) fn task(&self, verb: Verb) -> Result<Task, String> {
        if self.report.is_some() && verb != Verb::Apply {
            return Err("`--report` is for `apply` alone".into());
        }
        match (verb, self.retry, self.applied) {
            (Verb::Apply, false, false) => Ok(Task::Apply),
            (Verb::Plan, false, false) => Ok(Task::Plan),
            (Verb::Status, false, false) => Ok(Task::Status),
            (Verb::Repair, true, false) => Ok(Task::Repair(Repair::Retry)),
            (Verb::Repair, false, true) => Ok(Task::Repair(Repair::Applied)),
            (Verb::Repair, ..) => {
                Err("`repair` needs one of two: `--retry` where the statement in doubt was \
                                       not done, or `--applied` where it was"
                    .into())
            }
            (Verb::Apply | Verb::Plan | Verb::Status, ..) => {
                Err("`--retry` and `--applied` are for `repair` alone".into())
            }
        }
    }

    pub(super) fn selection(&self) -> Selection {
        Selection { databases: self.database.clone(), groups: self.group.clone() }
    }
}

fn version(text: &str) -> Result<Version, String> {
    let number = text.parse().ok().and_then(Version::new);
    number.ok_or_else(|| "a version is a whole number, 0 or above".to_owned())
}
