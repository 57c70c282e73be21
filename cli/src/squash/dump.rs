//! What is in a database, as the statements that make it.

mod postgres;
mod sqlite;

use sharded_migrations::{AUDIT_TABLE, HISTORY_TABLE};
use sharded_migrations_core::{EngineKind, lex};

pub(super) use postgres::PgDump;

/// The tables of ours, which are no part of what migrations make.
const OURS: [&str; 2] = [HISTORY_TABLE, AUDIT_TABLE];

/// The statements that make what is in a database, in an order in which they can be run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dump {
    /// Without the semicolons.
    pub(super) statements: Vec<String>,
}

/// How much of a database is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// What there is, and the rows in it.
    All,
    /// What there is.
    Schema,
}

/// Why there is no dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Undumped {
    /// The database cannot be read.
    Unread(String),
    /// Not all that is in it can be written as SQL.
    NoSql(String),
}

/// What is in a scratch database.
///
/// # Errors
/// Why that cannot be read.
pub(super) fn of(
    engine: EngineKind,
    url: &str,
    role: &str,
    pg_dump: Option<&PgDump>,
    extent: Extent,
) -> Result<Dump, Undumped> {
    match (engine, pg_dump) {
        (EngineKind::Sqlite, _) => sqlite::dump(url.strip_prefix("sqlite:").unwrap_or(url), extent),
        (EngineKind::Postgres, Some(pg_dump)) => pg_dump.dump(url, role, extent).map_err(Undumped::Unread),
        (EngineKind::Postgres, None) => Err(Undumped::Unread("there is no `pg_dump`".to_owned())),
    }
}

impl Dump {
    /// As a file has them: rows of one table beside each other, everything else apart.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut last = None;
        for statement in &self.statements {
            let table = table_of_row(statement);
            if last.is_some_and(|last: Option<&str>| last.is_none() || last != table) {
                text.push('\n');
            }
            text.push_str(statement);
            // It may end in a comment, as SQLite keeps it of a view.
            let is_open = lex::tokens(statement).last().is_some_and(lex::Token::is_line_comment);
            text.push_str(if is_open { "\n;\n" } else { ";\n" });
            last = Some(table);
        }
        text
    }

    /// The tables that it has rows for, those of the engine left out.
    pub(super) fn tables_with_rows(&self) -> Vec<&str> {
        let mut tables: Vec<&str> = self.statements.iter().filter_map(|one| table_of_row(one)).collect();
        tables.retain(|table| !table.starts_with("sqlite_"));
        tables.dedup();
        tables
    }

    /// What one has and the other has not, if they differ. The order does not matter: that of rows is the server's, and
    /// all others depend on nothing that a dump of the same things would not put before them.
    pub(super) fn difference(&self, other: &Self) -> Option<Difference> {
        let sorted = |dump: &Self| {
            let mut statements = dump.statements.clone();
            statements.sort_unstable();
            statements
        };
        let (mine, others) = (sorted(self), sorted(other));
        let difference =
            Difference { only_first: without(&mine, &others), only_second: without(&others, &mine) };
        (!difference.only_first.is_empty() || !difference.only_second.is_empty()).then_some(difference)
    }
}

/// What of a sorted list another one lacks, as often as it does.
fn without(list: &[String], other: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    let mut others = other.iter().peekable();
    for one in list {
        while others.next_if(|other| *other < one).is_some() {}
        if others.next_if_eq(&one).is_none() {
            left.push(one.clone());
        }
    }
    left
}

/// In what two databases differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) only_first: Vec<String>,
    pub(super) only_second: Vec<String>,
}

impl Difference {
    /// The first lines of it, as `diff` shows them.
    pub(super) fn lines(&self) -> Vec<String> {
        const MOST: usize = 12;
        let marked = |mark: &'static str, statements: &[String]| {
            let lines = statements
                .iter()
                .flat_map(|statement| statement.lines().map(str::to_owned).collect::<Vec<_>>());
            lines.map(|line| format!("{mark} {line}")).take(MOST).collect::<Vec<_>>()
        };
        [marked("-", &self.only_first), marked("+", &self.only_second)].concat()
    }
}

/// The table that a statement of a dump puts a row into.
fn table_of_row(statement: &str) -> Option<&str> {
    let rest = statement.strip_prefix("INSERT INTO ")?;
    rest.split(" (").next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(statements: &[&str]) -> Dump {
        Dump { statements: statements.iter().map(|one| (*one).to_owned()).collect() }
    }

    #[test]
    fn rows_of_a_table_stand_together_in_the_text() {
        assert_eq!(
            dump(&["CREATE VIEW v AS SELECT 1 -- one"]).text(),
            "CREATE VIEW v AS SELECT 1 -- one\n;\n"
        );
        let all = dump(&[
            "CREATE TABLE a (id int)",
            "CREATE TABLE b (id int)",
            "INSERT INTO a (id) VALUES (1)",
            "INSERT INTO a (id) VALUES (2)",
            "INSERT INTO b (id) VALUES (1)",
            "CREATE INDEX i ON a (id)",
        ]);
        insta::assert_snapshot!(all.text(), @r"
        CREATE TABLE a (id int);

        CREATE TABLE b (id int);

        INSERT INTO a (id) VALUES (1);
        INSERT INTO a (id) VALUES (2);

        INSERT INTO b (id) VALUES (1);

        CREATE INDEX i ON a (id);
        ");
        assert_eq!(all.tables_with_rows(), ["a", "b"]);
    }

    #[test]
    fn a_difference_is_what_one_lacks_whatever_the_order() {
        let one = dump(&["a", "b", "b", "c"]);
        assert_eq!(one.difference(&dump(&["c", "b", "a", "b"])), None);
        let difference = one.difference(&dump(&["b", "a", "d\ne"])).unwrap();
        assert_eq!(difference.lines(), ["- b", "- c", "+ d", "+ e"]);
    }
}
