//! `history`: what was applied when, by whom, and how long it took.

use sharded_migrations_core::State;

use super::show::{and, block};
use crate::history::{Histories, HistoryRecord};
use crate::reporter::{count, failure};

/// The records of each database, the newest last, and what could not be read.
pub(super) fn lines(histories: &Histories) -> (String, String) {
    let (mut text, mut failures) = (String::new(), String::new());
    for history in &histories.databases {
        let heading = block(&[(&history.name, history.group.as_ref())]);
        match &history.records {
            Err(error) => failures.push_str(&(heading + &failure(error))),
            Ok(records) if records.is_empty() => text.push_str(&(heading + "  nothing applied yet\n")),
            Ok(records) => text.push_str(&(heading + &table(records))),
        }
    }
    (text + "\n" + &summary(histories), failures)
}

/// A line each, in columns; a name that is long beside the others makes its own line longer, not all.
fn table(records: &[HistoryRecord]) -> String {
    const LONGEST_NAME: usize = 28;
    let cells: Vec<[String; 5]> = records.iter().map(cells).collect();
    let width = |column: usize| cells.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let [name, when, took, who] = [width(0).min(LONGEST_NAME), width(1), width(2), width(3)];
    let line = |[a, b, c, d, e]: &[String; 5]| {
        let line = format!("  {a:name$}  {b:when$}  {c:>took$}  {d:who$}  {e}");
        format!("{}\n", line.trim_end())
    };
    cells.iter().map(line).collect()
}

fn cells(record: &HistoryRecord) -> [String; 5] {
    let row = &record.row;
    let state = match row.state {
        State::Applied => String::new(),
        state => format!(" [{}, {} done]", state.as_str(), count_of(row.statements_done)),
    };
    // To the second: the fraction is in the JSON.
    let (day, time) = record.applied_at.split_once('T').unwrap_or((&record.applied_at, ""));
    let second = time.split('.').next().unwrap_or_default();
    [
        format!("{} {}{state}", row.version, row.name),
        format!("{day} {second}Z"),
        format!("{} ms", record.execution.as_millis()),
        format!("{}@{}", record.applied_by, record.host),
        record.application_version.clone().unwrap_or_default(),
    ]
}

fn count_of(statements: u32) -> String {
    count(usize::try_from(statements).unwrap_or(usize::MAX), "statement")
}

fn summary(histories: &Histories) -> String {
    let read = histories.databases.iter().filter_map(|history| history.records.as_ref().ok());
    let records: usize = read.clone().map(Vec::len).sum();
    let unread = histories.databases.len() - read.count();
    format!(
        "{} on {}{}\n",
        count(records, "record"),
        count(histories.databases.len(), "database"),
        and(unread, "unread")
    )
}
