//! The facts of SQLite's statements, read off their first words: what each makes, drops, renames, or writes to.
//!
//! A parser of SQLite's grammar would be a second one in every build for little more: SQLite looks names in views, foreign
//! keys and triggers up when they are used, not when they are made, so that nothing in there has to be there.

use std::ops::Range;

use super::body::words;
use super::{Action, Class, Fact, Name, Named, Reading, Statement};
use crate::lex::{self, Token};

/// Words between a command and what it works on.
const CONFLICT: [&str; 5] = ["ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"];

/// Reads a text; `place` leads from a byte of it to one of the file.
pub(super) fn read(text: &str, tokens: &[Token], place: impl Fn(usize) -> usize) -> Reading {
    let mut statements = Vec::new();
    if tokens.iter().any(|token| token.unclosed().is_some()) {
        // The lexer is PostgreSQL's, and lost its way in a quote or a comment of SQLite.
        let facts = vec![Fact::Opaque(words(text))];
        statements.push(Statement {
            span: place(0)..place(text.len()),
            is_view: false,
            outside: None,
            facts,
            locks: None,
        });
        return Reading { databases: Vec::new(), statements, faults: Vec::new(), findings: Ok(Vec::new()) };
    }
    for statement in lex::statements(text, tokens) {
        let code =
            tokens.iter().filter(|token| token.is_code() && statement.span.contains(&token.span.start));
        let mut cursor = Cursor { text, code: code.map(|token| token.span.clone()).collect(), at: 0 };
        let mut facts = cursor.statement().unwrap_or_default();
        for named in &mut facts {
            named.span = place(named.span.start)..place(named.span.end);
        }
        statements.push(Statement {
            span: place(statement.span.start)..place(statement.span.end),
            is_view: false,
            outside: statement.begins_with(&["VACUUM"]).then_some("VACUUM"),
            facts: facts.into_iter().map(Fact::Named).collect(),
            locks: None,
        });
    }
    Reading { databases: Vec::new(), statements, faults: Vec::new(), findings: Ok(Vec::new()) }
}

/// A place among the words of a statement.
struct Cursor<'t> {
    text: &'t str,
    code: Vec<Range<usize>>,
    at: usize,
}

/// A name that was read.
struct Found {
    name: String,
    temporary: bool,
    span: Range<usize>,
}

