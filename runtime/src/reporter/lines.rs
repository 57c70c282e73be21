//! What is said of things as they happen, a line each.

use std::time::Duration;

use sharded_migrations_core::Direction;
use sharded_migrations_core::set::Stale;

use super::text::{BAD, DIM, GOOD, HEADING, WARNING, count, to_do};
use crate::event::Wave;
use crate::figures::{did, duration};
use crate::report::{DatabaseReport, Outcome};

pub(super) fn stale(stale: &Stale) -> String {
    let mut text = format!("{WARNING}warning{WARNING:#}: this binary was built from other migration files\n");
    stale.added.iter().for_each(|file| text.push_str(&format!("  not in the binary: {file}\n")));
    stale.removed.iter().for_each(|file| text.push_str(&format!("  gone from the folder: {file}\n")));
    text.push_str(
        "  `sharded_migrations_build::track()` in build.rs lets cargo see it; for now, `touch` the file with the macro\n",
    );
    text
}

pub(super) fn planned(direction: Direction, databases: usize, of: usize, migrations: usize) -> String {
    let (migrations, of) = (count(migrations, "migration"), count(of, "database"));
    format!("{DIM}{migrations} {} on {databases} of {of}{DIM:#}\n", to_do(direction))
}

/// `-- stage 1 of 2, wave 2 of 4: 12 databases --`; a run in one wave has no use for it.
pub(super) fn wave(wave: &Wave<'_>) -> String {
    if wave.of * wave.stages == 1 {
        return String::new();
    }
    let stage = match wave.stages {
        1 => String::new(),
        stages => format!("stage {} of {stages}, ", wave.stage),
    };
    let (number, of, databases) = (wave.number, wave.of, count(wave.databases.len(), "database"));
    format!("{HEADING}-- {stage}wave {number} of {of}: {databases} --{HEADING:#}\n")
}

pub(super) fn pause(pause: Duration) -> String {
    format!("{DIM}pause of {}{DIM:#}\n", duration(pause))
}

/// `[ 17/400] users_017: 26 applied in 1.25 s`; nothing of a database that is only counted at the end. Why
/// it went wrong is said where that is news.
pub(super) fn finished(
    report: &DatabaseReport,
    direction: Direction,
    (done, of): (usize, usize),
    is_news: bool,
) -> String {
    let (count, did) = (report.steps().len(), did(direction));
    let after = if count > 0 { format!(" after {count} {did}") } else { String::new() };
    let time = duration(report.steps().iter().map(|step| step.elapsed).sum());
    let mut text = match &report.outcome {
        Outcome::Done if count == 0 => idle(report, direction),
        Outcome::Done => format!("{GOOD}{count} {did}{GOOD:#} in {time}"),
        Outcome::Failed(error) => {
            format!("{BAD}failed{BAD:#} at {} {}{after}", error.version, error.name)
        }
        Outcome::Refused(_) => format!("{BAD}refused{BAD:#}{after}"),
        Outcome::Interrupted => format!("{WARNING}interrupted{WARNING:#}{after}"),
        Outcome::NotStarted | Outcome::Halted | Outcome::Waits(_) => return String::new(),
    };
    if is_news {
        text.extend(why(&report.outcome).map(|why| format!(": {why}")));
    }
    let width = of.to_string().len();
    format!("{DIM}[{done:>width$}/{of}]{DIM:#} {}: {text}\n", report.name)
}

/// What is said of a database where nothing was to be done.
fn idle(report: &DatabaseReport, direction: Direction) -> String {
    match direction {
        Direction::Up => format!("up to date, {} applied before", report.applied_before),
        Direction::Down => format!("nothing to take back, {} applied before", report.applied_before),
    }
}

/// `users_017 failed at 12 add_index: ..`, where nothing else tells of the database.
pub(super) fn trouble(report: &DatabaseReport) -> String {
    let what = match &report.outcome {
        Outcome::Failed(error) => format!("failed{BAD:#} at {} {}", error.version, error.name),
        _ => format!("is refused{BAD:#}"),
    };
    let why = why(&report.outcome).map(|why| format!(": {why}")).unwrap_or_default();
    format!("{BAD}{} {what}{why}\n", report.name)
}

/// Why a database did not end well, in one line.
fn why(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Failed(error) => Some(error.error.message.clone()),
        Outcome::Refused(reasons) => reasons.first().map(ToString::to_string),
        _ => None,
    }
}
