//! What this crate promises of itself, held against the figures.

use serde_json::{Value, json};

use crate::report::{Report, Table, wall};
use crate::tool::Tool;

/// One promise, and what was measured. Every figure has to be at most its bound.
pub(crate) struct Verdict {
    what: String,
    figure: f64,
    bound: f64,
}

/// Processor seconds that the macro may add to a first build.
const COLD: f64 = 25.0;

/// Seconds that the checks may take of a thousand migrations.
const CHECKS: f64 = 1.0;

/// The verdicts on what was measured; a promise about what was left out has none.
pub(crate) fn verdicts(report: &Report) -> Vec<Verdict> {
    let cold = report.cold.iter().find(|(tool, _)| *tool == Tool::Ours).map(|(_, cost)| Verdict {
        what: "processor seconds to build the macro from nothing".to_owned(),
        figure: cost.cpu.as_secs_f64(),
        bound: COLD,
    });
    cold.into_iter().chain(report.tables.iter().flat_map(of_table)).collect()
}

fn of_table(table: &Table) -> Vec<Verdict> {
    let migrations = table.migrations;
    let bound = CHECKS * migrations as f64 / 1_000.0;
    let mut verdicts = vec![Verdict {
        what: format!("{migrations} migrations: seconds of the checks alone, in a debug build"),
        figure: wall(&table.checks),
        bound,
    }];
    verdicts.extend(table.row(Tool::Ours).map(|ours| Verdict {
        what: format!("{migrations} migrations: seconds of a whole build after an edit, against what the checks may take"),
        figure: wall(&ours.touched),
        bound,
    }));
    verdicts
}

impl Verdict {
    fn is_met(&self) -> bool {
        self.figure <= self.bound
    }

    pub(crate) fn print(&self) {
        let Self { what, figure, bound } = self;
        println!("{:<7} {figure:>7.2} ({bound:.2})  {what}", if self.is_met() { "met" } else { "MISSED" });
    }

    pub(crate) fn json(&self) -> Value {
        let Self { what, figure, bound } = self;
        json!({ "target": what, "figure": figure, "bound": bound, "met": self.is_met() })
    }
}
