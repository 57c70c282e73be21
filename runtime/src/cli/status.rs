//! `status`: every migration of every database, applied or not; also of one that would be refused.

use std::collections::BTreeMap;

use sharded_migrations_core::{Migrations, State};

use super::refused;
use crate::report::Reason;
use crate::reporter::count;
use crate::survey::{Survey, Surveyed};

pub(super) fn body(migrations: &Migrations, surveyed: &Surveyed<'_>) -> String {
    if let Err(reasons) = &surveyed.standing
        && reasons.iter().any(|reason| matches!(reason, Reason::Error(_)))
    {
        return String::new();
    }
    let routed = migrations.routed_to(&surveyed.database);
    let mut lines: BTreeMap<_, _> =
        routed.map(|migration| (migration.version, (" ", migration.name.to_string()))).collect();
    for row in &surveyed.history {
        let mark = match row.state {
            State::Applied => "x",
            State::Started | State::Paused => "!",
        };
        lines.insert(row.version, (mark, row.name.clone()));
    }
    lines.into_iter().map(|(version, (mark, name))| format!("  [{mark}] {version} {name}\n")).collect()
}

pub(super) fn summary(survey: &Survey<'_>) -> String {
    let applied: usize = survey.databases.iter().map(|database| database.history.len()).sum();
    format!(
        "{applied} applied and {} pending on {}{}",
        survey.pending(),
        count(survey.databases.len(), "database"),
        refused(survey)
    )
}
