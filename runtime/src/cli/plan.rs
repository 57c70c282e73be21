//! `plan`: what would be done where, and in which order.

use sharded_migrations_core::{Direction, Start, Step, Transaction};

use super::args::{Options, Verb};
use super::show::{COLUMNS, alike, and, named, of_databases, refused, title, wrapped};
use super::{sql, versions};
use crate::planned::{PlannedPart, RolloutPlan};
use crate::reporter::document::{self, locks};
use crate::reporter::{count, to_do};
use crate::survey::Surveyed;

/// Shows it; the exit code. With `--sql` it is the text that each database would get.
pub(super) fn show(verb: Verb, plan: &RolloutPlan<'_>, options: &Options) -> u8 {
    let errors = || refused(&plan.survey) + &blocked(plan);
    let text = || if options.sql { sql::of_plan(plan) } else { lines(plan) };
    let of_step: document::TextOf<'_> = &|surveyed, step| sql::of_step(&surveyed.database, step);
    let json = || document::plan(verb.name(), plan, options.sql.then_some(of_step));
    super::show(options, plan.exit_code(), json, || (text(), errors()))
}

/// What would be done.
fn lines(plan: &RolloutPlan<'_>) -> String {
    let mut text = what(plan) + &idle(plan) + &order(plan);
    text.push_str(&format!("\n{}\n", summary(plan)));
    text
}

/// Each migration once, those for the same databases together.
fn what(plan: &RolloutPlan<'_>) -> String {
    let mut steps: Vec<(Step<'_>, Vec<&Surveyed<'_>>)> = alike(pending(plan));
    steps.sort_by_key(|(step, _)| step.migration.version);
    if plan.direction == Direction::Down {
        steps.reverse();
    }
    let blocks = alike(steps.into_iter().map(|(step, on)| {
        let names: Vec<_> = on.iter().map(|surveyed| &surveyed.database.name).collect();
        let may_lock = on.iter().any(|surveyed| locks(surveyed, &step).is_some());
        (names, (step, may_lock))
    }));
    let block = |(names, steps): &(Vec<_>, Vec<(Step<'_>, bool)>)| {
        let to_do = match plan.direction {
            Direction::Up => "",
            Direction::Down => " to take back",
        };
        let what = format!("{}{to_do} on ", count(steps.len(), "migration"));
        let names = named(names.iter().copied(), COLUMNS - what.len());
        title(what + &names) + &steps.iter().map(|(step, may_lock)| line(step, *may_lock)).collect::<String>()
    };
    blocks.iter().map(block).collect()
}

/// Where nothing is to be done.
fn idle(plan: &RolloutPlan<'_>) -> String {
    let is_idle =
        |surveyed: &&Surveyed<'_>| surveyed.standing.as_ref().is_ok_and(|plan| plan.steps.is_empty());
    let idle = plan.survey.databases.iter().filter(is_idle).map(|surveyed| &surveyed.database.name);
    let idle: Vec<_> = idle.collect();
    const WHAT: &str = "nothing on ";
    if idle.is_empty() { String::new() } else { title(WHAT.to_owned() + &named(idle, COLUMNS - WHAT.len())) }
}

fn pending<'p, 'm>(plan: &'p RolloutPlan<'m>) -> impl Iterator<Item = (Step<'m>, &'p Surveyed<'m>)> {
    plan.survey.databases.iter().flat_map(|surveyed| {
        let steps = surveyed.standing.as_ref().map(|plan| plan.steps.as_slice()).unwrap_or_default();
        steps.iter().map(move |step| (*step, surveyed))
    })
}

/// What is to be done, and below it what that locks:
///
/// ```text
///   12 add_email  [group = "users"]  barrier
///      ACCESS EXCLUSIVE on account
/// ```
fn line(step: &Step<'_>, may_lock: bool) -> String {
    let (migration, script) = (step.migration, step.script);
    let mut line = format!("  {step}  [{}]", migration.route);
    let outside = match (script.transaction, step.start) {
        (Transaction::Whole, _) => None,
        (Transaction::None, Start::Fresh) => Some("outside a transaction".to_owned()),
        (Transaction::None, Start::Resumed { .. }) if step.is_code() => {
            Some("outside a transaction, from its checkpoint on".to_owned())
        }
        (Transaction::None, Start::Resumed { done, .. }) => {
            Some(format!("outside a transaction, behind statement {done} of {}", script.statements.len()))
        }
    };
    if step.direction == Direction::Up {
        let requires = migration.requires.iter().map(|requires| format!("behind {requires}"));
        let barrier = migration.barrier.then(|| "barrier".to_owned());
        line.extend(barrier.into_iter().chain(requires).map(|word| format!("  {word}")));
    }
    line.extend(outside.map(|word| format!("  {word}")));
    line.push('\n');
    let locks = script.locks.filter(|_| may_lock).map(ToString::to_string);
    match locks.filter(|locks| !locks.is_empty()) {
        Some(locks) => line + &wrapped(&locks, "  ".len() + migration.version.to_string().len() + 1),
        None => line,
    }
}

/// Stages and waves, where there is more than one.
fn order(plan: &RolloutPlan<'_>) -> String {
    let stages = plan.stages.len();
    let waves: usize = plan.stages.iter().map(|stage| stage.waves.len()).sum();
    if waves < 2 {
        return String::new();
    }
    let mut text = "\n".to_owned() + &title(format!("in {waves} waves"));
    for (number, stage) in plan.stages.iter().enumerate() {
        let of_stage = if stages > 1 { format!("stage {} ", number + 1) } else { String::new() };
        for (number, wave) in stage.waves.iter().enumerate() {
            for (index, (what, names)) in alike(wave.iter().map(part)).iter().enumerate() {
                // The first line of a wave says which one it is.
                let place = format!("  {of_stage}wave {}: ", number + 1);
                let place = if index == 0 { place } else { " ".repeat(place.len()) };
                let what = format!("{what} on ");
                let names = named(names.iter().copied(), COLUMNS.saturating_sub(place.len() + what.len()));
                text.push_str(&format!("{place}{what}{names}\n"));
            }
        }
    }
    text
}

fn part<'p>(part: &'p PlannedPart<'_>) -> (String, &'p sharded_migrations_core::DatabaseName) {
    let all: Vec<_> = part.steps.iter().map(|step| step.migration.version).collect();
    (versions(&all), &part.database)
}

