//! A statement that the server refuses inside a transaction needs a migration without one.

use crate::Diagnostic;
use crate::project::{MigrationFile, Project};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    for file in &project.migrations {
        of_file(file, file.header.no_transaction, faults);
    }
    for reverse in &project.reverses {
        let forward = project.migrations.iter().find(|file| file.name == reverse.name);
        let without = reverse.header.no_transaction || forward.is_some_and(|file| file.header.no_transaction);
        of_file(reverse, without, faults);
    }
}

fn of_file(file: &MigrationFile, without: bool, faults: &mut Vec<Diagnostic>) {
    // An attribute that could not be read may have been the one.
    let in_header = |fault: &Diagnostic| {
        let of_file = fault.position().is_some_and(|(path, _)| path == file.source.path);
        of_file && matches!(fault.check, "header" | "unknown-attribute")
    };
    if without || faults.iter().any(in_header) {
        return;
    }
    let Some(reading) = file.readings.first() else { return };
    for statement in &reading.statements {
        if let Some(name) = statement.outside {
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
    use super::super::testing::faults;

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
}
