//! A migration that is locked may be applied somewhere, so it stays what it is: its text, its name, its route.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::lock::{Compared, Entry, Locked, compare};
use crate::project::{MigrationFile, Project};
use crate::source::SourceFile;
use crate::topology::read::TopologyFile;
use crate::{Database, Diagnostic, Kind, Route, suggest};

/// How all of these are accepted.
const ACCEPT: &str = "if no database has applied it yet, `cargo sharded-migrations lock --accept-changes` locks it as it is now";

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let (Some(lock), Some(Compared { locked, .. })) = (&project.lock, compare(project)) else { return };
    for (entry, migration) in locked {
        match migration {
            Some(migration) => {
                faults.extend(renamed(&lock.source, entry, migration));
                faults.extend(edited(&lock.source, entry, migration));
                faults.extend(rerouted(&lock.source, entry, migration, project.topology.as_ref()));
            }
            // A file that could not be read is not gone.
            None => {
                let topology = project.topology.as_ref().filter(|_| project.is_whole);
                faults.extend(topology.and_then(|topology| deleted(project, topology, &lock.source, entry)));
            }
        }
    }
}

fn edited(lock: &Arc<SourceFile>, entry: &Entry, migration: &MigrationFile) -> Option<Diagnostic> {
    let checksum = migration.checksum();
    if checksum == entry.locked.checksum {
        return None;
    }
    let message = format!("`{}` was edited after it was locked", migration.file);
    Some(
        Diagnostic::new("locked-edited", message)
            .in_file(&migration.source)
            .at(lock, entry.checksum.clone(), "its text had this checksum")
            .note(format!("it has {checksum} now; comments count, attributes and line ends do not"))
            .help("bring its text back as it was, and put the change into a new migration")
            .help(ACCEPT),
    )
}

fn renamed(lock: &Arc<SourceFile>, entry: &Entry, migration: &MigrationFile) -> Option<Diagnostic> {
    let (was, is) = (&entry.locked, &migration.name);
    let consequence = if was.version != is.version {
        format!(
            "a database that has it misses version {}, and would apply {} as new",
            was.version, is.version
        )
    } else if was.name != is.name {
        "a database that has it knows it by its old name".to_owned()
    } else if was.kind != is.kind {
        match is.kind {
            Kind::Ordered => "a database that has newer migrations would refuse it now".to_owned(),
            Kind::OutOfOrder => "a database that has newer migrations would apply it late now".to_owned(),
        }
    } else {
        // In another folder, or another layout: no database knows of those.
        return None;
    };
    let message = format!("`{}` was renamed after it was locked", was.file);
    Some(
        Diagnostic::new("locked-renamed", message)
            .in_file(&migration.source)
            .at(lock, entry.file.clone(), "it was called this")
            .note(consequence)
            .help("give its file the old name again")
            .help(ACCEPT),
    )
}

fn rerouted(
    lock: &Arc<SourceFile>,
    entry: &Entry,
    migration: &MigrationFile,
    topology: Option<&TopologyFile>,
) -> Option<Diagnostic> {
    let route = migration.route.as_ref()?;
    let (was, is) = (&entry.locked.route, &route.route);
    if was == is {
        return None;
    }
    let message = format!("`{}` was routed otherwise when it was locked", migration.file);
    let mut fault = Diagnostic::new("locked-rerouted", message);
    if route.source.path != migration.source.path {
        fault = fault.in_file(&migration.source);
    }
    fault = fault.at(&route.source, route.span.clone(), "its route now");
    fault = fault.at(lock, entry.route.clone(), "its route then");
    if let Some(topology) = topology {
        fault = fault.note(difference(topology, was, is));
    }
    Some(
        fault
            .help("bring the route back; what other databases need of it, or these should lose, goes into a new migration")
            .help(format!(
                "or declare what becomes of these databases: `cargo sharded-migrations lock --rerouted {}=..`, with \
                 `backfill` where it is new, `abandon` where it is no longer for one",
                migration.file
            ))
            .help(ACCEPT),
    )
}

/// Which databases a new route adds and which it leaves out.
fn difference(topology: &TopologyFile, was: &Route, is: &Route) -> String {
    let selected = |route: &Route| -> BTreeSet<&str> {
        let primaries = topology.topology.primaries().filter(|database| route.selects(database));
        primaries.map(|database| database.name.as_str()).collect()
    };
    let (was, is) = (selected(was), selected(is));
    let list = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| {
        Some(suggest::list(a.difference(b).copied())).filter(|_| !a.is_subset(b))
    };
    match (list(&is, &was), list(&was, &is)) {
        (Some(added), Some(lost)) => format!("it is new on {added}, and no longer for {lost}"),
        (Some(added), None) => format!("it is new on {added}"),
        (None, Some(lost)) => format!("it is no longer for {lost}"),
        (None, None) => {
            "both select the same databases today; they may not when the fleet changes".to_owned()
        }
    }
}

