//! `cargo xtask bench fleet`: a large fleet with nothing pending. Is its time linear, and how much memory
//! does it take?

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to whoever started it")]

use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Parser;
use serde_json::{Value, json};
use sharded_migrations_benches::application::Application;
use sharded_migrations_benches::server::Server;
use sharded_migrations_benches::{Result, proc, set};
use sharded_migrations_tests::postgres::Cluster;

/// The largest fleet may take so many times as long for a database as the smallest.
const LINEAR: f64 = 1.25;
/// How much memory a process may have resident at most, in bytes.
const MEMORY: u64 = 100_000_000;

/// What the databases of the fleet are called.
const PREFIX: &str = "fleet";

/// Measures fleets with nothing pending
#[derive(Parser)]
#[command(name = "cargo xtask bench fleet")]
struct Arguments {
    /// Numbers of databases; each takes about 8 MB of disk
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1000])]
    databases: Vec<usize>,

    /// How often each is run
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// Databases at a time; the crate's own default without it
    #[arg(long)]
    concurrency: Option<usize>,

    /// Prints JSON instead of a table
    #[arg(long)]
    json: bool,

    /// What the processes that are measured are started with: all of a database's URL but its number
    #[arg(long, hide = true)]
    child: Option<String>,
}

/// What one process says of its run.
struct Run {
    seconds: f64,
    cpu_seconds: Option<f64>,
    /// In bytes: before the run, when the set has been made, and the most of all.
    before: Option<u64>,
    peak: Option<u64>,
}

fn main() -> Result {
    let arguments = Arguments::parse();
    if let Some(url) = &arguments.child {
        return child(&arguments, url);
    }
    // Nothing is written in the part that is measured, and much before it.
    let cluster = Server::start(false);
    tokio::runtime::Runtime::new()?.block_on(parent(&arguments, cluster))
}

/// The process that is measured: an application which migrates at its start.
fn child(arguments: &Arguments, url: &str) -> Result {
    let databases = *arguments.databases.first().ok_or("a number of databases is missing")?;
    let application = Application::new(databases, set::ALL)?;
    let before = proc::peak_memory();
    let started = Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    let applied = runtime.block_on(application.migrate(url, arguments.concurrency))?;
    let seconds = started.elapsed().as_secs_f64();
    if applied > 0 {
        return Err(format!("{applied} migrations were pending").into());
    }
    let cpu_seconds = proc::own_cpu().map(|time| time.as_secs_f64());
    let peak = proc::peak_memory();
    println!("{}", json!({ "seconds": seconds, "cpu_seconds": cpu_seconds, "before": before, "peak": peak }));
    Ok(())
}

async fn parent(arguments: &Arguments, cluster: Cluster) -> Result {
    let server = Server::new(cluster).await?;
    let most = arguments.databases.iter().copied().max().ok_or("no number of databases")?;
    eprintln!("making {most} databases");
    let started = Instant::now();
    server.create("template", 1, "template1").await?;
    Application::new(1, set::ALL)?.migrate(&server.url("template"), None).await?;
    server.script("template", 1, set::CHECK).await?;
    server.settle().await?;
    server.create(PREFIX, most, "template_0001").await?;
    eprintln!("made in {:.0} s", started.elapsed().as_secs_f64());

    let mut results: Vec<(usize, Vec<Run>)> =
        arguments.databases.iter().map(|&databases| (databases, Vec::new())).collect();
    for _ in 0..arguments.rounds {
        for (databases, runs) in &mut results {
            server.settle().await?;
            runs.push(measure(&server, *databases, arguments.concurrency)?);
        }
    }
    report(arguments, &results)
}

fn measure(server: &Server, databases: usize, concurrency: Option<usize>) -> Result<Run> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--child", &server.url(PREFIX), "--databases", &databases.to_string()]);
    if let Some(concurrency) = concurrency {
        command.args(["--concurrency", &concurrency.to_string()]);
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("the process for {databases} databases: {}", output.status).into());
    }
    let said: Value = serde_json::from_slice(&output.stdout)?;
    Ok(Run {
        seconds: said["seconds"].as_f64().ok_or("the process did not say how long it took")?,
        cpu_seconds: said["cpu_seconds"].as_f64(),
        before: said["before"].as_u64(),
        peak: said["peak"].as_u64(),
    })
}

/// Of a fleet's runs, the fastest: what disturbs a run only ever makes it slower.
fn fastest(runs: &[Run]) -> Option<&Run> {
    runs.iter().min_by(|a, b| a.seconds.total_cmp(&b.seconds))
}

fn report(arguments: &Arguments, results: &[(usize, Vec<Run>)]) -> Result {
    let per_database = |(databases, runs): &(usize, Vec<Run>)| {
        Some((*databases, fastest(runs)?.seconds / *databases as f64))
    };
    let times: Vec<(usize, f64)> = results.iter().filter_map(per_database).collect();
    let smallest = times.iter().min_by_key(|(databases, _)| *databases);
    let largest = times.iter().max_by_key(|(databases, _)| *databases);
    let growth = smallest.zip(largest).map_or(1.0, |((_, small), (_, large))| large / small);
    let peak = results.iter().flat_map(|(_, runs)| runs).filter_map(|run| run.peak).max();

    if arguments.json {
        let run = |run: &Run| {
            json!({ "seconds": run.seconds, "cpu_seconds": run.cpu_seconds,
                "bytes_before": run.before, "bytes_peak": run.peak })
        };
        let fleet = |(databases, runs): &(usize, Vec<Run>)| json!({ "databases": databases, "runs": runs.iter().map(run).collect::<Vec<Value>>() });
        let fleets: Vec<Value> = results.iter().map(fleet).collect();
        println!("{:#}", json!({ "fleets": fleets, "growth": growth, "bytes_peak": peak }));
        return Ok(());
    }
    println!(
        "{:>9} {:>5} {:>10} {:>8} {:>8} {:>12} {:>10} {:>9}",
        "databases", "runs", "fastest s", "slowest", "ms each", "client CPU s", "MB before", "MB peak"
    );
    let megabytes = |bytes: Option<u64>| match bytes {
        Some(bytes) => format!("{:.1}", bytes as f64 / 1e6),
        None => "-".to_owned(),
    };
    for (databases, runs) in results {
        let Some(best) = fastest(runs) else { continue };
        println!(
            "{databases:>9} {:>5} {:>10.3} {:>8.3} {:>8.2} {:>12} {:>10} {:>9}",
            runs.len(),
            best.seconds,
            runs.iter().map(|run| run.seconds).fold(0.0, f64::max),
            best.seconds * 1000.0 / *databases as f64,
            best.cpu_seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.2}")),
            megabytes(runs.iter().filter_map(|run| run.before).max()),
            megabytes(runs.iter().filter_map(|run| run.peak).max()),
        );
    }
    println!("\ntargets: figure (bound)");
    let word = |is_met| if is_met { "met" } else { "MISSED" };
    println!(
        "{:<7} {growth:>7.2} ({LINEAR:.2})  time for a database of the largest fleet, of the smallest",
        word(growth <= LINEAR)
    );
    if let Some(peak) = peak {
        let (peak, bound) = (peak as f64 / 1e6, MEMORY as f64 / 1e6);
        println!("{:<7} {peak:>7.1} ({bound:.0})  MB resident at most", word(peak < bound));
    }
    Ok(())
}
