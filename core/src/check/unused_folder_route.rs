//! A line of `[routes]` for a folder that holds no migration is a slip in the folder's name.

use crate::project::Project;
use crate::{Diagnostic, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = &project.topology else { return };
    let folders = || project.migrations.iter().map(|migration| migration.name.folder.as_str());
    for route in &topology.folder_routes {
        if !folders().any(|folder| route.covers(folder)) {
            let known = folders().filter(|folder| !folder.is_empty());
            let known: std::collections::BTreeSet<&str> = known.collect();
            faults.push(
                Diagnostic::new(
                    "unused-folder-route",
                    format!("no migration lies in the folder `{}`", route.folder),
                )
                .at(&topology.source, route.span.clone(), "")
                .help(suggest::help(&route.folder, "folders with migrations", known)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, faults_of};

    #[test]
    fn a_route_for_a_folder_that_is_not_there() {
        let routes = "[routes]\n\"user\" = 'group = \"users\"'\n";
        let users = ("users/V2__a.sql", "-- #[route(group = \"users\")]\nSELECT 1;");
        insta::assert_snapshot!(faults_of(&format!("{FLEET}{routes}"), &[EVERYWHERE, users]));
    }
}
