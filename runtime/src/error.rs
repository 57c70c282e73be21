//! What can go wrong on a database, with all that the server said and never a password.

use std::fmt;
use std::sync::Arc;

use sharded_migrations_core::diagnostic::{Diagnostic, Style};
use sharded_migrations_core::source::{Position, SourceFile};
use sharded_migrations_core::{DatabaseName, Version};

/// A failure of one database, outside of any migration's SQL or inside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseError {
    /// What failed, in one line.
    pub message: String,
    /// The five characters of the SQL standard's error code, where there is one.
    pub sqlstate: Option<String>,
    /// What else the server said: detail, hint, constraint, context.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// Where in the SQL that was sent.
    pub(crate) place: Option<SqlPlace>,
    /// Whether it may go well a little later: somebody else had what it needed.
    pub(crate) is_transient: bool,
    /// Whether a statement was cancelled.
    pub(crate) is_cancelled: bool,
}

/// A place in SQL that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqlPlace {
    /// A byte of it.
    Byte(usize),
    /// One of its statements, from 0.
    Statement(usize),
}

impl DatabaseError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            sqlstate: None,
            notes: Vec::new(),
            help: None,
            place: None,
            is_transient: false,
            is_cancelled: false,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The facts below the message, each with its word.
    fn facts(&self) -> impl Iterator<Item = String> {
        let sqlstate = self.sqlstate.iter().map(|code| format!("SQLSTATE {code}"));
        sqlstate.chain(self.notes.iter().cloned())
    }
}

/// The message and the facts, in one line, without the help.
impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.facts().try_for_each(|fact| write!(f, "; {fact}"))
    }
}

impl std::error::Error for DatabaseError {}

/// A migration that failed on a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    /// The database.
    pub database: DatabaseName,
    /// The migration's version.
    pub version: Version,
    /// Its name.
    pub name: String,
    /// What the server said.
    pub error: DatabaseError,
    /// The text of its file, and the byte of it the error is about.
    pub(crate) source: Arc<SourceFile>,
    pub(crate) offset: Option<usize>,
}

impl StepError {
    /// The path of the migration's file.
    pub fn path(&self) -> &str {
        &self.source.path
    }

    /// Line and column in the user's file, where the error has a place.
    pub fn position(&self) -> Option<Position> {
        self.offset.map(|offset| Position::of(&self.source.text, offset))
    }

    /// Whether it is the same failure of the same migration, on another database.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        (self.path(), self.position(), &self.error) == (other.path(), other.position(), &other.error)
    }

    /// The error with the lines of the file that it is about.
    pub fn diagnostic(&self) -> Diagnostic {
        let title = format!(
            "migration {} {} failed on `{}`: {}",
            self.version, self.name, self.database, self.error.message
        );
        let fault = Diagnostic::new("failed-migration", title);
        let mut fault = match self.offset {
            Some(offset) => fault.at(&self.source, offset..self.end_of_word(offset), ""),
            None => fault.in_file(&self.source),
        };
        fault.notes = self.error.facts().collect();
        fault.help = self.error.help.clone().into_iter().collect();
        fault
    }

    /// The server points at a byte; a word is easier to see.
    fn end_of_word(&self, offset: usize) -> usize {
        let rest = self.source.text.get(offset..).unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        offset + length.max(rest.chars().next().map_or(0, char::len_utf8))
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic().render(Style::Bare))
    }
}

impl std::error::Error for StepError {}
