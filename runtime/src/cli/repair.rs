//! `repair`: what somebody has found is written into the history.

use super::amend::Words;
use crate::repair::Settled;
use crate::reporter::document;

/// How it is shown.
pub(super) const WORDS: Words<Settled> = Words {
    verb: "repair",
    noun: "migration",
    does: "settle",
    did: "settled",
    line: |settled| format!("{} {}: {}", settled.version, settled.name, settled.next),
    json: document::settled,
    is_followed: false,
};
