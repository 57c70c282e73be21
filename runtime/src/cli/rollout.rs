//! `[rollout]` of `databases.toml`, said otherwise for one run.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, ValueEnum};
use sharded_migrations_core::{DatabaseName, OnFailure, Rollout, Share, duration, suggest};

use super::args::HEADING;
use crate::executor::Migrator;

/// How a run goes over the fleet, where it is to be another way than `databases.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Args)]
#[command(about = None, long_about = None)]
#[group(skip)]
pub struct RolloutOptions {
    /// How many databases at a time [default: `concurrency` in databases.toml, else 32]
    #[arg(long, id = "migrate_jobs", value_name = "N", help_heading = HEADING)]
    pub jobs: Option<NonZeroUsize>,

    /// How many of these may be on one server [default: `per_server` in databases.toml, else any number]
    #[arg(long, id = "migrate_per_server", value_name = "N", help_heading = HEADING)]
    pub per_server: Option<NonZeroUsize>,

    /// The databases that come first; when one of them fails, no other is touched
    #[arg(
        long,
        id = "migrate_canary",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = HEADING
    )]
    pub canary: Vec<String>,

    /// How much of the fleet is migrated by the end of each wave: `1,10%,100%`
    #[arg(
        long,
        id = "migrate_waves",
        value_name = "SHARE",
        value_delimiter = ',',
        help_heading = HEADING
    )]
    pub waves: Vec<Share>,

    /// How long to wait between two waves
    #[arg(
        long,
        id = "migrate_pause",
        value_name = "TIME",
        value_parser = duration::parse,
        help_heading = HEADING
    )]
    pub pause: Option<Duration>,

    /// A command that says between two waves whether to go on: the run stops where it fails
    #[arg(long, id = "migrate_check", value_name = "COMMAND", help_heading = HEADING)]
    pub check: Option<String>,

    /// How many databases may fail before nothing new is started [default: 0]
    #[arg(
        long,
        id = "migrate_max_failures",
        value_name = "N",
        conflicts_with = "migrate_on_failure",
        help_heading = HEADING
    )]
    pub max_failures: Option<usize>,

    /// What a database that fails means for the others
    #[arg(
        long,
        id = "migrate_on_failure",
        value_name = "WHAT",
        value_enum,
        help_heading = HEADING
    )]
    pub on_failure: Option<WhenOneFails>,
}

/// What a database that fails means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WhenOneFails {
    /// Nothing new is started
    Stop,
    /// They go on, except for what waits for it
    Continue,
}

impl RolloutOptions {
    /// Has a migrator do what is said here, and for the rest what its fleet's file says.
    pub(super) fn apply<'m>(&self, migrator: Migrator<'m>) -> Result<Migrator<'m>, String> {
        let Rollout { canary, waves, concurrency, per_server, pause, on_failure, check } =
            migrator.rollout.clone();
        let canary = if self.canary.is_empty() { canary } else { self.canaries(&migrator)?.into() };
        let rollout = Rollout {
            canary,
            waves: if self.waves.is_empty() { waves } else { self.waves.clone().into() },
            concurrency: self.jobs.map_or(concurrency, NonZeroUsize::get),
            per_server: self.per_server.map(NonZeroUsize::get).or(per_server),
            pause: self.pause.unwrap_or(pause),
            on_failure: match (self.max_failures, self.on_failure) {
                (Some(most), _) => OnFailure::StopAbove(most),
                (None, Some(WhenOneFails::Stop)) => OnFailure::StopAbove(0),
                (None, Some(WhenOneFails::Continue)) => OnFailure::Continue,
                (None, None) => on_failure,
            },
            check: self.check.clone().map(Into::into).or(check),
        };
        Ok(migrator.rollout(rollout))
    }

    fn canaries(&self, migrator: &Migrator<'_>) -> Result<Vec<DatabaseName>, String> {
        let known = || migrator.fleet.databases().map(|database| &database.name);
        let find = |name: &String| {
            known().find(|known| known.as_str() == name).cloned().ok_or_else(|| {
                let names: Vec<&str> = known().map(|known| known.as_str()).collect();
                let help = suggest::help(name, "databases", names);
                format!("the canary `{name}` is no database of this run; {help}")
            })
        };
        self.canary.iter().map(find).collect()
    }
}
