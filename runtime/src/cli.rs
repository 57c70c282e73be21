//! The command-line front: arguments to flatten into an application's own, or a subcommand.
//!
//! ```no_run
//! # use sharded_migrations::Migrations;
//! # static MIGRATIONS: Migrations = Migrations::EMPTY; // in an application: embed_sharded_migrations!()
//! use clap::Parser;
//! use sharded_migrations::cli::MigrateArgs;
//! use std::process::ExitCode;
//!
//! #[derive(Parser)]
//! struct Arguments {
//!     #[command(flatten)]
//!     migrate: MigrateArgs,
//! }
//!
//! #[tokio::main]
//! async fn main() -> ExitCode {
//!     let arguments = Arguments::parse();
//!     // `--migrate` does its work and ends the program; without it, nothing happens here. An application that is to
//!     // go on once all is migrated says `exit_unless_applied()`: see `Outcome`.
//!     if let Some(code) = arguments.migrate.run(&MIGRATIONS).await.exit() {
//!         return code;
//!     }
//!     // ... the application itself
//!     ExitCode::SUCCESS
//! }
//! ```

mod amend;
mod apply;
mod args;
mod audit;
mod check;
mod command;
mod consent;
mod down;
mod history;
mod outcome;
mod plan;
mod record;
mod repair;
mod reset;
mod rollout;
mod show;
mod sql;
mod status;
mod task;
mod trail;

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::Value;
use sharded_migrations_core::{Migrations, Version};

pub use args::{Format, MigrateArgs, Options, Progress, Verb, Verbosity};
pub use command::MigrateCommand;
pub use outcome::Outcome;
pub use rollout::{RolloutOptions, WhenOneFails};

use amend::Words;

#[cfg(feature = "adopt")]
use crate::adopt::Adoption;
use crate::amend::Amendment;
use crate::executor::Migrator;
use crate::fleet::Fleet;
use crate::record::Record;
use crate::repair::Repair;
use crate::reporter::{Display, Human, Place, Reporter, Wish, document};
use crate::reset::Reset;
use crate::{exit_code, reporter};
use sql::Texts;
use task::Task;

impl MigrateArgs {
    /// Does what `--migrate` asks for. The [`Outcome`] says whether the application goes on.
    pub async fn run(&self, migrations: &Migrations) -> Outcome {
        match self.migrate {
            Some(verb) => {
                let code = execute(verb, &self.options, migrations).await;
                let is_applied = verb == Verb::Apply && code == exit_code::DONE && !self.options.dry_run;
                if is_applied { Outcome::Applied } else { Outcome::Ended(code) }
            }
            None if self.options == Options::default() => Outcome::NotAsked,
            None => {
                complain("the options of a migration are given without `--migrate`");
                Outcome::Ended(exit_code::USAGE)
            }
        }
    }
}

impl MigrateCommand {
    /// Does it.
    pub async fn run(&self, migrations: &Migrations) -> ExitCode {
        execute(self.verb, &self.options, migrations).await.into()
    }
}

async fn execute(verb: Verb, options: &Options, migrations: &Migrations) -> u8 {
    carry_out(verb, options, migrations).await.unwrap_or_else(|message| {
        complain(&message);
        exit_code::USAGE
    })
}

/// Does it; the error says what is wrong with the command line.
async fn carry_out(verb: Verb, options: &Options, migrations: &Migrations) -> Result<u8, String> {
    let migrator = || migrator(options, migrations);
    Ok(match options.task(verb)? {
        Task::Sql(name) => {
            let texts = Texts::find(name, &options.selection(), migrations)?;
            show(options, exit_code::DONE, || texts.json(), || (texts.sql(), String::new()))
        }
        Task::Apply => apply::apply(migrator()?, migrations, options).await,
        Task::Plan => {
            let plan = warnings(migrator()?).plan().await;
            plan::show(Verb::Plan, &plan, options)
        }
        Task::Status => {
            let survey = warnings(migrator()?).survey().await;
            let code = if survey.is_clear() { exit_code::DONE } else { exit_code::REFUSED };
            let text = || status::lines(migrations, &survey, options.verbosity);
            show(options, code, || document::status(&survey, code), || (text(), show::refused(&survey)))
        }
        Task::Check => {
            let readiness = warnings(migrator()?).check().await;
            let json = || document::check(&readiness);
            show(options, readiness.exit_code(), json, || check::lines(&readiness))
        }
        Task::History => {
            let histories = migrator()?.history().await;
            let json = || document::history(&histories);
            show(options, histories.exit_code(), json, || trail::lines(&histories, &history::WORDS))
        }
        Task::Audit => {
            let audits = migrator()?.audit().await;
            let json = || document::audit(&audits);
            show(options, audits.exit_code(), json, || trail::lines(&audits, &audit::WORDS))
        }
        Task::Baseline(to) => {
            let migrator = warnings(migrator()?);
            amend::amend(&migrator, options, &Record::Baseline(to), &record::BASELINE).await?
        }
        #[cfg(feature = "adopt")]
        Task::Adopt(from) => {
            amend::amend(&warnings(migrator()?), options, &Adoption::of(from), &record::ADOPT).await?
        }
        #[cfg(not(feature = "adopt"))]
        Task::Adopt(from) => {
            return Err(format!(
                "this application is built without what `adopt --from {}` needs: switch on the feature `adopt` of \
                 its dependency `sharded-migrations`",
                from.tool()
            ));
        }
        Task::Fake => amend::amend(&warnings(migrator()?), options, &Record::Fake, &record::FAKE).await?,
        Task::FakeInitial(to) => {
            known(migrations, to, "--fake-initial")?;
            and_then_apply(options, migrations, &Record::Initial(to), &record::INITIAL).await?
        }
        Task::Reset => and_then_apply(options, migrations, &Reset, &reset::WORDS).await?,
        Task::Down(verb, back) => down::down(verb, back, options, migrations).await?,
        Task::Repair(how) => {
            if let Repair::Accept(version) = how {
                known(migrations, version, "--accept")?;
            }
            amend::amend(&warnings(migrator()?), options, &how, &repair::WORDS).await?
        }
    })
}

