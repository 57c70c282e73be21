//! Outside a transaction a run may break off in the middle of a file. Where nobody can tell whether a statement was done,
//! somebody has to look: so such a statement does not stand between others, and what may have a transaction gets one.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::Diagnostic;
use crate::diagnostic::Severity;
use crate::lex::Statement;
use crate::migration::Kind;
use crate::outside::{self, Outside, Resume};
use crate::project::{MigrationFile, Project};
use crate::source::Position;

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let versions: BTreeSet<i64> = project.migrations.iter().map(|file| file.name.version.get()).collect();
    for file in project.migrations.iter().filter(|file| file.header.no_transaction) {
        faults.extend(of_file(file, &versions));
    }
}

fn of_file(file: &MigrationFile, versions: &BTreeSet<i64>) -> Option<Diagnostic> {
    let read = |statement: &Statement| outside::read(&file.source.text, statement.span.clone(), &file.tokens);
    let all: Vec<(&Statement, Outside)> =
        file.statements.iter().map(|statement| (statement, read(statement))).collect();
    // A setting is nothing without the statement behind it.
    let weigh = all.iter().filter(|(_, outside)| outside.resume != Resume::Setting).count();
    let mut doubtful = all.iter().filter(|(_, outside)| outside.resume == Resume::Unknown).peekable();
    if weigh < 2 || doubtful.peek().is_none() {
        return None;
    }
    let mut fault = Diagnostic::new(
        "not-resumable",
        "outside a transaction, a statement that cannot be resumed stands beside others",
    )
    .severity(Severity::Warning);
    for (nth, (statement, _)) in doubtful.enumerate() {
        let label = if nth == 0 {
            "if a run breaks off here, nobody can tell whether this was done"
        } else {
            "nor this"
        };
        fault = fault.at(&file.source, statement.span.clone(), label);
    }
    Some(fault.help(split(file, &parts(file, &all), versions)))
}

/// What becomes a file of its own.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    statements: Range<usize>,
    place: Place,
}

/// Where a statement belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Into an ordinary migration, whose transaction leaves no doubt.
    Inside,
    /// Outside a transaction, beside others that can be resumed.
    Outside,
    /// Outside a transaction, by itself.
    Alone,
    /// To whatever is next to it.
    Anywhere,
}

fn parts(file: &MigrationFile, all: &[(&Statement, Outside)]) -> Vec<Part> {
    let read = || file.readings.iter().flat_map(|reading| &reading.statements);
    let has_to_be_outside = |statement: &Statement| {
        read().any(|read| read.outside.is_some() && statement.span.contains(&read.span.start))
    };
    let place = |(statement, outside): &(&Statement, Outside)| match outside.resume {
        // A block may commit in its middle, and is outside for that.
        Resume::Unknown if has_to_be_outside(statement) || !outside.is_atomic => Place::Alone,
        Resume::Unknown => Place::Inside,
        _ if outside.concurrently || has_to_be_outside(statement) => Place::Outside,
        _ => Place::Anywhere,
    };
    let mut parts: Vec<Part> = Vec::new();
    for (index, statement) in all.iter().enumerate() {
        let place = place(statement);
        match parts.last_mut() {
            Some(last) if last.place == Place::Anywhere => {
                last.place = place;
                last.statements.end = index + 1;
            }
            // A setting goes before what it is for.
            Some(last)
                if last.place != Place::Alone
                    && (last.place == place
                        || (place == Place::Anywhere && statement.1.resume != Resume::Setting)) =>
            {
                last.statements.end = index + 1;
            }
            _ => parts.push(Part { statements: index..index + 1, place }),
        }
    }
    parts
}

