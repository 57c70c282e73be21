//! `cargo xtask bench`: the benchmarks, which are a workspace of their own in `benches/`.

use std::path::Path;
use std::process::ExitCode;

use crate::{cargo, install};

/// A program of `benches/`.
struct Benchmark {
    name: &'static str,
    package: &'static str,
    needs_servers: bool,
}

const BENCHMARKS: [Benchmark; 3] = [
    Benchmark { name: "peers", package: "sharded-migrations-benches", needs_servers: true },
    Benchmark { name: "fleet", package: "sharded-migrations-benches", needs_servers: true },
    Benchmark { name: "compile", package: "sharded-migrations-compile-bench", needs_servers: false },
];

/// Builds one in release mode and runs it. It starts the servers that it needs.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, String> {
    let named = arguments
        .split_first()
        .and_then(|(name, rest)| Some((BENCHMARKS.iter().find(|benchmark| benchmark.name == name)?, rest)));
    let Some((Benchmark { name, package, needs_servers }, rest)) = named else {
        let names = BENCHMARKS.map(|benchmark| benchmark.name);
        return Err(format!("which benchmark? There are: {}", names.join(", ")));
    };
    if *needs_servers {
        install::ensure(&[install::Needed::Postgres])?;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = cargo();
    command
        .args(["run", "--release", "--locked", "--quiet", "--package", package, "--bin", name])
        .arg("--manifest-path")
        .arg(root.join("benches/Cargo.toml"))
        .arg("--target-dir")
        .arg(root.join("target/benches"))
        .arg("--")
        .args(rest)
        // What `compile` writes and builds.
        .env("BENCHMARK_FOLDER", root.join("target/benches/compile"))
        // The server has no TLS, and whoever asks for it by default would pay a turn for the question.
        .env("PGSSLMODE", "disable");
    let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
