//! How many rows a migration changed, as far as its statements say.

mod counted;

use counted::Counted;

/// What the counts that a server gives of a migration's statements come to.
///
/// A server counts rows for every statement: those that a `SELECT` gave, too. What an `INSERT`, `UPDATE`, `DELETE`
/// or `MERGE` says are rows changed, also behind a `WITH`. Where something else may have changed rows (a part of that
/// `WITH`, `DO`, `CALL`), the whole is unknown. What triggers, functions and cascades change is counted by nobody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Rows {
    /// None of the statements changes rows by itself.
    #[default]
    Nothing,
    /// So many.
    Changed(u64),
    /// Nobody knows.
    Unknown,
}

impl Rows {
    /// Adds what was said of one statement.
    pub(crate) fn add(&mut self, statement: &str, count: u64) {
        *self = match (*self, Counted::of(statement)) {
            (before, Counted::Nothing) => before,
            (Self::Unknown, _) | (_, Counted::Unknown) => Self::Unknown,
            (Self::Nothing, Counted::Rows) => Self::Changed(count),
            (Self::Changed(before), Counted::Rows) => Self::Changed(before.saturating_add(count)),
        };
    }

    /// The number, where there is one.
    pub(crate) fn known(self) -> Option<u64> {
        match self {
            Self::Changed(rows) => Some(rows),
            Self::Nothing | Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(statements: &[(&str, u64)]) -> Option<u64> {
        let mut rows = Rows::default();
        statements.iter().for_each(|(statement, count)| rows.add(statement, *count));
        rows.known()
    }

    #[test]
    fn only_what_changes_rows_counts() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("CREATE TABLE a AS SELECT 1", 1), ("SELECT 1", 7), ("COPY a FROM '/x'", 3)]), None);
        assert_eq!(
            of(&[("insert into a values (1)", 1), ("SELECT 1", 7), ("Update a SET b = 1", 0)]),
            Some(1)
        );
        assert_eq!(of(&[("DELETE FROM a", 2), ("MERGE INTO a USING b", 3)]), Some(5));
        assert_eq!(of(&[("UPDATE\na SET b = 1", 0)]), Some(0), "it might have changed some");
        assert_eq!(of(&[("updates()", 4), ("", 4)]), None);
    }

    #[test]
    fn comments_stand_in_front() {
        for comment in ["-- a\n-- b\n", "/* a */", "/* a /* b */ c */ -- d\n\n", "/**/", "  \n"] {
            assert_eq!(of(&[(&format!("{comment}INSERT INTO a"), 2)]), Some(2), "{comment}");
        }
        for open in ["--", "/* INSERT", "-- é", "é INSERT", "/*é"] {
            assert_eq!(of(&[(open, 2)]), None, "{open}");
        }
    }

    #[test]
    fn what_is_not_counted_makes_the_whole_unknown() {
        assert_eq!(of(&[("INSERT INTO a", 2), ("WITH b AS (DELETE FROM c RETURNING *) SELECT 1", 1)]), None);
        assert_eq!(of(&[("DO $$ BEGIN DELETE FROM a; END $$", 0), ("INSERT INTO a", 2)]), None);
        assert_eq!(of(&[("WITH b AS (SELECT 1) UPDATE a", 1), ("INSERT INTO a", 2)]), Some(3));
    }
}
