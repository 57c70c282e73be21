//! Transaction control in what a step runs: it would tear the step from its history row, or end the transaction that
//! keeps others out. The scan is of words alone; what gets past it is noticed when the step ends.

use crate::engine::words::{Token, Tokens};
use crate::error::DatabaseError;

/// How a statement that controls a transaction begins.
const STATEMENTS: [&str; 8] =
    ["ABORT", "BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START TRANSACTION"];

/// Refuses such a statement; says how many statements there are.
pub(super) fn refuse(sql: &str) -> Result<usize, DatabaseError> {
    let statements = statements(sql);
    let is_control = |words: &&Vec<String>| {
        let words = words.join(" ");
        words == "PREPARE TRANSACTION"
            || STATEMENTS.iter().any(|control| {
                words.strip_prefix(control).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
            })
    };
    match statements.iter().find(is_control) {
        None => Ok(statements.len()),
        Some(words) => Err(DatabaseError::new(format!("a step cannot begin or end transactions: `{}`", words.join(" ")))
            .help("it runs in one with its history row; what has to commit in parts has `#[no_transaction]` and `context.transaction()`")),
    }
}

/// The first two words of each statement, in capitals.
fn statements(sql: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut words: Vec<String> = Vec::new();
    // Whether anything of a statement has come, and `BEGIN`s and `CASE`s that are open in the body of a routine or trigger.
    let (mut is_open, mut depth, mut count) = (false, 0_usize, 0_usize);
    for token in Tokens::of(sql, &['\'', '"']) {
        match token {
            Token::Mark(';') if depth == 0 => {
                if is_open {
                    found.push(std::mem::take(&mut words));
                }
                (is_open, count) = (false, 0);
            }
            Token::Mark(';') => {}
            Token::Mark(_) | Token::Quoted => is_open = true,
            Token::Word(word) => {
                let word = word.to_uppercase();
                let has_body = words.first().is_some_and(|first| first == "CREATE");
                match word.as_str() {
                    "BEGIN" if has_body && depth == 0 => depth = 1,
                    "CASE" if depth > 0 => depth += 1,
                    "END" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                (is_open, count) = (true, count + 1);
                if count <= 2 {
                    words.push(word);
                }
            }
        }
    }
    if is_open {
        found.push(words);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transaction_control_is_refused() {
        for sql in [
            "commit",
            " /* x */ -- y\nBegin;",
            "UPDATE a SET b = 1; COMMIT; BEGIN",
            "select 'it''s'; rollback to a",
            "select E'\\''; end",
            "select $$;$$, $a$ $$ ;$a$; abort work",
            "start transaction read only",
            "PREPARE TRANSACTION 'x'",
            "savepoint a",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END; COMMIT",
        ] {
            assert!(refuse(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn other_words_are_none() {
        for (sql, count) in [
            ("", 0),
            (";; -- commit\n", 0),
            ("SELECT 1", 1),
            ("select 'a; commit;'; select \"; begin\" from t;", 2),
            ("select $1, $2; select E'\\'; commit'", 2),
            ("DO $$ BEGIN COMMIT; END $$", 1),
            ("DO $x$ BEGIN; $$ END $x$; select 1", 2),
            (
                "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET c = CASE WHEN 1 THEN 2 END; DELETE FROM d; END",
                1,
            ),
            ("PREPARE a AS SELECT 1", 1),
            ("UPDATE a SET begin = 1, \"end\" = 2", 1),
            ("VALUES (1)", 1),
            ("(SELECT 1)", 1),
        ] {
            assert_eq!(refuse(sql).map_err(|error| error.message), Ok(count), "{sql}");
        }
    }
}
