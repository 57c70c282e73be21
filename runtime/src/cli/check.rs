//! `check`: whether all is up to date, for a readiness probe.

use super::show::{COLUMNS, alike, and, named, of_databases, refusals};
use crate::readiness::{DatabaseReadiness, Readiness, Verdict};
use crate::reporter::count;

/// What is behind and how far, and what could not be judged.
pub(super) fn lines(readiness: &Readiness) -> (String, String) {
    let standings = readiness.databases.iter().filter_map(|database| match &database.verdict {
        Verdict::Pending(steps) => Some((*steps, &database.name)),
        Verdict::UpToDate | Verdict::Drift(_) | Verdict::Refused(_) => None,
    });
    let mut text = String::new();
    for (steps, names) in alike(standings) {
        let pending = format!("{} pending on ", count(steps, "migration"));
        let names = named(names, COLUMNS - pending.len());
        text.push_str(&format!("{pending}{names}\n"));
    }
    text.push_str(&summary(readiness));
    let refused = readiness.databases.iter().filter(|database| !database.verdict.reasons().is_empty());
    let reasons =
        refused.map(|DatabaseReadiness { name, group, verdict }| (name, group.as_ref(), verdict.reasons()));
    (text, refusals(reasons))
}

fn summary(readiness: &Readiness) -> String {
    let of = |kind: &str| {
        let is = |database: &&DatabaseReadiness| database.verdict.kind() == kind;
        readiness.databases.iter().filter(is).count()
    };
    format!(
        "{} {} up to date{}{}{}\n",
        of("up-to-date"),
        of_databases(readiness.databases.len()),
        and(of("pending"), "pending"),
        and(of("drift"), "drifted"),
        and(of("refused"), "refused"),
    )
}
