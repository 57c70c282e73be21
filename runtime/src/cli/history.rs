//! `history`: what was applied when, by whom, and how long it took.

use sharded_migrations_core::State;

use super::trail::{Words, second};
use crate::history::HistoryRecord;
use crate::reporter::count;

/// How it is shown.
pub(super) const WORDS: Words<HistoryRecord> = Words {
    nothing: "nothing applied yet",
    cells,
    is_number: [false, false, true, false, false],
    below: |_| None,
};

fn cells(record: &HistoryRecord) -> [String; 5] {
    let row = &record.row;
    let state = match row.state {
        State::Applied => String::new(),
        state => format!(" [{}, {} done]", state.as_str(), count_of(row.statements_done)),
    };
    [
        format!("{} {}{state}", row.version, row.name),
        second(&record.applied_at),
        format!("{} ms", record.execution.as_millis()),
        format!("{}@{}", record.applied_by, record.host),
        record.application_version.clone().unwrap_or_default(),
    ]
}

fn count_of(statements: u32) -> String {
    count(usize::try_from(statements).unwrap_or(usize::MAX), "statement")
}
