//! `cargo xtask bench`: the benchmarks, which are a workspace of their own in `benches/`.

use std::path::Path;
use std::process::ExitCode;

use crate::{cargo, install};

/// Programs of `benches/`.
const BENCHMARKS: [&str; 2] = ["peers", "fleet"];

/// Builds one in release mode and runs it. It starts the servers that it needs.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let Some((name, rest)) = arguments.split_first().filter(|(name, _)| BENCHMARKS.contains(&name.as_str()))
    else {
        return Err(format!("which benchmark? There are: {}", BENCHMARKS.join(", ")));
    };
    install::ensure(&[install::Needed::Postgres])?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = cargo();
    command
        .args(["run", "--release", "--locked", "--quiet", "--bin", name])
        .arg("--manifest-path")
        .arg(root.join("benches/Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target/benches"))
        .arg("--")
        .args(rest)
        // The server has no TLS, and whoever asks for it by default would pay a turn for the question.
        .env("PGSSLMODE", "disable");
    let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
