//! One migration, as it is embedded.

use std::any::Any;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::source::{self, Position};
use crate::{List, Locks, Outside, Replaces, Requirement, Rerouted, Route, Spans, TableChanges, Text};

/// The number of a migration; it orders the migrations of a database. Never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i64);

impl Version {
    /// The version of that number; `None` when it is negative.
    pub const fn new(number: i64) -> Option<Self> {
        if number >= 0 { Some(Self(number)) } else { None }
    }

    /// For the code that the macro emits, which has checked the number already.
    #[doc(hidden)]
    pub const fn embedded(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The SHA-256 of a migration's text without its attribute lines; shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Checksum(pub [u8; 32]);

impl Checksum {
    /// Of a text, which is normalised already and has its attribute lines removed.
    #[cfg(feature = "compile")]
    pub fn of(text: &str) -> Self {
        use sha2::{Digest, Sha256};
        Self(Sha256::digest(text).into())
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

/// Whether a migration may come after newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `V` files, and all files of other layouts: in the order of their versions.
    Ordered,
    /// `U` files: applied whenever they are pending, also below the newest applied version.
    OutOfOrder,
}

/// How the SQL of a migration is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transaction {
    /// In one transaction, together with its history row.
    Whole,
    /// `#[no_transaction]`: statement by statement, each on its own.
    None,
}

/// Which way a migration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It is applied.
    Up,
    /// It is taken back.
    Down,
}

impl Direction {
    /// `up` or `down`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// The limits that a header sets for its migration; `None` leaves the connection's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Timeouts {
    /// `#[lock_timeout = "2s"]`: how long a statement waits for a lock.
    pub lock: Option<Duration>,
    /// `#[statement_timeout = "1min"]`: how long a statement runs.
    pub statement: Option<Duration>,
}

/// What a migration that is written in Rust runs.
///
/// This crate knows neither connections nor futures: the function is what the library that runs it has put in, and
/// takes out again as the type that it knows. Two are equal when they name the same function: which one that is, the
/// text of the file says.
#[derive(Clone)]
pub struct Code {
    /// The name of the function in its file.
    pub function: Text,
    /// Nothing, where the set was read from files.
    run: Option<&'static (dyn Any + Send + Sync)>,
}

impl Code {
    /// The function of a file that was read, and not compiled.
    pub const fn unlinked(function: Text) -> Self {
        Self { function, run: None }
    }

    /// The function itself, for the code that the macro emits.
    #[doc(hidden)]
    pub const fn linked(function: Text, run: &'static (dyn Any + Send + Sync)) -> Self {
        Self { function, run: Some(run) }
    }

    /// The same once more, while the program is compiled.
    pub(crate) const fn embedded(&'static self) -> Self {
        let function = match &self.function {
            Text::Borrowed(function) => function,
            Text::Owned(function) => function.as_str(),
        };
        Self { function: Text::Borrowed(function), run: self.run }
    }

    /// What was put in, if it is of this type.
    pub fn run<T: Any>(&self) -> Option<&'static T> {
        self.run?.downcast_ref()
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
    }
}

impl Eq for Code {}

impl Hash for Code {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.function)
    }
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number, unique on each database.
    pub version: Version,
    /// The rest of its file name.
    pub name: Text,
    /// Its file, relative to the folder of migrations, with `/`.
    pub file: Text,
    /// Whether it may come late.
    pub kind: Kind,
    /// Tells an edited file from the one that was applied.
    pub checksum: Checksum,
    /// The databases it is for.
    pub route: Route,
    /// What is declared of databases for which that was another one.
    pub rerouted: Rerouted,
    /// How it is run.
    pub transaction: Transaction,
    /// The limits it sets.
    pub timeouts: Timeouts,
    /// `#[barrier]`: it begins when all databases have finished all that comes before.
    pub barrier: bool,
    /// `#[requires(..)]`: what has to be finished on other databases before.
    pub requires: List<Requirement>,
    /// `#[replaces(..)]`: what it counts as applied for, where that is.
    pub replaces: Replaces,
    /// The variables it declares.
    pub vars: List<Text>,
    /// Its text, as normalised when it was read.
    pub sql: Text,
    /// The bytes of the lines of the text that hold attributes, with their line ends: what its checksum leaves out.
    pub attributes: Spans,
    /// The bytes of each statement in the text, in order, without the semicolons.
    pub statements: Spans,
    /// What is known of each of these statements, where they run outside a transaction; else empty.
    pub outside: List<Outside>,
    /// What it locks of what was there before; `None` where it is for no database of PostgreSQL.
    pub locks: Option<Locks>,
    /// What it does to tables and their columns; `None` where that depends on a database's variables.
    pub tables: Option<TableChanges>,
    /// What it runs, where it is written in Rust: then the text is that of its file, and has no statements.
    pub code: Option<Code>,
    /// What takes it back, where it has a reverse file.
    pub reverse: Option<Reverse>,
}

