//! What a check found and a file's `allow(..)` accepts is not told; what it accepts in vain is. The lints look at
//! theirs themselves.

use std::ops::Range;

use crate::Diagnostic;
use crate::allow::{Allowed, CHECKS};
use crate::diagnostic::Severity;
use crate::project::{MigrationFile, Project};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let mut allowed: Vec<Allow<'_>> =
        project.migrations.iter().chain(&project.reverses).flat_map(of_file).collect();
    faults.retain(|fault| {
        let mut is_accepted = false;
        for allow in allowed.iter_mut().filter(|allow| allow.accepts(fault)) {
            (allow.is_used, is_accepted) = (true, true);
        }
        !is_accepted
    });
    for warning in faults.iter_mut().filter(|fault| fault.severity == Severity::Warning) {
        if CHECKS.contains(&warning.check) {
            let check = warning.check;
            warning
                .notes
                .push(format!("where this is meant, write `-- #[allow({check})]` at the top of the file"));
        }
    }
    // Where something else is wrong, not every check has looked.
    if project.is_whole && faults.iter().all(|fault| fault.severity == Severity::Warning) {
        let vain = allowed.into_iter().filter(|allow| !allow.is_used);
        faults.extend(vain.map(|allow| unused(allow.check, allow.file, allow.span)));
    }
}

/// That an `allow(..)` is for nothing.
pub(super) fn unused(name: &str, file: &MigrationFile, span: &Range<usize>) -> Diagnostic {
    Diagnostic::new("unused-allow", format!("`{name}` finds nothing here that could be allowed"))
        .severity(Severity::Warning)
        .at(&file.source, span.clone(), "allows nothing")
        .help("take it out: it would hide what comes later")
}

/// What one file accepts of one check.
struct Allow<'a> {
    check: &'static str,
    file: &'a MigrationFile,
    span: &'a Range<usize>,
    is_used: bool,
}

impl Allow<'_> {
    fn accepts(&self, fault: &Diagnostic) -> bool {
        self.check == fault.check && fault.places.iter().any(|place| place.file() == self.file.source.path)
    }
}

fn of_file(file: &MigrationFile) -> impl Iterator<Item = Allow<'_>> {
    file.header.allow.iter().filter_map(move |allow| match allow.value {
        Allowed::Check(check) => Some(Allow { check, file, span: &allow.span, is_used: false }),
        Allowed::Lint(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::examined;

    const ORDERS: (&str, &str) =
        ("V2__a.sql", "-- #[route(group = \"catalog\")]\nCREATE TABLE orders (id int);\n");

    fn on_users(allow: &str, sql: &str) -> String {
        let text = format!("-- #[route(group = \"users\")]\n{allow}{sql}\n");
        examined(&[ORDERS, ("V3__b.sql", &text)])
    }

    #[test]
    fn what_is_known_better_is_accepted_in_its_file_alone() {
        let across = "CREATE TABLE line (id int REFERENCES orders);\nALTER TABLE orders ADD COLUMN a int;";
        let found = on_users("", across);
        assert!(found.contains("[cross-database]") && found.contains("[missing-object]"), "{found}");
        let found = on_users("-- #[allow(cross-database)]\n", across);
        assert!(!found.contains("[cross-database]") && found.contains("[missing-object]"), "{found}");
        assert_eq!(on_users("-- #[allow(cross-database, missing-object)]\n", across), "");
        let other = "-- #[route(everywhere)]\n-- #[allow(missing-object, cross-database)]\nSELECT 2;\n";
        let users = format!("-- #[route(group = \"users\")]\n{across}\n");
        let found = examined(&[ORDERS, ("V3__b.sql", &users), ("V4__c.sql", other)]);
        assert!(found.contains("[missing-object]") && !found.contains("unused-allow"), "{found}");
    }

    #[test]
    fn a_migration_accepts_what_its_reverse_file_leaves() {
        let of = |allow: &str| {
            let forward = format!(
                "-- #[route(everywhere)]\n{allow}CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"
            );
            examined(&[("V2__a.sql", &forward), ("V2__a.down.sql", "DROP TABLE a;\n")])
        };
        assert!(of("").contains("[reverse-differs]"));
        assert_eq!(of("-- #[allow(reverse-differs)]\n"), "");
    }

    #[test]
    fn what_is_accepted_in_vain_is_told() {
        insta::assert_snapshot!(on_users("-- #[allow(not-resumable)]\n", "SELECT 2;"));
    }
}
