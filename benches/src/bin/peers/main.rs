//! `cargo xtask bench peers`: this crate, its peers and the raw limit, on the same migrations and the
//! same server.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to whoever started it")]

mod cell;
mod contender;
mod proxy;
mod report;
mod target;
mod tools;

use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};
use sharded_migrations_benches::Result;
use sharded_migrations_benches::server::Server;
use sharded_migrations_tests::postgres::Cluster;

use cell::{Bench, Cell, Scenario, Setting};
use proxy::Proxy;

/// Compares migration tools
#[derive(Parser)]
#[command(name = "cargo xtask bench peers")]
struct Arguments {
    /// Numbers of databases
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    databases: Vec<usize>,

    /// Milliseconds that a message takes one way; 0 is a connection to the server itself
    #[arg(long, value_delimiter = ',', default_values_t = [0, 5])]
    delays: Vec<u64>,

    /// What the tools find
    #[arg(long, value_enum, value_delimiter = ',', default_value = "fresh,nothing,one")]
    scenarios: Vec<Scenario>,

    /// How often every contender runs
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// How many databases those that work on several at once may take
    #[arg(long, default_value_t = 16)]
    at_a_time: usize,

    /// Only contenders whose names contain one of these words
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,

    /// What the order of contenders in each round is drawn from
    #[arg(long, default_value_t = 7)]
    seed: u64,

    /// The server does not wait for the disk
    #[arg(long)]
    no_fsync: bool,

    /// Prints every run as JSON instead of tables
    #[arg(long)]
    json: bool,
}

fn main() -> Result {
    let arguments = Arguments::parse();
    let cluster = Server::start(!arguments.no_fsync);
    let with_proxy = |&delay: &u64| {
        let proxy = (delay > 0).then(|| Proxy::start(cluster.port(), Duration::from_millis(delay)));
        Ok((delay, proxy.transpose()?))
    };
    // Made and dropped out here, as their runtimes cannot be inside another.
    let networks = arguments.delays.iter().map(with_proxy).collect::<Result<Vec<_>>>()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let cells = runtime.block_on(run(&arguments, cluster, &networks))?;
    let verdicts = target::verdicts(&cells);
    if arguments.json {
        let tables: Vec<Value> = cells.iter().map(Cell::json).collect();
        let targets: Vec<Value> = verdicts.iter().map(target::Verdict::json).collect();
        println!(
            "{:#}",
            json!({
                "fsync": !arguments.no_fsync,
                "at_a_time": arguments.at_a_time,
                "seed": arguments.seed,
                "tables": tables,
                "targets": targets,
            })
        );
    } else {
        println!("\ntargets: figure (bound)");
        verdicts.iter().for_each(target::Verdict::print);
    }
    Ok(())
}

async fn run(
    arguments: &Arguments,
    cluster: Cluster,
    networks: &[(u64, Option<Proxy>)],
) -> Result<Vec<Cell>> {
    let server = Server::new(cluster).await?;
    let is_wanted = |name: &str| {
        arguments.only.is_empty() || arguments.only.iter().any(|word| name.contains(word.as_str()))
    };
    let mut contenders = contender::all(&arguments.databases)?;
    contenders.retain(|contender| is_wanted(&contender.name()));
    let mut bench = Bench {
        server: &server,
        contenders: &contenders,
        rounds: arguments.rounds,
        at_a_time: arguments.at_a_time,
        random: fastrand::Rng::with_seed(arguments.seed),
    };
    let most = arguments.databases.iter().copied().max().unwrap_or_default();
    if arguments.scenarios.iter().any(|scenario| *scenario != Scenario::Fresh) {
        bench.prepare(most).await?;
    }
    let mut cells = Vec::new();
    for &scenario in &arguments.scenarios {
        for (delay, proxy) in networks {
            for &databases in &arguments.databases {
                eprintln!("{}, {databases} databases, {delay} ms", scenario.name());
                let setting = Setting { scenario, databases, delay: *delay, proxy: proxy.as_ref() };
                let cell = bench.measure(setting).await?;
                if !arguments.json {
                    cell.print();
                }
                cells.push(cell);
            }
        }
    }
    Ok(cells)
}
