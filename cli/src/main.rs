//! `cargo sharded-migrations`: what a developer and CI ask of migrations without building the application that embeds
//! them. [`init`] makes the first files and [`new`] each further migration, [`list`] shows them all, [`check`] says what the
//! build would say, [`lock`] writes down what must not change from now on, and [`squash`] puts one in the place of many.

mod args;
mod check;
mod create;
mod exit_code;
mod init;
mod list;
mod lock;
mod new;
mod project;
mod report;
mod route;
mod squash;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Verb};
use project::{Project, View};
use report::Findings;

fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    // Cargo gives a subcommand its own name as the first argument.
    if words.get(1).is_some_and(|word| word == "sharded-migrations") {
        words.remove(1);
    }
    let verb = Arguments::parse_from(words).verb;
    let output = verb.output();
    let findings = View::new(output.format).and_then(|view| run(&verb, view));
    let code = findings.map_err(|failure| (failure.code, failure.message)).and_then(|findings| {
        let failed = |error| (exit_code::FAILED, format!("the result cannot be written: {error}"));
        report::show(&findings, output.format).map_err(failed)?;
        Ok(findings.code)
    });
    match code {
        Ok(code) => code.into(),
        Err((code, message)) => {
            let _ = writeln!(anstream::stderr(), "error: {message}");
            code.into()
        }
    }
}

fn run(verb: &Verb, view: View) -> Result<Findings, Failure> {
    match verb {
        Verb::Init { engine, manifest_path, .. } => init::run(manifest_path.as_deref(), engine.kind(), view),
        Verb::New { name, route, folder, down, rust, paths, .. } => {
            let language = if *rust { new::Language::Rust } else { new::Language::Sql };
            let folder = folder.as_deref();
            let request = new::Request { name, route, folder, language, with_reverse: *down };
            new::run(&Project::find(paths, view)?, &request)
        }
        Verb::List { selection, paths, .. } => list::run(&Project::find(paths, view)?, selection),
        Verb::Check { paths, .. } => Ok(check::run(&Project::find(paths, view)?)),
        Verb::Squash { range, name, scratch, dry_run, allow_dirty, paths, .. } => {
            let (range, scratch) = (*range, scratch.as_deref());
            let (dry_run, allow_dirty) = (*dry_run, *allow_dirty);
            let request = squash::Request { range, name, scratch, dry_run, allow_dirty };
            squash::run(&Project::find(paths, view)?, &request)
        }
        Verb::Lock { paths, check, accept_changes, rerouted, .. } => {
            lock::run(&Project::find(paths, view)?, lock::Mode::of(*check, *accept_changes), rerouted)
        }
    }
}

/// Why there is nothing to show.
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The command line does not fit what is there.
    fn usage(message: String) -> Self {
        Self { code: exit_code::USAGE, message }
    }

    /// Something of the machine's failed.
    fn machine(message: String) -> Self {
        Self { code: exit_code::FAILED, message }
    }
}
