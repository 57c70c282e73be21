//! What a run did, when it is over: databases that ended alike in one block, in the order of the fleet.
//!
//! Names of databases that are well are cut to the width; a list of what went wrong is never cut.

use sharded_migrations_core::fold::Names;
use sharded_migrations_core::{DatabaseName, Direction, diagnostic};

use super::text::{BAD, DIM, GOOD, count, durations, headings, reasons};
use crate::error::StepError;
use crate::figures::{and_rows, did, duration};
use crate::report::{DatabaseReport, Outcome, Report};

/// Databases that ended alike; never none.
struct Block<'r>(Vec<&'r DatabaseReport>);

/// A block for all databases with the same outcome, except for those that were refused.
pub(super) fn results(report: &Report, columns: usize) -> String {
    let is_refused = |one: &&DatabaseReport| matches!(one.outcome, Outcome::Refused(_));
    let blocks = fold(report.databases.iter().filter(|one| !is_refused(one)));
    blocks.iter().map(|block| block.text(report.direction, columns)).collect()
}

/// A block for all databases that were refused for the same reasons.
pub(super) fn refusals<'r>(databases: impl Iterator<Item = &'r DatabaseReport>) -> String {
    let refused = databases.filter(|one| matches!(one.outcome, Outcome::Refused(_)));
    // Nothing was done there, either way.
    fold(refused).iter().map(|block| block.text(Direction::Up, usize::MAX)).collect()
}

/// The failed migrations, each with the lines of its file; what failed alike on many databases is
/// shown once.
pub(super) fn failures(report: &Report) -> String {
    let show = |(error, others): (&StepError, Vec<&DatabaseName>)| {
        let mut fault = error.diagnostic();
        if !others.is_empty() {
            let others = Names::fold(others.into_iter().map(DatabaseName::as_str));
            fault = fault.note(format!("the same on {}: {others}", count(others.count(), "other database")));
        }
        format!("\n{}\n", fault.render(diagnostic::Style::Coloured))
    };
    report.failures().into_iter().map(show).collect()
}

/// `26 migrations applied on 1 of 3 databases in 1.20 s; 2 failed`
pub(super) fn total(report: &Report) -> String {
    let of =
        |is: fn(&Outcome) -> bool| report.databases.iter().filter(|database| is(&database.outcome)).count();
    let changed = report.databases.iter().filter(|database| !database.steps().is_empty()).count();
    let mut text = format!(
        "\n{} {} on {} of {} in {}",
        count(report.applied() + report.taken_back(), "migration"),
        did(report.direction),
        changed,
        count(report.databases.len(), "database"),
        duration(report.elapsed),
    );
    let others = [
        (of(|outcome| matches!(outcome, Outcome::Failed(_))), "failed"),
        (of(|outcome| matches!(outcome, Outcome::Refused(_))), "refused"),
        (of(|outcome| matches!(outcome, Outcome::NotStarted)), "not started"),
        (of(|outcome| matches!(outcome, Outcome::Halted)), "stopped"),
        (of(|outcome| matches!(outcome, Outcome::Waits(_))), "waiting"),
        (of(|outcome| matches!(outcome, Outcome::Interrupted)), "interrupted"),
    ];
    for (number, word) in others.into_iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!("; {BAD}{number} {word}{BAD:#}"));
    }
    text.push('\n');
    text
}

fn fold<'r>(databases: impl Iterator<Item = &'r DatabaseReport>) -> Vec<Block<'r>> {
    let mut blocks: Vec<Block<'r>> = Vec::new();
    for database in databases {
        match blocks.iter_mut().find(|block| block.first().is_some_and(|first| ended_alike(first, database)))
        {
            Some(block) => block.0.push(database),
            None => blocks.push(Block(vec![database])),
        }
    }
    blocks
}

/// Whether the same is to be said of both.
fn ended_alike(one: &DatabaseReport, other: &DatabaseReport) -> bool {
    let did_the_same = || {
        let steps = one.steps().iter().zip(other.steps());
        one.steps().len() == other.steps().len()
            && steps.into_iter().all(|(a, b)| (a.version, &a.name) == (b.version, &b.name))
    };
    let ended_the_same = || match (&one.outcome, &other.outcome) {
        (Outcome::Failed(error), Outcome::Failed(other)) => error.is_alike(other),
        (Outcome::Done, Outcome::Done) => {
            !one.steps().is_empty() || one.applied_before == other.applied_before
        }
        (outcome, other) => outcome == other,
    };
    one.group == other.group && did_the_same() && ended_the_same()
}

impl<'r> Block<'r> {
    fn first(&self) -> Option<&DatabaseReport> {
        self.0.first().copied()
    }

