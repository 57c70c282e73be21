//! Tables that other tools keep. They are read, and never written.

/// A table, and what is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForeignTable {
    pub(crate) name: &'static str,
    /// Its columns, and how their values become text. The rows are in the order of the first one.
    pub(crate) columns: &'static [(&'static str, Shown)],
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