/// Changes something by hand, and migrates once that went well.
async fn and_then_apply<A: Amendment<Row: PartialEq>>(
    options: &Options,
    migrations: &Migrations,
    amendment: &A,
    words: &Words<A::Row>,
) -> Result<u8, String> {
    let (amender, migrator) = (warnings(migrator(options, migrations)?), migrator(options, migrations)?);
    let code = amend::amend(&amender, options, amendment, words).await?;
    if code != exit_code::DONE || options.dry_run {
        return Ok(code);
    }
    Ok(apply::apply(migrator, migrations, options).await)
}

/// A version that is typed is one of a migration.
fn known(migrations: &Migrations, version: Version, option: &str) -> Result<(), String> {
    let is_known = migrations.migrations.iter().any(|migration| migration.version == version);
    if is_known { Ok(()) } else { Err(format!("no migration has the version {version} (`{option}`)")) }
}

fn migrator<'m>(options: &Options, migrations: &'m Migrations) -> Result<Migrator<'m>, String> {
    let fleet = Fleet::select(migrations, &options.selection()).map_err(|error| error.to_string())?;
    let mut migrator = Migrator::new(migrations, fleet);
    if let Some(to) = options.to {
        known(migrations, to, "--to")?;
        migrator = migrator.to(to);
    }
    migrator = options.rollout.apply(migrator)?;
    if let Some(limit) = options.connect_timeout {
        migrator = migrator.connect_timeout(limit);
    }
    if let Some(limit) = options.lock_timeout {
        migrator = migrator.lock_timeout(limit);
    }
    if let Some(limit) = options.statement_timeout {
        migrator = migrator.statement_timeout(limit);
    }
    if let Some(wait) = options.lock_wait {
        migrator = migrator.lock_wait(wait);
    }
    if let Some(budget) = options.retry_for {
        migrator = migrator.retry_for(budget);
    }
    Ok(migrator)
}

/// All there is to tell meanwhile are warnings.
fn warnings(migrator: Migrator<'_>) -> Migrator<'_> {
    let display = Display::choose(Place::of_process(), reporter::Verbosity::Quiet, Wish::Never);
    let warnings = Human::new(display, io::sink(), anstream::stderr());
    migrator.on_event(move |event| warnings.event(event))
}

/// Shows what a verb has found: for programs one document, for people results on the one stream and what went
/// wrong on the other.
fn show(
    options: &Options,
    code: u8,
    json: impl FnOnce() -> Value,
    human: impl FnOnce() -> (String, String),
) -> u8 {
    match options.format {
        Format::Json => print(&format!("{:#}\n", json()), "", code),
        Format::Human => {
            let (text, errors) = human();
            let is_quiet = options.verbosity == Verbosity::Quiet;
            print(if is_quiet { "" } else { &text }, &errors, code)
        }
    }
}

/// Prints results to the one stream and what went wrong to the other; the code, unless that fails.
fn print(results: &str, errors: &str, code: u8) -> u8 {
    let written = anstream::stdout().write_all(results.as_bytes());
    let errors = reporter::fitted(errors, Place::of_process().aside_columns);
    let _ = anstream::stderr().write_all(errors.as_bytes());
    match written {
        // A reader that is gone (`| head`) has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("the result cannot be written: {error}"));
            exit_code::FAILED
        }
        _ => code,
    }
}

/// An error of the command line, in clap's form.
fn complain(message: &str) {
    let _ = writeln!(io::stderr(), "error: {}", message.replace('\n', "\nerror: "));
}

