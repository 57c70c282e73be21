//! Transaction control in what a step runs: it would tear the step from its history row, or end the transaction that
//! keeps others out. The scan is of words alone; what gets past it is noticed when the step ends.

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
    let mut last = String::new();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let skipped = skipped(rest, &last);
        if let Some((length, is_code)) = skipped {
            is_open |= is_code;
            last.clear();
            at += length;
            continue;
        }
        if c.is_alphanumeric() || c == '_' {
            let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            last = rest[..length].to_uppercase();
            at += length;
            // The letter before a string is part of that.
            if last == "E" && sql[at..].starts_with('\'') {
                continue;
            }
            is_open = true;
            count += 1;
            let has_body = words.first().is_some_and(|first| first == "CREATE");
            match last.as_str() {
                "BEGIN" if has_body && depth == 0 => depth = 1,
                "CASE" if depth > 0 => depth += 1,
                "END" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if count <= 2 {
                words.push(last.clone());
            }
            continue;
        }
        last.clear();
        if c == ';' && depth == 0 {
            if is_open {
                found.push(std::mem::take(&mut words));
            }
            (is_open, count) = (false, 0);
        } else {
            is_open |= !c.is_whitespace() && c != ';';
        }
        at += c.len_utf8();
    }
    if is_open {
        found.push(words);
    }
    found
}

/// The length of the comment or the quoted text that begins here, and whether it is part of a statement.
fn skipped(text: &str, before: &str) -> Option<(usize, bool)> {
    if text.starts_with("--") {
        return Some((text.find('\n').unwrap_or(text.len()), false));
    }
    if text.starts_with("/*") {
        let mut depth = 0_usize;
        let mut at = 0;
        while at < text.len() {
            if text[at..].starts_with("/*") {
                (depth, at) = (depth + 1, at + 2);
            } else if text[at..].starts_with("*/") {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    break;
                }
            } else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        return Some((at, false));
    }
    let quote = text.chars().next()?;
    match quote {
        '\'' | '"' => {
            let mut chars = text.char_indices().skip(1);
            while let Some((at, c)) = chars.next() {
                if c == quote {
                    return Some((at + 1, true));
                }
                if c == '\\' && quote == '\'' && before == "E" {
                    chars.next();
                }
            }
            Some((text.len(), true))
        }
        // `$$ .. $$` and `$tag$ .. $tag$`; `$1` is a parameter.
        '$' => {
            let tag = text[1..].find('$').map(|at| &text[..at + 2])?;
            let name = &tag[1..tag.len() - 1];
            let is_tag = !name.starts_with(|c: char| c.is_ascii_digit())
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            is_tag.then(|| {
                let body = &text[tag.len()..];
                (body.find(tag).map_or(text.len(), |at| 2 * tag.len() + at), true)
            })
        }
        _ => None,
    }
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
