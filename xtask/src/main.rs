//! `cargo xtask`: what developers and CI run that is more than one cargo command.

#![allow(clippy::print_stderr, reason = "a tool talks to whoever started it")]

mod bench;
mod captures;
mod fuzz;
mod install;
mod layering;
mod test;

use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask test [-- ARGUMENTS OF NEXTEST]   all tests, on servers that it starts (and installs, if it may)
       cargo xtask layering                         checks that dependencies between the crates go down only
       cargo xtask fuzz [TARGET..] [--seconds N]    looks for files that make the build panic or hang (60 s)
       cargo xtask fuzz TARGET --replay INPUT       runs what it found again
       cargo xtask captures                         a run of 400 databases as it is seen, into docs/output/
       cargo xtask bench peers [OPTIONS]            this crate, its peers and the raw limit; `--help` says more
       cargo xtask bench fleet [OPTIONS]            fleets of hundreds of databases with nothing pending
       cargo xtask bench compile [OPTIONS]          what embedding costs a build, beside the peers";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let result = match (verb.as_deref(), rest.is_empty()) {
        (Some("test"), _) => test::run(&rest),
        (Some("layering"), true) => layering::run(),
        (Some("fuzz"), _) => fuzz::run(&rest),
        (Some("captures"), true) => captures::run(),
        (Some("bench"), false) => bench::run(&rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    result.unwrap_or_else(|message| {
        eprintln!("xtask: {message}");
        ExitCode::FAILURE
    })
}

/// The cargo that runs this, so that a toolchain chosen by `cargo +NAME` is kept.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command and returns its standard output. Standard error goes where ours goes.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{command:?}: {error}"))
}