impl Cursor<'_> {
    /// `None` for what says nothing about objects, or is not understood.
    fn statement(&mut self) -> Option<Vec<Named>> {
        match self.word()?.as_str() {
            "CREATE" => self.create(),
            "DROP" => self.drop(),
            "ALTER" => self.alter(),
            "INSERT" => {
                self.conflict();
                self.eat("INTO").then(|| self.usage())?
            }
            "REPLACE" => self.eat("INTO").then(|| self.usage())?,
            "UPDATE" => {
                self.conflict();
                self.usage()
            }
            "DELETE" => self.eat("FROM").then(|| self.usage())?,
            _ => None,
        }
    }

    fn create(&mut self) -> Option<Vec<Named>> {
        let is_temporary = self.eat("TEMP") || self.eat("TEMPORARY");
        let _unique = self.eat("UNIQUE");
        let noun = match self.word()?.as_str() {
            "TABLE" => "table",
            "VIEW" => "view",
            "INDEX" => "index",
            "TRIGGER" => return self.trigger(),
            "VIRTUAL" => self.eat("TABLE").then_some("virtual table")?,
            _ => return None,
        };
        let conditional = self.eat("IF") && self.eat("NOT") && self.eat("EXISTS");
        let found = self.name()?;
        let temporary = is_temporary || found.temporary;
        let columns = if noun == "table" { self.columns() } else { Vec::new() };
        let action = Action::Create { noun, replaces: false, temporary, columns };
        let mut made = named(action, &found, conditional);
        if noun != "index" {
            return Some(vec![made]);
        }
        let on = self.eat("ON").then(|| self.name())??;
        made.on = Some(plain(&on.name));
        made.mentions = words(&self.text[on.span.start..self.code.last()?.end]);
        Some(vec![made, named(Action::Use, &on, false)])
    }

    /// The columns between the parentheses behind a table's name.
    fn columns(&mut self) -> Vec<String> {
        const CONSTRAINTS: [&str; 5] = ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];
        let mut columns = Vec::new();
        let mut goes_on = self.eat("(");
        while goes_on {
            if CONSTRAINTS.iter().any(|word| self.eat(word)) {
                // What follows is no column, and neither is what follows that.
            } else if let Some((column, _)) = self.part() {
                columns.push(column);
            }
            goes_on = self.next_part();
        }
        columns
    }

    /// Goes behind the next comma that is in no parentheses of its own; `false` where there is none.
    fn next_part(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(word) = self.word() {
            match (word.as_str(), depth) {
                (",", 0) => return true,
                (")", 0) => return false,
                ("(", _) => depth += 1,
                (")", _) => depth -= 1,
                _ => {}
            }
        }
        false
    }

    /// The name of a trigger is not followed: it goes with its table, and is dropped without naming it.
    fn trigger(&mut self) -> Option<Vec<Named>> {
        while self.at < self.code.len() && !self.eat("ON") {
            self.at += 1;
        }
        self.usage()
    }

    fn drop(&mut self) -> Option<Vec<Named>> {
        if !matches!(self.word()?.as_str(), "TABLE" | "VIEW" | "INDEX") {
            return None;
        }
        let conditional = self.eat("IF") && self.eat("EXISTS");
        Some(vec![named(Action::Drop { cascade: false }, &self.name()?, conditional)])
    }

    fn alter(&mut self) -> Option<Vec<Named>> {
        let table = self.eat("TABLE").then(|| self.name())??;
        let mut all = Vec::new();
        let action = if self.eat("RENAME") {
            if self.eat("TO") {
                Action::Rename { to: self.name()?.name }
            } else {
                let _column = self.eat("COLUMN");
                let column = self.name()?.name;
                let to = self.eat("TO").then(|| self.name())??.name;
                Action::RenameColumn { column, to }
            }
        } else if self.eat("DROP") {
            let _column = self.eat("COLUMN");
            Action::DropColumn { column: self.name()?.name, cascade: false }
        } else if self.eat("ADD") {
            let _column = self.eat("COLUMN");
            Action::AddColumn { column: self.name()?.name }
        } else {
            Action::Use
        };
        all.push(named(action, &table, false));
        Some(all)
    }

    fn usage(&mut self) -> Option<Vec<Named>> {
        Some(vec![named(Action::Use, &self.name()?, false)])
    }

    fn conflict(&mut self) {
        if self.eat("OR") {
            let _word = CONFLICT.iter().any(|word| self.eat(word));
        }
    }

    fn word(&mut self) -> Option<String> {
        let span = self.code.get(self.at)?;
        self.at += 1;
        Some(self.text[span.clone()].to_ascii_uppercase())
    }

    fn eat(&mut self, word: &str) -> bool {
        let is_it =
            self.code.get(self.at).is_some_and(|span| self.text[span.clone()].eq_ignore_ascii_case(word));
        self.at += usize::from(is_it);
        is_it
    }

    /// A name, `main.` in front of it or not; `None` for one of another database that was attached.
    fn name(&mut self) -> Option<Found> {
        let (first, start) = self.part()?;
        if !self.eat(".") {
            return Some(Found { name: first, temporary: false, span: start });
        }
        let (name, end) = self.part()?;
        let span = start.start..end.end;
        match first.as_str() {
            "main" => Some(Found { name, temporary: false, span }),
            "temp" => Some(Found { name, temporary: true, span }),
            _ => None,
        }
    }

    /// An identifier, quoted in any of SQLite's ways. Case does not count, in quotes neither.
    fn part(&mut self) -> Option<(String, Range<usize>)> {
        let start = self.code.get(self.at)?.start;
        let rest = &self.text[start..];
        let close = match rest.chars().next()? {
            quote @ ('"' | '\'' | '`') => Some(quote),
            '[' => Some(']'),
            c if c.is_alphanumeric() || c == '_' => None,
            _ => return None,
        };
        let end = match close {
            Some(close) => start + 1 + rest.get(1..)?.find(close)? + 1,
            None => self.code.get(self.at)?.end,
        };
        while self.code.get(self.at).is_some_and(|span| span.start < end) {
            self.at += 1;
        }
        let inner = if close.is_some() { start + 1..end - 1 } else { start..end };
        Some((self.text[inner].to_ascii_lowercase(), start..end))
    }
}

fn plain(name: &str) -> Name {
    Name { schema: None, name: name.to_owned() }
}

