//! The rows of a history that are there for a migration which replaces theirs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Refusal, routed};
use crate::Database;
use crate::history::{HistoryRow, State};
use crate::migration::{Migration, Version};
use crate::replaces::Replaced;

/// What migrations with `replaces(..)` make of a history: of each, whether it was run here itself, counts as applied
/// because what it replaces is, or is pending.
#[derive(Debug, Default)]
pub struct Squashed<'m> {
    /// Those that were not run here themselves, and of which something is there.
    found: Vec<Found<'m>>,
    /// The rows of what they replace.
    rows: BTreeSet<Version>,
}

#[derive(Debug)]
struct Found<'m> {
    migration: &'m Migration,
    has: usize,
    /// What is lacking to what it replaces; nothing where it counts as applied.
    lacks: Option<Vec<Version>>,
}

impl<'m> Squashed<'m> {
    /// Looks through the history of a database.
    pub fn of(migrations: &'m [Migration], database: &Database, history: &[HistoryRow]) -> Self {
        Self::new(&routed(migrations, database), history)
    }

    pub(super) fn new(routed: &BTreeMap<Version, &'m Migration>, history: &[HistoryRow]) -> Self {
        let mut squashed = Self::default();
        for migration in routed.values().filter(|migration| !migration.replaces.is_nothing()) {
            if history.iter().any(|row| is_own(migration, row)) {
                continue;
            }
            let rows = history.iter().filter(|row| migration.replaces.contains(row.version));
            // One that has begun is not there, and not nowhere.
            let (applied, begun): (Vec<_>, Vec<_>) = rows.partition(|row| row.state == State::Applied);
            let applied: BTreeSet<Version> = applied.iter().map(|row| row.version).collect();
            let begun: Vec<Version> = begun.iter().map(|row| row.version).collect();
            let lacks = match migration.replaces.of(&applied) {
                Replaced::Nothing if begun.is_empty() => continue,
                Replaced::Whole if begun.is_empty() => None,
                Replaced::Part { lacks } => Some(lacks),
                Replaced::Nothing | Replaced::Whole => Some(begun.clone()),
            };
            squashed.found.push(Found { migration, has: applied.len(), lacks });
            squashed.rows.extend(applied.into_iter().chain(begun));
        }
        squashed
    }

    /// Those that count as applied because what they replace is.
    pub fn applied(&self) -> impl Iterator<Item = &'m Migration> {
        self.found.iter().filter(|found| found.lacks.is_none()).map(|found| found.migration)
    }

    /// Whether the row of this version is of something that is replaced.
    pub fn covers(&self, row: Version) -> bool {
        self.rows.contains(&row)
    }

    /// The rows that are of nothing that is replaced.
    pub(super) fn others<'h>(&self, history: &'h [HistoryRow]) -> impl Iterator<Item = &'h HistoryRow> {
        history.iter().filter(|row| !self.covers(row.version))
    }

    /// Those of which all or a part is there, and that were not run here themselves.
    pub fn found(&self) -> impl Iterator<Item = &'m Migration> {
        self.found.iter().map(|found| found.migration)
    }

    /// Of each of which a part is there.
    pub(super) fn refusals(&self) -> impl Iterator<Item = Refusal> {
        self.found.iter().filter_map(|found| {
            Some(Refusal::HalfReplaced {
                file: found.migration.file.to_string(),
                version: found.migration.version,
                has: found.has,
                lacks: found.lacks.clone()?,
            })
        })
    }
}