    /// What is said of the rows that a step has changed, on all of these databases together.
    fn rows(&self, index: usize) -> String {
        let all: Option<u64> = self.0.iter().map(|database| database.steps().get(index)?.rows).sum();
        let together = if all.is_some() && self.0.len() > 1 { " in all" } else { "" };
        and_rows(all) + together
    }

    fn text(&self, direction: Direction, columns: usize) -> String {
        let Some(first) = self.first() else { return String::new() };
        let columns = if first.is_done() { columns } else { usize::MAX };
        let names = self.0.iter().map(|database| &database.name);
        let mut text = headings(names, first.group.as_ref(), columns);
        for (index, step) in first.steps().iter().enumerate() {
            let time =
                |database: &&'r DatabaseReport| Some((&database.name, database.steps().get(index)?.elapsed));
            let elapsed = durations(self.0.iter().filter_map(time));
            let rows = self.rows(index);
            let (version, name) = (step.version, &step.name);
            let did = did(direction);
            text.push_str(&format!("  {GOOD}{did}{GOOD:#} {version} {name} {DIM}({elapsed}{rows}){DIM:#}\n"));
        }
        let rest = match direction {
            Direction::Up => "pending",
            Direction::Down => "applied",
        };
        match &first.outcome {
            Outcome::Done if first.steps().is_empty() => {
                let idle = match direction {
                    Direction::Up => "up to date",
                    Direction::Down => "nothing to take back",
                };
                text.push_str(&format!("  {idle} ({} applied before)\n", first.applied_before));
            }
            Outcome::Done => {}
            Outcome::Failed(error) => {
                let place = error.position().map(|position| format!(":{position}")).unwrap_or_default();
                let (version, name) = (error.version, &error.name);
                text.push_str(&format!("  {BAD}failed{BAD:#} {version} {name} at {}{place}\n", error.path()));
            }
            Outcome::Refused(why) => text.push_str(&reasons(why)),
            Outcome::NotStarted => text.push_str("  not started\n"),
            Outcome::Halted => text.push_str(&format!("  stopped: the rest is still {rest}\n")),
            Outcome::Waits(blocker) => text.push_str(&format!("  the rest waits: {blocker}\n")),
            Outcome::Interrupted => text.push_str(&format!("  interrupted: the rest is still {rest}\n")),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{failed, milliseconds, plain, report};
    use super::*;
    use crate::error::DatabaseError;
    use crate::report::Reason;

    fn run(databases: Vec<DatabaseReport>) -> Report {
        Report {
            direction: Direction::Up,
            databases,
            elapsed: milliseconds(61_500),
            interrupted: false,
            stopped: None,
        }
    }

    fn all(report: &Report, columns: usize) -> String {
        let texts =
            [results(report, columns), refusals(report.databases.iter()), failures(report), total(report)];
        plain(&texts.concat())
    }

    #[test]
    fn a_small_fleet_has_a_heading_for_each_that_differs() {
        let mut late = report("users_03", 1, 7, Outcome::Done);
        late.applied[0].version = super::super::samples::version(2);
        let mut global = report("default", 2, 3, Outcome::Done);
        global.group = None;
        let up_to_date = DatabaseReport { applied_before: 2, ..report("users_04", 0, 0, Outcome::Done) };
        let report = run(vec![
            global,
            report("users_01", 2, 4, Outcome::Done),
            report("users_02", 2, 1_500, Outcome::Done),
            late,
            up_to_date,
        ]);
        insta::assert_snapshot!(all(&report, 80));
    }

    #[test]
    fn a_large_fleet_has_a_block_for_each_outcome() {
        let database = |number: u64| {
            let name = format!("users_{number:03}");
            let alike = |message| failed(&name, 3, message);
            match number {
                7 | 90 | 91 | 92 | 250 => report(&name, 2, number, alike("no such table: gone")),
                300 => report(&name, 2, number, alike("disk I/O error")),
                301 | 302 => report(
                    &name,
                    0,
                    0,
                    Outcome::Refused(vec![Reason::Error(
                        DatabaseError::new("the server cannot be reached").help("is it up?"),
                    )]),
                ),
                381.. => report(&name, 0, 0, Outcome::NotStarted),
                _ => report(&name, 4, number, Outcome::Done),
            }
        };
        insta::assert_snapshot!(all(&run((1..=400).map(database).collect()), 80));
    }

    #[test]
    fn only_what_is_well_is_cut() {
        let database = |number: i64| {
            let outcome = if number % 2 == 0 { Outcome::Done } else { Outcome::Halted };
            report(&format!("tenant_{}", number * number), 1, 5, outcome)
        };
        insta::assert_snapshot!(all(&run((1..=24).map(database).collect()), 60));
    }
}
