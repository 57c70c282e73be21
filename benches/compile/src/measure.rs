//! What a command costs, it and all that it starts.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use serde_json::{Value, json};

use crate::Result;

/// The first argument of the process that starts what is measured.
pub(crate) const IN_BETWEEN: &str = "in-between";

/// What a command cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// Processor time of the user's and of the system's.
    pub(crate) cpu: Duration,
    /// The most that any one of its processes had resident, in bytes.
    pub(crate) peak: u64,
}

/// Runs a command to its end.
///
/// It is started by a process of its own, this program again: what the system says of ended children is a sum and a
/// peak over all that a process ever had.
pub(crate) fn measured(command: &mut Command) -> Result<Cost> {
    let mut outer = Command::new(std::env::current_exe()?);
    outer.arg(IN_BETWEEN).arg(command.get_program()).args(command.get_args());
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    let output = outer.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let cost = said.lines().last().and_then(Cost::read).filter(|_| output.status.success());
    cost.ok_or_else(|| format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// The process in between.
pub(crate) fn run(program: &str, arguments: &[String]) -> Result<ExitCode> {
    let start = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let microseconds = |time: TimeVal| u64::try_from(time.num_microseconds()).unwrap_or_default();
    let cpu = microseconds(usage.user_time()) + microseconds(usage.system_time());
    println!("{}", json!({ "wall": micros(wall), "cpu": cpu, "peak_kib": usage.max_rss() }));
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Cost {
    fn read(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let number = |key: &str| value[key].as_u64();
        Some(Self {
            wall: Duration::from_micros(number("wall")?),
            cpu: Duration::from_micros(number("cpu")?),
            peak: number("peak_kib")? * 1024,
        })
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "seconds": self.wall.as_secs_f64(),
            "cpu_seconds": self.cpu.as_secs_f64(),
            "peak_bytes": self.peak,
        })
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The middle one of some figures; of two, their mean.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}