/// What waits for what would not be done.
fn blocked(plan: &RolloutPlan<'_>) -> String {
    let blocked = plan
        .blocked
        .iter()
        .map(|blocked| ((blocked.step.to_string(), blocked.blocker.to_string()), &blocked.database));
    let line = |((step, blocker), names): &((String, String), Vec<_>)| {
        let what = match plan.direction {
            Direction::Up => "begin",
            Direction::Down => "be taken back",
        };
        format!("{step} cannot {what} on {}: {blocker}\n", named(names.iter().copied(), COLUMNS))
    };
    alike(blocked).iter().map(line).collect()
}

fn summary(plan: &RolloutPlan<'_>) -> String {
    let survey = &plan.survey;
    let has_work =
        |surveyed: &&Surveyed<'_>| surveyed.standing.as_ref().is_ok_and(|plan| !plan.steps.is_empty());
    let refused = survey.databases.iter().filter(|surveyed| surveyed.standing.is_err()).count();
    let blocked = plan.blocked.len();
    let mut text = format!(
        "{} {} on {} {}{}{}",
        survey.pending(),
        to_do(plan.direction),
        survey.databases.iter().filter(has_work).count(),
        of_databases(survey.databases.len()),
        and(refused, "refused"),
        and(blocked, "blocked"),
    );
    if refused + blocked > 0 && !plan.goes_on {
        text.push_str("\nas it is, a run would write nothing anywhere");
    }
    text
}
