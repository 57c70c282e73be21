//! A statement that the server refuses inside a transaction needs a migration without one.

use std::collections::HashSet;

use crate::Diagnostic;
use crate::project::{MigrationFile, Project};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    for file in project.migrations.iter().chain(&project.reverses) {
        of_file(file, faults);
    }
}

fn of_file(file: &MigrationFile, faults: &mut Vec<Diagnostic>) {
    // An attribute that could not be read may have been the one.
    let in_header = |fault: &Diagnostic| {
        let of_file = fault.places.first().is_some_and(|place| place.file() == file.source.path);
        of_file && matches!(fault.check, "header" | "unknown-attribute")
    };
    if file.header.no_transaction || faults.iter().any(in_header) {
        return;
    }
    let mut seen = HashSet::new();
    for statement in file.readings.iter().flat_map(|reading| &reading.statements) {
        if let Some(name) = statement.outside.filter(|_| seen.insert(statement.span.start)) {
            faults.push(
                Diagnostic::new("needs-no-transaction", format!("{name} cannot run inside a transaction"))
                    .at(&file.source, statement.span.clone(), "")
                    .help("put `-- #[no_transaction]` at the top of the file, and give the statement a file of its own"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_of};

    #[test]
    fn an_index_that_is_built_without_blocking_writes() {
        let sql = |header: &str| {
            format!(
                "-- #[route(everywhere)]\n{header}\nCREATE TABLE t (a int);\nCREATE INDEX CONCURRENTLY i ON t (a);\n"
            )
        };
        insta::assert_snapshot!(faults(&[("V2__a.sql", &sql("--"))]));
        assert_eq!(faults(&[("V2__a.sql", &sql("-- #[no_transaction]"))]), "");
    }

    #[test]
    fn a_reverse_file_goes_as_its_migration_goes() {
        let sql = "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY i ON t (a);\n";
        let down = "DROP INDEX CONCURRENTLY i;";
        assert_eq!(faults(&[("V2__a.sql", sql), ("V2__a.down.sql", down)]), "");
        assert!(faults(&[("V1__start.down.sql", down)]).contains("V1__start.down.sql:1:1"));
    }
    #[test]
    fn sqlite_has_one_such_statement() {
        let fleet = "[databases.a]\nurl = \"sqlite:a.db\"\n";
        let of = |header: &str| format!("-- #[route(everywhere)]{header}\nVACUUM;\nPRAGMA optimize;\n");
        assert!(
            faults_of(fleet, &[("V1__a.sql", &of(""))]).contains("VACUUM cannot run inside a transaction")
        );
        assert_eq!(faults_of(fleet, &[("V1__a.sql", &of(" #[no_transaction]"))]), "");
    }
}
