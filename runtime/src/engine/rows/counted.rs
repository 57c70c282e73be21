//! Which statements say how many rows they have changed. An application has no parser: this reads words.

use std::iter::Peekable;

use crate::engine::words::{Token, Tokens};

/// What a server's count of a statement's rows is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// The rows that it has changed.
    Rows,
    /// Nothing: it changes no rows, but for those that a function it calls may change.
    Nothing,
    /// It may have changed rows, and nobody counts them.
    Unknown,
}

/// What begins a statement that changes rows. `REPLACE` is SQLite's.
const CHANGES: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"];

/// What begins a statement that reads rows.
const READS: [&str; 3] = ["SELECT", "VALUES", "TABLE"];

/// What begins a statement that makes or sets something. What is not here may run other statements: `DO`, `CALL`,
/// `EXECUTE`, `COPY`.
const OTHERS: [&str; 22] = [
    "ALTER", "ANALYZE", "ATTACH", "CLUSTER", "COMMENT", "CREATE", "DETACH", "DISCARD", "DROP", "GRANT",
    "IMPORT", "LISTEN", "LOCK", "NOTIFY", "PRAGMA", "REFRESH", "REINDEX", "RESET", "REVOKE", "SECURITY",
    "SET", "VACUUM",
];

impl Counted {
    /// For a statement, as its first word says it.
    pub(super) fn of(statement: &str) -> Self {
        let mut words = Words::of(statement).peekable();
        match words.next() {
            Some((_, first)) if is_one_of(first, &CHANGES) => Self::Rows,
            Some((0, first)) if is_one_of(first, &["WITH"]) => behind_with(words),
            Some((_, first)) if is_one_of(first, &READS) || is_one_of(first, &OTHERS) => Self::Nothing,
            _ => Self::Unknown,
        }
    }
}

/// The count is that of the statement behind the parts, which may change rows as well.
fn behind_with(mut words: Peekable<Words<'_>>) -> Counted {
    while let Some((depth, word)) = words.next() {
        let changes = is_one_of(word, &CHANGES);
        if depth > 0 && changes {
            return Counted::Unknown;
        }
        // A part may have such a word for its name: `AS` or its columns come behind it.
        let is_name = words.peek().is_none_or(|(depth, next)| *depth > 0 || is_one_of(next, &["AS"]));
        if depth == 0 && changes && !is_name {
            return Counted::Rows;
        }
        if depth == 0 && is_one_of(word, &READS) {
            return Counted::Nothing;
        }
    }
    Counted::Unknown
}

fn is_one_of(word: &str, keywords: &[&str]) -> bool {
    keywords.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// The words of a statement, each with how many parentheses are open.
struct Words<'s> {
    tokens: Tokens<'s>,
    depth: usize,
}

impl<'s> Words<'s> {
    fn of(statement: &'s str) -> Self {
        Self { tokens: Tokens::of(statement, &['\'', '"', '`']), depth: 0 }
    }
}

impl<'s> Iterator for Words<'s> {
    type Item = (usize, &'s str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.tokens.next()? {
                Token::Word(word) => return Some((self.depth, word)),
                Token::Mark('(') => self.depth += 1,
                Token::Mark(')') => self.depth = self.depth.saturating_sub(1),
                Token::Mark(_) | Token::Quoted => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Counted::{Nothing, Rows, Unknown};
    use super::*;

    #[test]
    fn a_count_is_worth_what_the_statement_says() {
        for (sql, counted) in [
            ("INSERT INTO a VALUES (1)", Rows),
            ("insert into a select 1 returning *", Rows),
            ("UPDATE a SET b = 1", Rows),
            ("/* why */ -- and how\nDELETE FROM a", Rows),
            ("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", Rows),
            ("REPLACE INTO a VALUES (1)", Rows),
            ("SELECT 1", Nothing),
            ("(SELECT 1) UNION SELECT 2", Nothing),
            ("CREATE TABLE a AS SELECT 1", Nothing),
            ("PRAGMA user_version = 1", Nothing),
            ("WITH a AS (SELECT 1) UPDATE b SET c = 'it''s (SELECT'", Rows),
            ("WITH a AS (SELECT ')' FROM b), d (e) AS MATERIALIZED (SELECT 1) INSERT INTO c SELECT 1", Rows),
            ("WITH a AS (SELECT E'\\') INSERT INTO a') DELETE FROM b", Rows),
            ("WITH a AS (SELECT $x$) DELETE FROM b $$ $x$, ${shard}) DELETE FROM b", Rows),
            ("WITH a AS (SELECT 1 /* ) /* DELETE */ */) MERGE INTO b USING a ON true", Rows),
            ("WITH RECURSIVE a AS (SELECT 1) INSERT INTO b SELECT 1 ON CONFLICT DO UPDATE SET c = 1", Rows),
            ("WITH a AS (SELECT 1) SELECT * FROM a", Nothing),
            ("WITH a AS (SELECT 1) SELECT * FROM b FOR UPDATE", Nothing),
            ("WITH update AS (SELECT 1) SELECT * FROM update", Nothing),
            ("WITH delete (a) AS (SELECT 1) TABLE b", Nothing),
            ("WITH \"update\" AS (VALUES (1)) DELETE FROM b", Rows),
            ("WITH a AS (DELETE FROM b RETURNING *) INSERT INTO c SELECT * FROM a", Unknown),
            ("WITH a AS (UPDATE b SET c = 1 RETURNING *) SELECT * FROM a", Unknown),
            ("DO $$ BEGIN DELETE FROM a; END $$", Unknown),
            ("CALL a()", Unknown),
            ("COPY a FROM '/b'", Unknown),
            ("EXPLAIN ANALYZE DELETE FROM a", Unknown),
            ("${verb} INTO a", Unknown),
            ("", Unknown),
            ("WITH", Unknown),
            ("WITH a AS (SELECT '", Unknown),
            ("WITH a AS (SELECT /* é", Unknown),
            ("$é", Unknown),
        ] {
            assert_eq!(Counted::of(sql), counted, "{sql}");
        }
    }
}