fn named(action: Action, found: &Found, conditional: bool) -> Named {
    Named {
        action,
        class: Class::Relation,
        name: plain(&found.name),
        on: None,
        signature: None,
        mentions: Vec::new(),
        span: found.span.clone(),
        conditional,
        maybe: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> String {
        let reading = read(sql, &lex::tokens(sql), |at| at);
        let facts = reading.statements.into_iter().flat_map(|statement| statement.facts);
        let words = facts.map(|fact| match fact {
            Fact::Named(Named { action, name, on, conditional, span, .. }) => {
                let columns = match &action {
                    Action::Create { columns, .. } => columns.join(" "),
                    _ => String::new(),
                };
                let on = on.map_or_else(String::new, |on| format!(" of {on}"));
                let action = match action {
                    Action::Create { noun, temporary: false, .. } => format!("+{noun}"),
                    Action::Create { noun, .. } => format!("+temporary {noun}"),
                    Action::Drop { .. } => "-".to_owned(),
                    Action::Rename { to } => format!("to {to}:"),
                    Action::RenameColumn { column, to } => format!("{column} to {to}:"),
                    Action::DropColumn { column, .. } => format!("-{column} of"),
                    Action::AddColumn { column } => format!("+{column} of"),
                    Action::Use => String::new(),
                    other => format!("{other:?}"),
                };
                let word = &sql[span];
                let columns = if columns.is_empty() { String::new() } else { format!(" ({columns})") };
                format!("{action} {name}{on}{}{columns} {word}", if conditional { "?" } else { "" })
            }
            other => format!("{other:?}"),
        });
        words.map(|word| word.trim().to_owned()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_each_form_of_a_statement_says() {
        for (sql, facts) in [
            (
                "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT, WITHOUT ROWID",
                "+table a (id) a",
            ),
            ("create table if not exists main.[A b] (x)", "+table a b? (x) main.[A b]"),
            (
                "CREATE TABLE a (\"X y\" TEXT DEFAULT (f(1, 2)) CHECK (b > 1), [z], check_at, PRIMARY KEY (z, b), \
                 CONSTRAINT c UNIQUE (z), FOREIGN KEY (z) REFERENCES b (x, y))",
                "+table a (x y z check_at) a",
            ),
            ("CREATE TABLE a AS SELECT (1), 2 FROM b", "+table a a"),
            ("CREATE TEMP TABLE `a` (x)", "+temporary table a (x) `a`"),
            ("CREATE TABLE temp.a (x)", "+temporary table a (x) temp.a"),
            ("CREATE TABLE attached.a (x)", ""),
            ("CREATE VIRTUAL TABLE a USING fts5(x)", "+virtual table a a"),
            ("CREATE VIEW v AS SELECT * FROM a", "+view v v"),
            ("CREATE UNIQUE INDEX IF NOT EXISTS i ON \"A\" (x)", "+index i of a? i, a \"A\""),
            ("CREATE TRIGGER t AFTER UPDATE OF x ON a BEGIN DELETE FROM b; UPDATE c SET x = 1; END", "a a"),
            ("DROP TABLE IF EXISTS a", "- a? a"),
            ("DROP INDEX i; DROP VIEW v; DROP TRIGGER t", "- i i, - v v"),
            ("ALTER TABLE a RENAME TO b", "to b: a a"),
            ("ALTER TABLE a RENAME COLUMN x TO y; ALTER TABLE a RENAME x TO y", "x to y: a a, x to y: a a"),
            ("ALTER TABLE a DROP COLUMN x", "-x of a a"),
            ("ALTER TABLE a ADD COLUMN x; ALTER TABLE a ADD 'Y' INT", "+x of a a, +y of a a"),
            ("INSERT OR REPLACE INTO a VALUES (1); REPLACE INTO 'b' VALUES (1)", "a a, b 'b'"),
            ("UPDATE OR IGNORE a SET x = 1; DELETE FROM b", "a a, b b"),
            ("PRAGMA foreign_keys = ON; SELECT * FROM a; WITH a AS (SELECT 1) SELECT * FROM a", ""),
            (
                "CREATE; DROP TABLE; ALTER TABLE a RENAME; CREATE INDEX i; INSERT; CREATE TABLE \"é\" (x)",
                "+table é (x) \"é\"",
            ),
        ] {
            assert_eq!(of(sql), facts, "{sql}");
        }
        assert!(of("CREATE TABLE [it's] (x)").starts_with("Opaque"));
    }
}
