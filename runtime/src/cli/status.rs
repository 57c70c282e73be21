//! `status`: every migration of every database, applied or not.

use sharded_migrations_core::Plan;

use super::refused;
use crate::reporter::count;
use crate::survey::Survey;

pub(super) fn body(standing: &Plan<'_>) -> String {
    let mut lines: Vec<_> = standing.applied.iter().map(|migration| (migration, "x")).collect();
    lines.extend(standing.steps.iter().map(|migration| (migration, " ")));
    lines.sort_by_key(|(migration, _)| migration.version);
    lines.into_iter().map(|(migration, mark)| format!("  [{mark}] {migration}\n")).collect()
}

pub(super) fn summary(survey: &Survey<'_>) -> String {
    let applied: usize = survey
        .databases
        .iter()
        .filter_map(|database| database.standing.as_ref().ok())
        .map(|standing| standing.applied.len())
        .sum();
    format!(
        "{applied} applied and {} pending on {}{}",
        survey.pending(),
        count(survey.databases.len(), "database"),
        refused(survey)
    )
}
