//! The locks that a migration takes on tables, as PostgreSQL's manual has them under "Explicit Locking".

use std::fmt;

use crate::Text;

/// How much of what others do with a table has to wait, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockLevel {
    /// Reading.
    AccessShare,
    /// Reading rows to change them.
    RowShare,
    /// Writing rows.
    RowExclusive,
    /// Maintenance that lets others read and write.
    ShareUpdateExclusive,
    /// Nobody else writes.
    Share,
    /// Nobody else writes, or does the same.
    ShareRowExclusive,
    /// Others may only read.
    Exclusive,
    /// Everybody else waits, readers too.
    AccessExclusive,
}

impl LockLevel {
    /// All of them, the least first.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// As SQL spells it: `ACCESS EXCLUSIVE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }
}

impl fmt::Display for LockLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A lock on something that was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLock<'l> {
    /// The table, view or index, with its schema where the migration writes it.
    pub table: &'l str,
    /// The strongest lock on it.
    pub level: LockLevel,
}

/// What a migration locks of what was there before it, as far as its text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locks {
    /// Of each table the number of its lock's level, its name, which has no NUL, and a NUL: one text takes the compiler
    /// less than a list.
    tables: Text,
    /// Whether that is all: the locks of a `DO` block, of a function that is called, or of what goes with
    /// something that is dropped are not in the text.
    pub is_whole: bool,
}

impl Locks {
    /// The strongest first. What is merely read is left out.
    pub fn new<'l>(tables: impl IntoIterator<Item = TableLock<'l>>, is_whole: bool) -> Self {
        let number = |level| LockLevel::ALL.iter().position(|one| *one == level).unwrap_or_default();
        let lock = |TableLock { table, level }| format!("{}{table}\0", number(level));
        Self { tables: tables.into_iter().map(lock).collect::<String>().into(), is_whole }
    }

    /// For the code that the macro emits: what [`text`](Self::text) returned.
    #[doc(hidden)]
    pub const fn embedded(tables: &'static str, is_whole: bool) -> Self {
        Self { tables: Text::Borrowed(tables), is_whole }
    }

    /// For the macro.
    #[doc(hidden)]
    pub fn text(&self) -> &str {
        &self.tables
    }

    /// What is locked, the strongest lock first.
    pub fn tables(&self) -> impl Iterator<Item = TableLock<'_>> {
        self.tables.split_terminator('\0').filter_map(|lock| {
            let (number, table) = lock.split_at_checked(1)?;
            Some(TableLock { table, level: *LockLevel::ALL.get(number.parse::<usize>().ok()?)? })
        })
    }

    /// The strongest one.
    pub fn strongest(&self) -> Option<LockLevel> {
        self.tables().map(|lock| lock.level).max()
    }
}

/// `ACCESS EXCLUSIVE on account, orders; SHARE on note`
impl fmt::Display for Locks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let tables: Vec<TableLock<'_>> = self.tables().collect();
        for alike in tables.chunk_by(|one, next| one.level == next.level) {
            let tables: Vec<&str> = alike.iter().map(|lock| lock.table).collect();
            if let [first, ..] = alike {
                write!(f, "{separator}{} on {}", first.level, tables.join(", "))?;
                separator = "; ";
            }
        }
        match (self.is_whole, separator) {
            (true, _) => Ok(()),
            (false, "") => f.write_str("unknown locks"),
            (false, _) => f.write_str("; perhaps others"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_in_their_order() {
        assert!(LockLevel::ALL.is_sorted());
    }

    #[test]
    fn tables_with_the_same_lock_are_named_together() {
        let lock = |table, level| TableLock { table, level };
        let tables = [
            lock("account", LockLevel::AccessExclusive),
            lock("shop.orders", LockLevel::AccessExclusive),
            lock("note", LockLevel::Share),
        ];
        let all = Locks::new(tables, true);
        assert!(all.tables().eq(tables));
        assert_eq!(all.to_string(), "ACCESS EXCLUSIVE on account, shop.orders; SHARE on note");
        assert_eq!(all.strongest(), Some(LockLevel::AccessExclusive));
        let nothing = Locks::new([], false);
        assert_eq!(nothing.to_string(), "unknown locks");
    }
}