/// It may be gone where others replace it, on all of its databases.
fn deleted(
    project: &Project,
    topology: &TopologyFile,
    lock: &Arc<SourceFile>,
    entry: &Entry,
) -> Option<Diagnostic> {
    let Locked { file, version, route, .. } = &entry.locked;
    let squashes: Vec<&Route> = project
        .migrations
        .iter()
        .filter(|migration| migration.replaces(*version))
        .filter_map(|migration| Some(&migration.route.as_ref()?.route))
        .collect();
    let is_replaced = |database: &Database| squashes.iter().any(|squash| squash.selects(database));
    let here = topology.topology.primaries().filter(|database| route.selects(database));
    let (replaced, lost): (Vec<&Database>, Vec<&Database>) = here.partition(|database| is_replaced(database));
    if lost.is_empty() && !squashes.is_empty() {
        return None;
    }
    let mut fault = Diagnostic::new("locked-deleted", format!("`{file}` is gone, and was locked"))
        .at(lock, entry.file.clone(), "")
        .note("a database that has applied it would refuse this build: it would not know the migration");
    if !replaced.is_empty() {
        let lost = suggest::list(lost.iter().map(|database| database.name.as_str()));
        fault = fault.note(format!("nothing replaces it on: {lost}"));
    }
    Some(
        fault.help("bring the file back; to undo what it did, write a new migration").help(
            "if no database has applied it, `cargo sharded-migrations lock --accept-changes` forgets it",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, faults_locked, faults_of};

    const ACCOUNTS: (&str, &str) = ("users/V2__accounts.sql", "-- #[route(group = \"users\")]\nSELECT 2;\n");
    const LATE: (&str, &str) = ("users/U3__late.sql", "-- #[route(group = \"users\")]\nSELECT 3;\n");
    const BEFORE: [(&str, &str); 3] = [EVERYWHERE, ACCOUNTS, LATE];

    /// What is said when these files take the place of the second one.
    fn after(files: &[(&str, &str)]) -> String {
        faults_locked(&BEFORE, FLEET, &[&[EVERYWHERE, LATE], files].concat())
    }

    #[test]
    fn what_no_database_knows_of_may_change() {
        let same = [
            // Attributes, line ends, a byte order mark.
            (
                "users/V2__accounts.sql",
                "\u{feff}-- #[lock_timeout = \"2s\"]\r\n-- #[route(group = \"users\")]\r\nSELECT 2;\r\n",
            ),
            // Another folder, another layout, another way to write the version.
            ("V2__accounts.sql", ACCOUNTS.1),
            ("users/2_accounts.sql", ACCOUNTS.1),
            ("2_accounts/up.sql", ACCOUNTS.1),
            ("users/V002__accounts.sql", ACCOUNTS.1),
        ];
        for file in same {
            assert_eq!(after(&[file]), "", "{file:?}");
        }
    }

    #[test]
    fn an_edited_migration() {
        insta::assert_snapshot!(after(&[(ACCOUNTS.0, "-- #[route(group = \"users\")]\nSELECT 22;\n")]));
    }

    #[test]
    fn a_renamed_migration() {
        let as_file = |file| after(&[(file, ACCOUNTS.1)]);
        let late = faults_locked(&BEFORE, FLEET, &[EVERYWHERE, ACCOUNTS, ("users/V3__late.sql", LATE.1)]);
        let all = [
            as_file("users/V2__account.sql"),
            as_file("users/V4__accounts.sql"),
            as_file("users/U2__accounts.sql"),
            late,
        ];
        insta::assert_snapshot!(all.join("\n\n"));
    }

    #[test]
    fn a_rerouted_migration() {
        let routes = [
            "everywhere",
            "database = \"users_01\"",
            "group = \"catalog\"",
            "all(group = \"users\", label = \"eu\")",
        ];
        let routed = |route| after(&[(ACCOUNTS.0, &format!("-- #[route({route})]\nSELECT 2;\n"))]);
        insta::assert_snapshot!(routes.map(routed).join("\n\n"));
    }

    #[test]
    fn a_route_of_a_folder_that_changed() {
        let file = (ACCOUNTS.0, "SELECT 2;\n");
        let routes = |route| format!("{FLEET}[routes]\nusers = '{route}'\n");
        let users = [EVERYWHERE, file];
        let sources = super::super::testing::sources(&routes("group = \"users\""), &users);
        let lock = crate::lock::Lock::of(&crate::compile::compile(&sources).unwrap()).to_string();
        let with_lock = [EVERYWHERE, file, ("migrations.lock", lock.as_str())];
        assert_eq!(faults_of(&routes("group = \"users\""), &with_lock), "");
        insta::assert_snapshot!(faults_of(&routes("label = \"eu\""), &with_lock));
    }

    #[test]
    fn a_deleted_migration() {
        insta::assert_snapshot!(after(&[]));
    }

    #[test]
    fn what_cannot_be_read_is_not_gone_and_has_no_other_route() {
        let broken = [
            (ACCOUNTS.0, "-- #[route(grop = \"users\")]\nSELECT 2;\n"),
            (ACCOUNTS.0, "SELECT '\0';"),
            ("users/V2_accounts.sql", ACCOUNTS.1),
        ];
        for file in broken {
            let found = after(&[file]);
            assert_eq!(
                (found.matches("error:").count(), found.matches("[locked-").count()),
                (1, 0),
                "{found}"
            );
        }
        let found = faults_locked(&BEFORE, "[groups", &BEFORE);
        assert_eq!((found.matches("error:").count(), found.matches("[locked-").count()), (1, 0), "{found}");
    }

    #[test]
    fn each_change_of_a_migration_is_a_fault_of_its_own() {
        let found = after(&[("users/V2__account.sql", "-- #[route(everywhere)]\nSELECT 2;\n")]);
        assert!(found.contains("[locked-renamed]") && found.contains("[locked-rerouted]"), "{found}");
        let found = after(&[(ACCOUNTS.0, "-- #[route(everywhere)]\nSELECT 22;\n")]);
        assert!(found.contains("[locked-edited]") && found.contains("[locked-rerouted]"), "{found}");
    }
}
