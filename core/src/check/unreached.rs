//! A database that no migration reaches is most often a forgotten group.

use crate::Diagnostic;
use crate::project::{MigrationFile, Project};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = &project.topology else { return };
    // What is wrong elsewhere may be the reason: this check is the last, and speaks when all else is
    // right.
    if !faults.is_empty() {
        return;
    }
    for database in topology.topology.primaries() {
        let reaches = |migration: &MigrationFile| {
            migration.route.as_ref().is_some_and(|route| route.route.selects(database))
        };
        if project.migrations.iter().any(reaches) {
            continue;
        }
        let name = &database.name;
        let span = topology.declared.get(&database.name).cloned().unwrap_or(0..0);
        faults.push(
            Diagnostic::new("unreached", format!("no migration reaches the database `{name}`"))
                .at(&topology.source, span, "")
                .help("put it into the group it belongs to, route a migration to it, or remove it"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FLEET, faults_of};

    #[test]
    fn a_database_without_migrations() {
        let users = ("V1__a.sql", "-- #[route(any(group = \"users\", database = \"default\"))]\nSELECT 1;");
        insta::assert_snapshot!(faults_of(FLEET, &[users]));
    }
}
