//! `plan`: what would be done, and nothing else.

use super::refused;
use crate::reporter::count;
use crate::survey::{Survey, Surveyed};

pub(super) fn body(surveyed: &Surveyed<'_>) -> String {
    let Ok(plan) = &surveyed.standing else { return String::new() };
    if plan.steps.is_empty() {
        return format!("  up to date ({} applied)\n", plan.applied.len());
    }
    plan.steps.iter().map(|step| format!("  would apply {step}  [{}]\n", step.migration.route)).collect()
}

pub(super) fn summary(survey: &Survey<'_>) -> String {
    let has_work =
        |database: &&Surveyed<'_>| database.standing.as_ref().is_ok_and(|plan| !plan.steps.is_empty());
    format!(
        "{} pending on {} of {}{}",
        survey.pending(),
        survey.databases.iter().filter(has_work).count(),
        count(survey.databases.len(), "database"),
        refused(survey)
    )
}
