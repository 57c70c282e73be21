//! The figures as tables, and as JSON.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::measure::{Cost, median};
use crate::project::Project;
use crate::target;
use crate::tool::Tool;

/// What one tool cost.
pub(crate) struct Row {
    pub(crate) tool: Tool,
    pub(crate) project: Project,
    pub(crate) target: PathBuf,
    /// Bytes of the binary as it was first.
    pub(crate) binary: u64,
    /// Builds after an edit of one migration.
    pub(crate) touched: Vec<Cost>,
    /// Builds after a new migration.
    pub(crate) added: Vec<Cost>,
}

/// What all tools cost with so many migrations.
pub(crate) struct Table {
    pub(crate) migrations: usize,
    pub(crate) rows: Vec<Row>,
    /// This crate's checks alone.
    pub(crate) checks: Vec<Cost>,
}

/// All of it.
pub(crate) struct Report {
    pub(crate) cold: Vec<(Tool, Cost)>,
    pub(crate) tables: Vec<Table>,
}

pub(crate) fn cpu(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| cost.cpu.as_secs_f64()).collect())
}

pub(crate) fn wall(costs: &[Cost]) -> f64 {
    median(costs.iter().map(|cost| cost.wall.as_secs_f64()).collect())
}

impl Table {
    pub(crate) fn row(&self, tool: Tool) -> Option<&Row> {
        self.rows.iter().find(|row| row.tool == tool)
    }

    pub(crate) fn print(&self) {
        println!("\n{} migrations, medians", self.migrations);
        println!(
            "{:<10} {:>8} {:>9} {:>8} {:>8} {:>9} {:>8} {:>8}",
            "", "touch s", "CPU s", "of ours", "added s", "CPU s", "of ours", "peak MB"
        );
        let ours = self.row(Tool::Ours);
        for row in &self.rows {
            let of_ours = |costs: fn(&Row) -> &[Cost]| match ours {
                Some(ours) => format!("{:.2}", cpu(costs(row)) / cpu(costs(ours))),
                None => "-".to_owned(),
            };
            let peak = row.touched.iter().map(|cost| cost.peak).max().unwrap_or_default();
            println!(
                "{:<10} {:>8.2} {:>9.2} {:>8} {:>8.2} {:>9.2} {:>8} {:>8}",
                row.tool,
                wall(&row.touched),
                cpu(&row.touched),
                of_ours(|row| &row.touched),
                wall(&row.added),
                cpu(&row.added),
                of_ours(|row| &row.added),
                peak / 1_000_000,
            );
        }
        println!("the checks alone: {:.2} s, {:.2} s of CPU", wall(&self.checks), cpu(&self.checks));
    }

    fn json(&self) -> Value {
        let costs = |costs: &[Cost]| costs.iter().map(Cost::json).collect::<Vec<Value>>();
        let row = |row: &Row| {
            json!({
                "tool": row.tool.name(),
                "binary_bytes": row.binary,
                "touched": costs(&row.touched),
                "added": costs(&row.added),
            })
        };
        json!({
            "migrations": self.migrations,
            "rows": self.rows.iter().map(row).collect::<Vec<Value>>(),
            "checks": costs(&self.checks),
        })
    }
}

impl Report {
    pub(crate) fn print(&self) {
        if !self.cold.is_empty() {
            println!("\nthe macro and all that it needs, from nothing");
        }
        for (tool, cost) in &self.cold {
            println!(
                "{tool:<10} {:>8.2} s {:>8.2} s of CPU",
                cost.wall.as_secs_f64(),
                cost.cpu.as_secs_f64()
            );
        }
        let sizes: Vec<(Tool, f64)> =
            Tool::ALL.into_iter().filter_map(|tool| Some((tool, self.bytes_per_migration(tool)?))).collect();
        if !sizes.is_empty() {
            println!("\nbytes of a debug binary for each migration of a kilobyte");
        }
        for (tool, bytes) in sizes {
            println!("{tool:<10} {bytes:>8.0}");
        }
        println!("\ntargets: figure (bound)");
        target::verdicts(self).iter().for_each(target::Verdict::print);
    }

    pub(crate) fn json(&self) -> Value {
        let cold = |(tool, cost): &(Tool, Cost)| json!({ "tool": tool.name(), "cost": cost.json() });
        json!({
            "cold": self.cold.iter().map(cold).collect::<Vec<Value>>(),
            "tables": self.tables.iter().map(Table::json).collect::<Vec<Value>>(),
            "targets": target::verdicts(self).iter().map(target::Verdict::json).collect::<Vec<Value>>(),
        })
    }

    /// From the smallest and the largest set: what any binary has is in both.
    fn bytes_per_migration(&self, tool: Tool) -> Option<f64> {
        let of = |table: &Table| Some((table.migrations as f64, table.row(tool)?.binary as f64));
        let few = of(self.tables.iter().min_by_key(|table| table.migrations)?)?;
        let many = of(self.tables.iter().max_by_key(|table| table.migrations)?)?;
        (many.0 > few.0).then(|| (many.1 - few.1) / (many.0 - few.0))
    }
}