/// `12`, `12..14`: versions that follow one another among those that are looked at.
fn versions(versions: &[Version]) -> String {
    match versions {
        [] => String::new(),
        [one] => one.to_string(),
        [first, .., last] => format!("{first}..{last}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser, ValueEnum};

    #[derive(Parser)]
    struct Flattened {
        #[command(flatten)]
        migrate: MigrateArgs,
    }

    #[derive(Parser)]
    enum Sub {
        #[command(subcommand)]
        Migrate(MigrateCommand),
    }

    #[test]
    fn both_forms_are_sound() {
        Flattened::command().debug_assert();
        Sub::command().debug_assert();
        for verb in Verb::value_variants() {
            assert_eq!(Verb::from_str(verb.name(), false).as_ref(), Ok(verb));
        }
    }

    #[test]
    fn what_runs_can_be_spawned() {
        fn is_send(_: &impl Send) {}
        let Flattened { migrate } = Flattened::parse_from(["app"]);
        is_send(&migrate.run(&Migrations::EMPTY));
    }

    #[test]
    fn an_application_keeps_its_own_description() {
        assert_eq!(Flattened::command().get_about(), None);
        assert_eq!(Flattened::command().get_long_about(), None);
    }

    /// An application may have such options of its own, and a group of that name.
    #[test]
    fn an_application_may_have_names_of_its_own() {
        #[derive(clap::Args)]
        struct Options {
            #[arg(long)]
            output: Option<String>,
        }
        #[derive(Parser)]
        struct Own {
            #[arg(short, long, action = clap::ArgAction::Count, global = true)]
            verbose: u8,
            #[arg(short, long, global = true)]
            quiet: bool,
            #[command(flatten)]
            options: Options,
            #[command(flatten)]
            migrate: MigrateArgs,
            #[command(subcommand)]
            command: Option<Sub>,
        }
        Own::command().debug_assert();
        let own = Own::parse_from(["app", "-v", "--migrate"]);
        assert_eq!(
            (own.verbose, own.quiet, own.options.output, own.migrate.migrate),
            (1, false, None, Some(Verb::Apply))
        );
        let own = Own::parse_from(["app", "migrate", "plan", "-vv"]);
        let Some(Sub::Migrate(command)) = own.command else { panic!() };
        assert_eq!((own.verbose, command.verb), (2, Verb::Plan));
    }

    #[test]
    fn the_verb_is_optional() {
        let verb =
            |words: &[&str]| Flattened::try_parse_from(words).map(|parsed| parsed.migrate.migrate).ok();
        assert_eq!(verb(&["app"]), Some(None));
        assert_eq!(verb(&["app", "--migrate"]), Some(Some(Verb::Apply)));
        assert_eq!(verb(&["app", "--migrate=plan"]), Some(Some(Verb::Plan)));
        assert_eq!(verb(&["app", "--migrate", "--database", "all"]), Some(Some(Verb::Apply)));
        assert_eq!(verb(&["app", "--migrate", "status"]), Some(Some(Verb::Status)));
        assert_eq!(verb(&["app", "--migrate=pln"]), None);
        assert_eq!(verb(&["app", "--migrate", "pln"]), None);
    }

    #[test]
    fn both_forms_take_times_in_the_units_of_headers() {
        let words =
            ["--lock-timeout", "500ms", "--statement-timeout=15min", "--lock-wait", "0", "--retry-for=2s"];
        let flat = Flattened::parse_from([&["app", "--migrate"], &words[..]].concat()).migrate.options;
        let Sub::Migrate(sub) = Sub::parse_from([&["app", "migrate", "apply"], &words[..]].concat());
        assert_eq!((sub.verb, &sub.options), (Verb::Apply, &flat));
        let times = [flat.lock_timeout, flat.statement_timeout, flat.lock_wait, flat.retry_for];
        let milliseconds = times.map(|time| time.unwrap().as_millis());
        assert_eq!(milliseconds, [500, 900_000, 0, 2_000]);
        for option in ["--lock-timeout", "--statement-timeout", "--lock-wait", "--retry-for"] {
            assert!(
                Flattened::try_parse_from(["app", "--migrate", option, "5"]).is_err(),
                "{option} has a unit"
            );
        }
    }

    #[test]
    fn both_forms_take_the_same_options() {
        let words = ["--database", "a,b", "--database", "c", "--group", "users", "--to", "7", "--jobs", "2"];
        let flat = Flattened::parse_from([&["app", "--migrate=status"], &words[..]].concat());
        let Sub::Migrate(sub) = Sub::parse_from([&["app", "migrate", "status"], &words[..]].concat());
        assert_eq!((sub.verb, &sub.options), (Verb::Status, &flat.migrate.options));
        assert_eq!(flat.migrate.options.selection().databases, ["a", "b", "c"]);
        assert!(Flattened::try_parse_from(["app", "--migrate", "--jobs", "0"]).is_err());
        assert!(Flattened::try_parse_from(["app", "--migrate", "--to", "-1"]).is_err());
    }
}
