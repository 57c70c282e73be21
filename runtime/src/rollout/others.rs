//! What databases have that others wait for, or that has to go before: also of those that are not selected.

use std::collections::BTreeSet;

use sharded_migrations_core::rollout::{Known, Pending};
use sharded_migrations_core::{
    Database, DatabaseName, Direction, Migration, Plan, Requirement, Start, Version,
};

use crate::executor::Migrator;
use crate::fleet::Target;
use crate::slots::Slots;
use crate::survey::{Asked, Goal, ask};

/// Where migrations are taken back, what may stand in the way of that on a database that cannot be asked.
pub(super) fn feared<'m>(migrator: &Migrator<'m>, goal: Goal, database: &Database) -> Option<Known<'m>> {
    match goal.direction() {
        Direction::Up => None,
        Direction::Down => Some(Known::to_take_back(migrator.migrations.routed_to(database), &[])),
    }
}

/// Looks at databases that are not selected, where something selected may wait for them.
pub(crate) async fn ask_others<'r, 'm>(
    migrator: &'r Migrator<'m>,
    goal: Goal,
    slots: &Slots,
    selected: &[(&DatabaseName, Known<'m>)],
) -> Vec<(&'r DatabaseName, Option<Known<'m>>)> {
    let waited_for = match goal.direction() {
        Direction::Up => waited_for(migrator, selected),
        Direction::Down => behind(migrator, selected),
    };
    let targets: Vec<Target> = waited_for.iter().filter_map(|(_, target)| target.clone()).collect();
    // What they have is asked, not what is to be done there.
    let asked = ask(&targets, migrator.question(false), slots).await;
    let mut known = asked.into_iter().map(|Asked { standing, .. }| {
        standing.ok().map(|plan| match goal.direction() {
            Direction::Up => self::known(goal, &plan),
            Direction::Down => {
                let begun = plan.steps.iter().filter(|step| step.start != Start::Fresh);
                Known::to_take_back(plan.applied.iter().copied().chain(begun.map(|step| step.migration)), &[])
            }
        })
    });
    let answer = |(name, target): &'r (DatabaseName, Option<Target>)| {
        let known = target.as_ref().and_then(|_| known.next().flatten());
        let database = || migrator.migrations.topology.database(name.as_str());
        (name, known.or_else(|| feared(migrator, goal, database()?)))
    };
    waited_for.into_iter().map(answer).collect()
}

/// The databases that may have a migration that comes behind one that is to be taken back.
fn behind<'r, 'm>(
    migrator: &'r Migrator<'m>,
    selected: &[(&DatabaseName, Known<'m>)],
) -> Vec<&'r (DatabaseName, Option<Target>)> {
    let versions = || selected.iter().flat_map(|(_, known)| &known.pending).map(|pending| pending.version);
    let Some(lowest) = versions().min() else { return Vec::new() };
    let to_go: BTreeSet<(&DatabaseName, Version)> = selected
        .iter()
        .flat_map(|(name, known)| {
            known.pending.iter().flat_map(Pending::stands_for).map(move |version| (*name, version))
        })
        .collect();
    let is_behind = |migration: &Migration| {
        let requires =
            |requirement: &Requirement| to_go.contains(&(&requirement.database, requirement.version));
        migration.barrier && migration.version > lowest || migration.requires.iter().any(requires)
    };
    let others = migrator.fleet.others.iter();
    let has_one = |(name, _): &&'r (DatabaseName, Option<Target>)| {
        let database = migrator.migrations.topology.database(name.as_str());
        database.is_some_and(|database| migrator.migrations.routed_to(database).any(is_behind))
    };
    others.filter(has_one).collect()
}

fn waited_for<'r, 'm>(
    migrator: &'r Migrator<'m>,
    selected: &[(&DatabaseName, Known<'m>)],
) -> Vec<&'r (DatabaseName, Option<Target>)> {
    let pending: Vec<&Pending<'m>> = selected.iter().flat_map(|(_, known)| &known.pending).collect();
    let has_barrier = pending.iter().any(|pending| pending.barrier);
    let required: BTreeSet<&DatabaseName> =
        pending.iter().flat_map(|pending| &pending.requires).map(|requires| &requires.database).collect();
    let others = migrator.fleet.others.iter();
    others.filter(|(name, _)| has_barrier || required.contains(name)).collect()
}

/// What others may wait for on a database with this plan.
pub(crate) fn known<'m>(goal: Goal, plan: &Plan<'m>) -> Known<'m> {
    let applied = plan.applied.iter().copied();
    match goal.direction() {
        Direction::Up => Known::to_apply(applied, &plan.steps),
        Direction::Down => Known::to_take_back(applied, &plan.steps),
    }
}
