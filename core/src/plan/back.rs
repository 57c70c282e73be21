//! What would be taken back on one database, newest first, or why nothing may be.

use super::{Plan, Squashed, Start, Step, begun, judge, routed};
use crate::history::{HistoryRow, State};
use crate::migration::{Direction, Migration, Script, Transaction, Version};
use crate::{Database, Refusal, Resume};

/// How far migrations are taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// All above this version, which remains the newest.
    To(Version),
    /// The newest one of each database.
    Newest,
}

/// Decides what to take back on one database: what is routed to it, applied, and above what is to remain, newest
/// first. The order is that of the versions; when each was applied does not matter.
///
/// Nothing is planned for a replica.
///
/// # Errors
/// Every reason not to touch this database, in the order of versions: as for [`plan`](super::plan()), except that
/// what is late and pending stands in nobody's way; and what cannot be taken back.
pub fn plan_back<'m>(
    migrations: &'m [Migration],
    database: &Database,
    history: &[HistoryRow],
    back: Back,
) -> Result<Plan<'m>, Vec<Refusal>> {
    if database.is_replica() {
        return Ok(Plan { steps: Vec::new(), applied: Vec::new() });
    }
    let routed = routed(migrations, database);
    let squashed = Squashed::new(&routed, history);
    // What is left over of another route stays.
    let own = squashed.others(history).map(|row| row.version).filter(|version| routed.contains_key(version));
    let newest = own.chain(squashed.applied().map(|migration| migration.version)).max();
    let is_to_go = |version: Version| match back {
        Back::To(remains) => version > remains,
        Back::Newest => Some(version) == newest,
    };
    let mut refusals: Vec<Refusal> = squashed.refusals().collect();
    let mut applied: Vec<&Migration> = squashed.applied().collect();
    refusals.extend(
        applied.iter().filter(|migration| is_to_go(migration.version)).map(|migration| Refusal::Replaced {
            file: migration.file.to_string(),
            version: migration.version,
        }),
    );
    let mut steps = Vec::new();
    for row in squashed.others(history) {
        let migration = routed.get(&row.version).copied();
        let begun = if row.state == State::Undoing {
            migration.filter(|_| is_to_go(row.version)).and_then(|migration| undone(row, migration))
        } else {
            begun(row, &routed).map(|(_, start)| start)
        };
        match (migration, row.state, begun) {
            (Some(_), State::Started | State::Paused, Some(_)) => refusals.push(Refusal::Unfinished {
                version: row.version,
                name: row.name.clone(),
                statements_done: row.statements_done,
            }),
            (Some(migration), State::Undoing, Some(start)) => {
                applied.push(migration);
                steps.push((migration, start));
            }
            _ => match (judge(row, database, migration, migrations), migration) {
                (Some(refusal), _) => refusals.push(refusal),
                (None, Some(migration)) => {
                    applied.push(migration);
                    if is_to_go(row.version) {
                        steps.push((migration, Start::Fresh));
                    }
                }
                (None, None) => {}
            },
        }
    }
    steps.sort_by_key(|(migration, _)| std::cmp::Reverse(migration.version));
    applied.sort_by_key(|migration| migration.version);
    let mut planned = Vec::new();
    for (migration, start) in steps {
        let script = migration.backward();
        refusals.extend(obstacle(migration, script));
        planned.extend(script.map(|script| Step { migration, direction: Direction::Down, script, start }));
    }
    if refusals.is_empty() {
        return Ok(Plan { steps: planned, applied });
    }
    refusals.sort_by_key(Refusal::version);
    Err(refusals)
}

/// Where to go on with one that is taken back in part: its statements can all be asked about, or run again.
fn undone(row: &HistoryRow, migration: &Migration) -> Option<Start> {
    let reverse = migration.reverse.as_ref().filter(|_| row.is_of(migration))?;
    let done = usize::try_from(row.statements_done).ok()?;
    let is_it = reverse.transaction == Transaction::None && done <= reverse.statements.len();
    is_it.then_some(Start::Resumed { done, in_doubt: done < reverse.statements.len() })
}