/// Whether a row is of the migration itself. It may have the version of one that it replaces: then its name tells.
fn is_own(migration: &Migration, row: &HistoryRow) -> bool {
    row.version == migration.version
        && (row.name == migration.name || !migration.replaces.contains(row.version))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{migration, row, users};
    use super::super::{Back, plan, plan_back, unrecorded};
    use super::*;
    use crate::{List, OutOfOrder, Replaces};
    use proptest::prelude::*;

    fn versions(numbers: &[i64]) -> Vec<Version> {
        numbers.iter().copied().map(Version::embedded).collect()
    }

    /// `4 squash` in the place of 1, 3 and 4, and `6 c` behind it.
    fn set() -> Vec<Migration> {
        let squash = Migration {
            replaces: Replaces(vec![List::Owned(versions(&[1, 3, 4]))].into()),
            ..migration(4, "squash", "users")
        };
        vec![squash, migration(6, "c", "users")]
    }

    /// Rows as `1`, `4 squash`, `3 begun`.
    fn history(words: &str) -> Vec<HistoryRow> {
        let one = |word: &str| {
            let (version, name) = word.split_once(' ').unwrap_or((word, "old"));
            let mut of_row = row(&migration(version.parse().unwrap(), name, "users"));
            if name == "begun" {
                of_row.state = State::Started;
            }
            of_row
        };
        words.split(", ").filter(|word| !word.is_empty()).map(one).collect()
    }

    /// The steps, and what counts as applied.
    fn outcome(words: &str) -> String {
        let set = set();
        match plan(&set, &users(), &history(words), None, OutOfOrder::Refuse) {
            Ok(plan) => {
                let steps: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
                let applied: Vec<String> = plan.applied.iter().map(ToString::to_string).collect();
                format!("{} behind {}", steps.join(", "), applied.join(", "))
            }
            Err(refusals) => refusals.iter().map(Refusal::to_string).collect::<Vec<_>>().join("; "),
        }
    }

    #[test]
    fn it_counts_where_all_is_there_and_runs_where_nothing_is() {
        assert_eq!(outcome(""), "4 squash, 6 c behind ");
        assert_eq!(outcome("1, 3, 4"), "6 c behind 4 squash");
        assert_eq!(outcome("4 squash"), "6 c behind 4 squash");
        assert_eq!(outcome("1, 3, 4, 6 c"), " behind 4 squash, 6 c");
        assert_eq!(outcome("4 squash, 6 c"), " behind 4 squash, 6 c");
    }

    #[test]
    fn a_part_of_it_is_refused_once() {
        let refused = [outcome("1"), outcome("1, 4"), outcome("1, 4, 6 c"), outcome("1, 3, 4 begun")];
        insta::assert_snapshot!(refused.join("\n"));
    }

    #[test]
    fn what_it_does_not_replace_is_judged_as_ever() {
        assert!(outcome("1, 2, 3, 4").starts_with("2 `old` is missing"), "{}", outcome("1, 2, 3, 4"));
        let edited = {
            let mut rows = history("4 squash");
            rows[0].checksum = crate::Checksum([9; 32]);
            rows
        };
        let set = set();
        let refusals = plan(&set, &users(), &edited, None, OutOfOrder::Refuse).unwrap_err();
        assert_eq!(refusals[0].kind(), "divergent");
        // Beside its own row those of others are too many.
        assert!(outcome("1, 4 squash").starts_with("1 `old` is missing"));
    }

    #[test]
    fn a_version_of_its_own_is_never_another_ones() {
        let mut set = set();
        set[0].version = Version::embedded(5);
        let refusals = plan(&set, &users(), &history("5"), None, OutOfOrder::Refuse).unwrap_err();
        assert_eq!(refusals[0].kind(), "divergent");
        assert!(plan(&set, &users(), &history("1, 3, 4"), None, OutOfOrder::Refuse).is_ok());
    }

    #[test]
    fn only_what_was_run_itself_is_taken_back() {
        let mut set = set();
        for migration in &mut set {
            migration.reverse = Some(super::super::tests::reverse(migration));
        }
        let back = |words: &str, to: i64| {
            plan_back(&set, &users(), &history(words), Back::To(Version::embedded(to)))
                .map(|plan| plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                .map_err(|refusals| refusals[0].to_string())
        };
        assert_eq!(back("4 squash, 6 c", 0), Ok("6 c, 4 squash".into()));
        assert_eq!(back("1, 3, 4, 6 c", 5), Ok("6 c".into()));
        insta::assert_snapshot!(back("1, 3, 4, 6 c", 3).unwrap_err());
        let newest = plan_back(&set, &users(), &history("1, 3, 4"), Back::Newest).unwrap_err();
        assert_eq!(newest[0].kind(), "replaced");
    }

    proptest! {
        /// Of a set and the same set squashed up to some point: a history that the first has applied up to a point
        /// outside of the squashed range leaves the same pending in both; one inside of it is refused; and what the
        /// second has applied leaves nothing pending in it.
        #[test]
        fn laws_of_squashing(
            numbers in proptest::collection::btree_set(0_i64..60, 2..20),
            squashed in 1_usize..20,
            done in 0_usize..20,
            own in any::<bool>(),
        ) {
            let all: Vec<Migration> =
                numbers.iter().map(|version| migration(2 * version, &format!("m{version}"), "users")).collect();
            let squashed = squashed.min(all.len());
            let replaced: Vec<Version> = all[..squashed].iter().map(|migration| migration.version).collect();
            let last = replaced[squashed - 1].get();
            let squash = Migration {
                replaces: Replaces(vec![List::Owned(replaced)].into()),
                ..migration(if own { last } else { last + 1 }, "squash", "users")
            };
            let set: Vec<Migration> = [&[squash][..], &all[squashed..]].concat();
            let pending = |set: &[Migration], history: &[HistoryRow]| {
                plan(set, &users(), history, None, OutOfOrder::Refuse)
                    .map(|plan| plan.steps.iter().map(|step| step.migration.version.get()).collect::<Vec<_>>())
                    .map_err(|refusals| refusals[0].kind())
            };
            let done = done.min(all.len());
            let history: Vec<HistoryRow> = all[..done].iter().map(row).collect();
            if done == 0 {
                prop_assert_eq!(pending(&set, &history).unwrap().len(), set.len());
            } else if done < squashed {
                prop_assert_eq!(pending(&set, &history), Err("half-replaced"));
            } else {
                prop_assert_eq!(pending(&set, &history), pending(&all, &history));
            }
            let history: Vec<HistoryRow> = set.iter().map(row).collect();
            prop_assert_eq!(pending(&set, &history), Ok(Vec::new()));
        }
    }

    #[test]
    fn what_is_recorded_without_running_is_what_is_lacking() {
        let set = set();
        let lacking = |words: &str| {
            let all = unrecorded(&set, &users(), &history(words));
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(lacking(""), "4 squash, 6 c");
        assert_eq!(lacking("1, 3, 4"), "6 c");
        assert_eq!(lacking("1, 6 c"), "");
    }
}
