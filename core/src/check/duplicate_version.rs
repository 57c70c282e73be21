//! A version may be used once on each database. Two groups may each have their own 1, 2, 3.

use crate::project::{MigrationFile, Project};
use crate::topology::read::TopologyFile;
use crate::{Database, Diagnostic, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = &project.topology else { return };
    // Migrations are in the order of their versions.
    for same in project.migrations.chunk_by(|a, b| a.name.version == b.name.version) {
        for (index, second) in same.iter().enumerate() {
            faults.extend(same[..index].iter().find_map(|first| clash(topology, first, second)));
        }
    }
}

fn clash(topology: &TopologyFile, first: &MigrationFile, second: &MigrationFile) -> Option<Diagnostic> {
    let route = second.route.as_ref()?;
    let first_route = first.route.as_ref()?;
    let both = |database: &&Database| first_route.route.selects(database) && route.route.selects(database);
    let names: Vec<&str> =
        topology.topology.primaries().filter(both).map(|database| database.name.as_str()).collect();
    let some = names.first()?;
    let version = second.name.version;
    let mut fault =
        Diagnostic::new("duplicate-version", format!("version {version} is used twice on database `{some}`"));
    if route.source.path == second.source.path {
        fault = fault.at(&route.source, route.span.clone(), "this route and");
    } else {
        fault = fault.in_file(&second.source);
    }
    if first_route.source.path == first.source.path {
        fault = fault.at(&first_route.source, first_route.span.clone(), "this route both select it");
    } else {
        fault = fault.in_file(&first.source);
    }
    Some(
        fault
            .note(format!("both reach: {}", suggest::list(names.iter().copied())))
            .help("give one of them another version, or route them to different databases"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::faults;

    const USERS: &str = "-- #[route(group = \"users\")]\nSELECT 1;";

    #[test]
    fn two_groups_have_their_own_numbers() {
        let catalog = "-- #[route(group = \"catalog\")]\nSELECT 1;";
        assert_eq!(faults(&[("users/V2__a.sql", USERS), ("catalog/V2__b.sql", catalog)]), "");
    }

    #[test]
    fn a_version_used_twice_on_one_database() {
        let eu = "-- #[route(any(label = \"eu\", database = \"default\"))]\nSELECT 1;";
        insta::assert_snapshot!(faults(&[("V2__a.sql", USERS), ("V2__b.sql", eu)]));
    }
}
