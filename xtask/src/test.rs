//! `cargo xtask test`: all tests, on one cluster and its replica.

use std::process::{Command, ExitCode, ExitStatus, Stdio};

use sharded_migrations_tests::postgres::{CLUSTER_VARIABLE, Cluster, Options};

use crate::{cargo, install};

/// Runs the tests, then the examples in the documentation, and passes on the code of the first that
/// fails.
///
/// The cluster needs no handling of Ctrl-C here: it goes with this process, whatever ends that.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    install::ensure(&install::Needed::ALL)?;
    // With and without the `--` that cargo's own subcommands take.
    let arguments = match arguments.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => arguments,
    };
    let cluster = Cluster::start(Options::default());
    cluster.replica();
    let description = cluster.description();

    let tests = status(runner(arguments).env(CLUSTER_VARIABLE, &description))?;
    // Who picks some of the tests has not asked for the documentation's.
    let documentation = match arguments {
        [] => Some(documentation_tests(&description)?),
        _ => None,
    };
    drop(cluster);
    match documentation {
        Some(documentation) if tests.success() => Ok(exit_code(documentation)),
        _ => Ok(exit_code(tests)),
    }
}

fn runner(arguments: &[String]) -> Command {
    let mut command = cargo();
    if has_nextest() {
        command.args(["nextest", "run", "--workspace", "--all-features"]);
    } else {
        eprintln!("xtask: cargo-nextest is not installed, running `cargo test` instead");
        command.args(["test", "--workspace", "--all-features", "--lib", "--bins", "--tests", "--examples"]);
        command.arg("--no-fail-fast");
    }
    command.args(arguments);
    command
}

fn has_nextest() -> bool {
    cargo()
        .args(["nextest", "--version"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Shows the output only of a failure: the summary of the tests is to stay in sight, and a crate
/// without an example closes with "0 passed", which reads as if nothing had run.
fn documentation_tests(description: &str) -> Result<ExitStatus, String> {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--all-features", "--doc", "--no-fail-fast", "--quiet"])
        .env(CLUSTER_VARIABLE, description)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if output.status.success() {
        eprintln!("xtask: the examples in the documentation pass");
    } else {
        eprintln!("{}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(output.status)
}

fn status(command: &mut Command) -> Result<ExitStatus, String> {
    command.status().map_err(|error| format!("cannot run {command:?}: {error}"))
}

fn exit_code(status: ExitStatus) -> ExitCode {
    // A runner killed by a signal has no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