/// How to split a file, in words.
fn split(file: &MigrationFile, parts: &[Part], versions: &BTreeSet<i64>) -> String {
    let line = |index: usize| {
        let at = file.statements.get(index).map_or(0, |statement| statement.span.start);
        Position::of(&file.source.text, at).line
    };
    if let [Part { place: Place::Inside, .. }] = parts {
        return "take `no_transaction` away, all of it can run in a transaction; or give each statement a file of its own"
            .into();
    }
    let mut names = vec![file.file.clone()];
    names.extend(free_names(file, parts.len() - 1, versions));
    let words: Vec<String> = parts
        .iter()
        .zip(&names)
        .enumerate()
        .map(|(index, (part, name))| {
            let (first, last) = (line(part.statements.start), line(part.statements.end.saturating_sub(1)));
            let lines =
                if first == last { format!("line {first}") } else { format!("lines {first} to {last}") };
            let verb = if index == 0 { "keeps" } else { "gets" };
            let with = if part.place == Place::Inside { "without" } else { "with" };
            format!("`{name}` {verb} {lines}, {with} `no_transaction`")
        })
        .collect();
    format!("split it:\n{}", words.join("\n"))
}

/// Names for the files behind one: right behind it where its neighbours leave room, else behind all others.
fn free_names(file: &MigrationFile, count: usize, versions: &BTreeSet<i64>) -> Vec<String> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let own = file.name.version.get();
    let is_free = |from: i64| !(1..=count).any(|step| versions.contains(&from.saturating_add(step)));
    let from = if is_free(own) { own } else { versions.last().copied().unwrap_or(own) };
    let folder = if file.name.folder.is_empty() { String::new() } else { format!("{}/", file.name.folder) };
    (1..=count)
        .map(|step| {
            let (version, name) = (from.saturating_add(step), &file.name.name);
            let part = step + 1;
            match file.file.rsplit('/').next() {
                Some("up.sql") => format!("{folder}{version}_{name}_{part}/up.sql"),
                Some(flat) if flat.starts_with(['V', 'U']) => {
                    let prefix = if file.name.kind == Kind::OutOfOrder { 'U' } else { 'V' };
                    format!("{folder}{prefix}{version}__{name}_{part}.sql")
                }
                _ => format!("{folder}{version}_{name}_{part}.sql"),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::examined;

    fn of(name: &str, sql: &str) -> String {
        let sql = format!("-- #[route(everywhere)]\n-- #[no_transaction]\n{sql}\n");
        examined(&[(name, &sql), ("V9__last.sql", "-- #[route(everywhere)]\nSELECT 1;\n")])
    }

    #[test]
    fn what_cannot_be_resumed_gets_a_file_of_its_own() {
        insta::assert_snapshot!(of(
            "V2__a.sql",
            "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nSET lock_timeout = '1s';\nCREATE INDEX CONCURRENTLY i ON a (id);\n\
             VACUUM a;\nINSERT INTO a VALUES (1);\nCALL backfill();\nCREATE INDEX CONCURRENTLY j ON a (id);"
        ));
    }

    #[test]
    fn the_names_are_free_and_of_the_same_layout() {
        let sql = "CREATE INDEX CONCURRENTLY i ON a (id);\nINSERT INTO a VALUES (1);";
        for (name, second) in [
            ("V2__a.sql", "`V3__a_2.sql` gets line 4, without"),
            ("V8__a.sql", "`V10__a_2.sql` gets line 4"),
            ("x/U2__a.sql", "`x/U3__a_2.sql` gets line 4"),
            ("2_a.sql", "`3_a_2.sql` gets line 4"),
            ("2_a/up.sql", "`3_a_2/up.sql` gets line 4"),
        ] {
            let found = of(name, sql);
            assert!(found.contains(second), "{name}: {found}");
        }
    }

    #[test]
    fn what_has_a_file_to_itself_or_can_be_resumed_is_fine() {
        for sql in [
            "INSERT INTO a VALUES (1);",
            "SET lock_timeout = '1s';\nALTER TABLE a DETACH PARTITION b CONCURRENTLY;",
            "CREATE INDEX CONCURRENTLY i ON a (id);\nDROP INDEX CONCURRENTLY j;\nANALYZE a;",
        ] {
            assert_eq!(of("V2__a.sql", sql), "", "{sql}");
        }
        let inside = of("V2__a.sql", "INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);");
        assert!(inside.contains("take `no_transaction` away"), "{inside}");
    }
}
