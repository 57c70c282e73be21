//! `cargo sharded-migrations`: what a developer and CI ask of migrations without building the application that embeds
//! them. [`new`] begins a migration, [`list`] shows them all, [`check`] says what the build would say, [`lock`] writes down what must not change from now on.

mod args;
mod check;
mod exit_code;
mod list;
mod lock;
mod new;
mod project;
mod report;
mod route;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Verb};
use project::Project;

fn main() -> ExitCode {
    let mut words: Vec<_> = std::env::args_os().collect();
    // Cargo gives a subcommand its own name as the first argument.
    if words.get(1).is_some_and(|word| word == "sharded-migrations") {
        words.remove(1);
    }
    let verb = Arguments::parse_from(words).verb;
    let (paths, output) = verb.common();
    let findings = Project::find(paths, output.format).and_then(|project| match &verb {
        Verb::New { name, route, folder, down, .. } => {
            new::run(&project, &new::Request { name, route, folder: folder.as_deref(), with_reverse: *down })
        }
        Verb::List { selection, .. } => list::run(&project, selection),
        Verb::Check { .. } => Ok(check::run(&project)),
        Verb::Lock { check, accept_changes, .. } => {
            lock::run(&project, lock::Mode::of(*check, *accept_changes))
        }
    });
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
