//! Every name in a route exists, names no replica, and the route as a whole selects something.

use crate::header::predicate::{Key, Mention, RouteSource};
use crate::project::Project;
use crate::topology::read::TopologyFile;
use crate::{Diagnostic, Role, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = &project.topology else { return };
    let folder_routes = topology.folder_routes.iter().filter_map(|folder| folder.route.as_ref());
    let own_routes = project.migrations.iter().filter_map(|migration| migration.header.route.as_ref());
    for route in folder_routes.chain(own_routes) {
        faults.extend(of_route(topology, route));
    }
}

/// What is wrong with the names in a route, and with what it selects.
pub fn of_route(topology: &TopologyFile, route: &RouteSource) -> Vec<Diagnostic> {
    let mut faults: Vec<Diagnostic> =
        route.mentions.iter().filter_map(|mention| unknown(topology, route, mention)).collect();
    let selects = topology.topology.primaries().any(|database| route.route.selects(database));
    if !selects && topology.is_whole && faults.is_empty() {
        faults.push(
            Diagnostic::new("selects-nothing", "the route selects no database")
                .at(&route.source, route.span.clone(), "")
                .help("no primary satisfies it; see the groups and labels in databases.toml"),
        );
    }
    faults
}

fn unknown(topology: &TopologyFile, route: &RouteSource, mention: &Mention) -> Option<Diagnostic> {
    let name = mention.name.value.as_str();
    let file = &topology.source.path;
    let fleet = &topology.topology;
    let fault = |check, message: String, label: &str, help: String| {
        Some(Diagnostic::new(check, message).at(&route.source, mention.name.span.clone(), label).help(help))
    };
    match mention.key {
        Key::Group => {
            let groups = fleet.groups.iter().map(|group| group.as_str());
            if groups.clone().any(|group| group == name) {
                return None;
            }
            let help = suggest::help(name, &format!("groups in {file}"), groups);
            fault("unknown-group", format!("no shard group is called `{name}`"), "unknown group", help)
        }
        Key::Database | Key::Label if !topology.is_whole => None,
        Key::Database => {
            let primaries = fleet.primaries().map(|database| database.name.as_str());
            let database = fleet.database(name);
            if let Some(Role::ReplicaOf(primary)) = database.map(|database| &database.role) {
                let help = format!("route it to its primary, `{primary}`");
                return fault(
                    "replica",
                    format!("`{name}` is a replica, and replicas are never migrated"),
                    "a replica",
                    help,
                );
            }
            if database.is_some() {
                return None;
            }
            let help = suggest::help(name, &format!("databases in {file}"), primaries);
            fault("unknown-database", format!("no database is called `{name}`"), "unknown database", help)
        }
        Key::Label => {
            let labels =
                fleet.primaries().flat_map(|database| database.labels.iter().map(|label| label.as_str()));
            if labels.clone().any(|label| label == name) {
                return None;
            }
            let help = suggest::help(name, &format!("labels in {file}"), labels);
            fault("unknown-label", format!("no database has the label `{name}`"), "unknown label", help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FLEET, faults, faults_of};

    fn routed(route: &str) -> String {
        faults(&[("V2__a.sql", &format!("-- Why.\n-- #[route({route})]\nSELECT 1;"))])
    }

    #[test]
    fn names_that_do_not_exist() {
        let routes = [
            "group = \"user\"",
            "database = \"users_03\"",
            "label = \"us\"",
            "database = \"users_01_replica\"",
            "all(group = \"users\", group = \"catalog\")",
            "not(everywhere)",
        ];
        insta::assert_snapshot!(routes.map(routed).join("\n\n"));
    }

    #[test]
    fn every_unknown_name_of_a_route_is_said() {
        assert_eq!(
            routed("any(group = \"a\", not(label = \"b\"), database = \"c\")").matches("error:").count(),
            3
        );
    }

    #[test]
    fn names_in_the_routes_of_folders_too() {
        let routes = "[routes]\n\".\" = 'any(group = \"usres\", everywhere)'\n";
        insta::assert_snapshot!(faults_of(&format!("{FLEET}{routes}"), &[("V1__a.sql", "SELECT 1;")]));
    }
}
