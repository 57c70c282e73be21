//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use sharded_migrations_core::{Back, Version, duration};

use super::rollout::RolloutOptions;
use crate::adopt::Tool;
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
    /// Settle what is dirty, divergent, missing or misrouted, once you have looked
    Repair,
    /// Empty a developer's databases, and migrate them anew
    Reset,
}

/// What to do, with what has to be said for it.
pub(super) enum Task<'o> {
    Apply,
    Plan { sql: bool },
    Status,
    Check,
    History,
    Sql(&'o str),
    Down(Verb, Back),
    Baseline(Version),
    Adopt(Tool),
    Fake,
    FakeInitial(Version),
    Repair(Repair),
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

    /// With `plan`: the text that each database would get
    #[arg(long, id = "migrate_sql", help_heading = HEADING)]
    pub sql: bool,

    /// With `sql`: which one, by its version, its name or its file
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
    /// What a verb asks for with these options.
    pub(super) fn task(&self, verb: Verb) -> Result<Task<'_>, String> {
        if let Some(own) = self.own().iter().find(|own| own.is_given && !own.verbs.contains(&verb)) {
            let verbs: Vec<String> = own.verbs.iter().map(|verb| format!("`{}`", verb.name())).collect();
            return Err(format!("`--{}` is for {} alone", own.name, verbs.join(", ")));
        }
        Ok(match verb {
            Verb::Apply => self.apply()?,
            Verb::Plan => Task::Plan { sql: self.sql },
            Verb::Status => Task::Status,
            Verb::Check => Task::Check,
            Verb::History => Task::History,
            Verb::Sql => {
                Task::Sql(self.migration.as_deref().ok_or(
                    "`sql` needs a migration: `--migration 12`, by its version, its name or its file",
                )?)
            }
            Verb::Down => Task::Down(
                verb,
                Back::To(self.to.ok_or(
                    "`down` needs a version: `--to 12` takes back all migrations above 12, which remains the newest; \
                     `--to 0` takes back all",
                )?),
            ),
            Verb::Redo => Task::Down(verb, self.to.map_or(Back::Newest, Back::To)),
            Verb::Baseline => Task::Baseline(self.to.ok_or(
                "`baseline` needs a version: `--to 12` records all migrations up to and with 12 as applied",
            )?),
            Verb::Adopt => {
                let tools = || Tool::ALL.map(Tool::name).join("|");
                Task::Adopt(self.from.ok_or_else(|| format!("`adopt` needs a tool: `--from {}`", tools()))?)
            }
            Verb::Repair => Task::Repair(self.repair()?),
            Verb::Reset => Task::Reset,
        })
    }

    fn apply(&self) -> Result<Task<'_>, String> {
        match (self.fake, self.fake_initial) {
            // It does what `baseline` does: what has no effect there has none here.
            (true, None) => match self.own().iter().find(|own| own.is_given && own.is_of_a_run()) {
                Some(own) => {
                    Err(format!("`--{}` is about what a run does, and `--fake` runs nothing", own.name))
                }
                None => Ok(Task::Fake),
            },
            (true, Some(_)) => Err("`--fake` records what is pending without looking, and `--fake-initial` where all is \
                                    there: give one of them"
                .into()),
            (false, Some(to)) => Ok(Task::FakeInitial(to)),
            (false, None) if self.yes || self.dry_run => {
                Err("`apply` does not ask: `plan` shows what it would do, and `--yes` and `--dry-run` are for what \
                     changes the history by hand"
                    .into())
            }
            (false, None) => Ok(Task::Apply),
        }
    }

    fn repair(&self) -> Result<Repair, String> {
        let said = [
            self.retry.then_some(Repair::Retry),
            self.applied.then_some(Repair::Applied),
            self.accept.map(Repair::Accept),
            self.forget.map(Repair::Forget),
            self.abandon.map(Repair::Abandon),
        ];
        let mut said = said.into_iter().flatten();
        match (said.next(), said.next()) {
            (Some(repair), None) => Ok(repair),
            _ => Err("`repair` needs one of these: for what is dirty, `--retry` where the statement in doubt was not \
                      done, or `--applied` where it was; `--accept VERSION` for what is divergent, `--forget VERSION` \
                      for what is missing, `--abandon VERSION` for what is misrouted"
                .into()),
        }
    }

    /// The options that some verbs have and the others have not: whoever gives one to a verb where it has no effect
    /// expects something else of it. How results are shown may be said to all of them.
    fn own(&self) -> [Own; 27] {
        let own = |name, verbs, is_given| Own { name, verbs, is_given };
        let rollout = &self.rollout;
        [
            own("to", Verb::PLANNING, self.to.is_some()),
            own("jobs", Verb::CONNECTING, rollout.jobs.is_some()),
            own("per-server", Verb::CONNECTING, rollout.per_server.is_some()),
            own("canary", Verb::ROLLING, !rollout.canary.is_empty()),
            own("waves", Verb::ROLLING, !rollout.waves.is_empty()),
            own("pause", Verb::RUNNING, rollout.pause.is_some()),
            own("check", Verb::RUNNING, rollout.check.is_some()),
            own("max-failures", Verb::GOING_ON, rollout.max_failures.is_some()),
            own("on-failure", Verb::GOING_ON, rollout.on_failure.is_some()),
            own("connect-timeout", Verb::CONNECTING, self.connect_timeout.is_some()),
            own("lock-timeout", Verb::RUNNING, self.lock_timeout.is_some()),
            own("statement-timeout", Verb::RUNNING, self.statement_timeout.is_some()),
            own("lock-wait", Verb::BY_HAND, self.lock_wait.is_some()),
            own("retry-for", Verb::RUNNING, self.retry_for.is_some()),
            own("report", &[Verb::Apply, Verb::Down], self.report.is_some()),
            own("sql", &[Verb::Plan], self.sql),
            own("migration", &[Verb::Sql], self.migration.is_some()),
            own("fake", &[Verb::Apply], self.fake),
            own("fake-initial", &[Verb::Apply], self.fake_initial.is_some()),
            own("from", &[Verb::Adopt], self.from.is_some()),
            own("retry", &[Verb::Repair], self.retry),
            own("applied", &[Verb::Repair], self.applied),
            own("accept", &[Verb::Repair], self.accept.is_some()),
            own("forget", &[Verb::Repair], self.forget.is_some()),
            own("abandon", &[Verb::Repair], self.abandon.is_some()),
            own("yes", Verb::BY_HAND, self.yes),
            own("dry-run", Verb::BY_HAND, self.dry_run),
        ]
    }

    /// The ids of these options, with their verbs.
    pub(super) fn own_ids() -> [(String, &'static [Verb]); 27] {
        Self::default().own().map(|own| (format!("migrate_{}", own.name.replace('-', "_")), own.verbs))
    }

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

/// An option of some verbs.
struct Own {
    name: &'static str,
    verbs: &'static [Verb],
    is_given: bool,
}

impl Own {
    /// Whether it has an effect only where migrations are run.
    fn is_of_a_run(&self) -> bool {
        !self.verbs.contains(&Verb::Baseline) && !matches!(self.name, "fake" | "fake-initial")
    }
}

impl Verb {
    /// Those that change the history by hand, or destroy something: they ask. `apply` does with `--fake`. All of them
    /// wait for the migration lock.
    const BY_HAND: &'static [Self] =
        &[Self::Apply, Self::Down, Self::Redo, Self::Baseline, Self::Adopt, Self::Repair, Self::Reset];

    /// Those that run migrations or their reverse files.
    const RUNNING: &'static [Self] = &[Self::Apply, Self::Down, Self::Redo];

    /// Those that show how that goes over the fleet, too.
    const ROLLING: &'static [Self] = &[Self::Apply, Self::Plan, Self::Down, Self::Redo];

    /// Those for which a database that is refused may not be the end.
    const GOING_ON: &'static [Self] =
        &[Self::Apply, Self::Plan, Self::Down, Self::Redo, Self::Baseline, Self::Adopt, Self::Repair];

    /// Those that are about versions, of which some may be left out.
    const PLANNING: &'static [Self] = &[
        Self::Apply,
        Self::Plan,
        Self::Status,
        Self::Check,
        Self::Down,
        Self::Redo,
        Self::Baseline,
        Self::Repair,
    ];

    /// Those that ask databases.
    const CONNECTING: &'static [Self] = &[
        Self::Apply,
        Self::Plan,
        Self::Status,
        Self::Check,
        Self::History,
        Self::Down,
        Self::Redo,
        Self::Baseline,
        Self::Adopt,
        Self::Repair,
        Self::Reset,
    ];

    /// The word that is typed, as clap derives it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Plan => "plan",
            Self::Status => "status",
            Self::Check => "check",
            Self::History => "history",
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
