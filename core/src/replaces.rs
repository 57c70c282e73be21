//! `replaces(..)`: a migration that makes in one go what others made one by one, and counts as applied where those are.

use std::collections::BTreeSet;

use crate::{List, Version};

/// What a migration replaces: nothing, as most do, or the versions of one or several ways in which a database may
/// have come to what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaces(pub List<List<Version>>);

/// How much a database has of what a migration replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replaced {
    /// None of it.
    Nothing,
    /// All of one way, and nothing else.
    Whole,
    /// Some of it, or of several ways.
    Part {
        /// Versions of the way that it comes closest to, and lacks.
        lacks: Vec<Version>,
    },
}

impl Replaces {
    /// What most migrations replace.
    pub const NOTHING: Self = Self(List::Borrowed(&[]));

    /// Whether it replaces nothing.
    pub fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Every version of every way; one may come several times.
    pub fn versions(&self) -> impl Iterator<Item = Version> {
        self.0.iter().flat_map(|way| way.iter().copied())
    }

    /// Whether a version belongs to any way.
    pub fn contains(&self, version: Version) -> bool {
        self.0.iter().any(|way| way.contains(&version))
    }

    /// How much of it is there, where of all that it replaces these versions are applied.
    pub fn of(&self, applied: &BTreeSet<Version>) -> Replaced {
        if applied.is_empty() {
            return Replaced::Nothing;
        }
        let ways = self.0.iter().map(|way| way.iter().copied().collect::<BTreeSet<_>>());
        let has = |way: &BTreeSet<Version>| way.intersection(applied).count();
        let Some(closest) = ways.max_by_key(|way| (has(way), std::cmp::Reverse(way.len()))) else {
            return Replaced::Nothing;
        };
        match closest == *applied {
            true => Replaced::Whole,
            false => Replaced::Part { lacks: closest.difference(applied).copied().collect() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(numbers: &[i64]) -> Vec<Version> {
        numbers.iter().copied().map(Version::embedded).collect()
    }

    #[test]
    fn a_database_has_one_way_or_nothing() {
        type Ways<'a> = &'a [&'a [i64]];
        let both: Ways<'_> = &[&[3, 4, 5], &[1, 2, 3, 4, 5]];
        let part = |lacks: &[i64]| Replaced::Part { lacks: versions(lacks) };
        let cases: [(Ways<'_>, &[i64], Replaced); 10] = [
            (&[&[1, 2]], &[], Replaced::Nothing),
            (&[&[1, 2]], &[1, 2], Replaced::Whole),
            (&[&[1, 2]], &[2], part(&[1])),
            (both, &[], Replaced::Nothing),
            (both, &[3, 4, 5], Replaced::Whole),
            (both, &[1, 2, 3, 4, 5], Replaced::Whole),
            // 3 may be the squash of 1 and 2 or the old 3: one of these was left out.
            (both, &[1, 3, 4, 5], part(&[2])),
            (both, &[3, 4], part(&[5])),
            (both, &[1, 2], part(&[3, 4, 5])),
            // Two ways at once, which is what neither leads to.
            (&[&[1], &[2]], &[1, 2], part(&[])),
        ];
        for (ways, applied, expected) in cases {
            let replaces = Replaces(ways.iter().map(|way| List::Owned(versions(way))).collect());
            let found = replaces.of(&versions(applied).into_iter().collect());
            assert_eq!(found, expected, "{ways:?} with {applied:?}");
        }
    }
}
