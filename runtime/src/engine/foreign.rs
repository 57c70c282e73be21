//! Tables that other tools keep. They are read, and never written.

use std::fmt;

/// A table, and what is wanted of it.
#[derive(Debug, Clone)]
pub(crate) struct ForeignTable {
    /// Where it is; else wherever a name alone leads.
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    /// Its columns, and how their values become text. The rows are in the order of the first one.
    pub(crate) columns: &'static [(&'static str, Shown)],
}

/// Its name, for messages.
impl fmt::Display for ForeignTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema.iter().flat_map(|schema| [schema, "."]);
        schema.chain([self.name.as_str()]).try_for_each(|part| f.write_str(part))
    }
}

/// How a value becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// As the server writes it.
    Text,
    /// Bytes, as hexadecimal digits.
    Hex,
    /// A time, also one that is kept as a text, as the history writes it. One without a zone is in the session's.
    Time,
}

/// What there is of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Its rows.
    Rows(Vec<Vec<Option<String>>>),
    /// There is no such table.
    Absent {
        /// Nor is there any other, but for those of this tool: the database is new.
        is_new: bool,
    },
}
