//! How many rows a migration changed, as far as its statements say.

/// What the counts that a server gives of a migration's statements come to.
///
/// A server counts rows for every statement: those that a `SELECT` gave, too. What an `INSERT`, `UPDATE`, `DELETE`
/// or `MERGE` says are rows changed; behind `WITH` may be any of these, and so such a statement makes the whole
/// unknown. What triggers, functions and cascades change is counted by nobody.
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
        *self = match (*self, Verb::of(statement)) {
            (before, Verb::Other) => before,
            (Self::Unknown, _) | (_, Verb::With) => Self::Unknown,
            (Self::Nothing, Verb::Change) => Self::Changed(count),
            (Self::Changed(before), Verb::Change) => Self::Changed(before.saturating_add(count)),
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

/// What a statement begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Change,
    With,
    Other,
}

impl Verb {
    fn of(statement: &str) -> Self {
        let word: String = behind_comments(statement).chars().take_while(char::is_ascii_alphabetic).collect();
        match word.to_ascii_uppercase().as_str() {
            "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "REPLACE" => Self::Change,
            "WITH" => Self::With,
            _ => Self::Other,
        }
    }
}

fn behind_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let end = match rest.get(..2) {
            Some("--") => rest.find('\n'),
            Some("/*") => end_of_comment(rest),
            _ => return rest,
        };
        rest = rest[end.unwrap_or(rest.len())..].trim_start();
    }
}

/// Comments of PostgreSQL nest; those of SQLite do not, and one that looks as if it did is at worst not counted.
fn end_of_comment(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, _) in text.match_indices(['/', '*']) {
        match text.get(at..at + 2) {
            Some("/*") => depth += 1,
            Some("*/") if depth == 1 => return Some(at + 2),
            Some("*/") => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
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
    fn what_is_behind_with_is_not_known() {
        assert_eq!(of(&[("INSERT INTO a", 2), ("WITH b AS (DELETE FROM c RETURNING *) SELECT 1", 1)]), None);
        assert_eq!(of(&[("WITH b AS (SELECT 1) UPDATE a", 1), ("INSERT INTO a", 2)]), None);
    }
}
