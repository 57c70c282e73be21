//! `status`: databases by migrations. Equal databases are one row, and neighbouring migrations with the same
//! mark one cell, so that neither four hundred databases nor two hundred migrations fill a screen.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use sharded_migrations_core::plan::{Squashed, unrecorded};
use sharded_migrations_core::{Migration, Migrations, State, Version};

use super::Verbosity;
use super::show::{COLUMNS, alike, and, named, title};
use super::versions;
use crate::report::Reason;
use crate::reporter::count;
use crate::survey::{Survey, Surveyed};

const GOOD: Style = AnsiColor::Green.on_default();
const BEHIND: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// What there is to say of a migration on a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Applied,
    Pending,
    Begun,
    Refused,
}

impl Mark {
    /// As a cell begins.
    fn sign(self) -> &'static str {
        match self {
            Self::Applied => "[x]",
            Self::Pending => "[ ]",
            Self::Begun => "[~]",
            Self::Refused => "[!]",
        }
    }
}

/// How a database stands, in the order in which they are shown: what needs attention comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    UpToDate,
    Behind(usize),
    Refused,
}

/// What equal databases have in common.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    standing: Standing,
    cells: Vec<(Version, String, Mark)>,
}

/// The matrix and its summary.
pub(super) fn lines(migrations: &Migrations, survey: &Survey<'_>, verbosity: Verbosity) -> String {
    let rows = survey.databases.iter().map(|surveyed| (row(migrations, surveyed), &surveyed.database.name));
    let mut rows = alike(rows);
    rows.sort_by_key(|(row, _)| row.standing);
    let names: Vec<String> = rows.iter().map(|(_, names)| named(names.iter().copied(), COLUMNS)).collect();
    let width = names.iter().map(String::len).filter(|width| *width <= WIDEST).max().unwrap_or(0);
    let mut text = String::new();
    for ((row, _), names) in rows.iter().zip(&names) {
        match verbosity {
            Verbosity::Verbose => text.push_str(&row.listed(names)),
            Verbosity::Quiet | Verbosity::Normal => text.push_str(&row.folded(names, width)),
        }
    }
    let has = |mark: Mark| rows.iter().any(|(row, _)| row.cells.iter().any(|(_, _, own)| *own == mark));
    let words = [
        (Mark::Applied, "applied"),
        (Mark::Pending, "pending"),
        (Mark::Begun, "begun"),
        (Mark::Refused, "refused"),
    ];
    let legend =
        words.iter().filter(|(mark, _)| has(*mark)).map(|(mark, word)| format!("{} {word}", mark.sign()));
    let legend: Vec<String> = legend.collect();
    text + "\n" + &legend.join("  ") + if legend.is_empty() { "" } else { "\n" } + &summary(survey)
}

/// Names that are longer have a line of their own.
const WIDEST: usize = 36;

fn row(migrations: &Migrations, surveyed: &Surveyed<'_>) -> Row {
    let reasons: &[Reason] = surveyed.standing.as_ref().err().map_or(&[], Vec::as_slice);
    let standing = match &surveyed.standing {
        Ok(plan) if plan.steps.is_empty() => Standing::UpToDate,
        Ok(plan) => Standing::Behind(plan.steps.len()),
        Err(_) => Standing::Refused,
    };
    // Nobody knows what is pending where nobody answers.
    if reasons.iter().any(|reason| matches!(reason, Reason::Error(_))) {
        return Row { standing, cells: Vec::new() };
    }
    let Surveyed { database, history, .. } = surveyed;
    let marked =
        |mark: Mark| move |migration: &Migration| (migration.version, (migration.name.to_string(), mark));
    let pending =
        unrecorded(&migrations.migrations, database, history).into_iter().map(marked(Mark::Pending));
    // A migration in the place of others is shown as if it had been run itself.
    let squashed = Squashed::of(&migrations.migrations, database, history);
    let mut cells: BTreeMap<Version, (String, Mark)> =
        pending.chain(squashed.found().map(marked(Mark::Applied))).collect();
    for row in history.iter().filter(|row| !squashed.covers(row.version)) {
        let mark = if row.state == State::Applied { Mark::Applied } else { Mark::Begun };
        cells.insert(row.version, (row.name.clone(), mark));
    }
    for version in reasons.iter().filter_map(in_the_way) {
        cells.entry(version).and_modify(|(_, mark)| *mark = Mark::Refused);
    }
    Row { standing, cells: cells.into_iter().map(|(version, (name, mark))| (version, name, mark)).collect() }
}

fn in_the_way(reason: &Reason) -> Option<Version> {
    match reason {
        Reason::History(refusal) => Some(refusal.version()),
        _ => None,
    }
}

impl Row {
    fn standing(&self) -> (String, Style) {
        match self.standing {
            Standing::UpToDate => ("up to date".into(), GOOD),
            Standing::Behind(steps) => (format!("{steps} behind"), BEHIND),
            Standing::Refused => ("refused".into(), BAD),
        }
    }

    /// In as few lines as it takes.
    fn folded(&self, names: &str, width: usize) -> String {
        const STANDING: usize = "up to date".len();
        let (word, style) = self.standing();
        let mut text = match names.len() > width {
            true => format!("{names}\n{:width$}  {style}{word}{style:#}", ""),
            false => format!("{names:width$}  {style}{word}{style:#}"),
        };
        let indent = width + 2 + word.len().max(STANDING) + 2;
        let mut column = width + 2 + word.len();
        for cell in self.runs() {
            let start = indent.max(column + 2);
            if start > indent && start + cell.len() > COLUMNS {
                text.push('\n');
                column = 0;
            }
            let start = indent.max(column + 2);
            text.push_str(&" ".repeat(start - column));
            text.push_str(&cell);
            column = start + cell.len();
        }
        text + "\n"
    }

    /// `[x] 1..198`, `[ ] 199 add_email`: neighbours with the same mark.
    fn runs(&self) -> Vec<String> {
        let run = |run: &[(Version, String, Mark)]| {
            let all: Vec<Version> = run.iter().map(|(version, _, _)| *version).collect();
            let mark = run.first().map_or("", |(_, _, mark)| mark.sign());
            match run {
                [(version, name, Mark::Pending | Mark::Begun | Mark::Refused)] => {
                    format!("{mark} {version} {name}")
                }
                _ => format!("{mark} {}", versions(&all)),
            }
        };
        self.cells.chunk_by(|(_, _, one), (_, _, next)| one == next).map(run).collect()
    }

    /// A line for each migration.
    fn listed(&self, names: &str) -> String {
        let (word, style) = self.standing();
        let line =
            |(version, name, mark): &(Version, String, Mark)| format!("  {} {version} {name}\n", mark.sign());
        title(format!("== {names} =="))
            + &format!("  {style}{word}{style:#}\n")
            + &self.cells.iter().map(line).collect::<String>()
    }
}

fn summary(survey: &Survey<'_>) -> String {
    let applied: usize = survey.databases.iter().map(|database| database.history.len()).sum();
    let refused = survey.databases.iter().filter(|database| database.standing.is_err()).count();
    format!(
        "{applied} applied and {} pending on {}{}\n",
        survey.pending(),
        count(survey.databases.len(), "database"),
        and(refused, "refused")
    )
}
