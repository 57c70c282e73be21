//! The whole set: all migrations and the fleet they are for.

use std::collections::BTreeSet;
use std::path::Path;

use crate::source::path_in;
use crate::{Database, List, Migration, OutOfOrder, Rollout, Text, Topology, file_name, load};

/// Everything that is embedded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrations {
    /// The path of the folder of migrations, as messages show it.
    pub folder: Text,
    /// The migrations, by version, then by file.
    pub migrations: List<Migration>,
    /// The fleet.
    pub topology: Topology,
    /// Where it was read, and which files: known in debug builds only, so that a release binary
    /// carries no path of the machine that built it.
    pub origin: Option<Origin>,
}

/// Where an embedded set comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The folder on the machine that built the binary.
    pub folder: Text,
    /// The files that were there beside those that the migrations name, relative to it.
    pub others: List<Text>,
}

/// How the folder differs from the set that was built from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stale {
    /// Files that the binary does not have.
    pub added: Vec<String>,
    /// Files of the binary that are gone.
    pub removed: Vec<String>,
}

impl Migrations {
    /// Nothing at all: what the macro leaves behind after an error.
    #[doc(hidden)]
    pub const EMPTY: Self = Self {
        folder: Text::Borrowed(""),
        migrations: List::Borrowed(&[]),
        topology: Topology {
            file: Text::Borrowed(""),
            groups: List::Borrowed(&[]),
            databases: List::Borrowed(&[]),
            rollout: Rollout::DEFAULT,
            out_of_order: OutOfOrder::Refuse,
            development: Text::Borrowed("false"),
        },
        origin: None,
    };

    /// The migrations routed to a database, in order.
    pub fn routed_to<'a>(&'a self, database: &Database) -> impl Iterator<Item = &'a Migration> {
        self.migrations.iter().filter(|migration| migration.route.selects(database))
    }

    /// The path of a migration's file, as messages show it.
    pub fn path(&self, migration: &Migration) -> String {
        path_in(&self.folder, &migration.file)
    }

    /// The files of the migrations, with those that take them back.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.migrations
            .iter()
            .flat_map(|one| [Some(one.forward()), one.backward()])
            .flatten()
            .map(|one| one.file)
    }

    /// Compares the embedded list with the folder: `None` when they agree, when the set does not
    /// know its folder (a release build), or when the folder is not on this machine.
    pub fn stale(&self) -> Option<Stale> {
        let origin = self.origin.as_ref()?;
        let folder = Path::new(origin.folder.as_ref());
        let entries = load::list(folder).ok()?;
        let is_migration = |path: &&str| !matches!(file_name::classify(path), Ok(file_name::Class::Other));
        let now: BTreeSet<&str> =
            entries.iter().map(|(path, _)| path.as_str()).filter(is_migration).collect();
        let embedded: BTreeSet<&str> =
            self.files().chain(origin.others.iter().map(|file| file.as_ref())).collect();
        let owned = |file: &&str| (*file).to_owned();
        let added = now.difference(&embedded).map(owned).collect();
        let removed = embedded.difference(&now).map(owned).collect();
        let stale = Stale { added, removed };
        (stale != Stale::default()).then_some(stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Topology;

    #[test]
    fn a_stale_set_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(folder.path().join(name), "select 1").unwrap();
        write("V1__a.sql");
        write("README.md");
        let topology = Topology {
            file: "databases.toml".into(),
            groups: List::Borrowed(&[]),
            databases: List::Borrowed(&[]),
            rollout: Rollout::DEFAULT,
            out_of_order: OutOfOrder::Refuse,
            development: "false".into(),
        };
        let origin = Origin {
            folder: folder.path().to_str().unwrap().to_owned().into(),
            others: vec!["V1__a.sql".into()].into(),
        };
        let mut set = Migrations {
            folder: "migrations".into(),
            migrations: List::Borrowed(&[]),
            topology,
            origin: Some(origin),
        };
        assert_eq!(set.stale(), None);
        write("V2__b.sql");
        std::fs::remove_file(folder.path().join("V1__a.sql")).unwrap();
        let stale = set.stale().unwrap();
        assert_eq!(
            (stale.added, stale.removed),
            (vec!["V2__b.sql".to_owned()], vec!["V1__a.sql".to_owned()])
        );
        folder.close().unwrap();
        assert_eq!(set.stale(), None, "the folder is on another machine");
        set.origin = None;
        assert_eq!(set.stale(), None);
    }
}
