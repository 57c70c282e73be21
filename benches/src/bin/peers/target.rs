//! What this crate promises of itself, held against the figures.

use serde_json::{Value, json};

use crate::cell::{Cell, Row, Scenario};
use crate::contender::{OURS, RAW, REFINERY_LOOP};

/// One promise, and what was measured.
pub(crate) struct Verdict {
    what: String,
    figure: f64,
    bound: f64,
    is_met: bool,
}

/// How a figure comes from a table, and on which side of its bound it has to be.
struct Target {
    scenario: Scenario,
    delayed: bool,
    what: &'static str,
    figure: fn(&Cell) -> Option<f64>,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

/// For one database alone there is none: nothing is parallel there.
const FROM_DATABASES: usize = 16;

const TARGETS: [Target; 7] = [
    fresh(false, "as long as the raw limit", over_raw, Bound::AtMost(1.10)),
    fresh(false, "times faster than the best peer", best_peer_over_ours, Bound::AtLeast(1.0)),
    fresh(true, "as long as the raw limit", over_raw, Bound::AtMost(1.10)),
    fresh(
        true,
        "times faster than the best parallel peer",
        best_parallel_peer_over_ours,
        Bound::AtLeast(3.0),
    ),
    fresh(true, "times faster than refinery's loop", refinery_loop_over_ours, Bound::AtLeast(40.0)),
    nothing(false),
    nothing(true),
];

const fn fresh(delayed: bool, what: &'static str, figure: fn(&Cell) -> Option<f64>, bound: Bound) -> Target {
    Target { scenario: Scenario::Fresh, delayed, what, figure, bound }
}

const fn nothing(delayed: bool) -> Target {
    Target {
        scenario: Scenario::Nothing,
        delayed,
        what: "as long as the raw limit",
        figure: over_raw,
        bound: Bound::AtMost(1.25),
    }
}

/// The verdicts on what was measured; a target whose table or contenders were left out has none.
pub(crate) fn verdicts(cells: &[Cell]) -> Vec<Verdict> {
    let verdict = |target: &Target, cell: &Cell| {
        let applies = cell.scenario == target.scenario
            && (cell.delay > 0) == target.delayed
            && cell.databases >= FROM_DATABASES;
        let figure = (target.figure)(cell).filter(|_| applies)?;
        let network = if cell.delay > 0 { format!("{} ms", cell.delay) } else { "no delay".to_owned() };
        let what =
            format!("{}, {} databases, {network}: {}", cell.scenario.name(), cell.databases, target.what);
        let (bound, is_met) = match target.bound {
            Bound::AtMost(bound) => (bound, figure <= bound),
            Bound::AtLeast(bound) => (bound, figure >= bound),
        };
        Some(Verdict { what, figure, bound, is_met })
    };
    TARGETS.iter().flat_map(|target| cells.iter().filter_map(move |cell| verdict(target, cell))).collect()
}

impl Verdict {
    pub(crate) fn print(&self) {
        let Self { what, figure, bound, is_met } = self;
        println!("{:<7} {figure:>7.2} ({bound:.2})  {what}", if *is_met { "met" } else { "MISSED" });
    }

    pub(crate) fn json(&self) -> Value {
        let Self { what, figure, bound, is_met } = self;
        json!({ "target": what, "figure": figure, "bound": bound, "met": is_met })
    }
}

fn over_raw(cell: &Cell) -> Option<f64> {
    cell.row(OURS)?.over(cell.row(RAW)?)
}

fn refinery_loop_over_ours(cell: &Cell) -> Option<f64> {
    cell.row(REFINERY_LOOP)?.over(cell.row(OURS)?)
}

fn best_peer_over_ours(cell: &Cell) -> Option<f64> {
    best_over_ours(cell, |_| true)
}

fn best_parallel_peer_over_ours(cell: &Cell) -> Option<f64> {
    best_over_ours(cell, |row| !row.is_loop)
}

/// The peer that comes closest.
fn best_over_ours(cell: &Cell, is_meant: impl Fn(&Row) -> bool) -> Option<f64> {
    let ours = cell.row(OURS)?;
    let is_peer = |row: &&Row| !row.name.starts_with(RAW) && row.name != OURS && is_meant(row);
    cell.rows.iter().filter(is_peer).filter_map(|row| row.over(ours)).min_by(f64::total_cmp)
}
