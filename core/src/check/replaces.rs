//! What a migration replaces is older than it, no longer there, and replaced by no other on the same database.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::project::{MigrationFile, Project};
use crate::{Diagnostic, Version, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let squashes: Vec<Squash<'_>> = project.migrations.iter().filter_map(Squash::of).collect();
    for (index, squash) in squashes.iter().enumerate() {
        faults.extend(squash.later());
        faults.extend(project.migrations.iter().filter_map(|file| squash.still_there(project, file)));
        faults.extend(squashes[..index].iter().filter_map(|other| squash.twice(project, other)));
    }
}

/// A migration with `replaces(..)`.
struct Squash<'p> {
    file: &'p MigrationFile,
    /// What it replaces, and where that is written first.
    replaced: BTreeMap<Version, Range<usize>>,
}

impl<'p> Squash<'p> {
    fn of(file: &'p MigrationFile) -> Option<Self> {
        let mut replaced = BTreeMap::new();
        for version in file.header.replaces.iter().flatten() {
            replaced.entry(version.value).or_insert_with(|| version.span.clone());
        }
        (!replaced.is_empty()).then_some(Self { file, replaced })
    }

    fn later(&self) -> Option<Diagnostic> {
        let own = self.file.name.version;
        let (version, span) = self.replaced.iter().find(|(version, _)| **version > own)?;
        let message = format!("it replaces {version}, which comes behind it");
        Some(Diagnostic::new("replaced-later", message).at(&self.file.source, span.clone(), "").help(
            format!("give it the highest version of all that it replaces, or a higher one: it is {own} now"),
        ))
    }

    fn still_there(&self, project: &Project, other: &MigrationFile) -> Option<Diagnostic> {
        let span = self.replaced.get(&other.name.version)?;
        if std::ptr::eq(other, self.file) {
            return None;
        }
        let both = both(project, self.file, other)?;
        let version = other.name.version;
        Some(
            Diagnostic::new("replaced-there", format!("{version} is replaced, and still there"))
                .at(&self.file.source, span.clone(), "replaced here")
                .in_file(&other.source)
                .note(format!("both reach: {both}"))
                .help(format!(
                    "delete `{}`: where it is applied that stays known; or take {version} out of `replaces`",
                    other.file
                )),
        )
    }

    fn twice(&self, project: &Project, other: &Self) -> Option<Diagnostic> {
        let (version, span) =
            self.replaced.iter().find(|(version, _)| other.replaced.contains_key(version))?;
        let both = both(project, self.file, other.file)?;
        let message = format!("{version} is replaced by two migrations on the same database");
        Some(
            Diagnostic::new("replaced-twice", message)
                .at(&self.file.source, span.clone(), "again here")
                .at(&other.file.source, other.replaced[version].clone(), "first here")
                .note(format!("both reach: {both}"))
                .help("route them to different databases, or let one of them replace it"),
        )
    }
}

/// The databases that two migrations reach, for messages; `None` where there is none.
fn both(project: &Project, one: &MigrationFile, other: &MigrationFile) -> Option<String> {
    let names = project.reached_by_both(one, other);
    (!names.is_empty()).then(|| suggest::list(names))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, examined, faults, faults_locked};

    const USERS: &str = "-- #[route(group = \"users\")]\nSELECT 1;";
    const SQUASH: (&str, &str) =
        ("users/V5__squash.sql", "-- #[route(group = \"users\")]\n-- #[replaces(2, 3, 5)]\nSELECT 5;");

    #[test]
    fn what_is_gone_is_replaced() {
        assert_eq!(examined(&[SQUASH]), "");
        // Others have those versions elsewhere.
        let catalog = "-- #[route(group = \"catalog\")]\nSELECT 1;";
        assert_eq!(examined(&[SQUASH, ("V3__other.sql", catalog), ("V5__other.sql", catalog)]), "");
    }

    #[test]
    fn what_is_still_there_comes_behind_or_is_replaced_twice() {
        let again = "-- #[route(label = \"eu\")]\n-- #[replaces(4)]\n-- #[replaces(3, 9)]\nSELECT 1;";
        let all = [
            faults(&[SQUASH, ("users/V3__c.sql", USERS)]),
            // One fault, though the version is used twice.
            faults(&[SQUASH, ("users/V5__e.sql", USERS)]),
            faults(&[SQUASH, ("V7__again.sql", again)]),
        ];
        insta::assert_snapshot!(all.join("\n\n"));
    }

    #[test]
    fn what_is_locked_may_go_where_it_is_replaced() {
        let catalog = "-- #[route(any(group = \"users\", group = \"catalog\"))]\nSELECT 1;";
        let locked = [
            EVERYWHERE,
            ("users/V2__b.sql", USERS),
            ("users/V3__c.sql", USERS),
            ("users/V5__e.sql", USERS),
            ("users/V8__f.sql", USERS),
        ];
        assert_eq!(faults_locked(&locked, FLEET, &[EVERYWHERE, SQUASH, locked[4]]), "");
        // It replaces nothing that is locked there, so it may be late like any other.
        let other = ("users/V6__x.sql", "-- #[route(group = \"users\")]\n-- #[replaces(4)]\nSELECT 1;");
        let late = faults_locked(&locked, FLEET, &[&locked[..], &[other]].concat());
        assert!(late.starts_with("[locked-inserted]"), "{late}");
        let locked =
            [EVERYWHERE, ("users/V2__b.sql", USERS), ("V3__c.sql", catalog), ("users/V5__e.sql", USERS)];
        insta::assert_snapshot!(faults_locked(&locked, FLEET, &[EVERYWHERE, SQUASH]));
    }

    #[test]
    fn a_requirement_of_what_is_replaced_is_one_of_what_replaces_it() {
        let requires = |what: &str| {
            format!("-- #[route(database = \"default\")]\n-- #[requires(\"users_01:{what}\")]\nSELECT 1;")
        };
        assert_eq!(examined(&[SQUASH, ("V9__a.sql", &requires("3"))]), "");
        assert!(examined(&[SQUASH, ("V9__a.sql", &requires("4"))]).starts_with("[unmet-requirement]"));
    }
}
