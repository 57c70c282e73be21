//! The figures as tables, and as JSON.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cell::{Cell, Row, Run};
use crate::contender::RAW;

impl Cell {
    /// A contender's row.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// As a table.
    pub(crate) fn print(&self) {
        let network = match self.delay {
            0 => "no delay".to_owned(),
            delay => format!("{delay} ms one way"),
        };
        println!("\n{}, {} databases, {network}", self.scenario.name(), self.databases);
        println!(
            "{:<20} {:>5} {:>9} {:>9} {:>9} {:>8} {:>7} {:>6} {:>10} {:>10}",
            "", "runs", "median s", "min", "max", "of raw", "turns", "conns", "client CPU", "server CPU"
        );
        for row in &self.rows {
            let ratio = self.row(RAW).and_then(|raw| row.over(raw));
            println!(
                "{:<20} {:>5} {:>9.3} {:>9.3} {:>9.3} {:>8} {:>7} {:>6} {:>10} {:>10}",
                row.name,
                row.runs.len(),
                row.median().as_secs_f64(),
                row.fastest().as_secs_f64(),
                row.slowest().as_secs_f64(),
                shown(ratio, 2),
                shown(self.per_database(row, |(turns, _)| turns), 1),
                shown(self.per_database(row, |(_, connections)| connections), 1),
                shown(row.cpu(|run| run.client_cpu), 3),
                shown(row.cpu(|run| run.server_cpu), 3),
            );
        }
    }

    /// As JSON, every run in it. Times are in seconds.
    pub(crate) fn json(&self) -> Value {
        let run = |run: &Run| {
            json!({
                "seconds": run.elapsed.as_secs_f64(),
                "client_cpu_seconds": run.client_cpu.map(|time| time.as_secs_f64()),
                "server_cpu_seconds": run.server_cpu.map(|time| time.as_secs_f64()),
                "turns": run.wire.map(|(turns, _)| turns),
                "connections": run.wire.map(|(_, connections)| connections),
            })
        };
        let row = |row: &Row| {
            json!({
                "name": row.name,
                "median_seconds": row.median().as_secs_f64(),
                "of_raw": self.row(RAW).and_then(|raw| row.over(raw)),
                "runs": row.runs.iter().map(run).collect::<Vec<Value>>(),
            })
        };
        json!({
            "scenario": self.scenario.name(),
            "databases": self.databases,
            "delay_ms": self.delay,
            "rows": self.rows.iter().map(row).collect::<Vec<Value>>(),
        })
    }

    fn per_database(&self, row: &Row, count: impl Fn((u64, u64)) -> u64) -> Option<f64> {
        let counts: Option<Vec<f64>> = row.runs.iter().map(|run| Some(count(run.wire?) as f64)).collect();
        Some(median(counts?) / self.databases as f64)
    }
}

impl Row {
    pub(crate) fn median(&self) -> Duration {
        Duration::from_secs_f64(median(self.runs.iter().map(|run| run.elapsed.as_secs_f64()).collect()))
    }

    /// How many times as long as another this took: the median of the rounds, as what disturbs one round
    /// disturbs both of them more or less alike.
    pub(crate) fn over(&self, other: &Row) -> Option<f64> {
        let ratio = |(run, other): (&Run, &Run)| run.elapsed.as_secs_f64() / other.elapsed.as_secs_f64();
        let ratios: Vec<f64> = self.runs.iter().zip(&other.runs).map(ratio).collect();
        (!ratios.is_empty()).then(|| median(ratios))
    }

    fn fastest(&self) -> Duration {
        self.runs.iter().map(|run| run.elapsed).min().unwrap_or_default()
    }

    fn slowest(&self) -> Duration {
        self.runs.iter().map(|run| run.elapsed).max().unwrap_or_default()
    }

    /// The mean: the system counts in steps that are long beside one run.
    fn cpu(&self, of: impl Fn(&Run) -> Option<Duration>) -> Option<f64> {
        let total: Option<Duration> = self.runs.iter().map(of).sum();
        Some(total?.as_secs_f64() / self.runs.len() as f64)
    }
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        length if length % 2 == 1 => values[length / 2],
        length => f64::midpoint(values[length / 2 - 1], values[length / 2]),
    }
}

fn shown(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.places$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
