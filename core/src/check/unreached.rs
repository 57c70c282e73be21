//! A database that no migration reaches is most often a forgotten group.

use super::unknown_name::reaches;
use crate::Diagnostic;
use crate::compile::Project;

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = &project.topology else { return };
    // Where a route is not known, nothing is known of what it would have reached.
    if project.migrations.is_empty()
        || project.migrations.iter().any(|migration| !migration.is_routed)
        || !faults.is_empty()
    {
        return;
    }
    for database in topology.topology.primaries() {
        let name = database.name.as_str();
        if project.migrations.iter().any(|migration| reaches(topology, migration, name)) {
            continue;
        }
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
