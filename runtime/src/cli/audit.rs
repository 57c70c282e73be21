//! `audit`: what was changed by hand, and taken back, when, by whom, and why.

use super::trail::{Words, second};
use crate::audit::AuditRecord;

/// How it is shown.
pub(super) const WORDS: Words<AuditRecord> = Words {
    nothing: "nothing changed by hand or taken back yet",
    cells,
    is_number: [false; 5],
    below: |record| record.detail.as_deref(),
};

fn cells(record: &AuditRecord) -> [String; 5] {
    [
        format!("{} {}", record.version, record.name),
        second(&record.at),
        record.action.clone(),
        format!("{}@{}", record.who, record.host),
        record.application_version.clone().unwrap_or_default(),
    ]
}
