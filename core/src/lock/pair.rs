//! Which migration of now a locked one is. Its file says so; where the file is gone, a migration that has most of
//! what the locked one had is the same under another name.

use std::collections::{HashMap, HashSet};

use super::Locked;
use crate::Migration;
use crate::migration::{Checksum, Kind, Version};

/// What tells migrations apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity<'a> {
    pub(crate) file: &'a str,
    pub(crate) version: Version,
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) checksum: Checksum,
}

impl<'a> Identity<'a> {
    pub(crate) fn of_locked(locked: &'a Locked) -> Self {
        let Locked { version, name, file, kind, checksum, route: _, rerouted: _ } = locked;
        Self { file, version: *version, name, kind: *kind, checksum: *checksum }
    }

    pub(crate) fn of_migration(migration: &'a Migration) -> Self {
        let Migration { version, name, file, kind, checksum, .. } = migration;
        Self { file, version: *version, name, kind: *kind, checksum: *checksum }
    }

    /// Whether the histories of databases cannot tell them apart, however their files are called.
    pub(crate) fn has_name_of(&self, other: &Self) -> bool {
        (self.version, self.name, self.kind) == (other.version, other.name, other.kind)
    }
}

/// How much two migrations of different files have to have in common, the most first.
const SAME: [fn(&Identity<'_>, &Identity<'_>) -> bool; 4] = [
    // Moved to another folder.
    |a, b| a.has_name_of(b) && a.checksum == b.checksum,
    // Moved, and edited.
    |a, b| a.has_name_of(b),
    // Renamed.
    |a, b| a.version == b.version && a.checksum == b.checksum,
    // Given another number.
    |a, b| a.name == b.name && a.checksum == b.checksum,
];

/// Which is which, as indices into the migrations of now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pairs {
    /// For each locked migration what it is now; `None` where it is gone. Each one of now is given once.
    pub(crate) locked: Vec<Option<usize>>,
    /// The migrations of now that are not locked, in order.
    pub(crate) unlocked: Vec<usize>,
}

/// Finds each locked migration among those of now.
pub(crate) fn pair(locked: &[Identity<'_>], now: &[Identity<'_>]) -> Pairs {
    let by_file: HashMap<&str, usize> =
        now.iter().enumerate().map(|(index, migration)| (migration.file, index)).collect();
    let mut pairs: Vec<Option<usize>> =
        locked.iter().map(|locked| by_file.get(locked.file).copied()).collect();
    let taken: HashSet<usize> = pairs.iter().flatten().copied().collect();
    let mut unlocked: Vec<usize> = (0..now.len()).filter(|index| !taken.contains(index)).collect();
    for same in SAME {
        for (locked, pair) in locked.iter().zip(&mut pairs).filter(|(_, pair)| pair.is_none()) {
            if let Some(at) = unlocked.iter().position(|index| same(locked, &now[*index])) {
                *pair = Some(unlocked.remove(at));
            }
        }
    }
    Pairs { locked: pairs, unlocked }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(file: &'static str, version: i64, name: &'static str, sum: u8) -> Identity<'static> {
        let kind = if file.contains('U') { Kind::OutOfOrder } else { Kind::Ordered };
        Identity { file, version: Version::embedded(version), name, kind, checksum: Checksum([sum; 32]) }
    }

    #[test]
    fn the_file_decides_then_what_is_most_alike() {
        let locked = [identity("V1__a.sql", 1, "a", 1), identity("V2__b.sql", 2, "b", 2)];
        let cases = [
            ("unchanged", identity("V2__b.sql", 2, "b", 2), true),
            ("edited", identity("V2__b.sql", 2, "b", 9), true),
            ("moved", identity("x/V2__b.sql", 2, "b", 2), true),
            ("moved and edited", identity("x/V2__b.sql", 2, "b", 9), true),
            ("renamed", identity("V2__c.sql", 2, "c", 2), true),
            ("now it may come late", identity("U2__b.sql", 2, "b", 2), true),
            ("given another number", identity("V3__b.sql", 3, "b", 2), true),
            ("renamed and edited", identity("V2__c.sql", 2, "c", 9), false),
            ("given another number, and edited", identity("V3__b.sql", 3, "b", 9), false),
        ];
        for (what, now, is_same) in cases {
            let Pairs { locked, unlocked } = pair(&locked, &[now, locked[0]]);
            assert_eq!(locked, [Some(1), is_same.then_some(0)], "{what}");
            assert_eq!(unlocked.is_empty(), is_same, "{what}");
        }
    }

    #[test]
    fn each_is_given_once_and_the_most_alike_first() {
        let locked = [identity("a/V2__init.sql", 2, "init", 1), identity("b/V2__init.sql", 2, "init", 2)];
        let now = [identity("c/V2__init.sql", 2, "init", 2), identity("d/V2__init.sql", 2, "init", 9)];
        let pairs = |locked: &[_], now: &[_]| (pair(locked, now).locked, pair(locked, now).unlocked);
        assert_eq!(pairs(&locked, &now), (vec![Some(1), Some(0)], vec![]));
        assert_eq!(pairs(&locked, &now[..1]), (vec![None, Some(0)], vec![]));
        assert_eq!(pairs(&locked, &[]), (vec![None, None], vec![]));
        assert_eq!(pairs(&[], &now), (vec![], vec![0, 1]));
    }
}
