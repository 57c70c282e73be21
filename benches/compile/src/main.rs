//! `cargo xtask bench compile`: what embedding migrations costs a build, beside the peers.
//!
//! Nothing here links a peer: each tool has projects of its own, which are written out and built with cargo.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to whoever started it")]

mod measure;
mod project;
mod report;
mod target;
mod tool;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;
use fastrand::Rng;

use measure::{Cost, measured};
use project::Project;
use report::{Row, Table};
use tool::Tool;

/// What goes wrong ends the benchmark, with a message.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Compares what migration tools cost a debug build
#[derive(Parser)]
#[command(name = "cargo xtask bench compile")]
struct Arguments {
    /// Numbers of migrations, of a kilobyte each
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000])]
    migrations: Vec<usize>,

    /// How often every tool builds after a change
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// Only these tools
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Tool::ALL)]
    only: Vec<Tool>,

    /// Leaves out the builds from nothing
    #[arg(long)]
    no_cold: bool,

    /// What the order of tools in each round is drawn from
    #[arg(long, default_value_t = 7)]
    seed: u64,

    /// Where projects are written and built; what an earlier run left there is used
    #[arg(long, env = "BENCHMARK_FOLDER")]
    folder: PathBuf,

    /// Prints JSON instead of tables
    #[arg(long)]
    json: bool,
}

fn main() -> Result<ExitCode> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if let [first, program, rest @ ..] = given.as_slice()
        && first == measure::IN_BETWEEN
    {
        return measure::run(program, rest);
    }
    let arguments = Arguments::parse();
    let cold = if arguments.no_cold { Vec::new() } else { cold(&arguments)? };
    let mut random = Rng::with_seed(arguments.seed);
    let mut tables = Vec::new();
    for &migrations in &arguments.migrations {
        let checks = checks(&arguments, migrations)?;
        let table = Table { migrations, rows: rows(&arguments, migrations, &mut random)?, checks };
        if !arguments.json {
            table.print();
        }
        tables.push(table);
    }
    let report = report::Report { cold, tables };
    if arguments.json {
        println!("{:#}", report.json());
    } else {
        report.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// What a build from nothing takes of each tool's macro alone, with all that the macro needs.
fn cold(arguments: &Arguments) -> Result<Vec<(Tool, Cost)>> {
    let mut costs = Vec::new();
    for &tool in arguments.only.iter().filter(|tool| tool.macro_crate().is_some()) {
        eprintln!("{tool}: its macro, from nothing");
        let project = Project::of_macro(&arguments.folder, tool)?;
        project.fetch()?;
        let target = arguments.folder.join("target-cold");
        let _not_there = std::fs::remove_dir_all(&target);
        costs.push((tool, measured(&mut project.build(&target))?));
        std::fs::remove_dir_all(&target)?;
    }
    Ok(costs)
}

/// A row for each tool. In every round each of them builds once after each kind of change, in an order of that round.
fn rows(arguments: &Arguments, migrations: usize, random: &mut Rng) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for &tool in &arguments.only {
        eprintln!("{tool}: {migrations} migrations, first build");
        let project = Project::with_migrations(&arguments.folder, tool, migrations)?;
        let target = arguments.folder.join(format!("target-{}", tool.name()));
        measured(&mut project.build(&target))?;
        let binary = std::fs::metadata(target.join("debug").join(project.name()))?.len();
        rows.push(Row { tool, project, target, binary, touched: Vec::new(), added: Vec::new() });
    }
    for round in 0..arguments.rounds {
        eprintln!("{migrations} migrations, round {}", round + 1);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        random.shuffle(&mut order);
        for index in order {
            let Row { project, target, touched, added, .. } = &mut rows[index];
            project.touch(round)?;
            touched.push(measured(&mut project.build(target))?);
            project.add()?;
            added.push(measured(&mut project.build(target))?);
        }
    }
    Ok(rows)
}

/// What the macro does before it writes anything out, in a debug build and alone.
fn checks(arguments: &Arguments, migrations: usize) -> Result<Vec<Cost>> {
    eprintln!("{migrations} migrations, the checks alone");
    let project = Project::with_migrations(&arguments.folder, Tool::Ours, migrations)?;
    let checker = Project::of_checks(&arguments.folder)?;
    let target = arguments.folder.join("target-checks");
    measured(&mut checker.build(&target))?;
    let program = target.join("debug").join(checker.name());
    let run = || measured(Command::new(&program).arg(project.folder()));
    (0..arguments.rounds).map(|_| run()).collect()
}

/// The folder of this repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
