//! The checks: each looks at the whole project and says what is wrong with it. One file a rule, its
//! tests beside it; adding one adds a file and a line to [`ALL`].
//!
//! Faults of a single file's form (its name, its encoding, its header, `databases.toml`) are found
//! where it is read; the rules here are about what the files say together, and about their SQL.

mod allowed;
mod duplicate_version;
mod empty;
mod lint;
mod locked;
mod locked_inserted;
mod no_route;
mod not_resumable;
mod objects;
mod orphan_reverse;
mod outside_transaction;
mod replaces;
mod requires;
mod session_control;
mod syntax;
mod transaction_control;
mod unclosed;
mod unknown_name;
mod unreached;
mod unused_folder_route;
mod vars;

use crate::Diagnostic;
use crate::project::Project;

pub use unknown_name::of_route;

/// A rule.
pub type Check = fn(&Project, &mut Vec<Diagnostic>);

/// Every rule. `unreached` is for when no other has anything to say; the lints, which only warn, come behind it.
pub const ALL: &[Check] = &[
    duplicate_version::check,
    empty::check,
    locked::check,
    locked_inserted::check,
    no_route::check,
    not_resumable::check,
    objects::check,
    orphan_reverse::check,
    outside_transaction::check,
    replaces::check,
    requires::check,
    session_control::check,
    transaction_control::check,
    unclosed::check,
    unknown_name::check,
    unused_folder_route::check,
    vars::check,
    syntax::check,
    allowed::check,
    unreached::check,
    lint::check,
];

#[cfg(test)]
mod documentation {
    use std::path::Path;

    /// The names in `Diagnostic::new("..", ..)`, and in the helpers that pass one on.
    fn names(source: &str) -> impl Iterator<Item = &str> {
        let calls = ["Diagnostic::new(", "fault(", "place("];
        let arguments = calls.into_iter().flat_map(|call| source.split(call).skip(1));
        let literals = arguments.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
        literals.filter(|name| name.len() > 1 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
    }

    #[test]
    fn every_check_is_in_the_documentation() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let documentation = std::fs::read_to_string(root.join("../docs/checks.md")).unwrap();
        let mut found = 0;
        for (file, path) in crate::load::list(&root.join("src")).unwrap() {
            let source = std::fs::read_to_string(path).unwrap_or_default();
            for name in names(&source) {
                assert!(
                    documentation.contains(&format!("`{name}`")),
                    "{file}: `{name}` is not in docs/checks.md"
                );
                found += 1;
            }
        }
        assert!(found > 20, "only {found} names were found");
    }
}

#[cfg(test)]
mod testing {
    use crate::Diagnostic;
    use crate::compile::{compile, examine};
    use crate::diagnostic::Style;
    use crate::project::Sources;

    /// A fleet with two groups, a lone database and a replica.
    pub(super) const FLEET: &str = "\
[groups.users]
[groups.catalog]
[databases.default]
url = \"${DEFAULT_URL}\"
[databases.\"users_{01..02}\"]
group = \"users\"
labels = [\"eu\"]
url = \"postgres://h/users_{01..02}\"
vars = { shard_id = \"{1..2}\" }
[databases.catalog]
group = \"catalog\"
url = \"postgres://h/catalog\"
[databases.users_01_replica]
replica_of = \"users_01\"
url = \"postgres://r/users_01\"
";

    /// A migration that reaches every database of [`FLEET`].
    pub(super) const EVERYWHERE: (&str, &str) = ("V1__start.sql", "-- #[route(everywhere)]\nSELECT 1;\n");

    /// The file of that name is the lock.
    pub(super) fn sources(databases: &str, files: &[(&str, &str)]) -> Sources {
        let (lock, files): (Vec<_>, Vec<_>) = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .partition(|(path, _)| path == crate::lock::FILE);
        Sources {
            folder: "migrations".into(),
            files,
            databases: "databases.toml".into(),
            databases_bytes: databases.as_bytes().to_vec(),
            lock: lock.into_iter().next().map(|(_, bytes)| bytes),
        }
    }

    /// All faults of [`FLEET`] with these files beside [`EVERYWHERE`], as a user sees them.
    pub(super) fn faults(files: &[(&str, &str)]) -> String {
        let files = [&[EVERYWHERE], files].concat();
        faults_of(FLEET, &files)
    }

    /// All faults of a fleet with these files, where others were locked on [`FLEET`].
    pub(super) fn faults_locked(locked: &[(&str, &str)], databases: &str, files: &[(&str, &str)]) -> String {
        let set = compile(&sources(FLEET, locked)).unwrap();
        let lock = crate::lock::Lock::of(&set).to_string();
        faults_of(databases, &[files, &[(crate::lock::FILE, &lock)]].concat())
    }

    pub(super) fn faults_of(databases: &str, files: &[(&str, &str)]) -> String {
        shown(&compile(&sources(databases, files)).err().unwrap_or_default())
    }

    /// As [`faults`], with the warnings of all but the lints.
    pub(super) fn examined(files: &[(&str, &str)]) -> String {
        let fleet = format!("{FLEET}[lints]\nall = \"allow\"\n");
        diagnostics_of(&fleet, &[&[EVERYWHERE], files].concat())
    }

    fn shown(faults: &[Diagnostic]) -> String {
        let rendered: Vec<String> =
            faults.iter().map(|fault| format!("[{}] {}", fault.check, fault.render(Style::Plain))).collect();
        rendered.join("\n\n")
    }

    /// All faults and warnings, each with its level.
    pub(super) fn diagnostics_of(databases: &str, files: &[(&str, &str)]) -> String {
        shown(&examine(&sources(databases, files)).diagnostics)
    }
}