/// The reverse file of a migration: what takes it back. One without a statement undoes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverse {
    /// The file, relative to the folder of migrations, with `/`.
    pub file: Text,
    /// How it is run: as its migration, but that what has no statement needs nothing outside a transaction.
    pub transaction: Transaction,
    /// The limits it sets.
    pub timeouts: Timeouts,
    /// The variables it declares.
    pub vars: List<Text>,
    /// Its text, as normalised when it was read.
    pub sql: Text,
    /// The bytes of each statement in the text, in order, without the semicolons.
    pub statements: Spans,
    /// What is known of each of these statements, where they run outside a transaction; else empty.
    pub outside: List<Outside>,
    /// What it locks of what was there before; `None` where it is for no database of PostgreSQL.
    pub locks: Option<Locks>,
}

/// What is run of a migration: its own file, or its reverse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script<'m> {
    /// The file, relative to the folder of migrations, with `/`.
    pub file: &'m str,
    /// How it is run.
    pub transaction: Transaction,
    /// The limits it sets.
    pub timeouts: Timeouts,
    /// The variables it declares.
    pub vars: &'m [Text],
    /// Its text.
    pub sql: &'m str,
    /// The bytes of each statement in the text.
    pub statements: &'m Spans,
    /// What is known of each of these statements, where they run outside a transaction.
    pub outside: &'m [Outside],
    /// What it locks of what was there before.
    pub locks: Option<&'m Locks>,
}

impl<'m> Script<'m> {
    /// The text of one of its statements, as it is in the file.
    pub fn statement(&self, index: usize) -> Option<&'m str> {
        self.sql.get(self.statements.get(index)?)
    }

    /// Line and column of a statement in the file, counted from 1.
    pub fn position(&self, statement: usize) -> Option<Position> {
        self.statements.get(statement).map(|span| Position::of(self.sql, span.start))
    }
}

impl Migration {
    /// The text of one of its statements, as it is in the file.
    pub fn statement(&self, index: usize) -> Option<&str> {
        self.sql.get(self.statements.get(index)?)
    }

    /// Its text without the lines that hold attributes, which is what its checksum is of.
    pub fn without_attributes(&self) -> String {
        source::without(&self.sql, self.attributes.iter())
    }

    /// The versions that others may require, and have with it: its own, and those that it replaces.
    pub fn stands_for(&self) -> impl Iterator<Item = Version> {
        std::iter::once(self.version).chain(self.replaces.versions())
    }

    /// What applies it.
    pub fn forward(&self) -> Script<'_> {
        Script {
            file: &self.file,
            transaction: self.transaction,
            timeouts: self.timeouts,
            vars: &self.vars,
            sql: &self.sql,
            statements: &self.statements,
            outside: &self.outside,
            locks: self.locks.as_ref(),
        }
    }

    /// What takes it back; `None` where it has no reverse file.
    pub fn backward(&self) -> Option<Script<'_>> {
        let Reverse { file, transaction, timeouts, vars, sql, statements, outside, locks } =
            self.reverse.as_ref()?;
        Some(Script {
            file,
            transaction: *transaction,
            timeouts: *timeouts,
            vars,
            sql,
            statements,
            outside,
            locks: locks.as_ref(),
        })
    }

    /// Line and column of a statement in the file, counted from 1.
    pub fn statement_position(&self, index: usize) -> Option<Position> {
        self.statements.get(index).map(|span| Position::of(&self.sql, span.start))
    }
}

/// `12 add_email`, as messages name a migration.
impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.version, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_read_back() {
        let sum = Checksum([0xa5; 32]);
        assert_eq!(Checksum::parse(&sum.to_string()), Some(sum));
        let long = "a".repeat(66);
        for bad in ["", "a5", "é", &"g".repeat(64), &long, &"é".repeat(32)] {
            assert_eq!(Checksum::parse(bad), None, "{bad}");
        }
    }

    #[cfg(feature = "compile")]
    #[test]
    fn the_checksum_is_sha_256() {
        // The value of `printf abc | sha256sum`.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Checksum::of("abc").to_string(), sum);
    }
}
