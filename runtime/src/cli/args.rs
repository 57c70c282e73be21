//! What can be typed.

use std::num::NonZeroUsize;

use clap::{ArgAction, Args, Subcommand, ValueEnum};
use sharded_migrations_core::Version;

use crate::fleet::Selection;
use crate::reporter::Verbosity;

const HEADING: &str = "Migrations";

/// Arguments to flatten into an application's own: `--migrate` and its options.
// The documentation is this type's: clap would make it the application's.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(about = None, long_about = None)]
pub struct MigrateArgs {
    /// Migrate all databases that are not replicas, or show what would be done; then exit
    #[arg(
        long,
        value_name = "VERB",
        num_args = 0..=1,
        require_equals = true,
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
}

impl MigrateCommand {
    pub(super) fn parts(&self) -> (Verb, &Options) {
        match self {
            Self::Apply(options) => (Verb::Apply, options),
            Self::Plan(options) => (Verb::Plan, options),
            Self::Status(options) => (Verb::Status, options),
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

/// The options of every verb.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(about = None, long_about = None)]
pub struct Options {
    /// Only these databases, or `all` (the default); a replica is an error
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = HEADING)]
    pub database: Vec<String>,

    /// Only the databases of these groups
    #[arg(long, value_name = "GROUP", value_delimiter = ',', help_heading = HEADING)]
    pub group: Vec<String>,

    /// Nothing above this version
    #[arg(long, value_name = "VERSION", value_parser = version, help_heading = HEADING)]
    pub to: Option<Version>,

    /// How many databases at a time [default: `concurrency` in databases.toml, else 32]
    #[arg(long, value_name = "N", help_heading = HEADING)]
    pub jobs: Option<NonZeroUsize>,

    /// How results are shown
    #[arg(long, value_enum, default_value_t, help_heading = HEADING)]
    pub format: Format,

    /// Show failures only
    #[arg(long, action = ArgAction::SetTrue, conflicts_with = "verbose", help_heading = HEADING)]
    pub quiet: bool,

    /// Show every migration as it begins and ends
    #[arg(long, action = ArgAction::SetTrue, help_heading = HEADING)]
    pub verbose: bool,
}

impl Options {
    pub(super) fn selection(&self) -> Selection {
        Selection { databases: self.database.clone(), groups: self.group.clone() }
    }

    pub(super) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        }
    }
}

fn version(text: &str) -> Result<Version, String> {
    let number = text.parse().ok().and_then(Version::new);
    number.ok_or_else(|| "a version is a whole number, 0 or above".to_owned())
}
