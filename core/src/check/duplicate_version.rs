//! A version may be used once on each database. Two groups may each have their own 1, 2, 3.

use std::collections::HashSet;

use crate::lock::{Compared, compare};
use crate::project::{MigrationFile, Project};
use crate::{Diagnostic, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let compared = compare(project);
    let locked: HashSet<&str> =
        compared.iter().flat_map(Compared::files).map(|migration| migration.file.as_str()).collect();
    // Migrations are in the order of their versions.
    for same in project.migrations.chunk_by(|a, b| a.name.version == b.name.version) {
        // What is locked stays: the others take its version a second time.
        let mut files: Vec<(&MigrationFile, bool)> =
            same.iter().map(|file| (file, locked.contains(file.file.as_str()))).collect();
        files.sort_by_key(|(_, is_locked)| !is_locked);
        for (index, (second, second_is_locked)) in files.iter().enumerate() {
            faults.extend(files[..index].iter().find_map(|(first, first_is_locked)| {
                let which = match (first_is_locked, second_is_locked) {
                    (true, false) => Newer::Second,
                    _ => Newer::Unknown,
                };
                clash(project, first, second, which)
            }));
        }
    }
}

/// Which of two files took the version when it was taken.
enum Newer {
    /// The second: the first is locked.
    Second,
    /// Nobody has written down which.
    Unknown,
}

fn clash(
    project: &Project,
    first: &MigrationFile,
    second: &MigrationFile,
    newer: Newer,
) -> Option<Diagnostic> {
    let route = second.route.as_ref()?;
    let first_route = first.route.as_ref()?;
    let names = project.reached_by_both(first, second);
    let some = names.first()?;
    let version = second.name.version;
    // That one of them should be gone is the other fault, and one is enough.
    if first.replaces(version) || second.replaces(version) {
        return None;
    }
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
    let fault = fault.note(format!("both reach: {}", suggest::list(names.iter().copied())));
    let newest = |route| project.newest(route).map_or(version, |newest| newest.max(version));
    Some(match newer {
        Newer::Second => fault
            .note(format!("`{}` is locked, and databases may have it: it keeps its number", first.file))
            .help(format!("rename `{}`: give it a version above {}", second.file, newest(&route.route))),
        Newer::Unknown => fault.help(format!(
            "rename the one that came later: give it a version above {}; or route them to different databases",
            newest(&route.route).max(newest(&first_route.route))
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, faults, faults_locked};

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

    /// Two branches took the same number, and one of them is merged and locked already.
    #[test]
    fn what_is_locked_keeps_its_number_whatever_it_is_called() {
        let catalog = "-- #[route(group = \"catalog\")]\nSELECT 1;";
        let locked =
            [EVERYWHERE, ("users/V7__b.sql", USERS), ("users/V8__c.sql", USERS), ("V9__d.sql", catalog)];
        for new in ["users/V7__a.sql", "users/V7__z.sql"] {
            let found = faults_locked(&locked, FLEET, &[&locked[..], &[(new, USERS)]].concat());
            assert!(found.contains("`users/V7__b.sql` is locked"), "{found}");
            assert!(found.ends_with(&format!("help: rename `{new}`: give it a version above 8")), "{found}");
            assert_eq!(found.matches("error:").count(), 1, "{found}");
        }
    }
}
