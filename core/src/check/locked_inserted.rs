//! A new migration comes above all that is locked on each of its databases: they may have applied those already.

use crate::lock::{Compared, Entry, compare};
use crate::project::{MigrationFile, Project};
use crate::{Database, Diagnostic, Kind, OutOfOrder, Route, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let (Some(lock), Some(topology)) = (&project.lock, &project.topology) else { return };
    if topology.topology.out_of_order == OutOfOrder::Apply {
        return;
    }
    let Some(Compared { locked, unlocked }) = compare(project) else { return };
    let primaries: Vec<&Database> = topology.topology.primaries().collect();
    // A `U` file neither is late nor makes others late.
    let newest: Vec<Option<&Entry>> = primaries
        .iter()
        .map(|database| {
            let here = locked.iter().map(|(entry, _)| *entry);
            let here = here
                .filter(|entry| entry.locked.kind == Kind::Ordered && entry.locked.route.selects(database));
            here.max_by_key(|entry| entry.locked.version)
        })
        .collect();
    for migration in unlocked.into_iter().filter(|migration| migration.name.kind == Kind::Ordered) {
        let Some(route) = &migration.route else { continue };
        // Its number is another one's as well: `duplicate-version` says so, and one fault is enough.
        let selects_both = |other: &Route| {
            primaries.iter().any(|database| route.route.selects(database) && other.selects(database))
        };
        let is_taken = locked.iter().filter_map(|(_, now)| *now).any(|now| {
            now.name.version == migration.name.version
                && now.route.as_ref().is_some_and(|route| selects_both(&route.route))
        });
        if is_taken {
            continue;
        }
        // Where it replaces others it is not new: those have been there as long as they are locked.
        let is_new_on = |database: &Database| {
            let here = locked.iter().filter(|(entry, _)| entry.locked.route.selects(database));
            here.into_iter().all(|(entry, _)| !migration.replaces(entry.locked.version))
        };
        let late: Vec<(&Database, &Entry)> = primaries
            .iter()
            .zip(&newest)
            .filter(|(database, _)| route.route.selects(database) && is_new_on(database))
            .filter_map(|(database, newest)| Some((*database, (*newest)?)))
            .filter(|(_, newest)| migration.name.version < newest.locked.version)
            .collect();
        // The first of those with the newest one, so that the others are covered by what it says.
        let Some((database, entry)) = late.iter().rev().max_by_key(|(_, entry)| entry.locked.version) else {
            continue;
        };
        let newest = &entry.locked;
        faults.push(
            Diagnostic::new(
                "locked-inserted",
                format!("version {} is below what is locked on `{}`", migration.name.version, database.name),
            )
            .in_file(&migration.source)
            .at(
                &lock.source,
                entry.version.clone(),
                format!("{} `{}` may be applied there", newest.version, newest.name),
            )
            .note(format!(
                "it would come late on: {}",
                suggest::list(late.iter().map(|(database, _)| database.name.as_str()))
            ))
            .help(advice(migration, entry)),
        );
    }
}

fn advice(migration: &MigrationFile, newest: &Entry) -> String {
    format!(
        "give it a version above {}; or, if it does not matter when it comes, call it `U{}__{}.sql`",
        newest.locked.version, migration.name.version, migration.name.name
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, faults_locked};

    const USERS: &str = "-- #[route(group = \"users\")]\nSELECT 1;\n";
    const CATALOG: &str = "-- #[route(group = \"catalog\")]\nSELECT 1;\n";
    const LOCKED: [(&str, &str); 4] =
        [EVERYWHERE, ("users/V7__a.sql", USERS), ("catalog/V4__b.sql", CATALOG), ("users/U9__c.sql", USERS)];

    fn with(file: (&str, &str)) -> String {
        faults_locked(&LOCKED, FLEET, &[&LOCKED[..], &[file]].concat())
    }

    #[test]
    fn below_what_is_locked_on_the_same_database() {
        let both = "-- #[route(any(group = \"users\", group = \"catalog\"))]\nSELECT 1;\n";
        let all =
            [with(("users/V5__new.sql", USERS)), with(("V3__both.sql", both)), with(("V5__both.sql", both))];
        insta::assert_snapshot!(all.join("\n\n"));
    }

    #[test]
    fn what_comes_above_is_fine_and_so_is_what_may_come_late() {
        let fine = [
            ("users/V8__new.sql", USERS),
            // Below a `U`, and below another group's.
            ("catalog/V5__new.sql", CATALOG),
            ("users/U2__new.sql", USERS),
            // The lone database has version 1 only.
            ("V2__new.sql", "-- #[route(database = \"default\")]\nSELECT 1;\n"),
        ];
        for file in fine {
            assert_eq!(with(file), "", "{file:?}");
        }
    }

    /// Two branches took the same number. The one that comes second has another fault, and one is enough.
    #[test]
    fn late_ones_are_fine_where_they_are_applied() {
        let fleet = format!("out_of_order = \"apply\"\n{FLEET}");
        assert_eq!(
            faults_locked(&LOCKED, &fleet, &[&LOCKED[..], &[("users/V5__new.sql", USERS)]].concat()),
            ""
        );
    }

    #[test]
    fn the_same_version_is_a_duplicate() {
        let found = with(("users/V7__other.sql", USERS));
        assert!(found.starts_with("[duplicate-version]"), "{found}");
        assert_eq!(found.matches("error:").count(), 1, "{found}");
    }

    #[test]
    fn what_is_locked_counts_also_where_it_is_gone() {
        let locked = [EVERYWHERE, ("users/V3__a.sql", USERS)];
        assert_eq!(faults_locked(&locked, FLEET, &locked), "");
        let found = faults_locked(&locked, FLEET, &[EVERYWHERE, ("users/V2__b.sql", USERS)]);
        assert!(found.contains("[locked-deleted]") && found.contains("[locked-inserted]"), "{found}");
        assert_eq!(found.matches("error:").count(), 2, "{found}");
    }
}