/// Why a migration cannot be taken back, if it cannot.
fn obstacle(migration: &Migration, script: Option<Script<'_>>) -> Option<Refusal> {
    let version = migration.version;
    let Some(script) = script else {
        return Some(Refusal::NoReverse { file: migration.file.to_string(), version });
    };
    let index = script.outside.iter().position(|statement| statement.resume == Resume::Unknown)?;
    let place = script.position(index).map(|position| format!(":{position}")).unwrap_or_default();
    Some(Refusal::NotResumable { version, statement: format!("{}{place}", script.file) })
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::super::tests::{migration, outcome, reverse, row, set, users};
    use super::*;
    use crate::{Checksum, OutOfOrder, Outside};
    use proptest::prelude::*;

    /// The set, in which everything can be taken back.
    fn with_reverses() -> Vec<Migration> {
        let reverse = |migration: Migration| Migration { reverse: Some(reverse(&migration)), ..migration };
        set().into_iter().map(reverse).collect()
    }

    /// What is taken back as `4 c, 3 b`, or refusals as `divergent 1`.
    fn outcome_back(set: &[Migration], history: &[HistoryRow], back: Back) -> String {
        let words: Vec<String> = match plan_back(set, &users(), history, back) {
            Ok(plan) => plan.steps.iter().map(|step| step.to_string()).collect(),
            Err(refusals) => refusals.iter().map(|r| format!("{} {}", r.kind(), r.version())).collect(),
        };
        words.join(", ")
    }

    fn to(version: i64) -> Back {
        Back::To(Version::embedded(version))
    }

    #[test]
    fn what_is_above_the_target_is_taken_back_newest_first() {
        let set = with_reverses();
        let applied =
            |indices: &[usize]| -> Vec<HistoryRow> { indices.iter().map(|i| row(&set[*i])).collect() };
        let cases: [(&[usize], Back, &str); 9] = [
            (&[0, 3, 4], to(0), "4 c, 3 b, 1 a"),
            (&[0, 3, 4], to(1), "4 c, 3 b"),
            (&[0, 3, 4], to(2), "4 c, 3 b"),
            (&[0, 3, 4], to(3), "4 c"),
            (&[0, 3, 4], to(4), ""),
            (&[0, 4], to(0), "4 c, 1 a"),
            (&[], to(0), ""),
            (&[0, 3], Back::Newest, "3 b"),
            (&[], Back::Newest, ""),
        ];
        for (indices, back, expected) in cases {
            assert_eq!(outcome_back(&set, &applied(indices), back), expected, "{indices:?} {back:?}");
        }
        let plan = plan_back(&set, &users(), &applied(&[0, 3]), to(1)).unwrap();
        assert_eq!(plan.applied, [&set[0], &set[3]]);
        assert_eq!(
            (plan.steps[0].direction, plan.steps[0].script.file),
            (Direction::Down, "users/V3__b.down.sql")
        );
    }

    #[test]
    fn what_does_not_fit_is_not_taken_back() {
        let set = with_reverses();
        let good = row(&set[0]);
        let edited = HistoryRow { checksum: Checksum([9; 32]), ..good.clone() };
        let unknown = HistoryRow { version: Version::embedded(9), ..good.clone() };
        let dirty = HistoryRow { state: State::Started, statements_done: 2, ..good.clone() };
        let cases: [(Vec<HistoryRow>, Back, &str); 5] = [
            (vec![edited, row(&set[3])], to(1), "divergent 1"),
            (vec![good.clone(), unknown], to(1), "missing 9"),
            (vec![good.clone(), row(&set[2])], to(1), "misrouted 2"),
            (vec![dirty, row(&set[3])], to(1), "dirty 1"),
            (vec![row(&set[3])], to(1), "3 b"),
        ];
        for (history, back, expected) in cases {
            assert_eq!(outcome_back(&set, &history, back), expected);
        }
    }

    #[test]
    fn what_has_no_reverse_file_is_refused_where_it_would_go() {
        let mut set = with_reverses();
        set[0].reverse = None;
        set[3].reverse = None;
        let history = [row(&set[0]), row(&set[3]), row(&set[4])];
        assert_eq!(outcome_back(&set, &history, to(3)), "4 c");
        assert_eq!(outcome_back(&set, &history, to(1)), "no-reverse 3");
        assert_eq!(
            outcome_back(&set, &history, to(0)),
            "no-reverse 1, no-reverse 3",
            "all of them are named"
        );
        let refusals = plan_back(&set, &users(), &history, to(1)).unwrap_err();
        assert_eq!(refusals[0].to_string(), "3 cannot be taken back: `users/V3__b.sql` has no reverse file");
        assert!(refusals[0].help().contains("`users/V3__b.down.sql`"), "{}", refusals[0].help());
    }

    #[test]
    fn what_is_taken_back_outside_a_transaction_can_be_resumed() {
        let outside = |resume| Outside { resume, concurrently: false, is_atomic: true };
        let mut set = with_reverses();
        let of = |second| {
            let outside = vec![outside(Resume::Again), outside(second)];
            crate::Reverse { transaction: Transaction::None, outside: outside.into(), ..reverse(&set[3]) }
        };
        let (sound, doubtful) = (of(Resume::Again), of(Resume::Unknown));
        set[3].transaction = Transaction::None;
        set[3].outside = vec![outside(Resume::Again)].into();
        set[3].reverse = Some(sound);
        let history =
            |state, done| [row(&set[0]), HistoryRow { state, statements_done: done, ..row(&set[3]) }];
        let start = |done, back| match plan_back(&set, &users(), &history(State::Undoing, done), back) {
            Ok(plan) => plan.steps[0].start,
            Err(refusals) => panic!("{refusals:?}"),
        };
        assert_eq!(start(1, to(1)), Start::Resumed { done: 1, in_doubt: true });
        assert_eq!(start(2, Back::Newest), Start::Resumed { done: 2, in_doubt: false });
        assert_eq!(
            outcome_back(&set, &history(State::Undoing, 3), to(1)),
            "undoing 3",
            "it has no third one"
        );
        assert_eq!(outcome_back(&set, &history(State::Undoing, 1), to(3)), "undoing 3", "it is to remain");
        assert_eq!(outcome(&set, &history(State::Undoing, 1), None), "undoing 3", "it is not applied either");
        assert_eq!(outcome_back(&set, &history(State::Paused, 0), to(1)), "unfinished 3");
        let mut set = set.clone();
        set[3].reverse = Some(doubtful);
        assert_eq!(outcome_back(&set, &history(State::Applied, 1), to(1)), "not-resumable 3");
        let refusals = plan_back(&set, &users(), &history(State::Applied, 1), to(1)).unwrap_err();
        assert!(refusals[0].to_string().contains("users/V3__b.down.sql:2:1"), "{}", refusals[0]);
    }

    proptest! {
        /// What is taken back is what was applied above the target, newest first; behind that nothing is left to
        /// take back, and applying it again leaves nothing pending. A refused plan has no steps: it is none.
        #[test]
        fn laws_of_taking_back(
            versions in proptest::collection::btree_set(0_i64..50, 0..20),
            here in any::<u32>(),
            done in 0_usize..20,
            target in 0_i64..50,
            without in 0_usize..20,
        ) {
            let mut set: Vec<Migration> = versions.iter().enumerate()
                .map(|(index, version)| migration(*version, &format!("m{index}"), if here >> (index % 32) & 1 == 1 { "users" } else { "catalog" }))
                .map(|migration| Migration { reverse: Some(reverse(&migration)), ..migration })
                .collect();
            let routed: Vec<Migration> = set.iter().filter(|m| m.route.selects(&users())).cloned().collect();
            let mut history: Vec<HistoryRow> = routed.iter().take(done).map(row).collect();
            let all = history.clone();
            let steps = plan_back(&set, &users(), &history, to(target)).unwrap().steps;
            let back: Vec<i64> = steps.iter().map(|step| step.migration.version.get()).collect();
            let mut expected: Vec<i64> = all.iter().map(|row| row.version.get()).filter(|version| *version > target).collect();
            expected.reverse();
            prop_assert_eq!(&back, &expected);

            history.retain(|row| !back.contains(&row.version.get()));
            prop_assert!(plan_back(&set, &users(), &history, to(target)).unwrap().steps.is_empty());
            let again = plan(&set, &users(), &history, None, OutOfOrder::Refuse).unwrap().steps;
            prop_assert_eq!(again.len() + history.len(), routed.len());
            history.extend(again.iter().map(|step| row(step.migration)));
            prop_assert!(plan(&set, &users(), &history, None, OutOfOrder::Refuse).unwrap().steps.is_empty());

            if let Some(index) = set.len().checked_sub(1).map(|last| without % (last + 1)) {
                set[index].reverse = None;
                let is_needed = back.contains(&set[index].version.get()) && set[index].route.selects(&users());
                prop_assert_eq!(plan_back(&set, &users(), &all, to(target)).is_err(), is_needed);
            }
        }
    }
}
