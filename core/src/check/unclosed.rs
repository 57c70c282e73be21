//! A quote or comment that is never closed swallows what follows it on the wire: the history row,
//! and the migrations after it. Seen on PostgreSQL 15: an unclosed `/*` applied everything and lost a row
//! without a word.

use std::sync::Arc;

use crate::lex::Token;
use crate::project::{MigrationFile, Project};
use crate::source::SourceFile;
use crate::{Diagnostic, EngineKind};

const BYTE_ORDER_MARK: char = '\u{feff}';

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    // Of what is written in Rust, rustc says as much.
    let files = project.migrations.iter().chain(&project.reverses);
    for file in files.filter(|file| file.code.is_none()) {
        if !is_for_sqlite(project, file) {
            faults.extend(unclosed(&file.source, &file.tokens));
        }
        // One at the start of the file is dropped when it is read; here it is a part of the SQL.
        let marks = file.source.text.match_indices(BYTE_ORDER_MARK);
        let in_quotes = |at: usize| {
            let token = file.tokens.partition_point(|token| token.span.end <= at);
            file.tokens.get(token).is_some_and(|token| token.is_quoted())
        };
        for (at, mark) in marks.filter(|(at, _)| !in_quotes(*at)) {
            faults.push(
                Diagnostic::new("byte-order-mark", "a byte order mark (U+FEFF) inside the file")
                    .at(&file.source, at..at + mark.len(), "an invisible character")
                    .help("remove it; it comes from joining files that begin with one"),
            );
        }
    }
}

/// Whether all databases of a file are SQLite's: its quotes and comments follow other rules, and a
/// migration goes there alone, so that nothing can be swallowed.
fn is_for_sqlite(project: &Project, file: &MigrationFile) -> bool {
    let Some(topology) = &project.topology else { return false };
    let mut databases = topology
        .topology
        .primaries()
        .filter(|database| file.route.as_ref().is_none_or(|route| route.route.selects(database)));
    databases.all(|database| database.declared_engine() == Some(EngineKind::Sqlite))
}

/// The fault of a text that is not closed.
pub(super) fn unclosed(source: &Arc<SourceFile>, tokens: &[Token]) -> Option<Diagnostic> {
    let (token, what) = tokens.iter().find_map(|token| Some((token, token.unclosed()?)))?;
    Some(
        Diagnostic::new("unclosed", format!("the {what} is never closed"))
            .at(source, token.span.clone(), "opened here")
            .help("close it: it would swallow what comes after this file"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_of};

    #[test]
    fn whatever_is_open_is_refused() {
        let open = ["SELECT 'a;\n", "/* a", "DO $a$ $b$;", "SELECT \"a;\n"];
        let found: Vec<String> = open
            .iter()
            .map(|sql| faults(&[("V2__a.sql", &format!("-- #[route(everywhere)]\nSELECT 1;\n{sql}"))]))
            .collect();
        insta::assert_snapshot!(found.join("\n\n"));
    }

    #[test]
    fn sqlite_has_quotes_of_its_own() {
        let fleet = "[databases.a]\nurl = \"sqlite:a.db\"\n";
        let sql = "-- #[route(everywhere)]\nCREATE TABLE t ([it's] int); /* a /* b */";
        assert_eq!(faults_of(fleet, &[("V1__a.sql", sql)]), "");
    }

    #[test]
    fn reverse_files_too() {
        assert!(faults(&[("V1__start.down.sql", "DROP TABLE a; /*")]).contains("V1__start.down.sql:1:15"));
    }

    #[test]
    fn a_byte_order_mark_may_begin_a_file_and_stand_in_quotes() {
        let sql = "\u{feff}-- #[route(everywhere)]\nSELECT '\u{feff}';\n";
        assert_eq!(faults(&[("V2__a.sql", sql)]), "");
        insta::assert_snapshot!(faults(&[("V2__a.sql", &format!("{sql}{sql}"))]));
    }
}
