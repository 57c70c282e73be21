//! `reset`: a developer's databases are emptied, and made anew.

use serde_json::json;

use super::amend::Words;
use crate::reporter::count;
use crate::reset::Emptied;

/// How it is shown; a run follows.
pub(super) const WORDS: Words<Emptied> = Words {
    verb: "reset",
    noun: "schema",
    does: "empty",
    did: "emptied",
    line: |emptied| {
        let tables = usize::try_from(emptied.tables).unwrap_or(usize::MAX);
        format!("{} ({})", emptied.schema, count(tables, "table"))
    },
    json: |emptied| json!({ "schema": emptied.schema, "tables": emptied.tables }),
    is_followed: true,
};
