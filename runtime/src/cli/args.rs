//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use sharded_migrations_core::{Version, duration};

use super::rollout::RolloutOptions;
use crate::adopt::Tool;
use crate::fleet::Selection;
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

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verb {
    /// Apply what is pending on all databases that are not replicas
    Apply,
    /// Show what would be applied where, in which order, and change nothing
    Plan,
    /// Show what is applied and what is pending
    Status,
    /// Say by the exit code whether all databases are up to date: 0 if they are, 3 if not
    Check,
    /// Show what was applied when, by whom, and how long it took
    History,
    /// Show what was changed in the history by hand, and what was taken back: when, by whom, and why
    Audit,
    /// Print a migration as a database would get it
    Sql,
    /// Take back what is applied above `--to`, newest first, with the reverse files
    Down,
    /// Take back the newest migration of each database, or what is above `--to`, and apply it again
    Redo,
    /// Record all migrations up to `--to` as applied and run none, on databases without a history
    Baseline,
    /// Record what another tool has applied, `--from` its own table, and run none
    Adopt,
    /// Settle what is dirty, divergent, missing, misrouted or half taken back, once you have looked
    Repair,
    /// Empty a developer's databases, and migrate them anew
    Reset,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Lines for people
    #[default]
    Human,
    /// JSON: a line for each event of `apply`, one document for the other verbs
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
/// arguments of the same name; `long` stands before the id, as clap would else take its name from that.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(about = None, long_about = None)]
#[group(skip)]
pub struct Options {
    /// Only these databases, or `all` (the default); a replica is an error
    #[arg(
        long,
        id = "migrate_database",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = HEADING
    )]
    pub database: Vec<String>,

    /// Only databases of these groups
    #[arg(long, id = "migrate_group", value_name = "GROUP", value_delimiter = ',', help_heading = HEADING)]
    pub group: Vec<String>,

    /// Nothing above this version
    #[arg(long, id = "migrate_to", value_name = "VERSION", value_parser = version, help_heading = HEADING)]
    pub to: Option<Version>,

    /// With `plan`, and with `down` and `redo` before they begin: the text that each database would get
    #[arg(long, id = "migrate_sql", help_heading = HEADING)]
    pub sql: bool,

    /// With `sql`: which one, by its version, its name or its file; a reverse file by that
    #[arg(long, id = "migrate_migration", value_name = "MIGRATION", help_heading = HEADING)]
    pub migration: Option<String>,

    /// Instead of applying: record what is pending, up to `--to`, as applied, and run nothing
    #[arg(long, id = "migrate_fake", help_heading = HEADING)]
    pub fake: bool,

    /// Before applying: where there is no history, but all tables and columns that the migrations up to this
    /// version make, record these as applied
    #[arg(
        long,
        id = "migrate_fake_initial",
        value_name = "VERSION",
        value_parser = version,
        help_heading = HEADING
    )]
    pub fake_initial: Option<Version>,

    /// With `adopt`: the tool that has migrated the databases so far
    #[arg(long, id = "migrate_from", value_name = "TOOL", value_enum, help_heading = HEADING)]
    pub from: Option<Tool>,

    /// With `adopt`: the table that the tool was told to keep its history in, `NAME` or `SCHEMA.NAME` [default: the one that it
    /// takes by itself]
    #[arg(long, id = "migrate_table", value_name = "TABLE", help_heading = HEADING)]
    pub table: Option<String>,

    /// With `repair`: the statement in doubt was not done, the next run begins with it
    #[arg(long, id = "migrate_retry", help_heading = HEADING)]
    pub retry: bool,

    /// With `repair`: the statement in doubt was done, the next run goes on behind it
    #[arg(long, id = "migrate_applied", help_heading = HEADING)]
    pub applied: bool,

    /// With `repair`: the divergent migration of this version is right as its file is now
    #[arg(
        long,
        id = "migrate_accept",
        value_name = "VERSION",
        value_parser = version,
        help_heading = HEADING
    )]
    pub accept: Option<Version>,

    /// With `repair`: the missing migration of this version will not come back
    #[arg(
        long,
        id = "migrate_forget",
        value_name = "VERSION",
        value_parser = version,
        help_heading = HEADING
    )]
    pub forget: Option<Version>,

    /// With `repair`: the misrouted migration of this version belongs to other databases now
    #[arg(
        long,
        id = "migrate_abandon",
        value_name = "VERSION",
        value_parser = version,
        help_heading = HEADING
    )]
    pub abandon: Option<Version>,

    /// With `repair`: the migration of this version, which was taken back in part, is taken back to its end by hand
    #[arg(
        long,
        id = "migrate_taken_back",
        value_name = "VERSION",
        value_parser = version,
        help_heading = HEADING
    )]
    pub taken_back: Option<Version>,

    /// With `repair`: the migration of this version, which was taken back in part, is put back by hand and applied
    #[arg(
        long,
        id = "migrate_restored",
        value_name = "VERSION",
        value_parser = version,
        help_heading = HEADING
    )]
    pub restored: Option<Version>,

    /// With what changes the history by hand: do it, and don't ask on the terminal
    #[arg(long, id = "migrate_yes", help_heading = HEADING)]
    pub yes: bool,

    /// With what changes the history by hand: only show what it would do
    #[arg(long, id = "migrate_dry_run", help_heading = HEADING)]
    pub dry_run: bool,

    /// How the run goes over the fleet.
    #[command(flatten)]
    pub rollout: RolloutOptions,

    /// How long connecting to a server may take; 0 for no limit
    /// [default: `connect_timeout` in the URL, else 10s]
    #[arg(
        long,
        id = "migrate_connect_timeout",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub connect_timeout: Option<Duration>,

    /// How long a statement waits for a table that others use, unless its file says it; 0 for no limit
    /// [default: 5s, none for what runs CONCURRENTLY]
    #[arg(
        long,
        id = "migrate_lock_timeout",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub lock_timeout: Option<Duration>,

    /// How long a statement may run, unless its file says it; 0 for no limit [default: the server's]
    #[arg(
        long,
        id = "migrate_statement_timeout",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub statement_timeout: Option<Duration>,

    /// How long to wait while another process migrates the same database; 0 to give up at once
    /// [default: 5min]
    #[arg(
        long,
        id = "migrate_lock_wait",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub lock_wait: Option<Duration>,

    /// For how long a migration is tried again that others were in the way of; 0 for a single try
    /// [default: 1min]
    #[arg(
        long,
        id = "migrate_retry_for",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub retry_for: Option<Duration>,

    /// Write what the run did into this file, as an HTML page
    #[arg(long, id = "migrate_report", value_name = "FILE", help_heading = HEADING)]
    pub report: Option<PathBuf>,

    /// How results are shown
    #[arg(
        long,
        id = "migrate_format",
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        help_heading = HEADING
    )]
    pub format: Format,

    /// How much is shown
    #[arg(
        long,
        id = "migrate_verbosity",
        value_name = "LEVEL",
        value_enum,
        default_value_t,
        help_heading = HEADING
    )]
    pub verbosity: Verbosity,

    /// Whether it is shown where a run stands
    #[arg(
        long,
        id = "migrate_progress",
        value_name = "WHEN",
        value_enum,
        default_value_t,
        help_heading = HEADING
    )]
    pub progress: Progress,
}

impl Options {
    pub(super) fn selection(&self) -> Selection {
        Selection { databases: self.database.clone(), groups: self.group.clone() }
    }
}

impl ValueEnum for Tool {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

impl Verb {
    /// The word that is typed, as clap derives it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Plan => "plan",
            Self::Status => "status",
            Self::Check => "check",
            Self::History => "history",
            Self::Audit => "audit",
            Self::Sql => "sql",
            Self::Down => "down",
            Self::Redo => "redo",
            Self::Baseline => "baseline",
            Self::Adopt => "adopt",
            Self::Repair => "repair",
            Self::Reset => "reset",
        }
    }
}

fn version(text: &str) -> Result<Version, String> {
    let number = text.parse().ok().and_then(Version::new);
    number.ok_or_else(|| "a version is a whole number, 0 or above".to_owned())
}
