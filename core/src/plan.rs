//! What would be done on one database, or why nothing may be done. Pure: the same set, history and
//! target always give the same plan.

mod back;
mod refusal;
mod squashed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use back::{Back, plan_back};
pub use refusal::Refusal;
pub use squashed::Squashed;

use crate::history::{HistoryRow, State};
use crate::migration::{Direction, Kind, Migration, Script, Transaction, Version};
use crate::{Database, OutOfOrder, Outside, Resume};

/// The steps of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<'m> {
    /// The migrations to apply, or to take back, in this order.
    pub steps: Vec<Step<'m>>,
    /// The migrations routed here that are applied now, in the order of their versions.
    pub applied: Vec<&'m Migration>,
}

/// One migration to apply, or to take back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'m> {
    /// The migration.
    pub migration: &'m Migration,
    /// Which way it goes.
    pub direction: Direction,
    /// What is run.
    pub script: Script<'m>,
    /// Where in it to start.
    pub start: Start,
}

/// Where in a migration to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// It is new here.
    Fresh,
    /// Outside a transaction, some of its statements are done.
    Resumed {
        /// How many.
        done: usize,
        /// Whether the one behind them may have been run as well.
        in_doubt: bool,
    },
}

impl Step<'_> {
    /// Whether it runs outside a transaction, statement by statement.
    pub fn is_outside(&self) -> bool {
        self.script.transaction == Transaction::None
    }

    /// Whether it is written in Rust. What takes such a migration back is SQL.
    pub fn is_code(&self) -> bool {
        self.direction == Direction::Up && self.migration.code.is_some()
    }
}

/// `12 add_email`, as messages name a migration.
impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.migration, f)
    }
}

/// Decides what to do on one database: the migrations routed to it minus the applied ones, up to
/// and with `to` where it is given.
///
/// Set semantics: what counts is whether a version is in the history, never whether it is newer
/// than the newest one. Nothing is planned for a replica.
///
/// # Errors
/// Every reason not to touch this database, in the order of versions.
pub fn plan<'m>(
    migrations: &'m [Migration],
    database: &Database,
    history: &[HistoryRow],
    to: Option<Version>,
    out_of_order: OutOfOrder,
) -> Result<Plan<'m>, Vec<Refusal>> {
    if database.is_replica() {
        return Ok(Plan { steps: Vec::new(), applied: Vec::new() });
    }
    let routed = routed(migrations, database);
    let squashed = Squashed::new(&routed, history);
    let begun: BTreeMap<Version, Start> = history.iter().filter_map(|row| begun(row, &routed)).collect();

    let judge = |row: &HistoryRow| judge(row, database, routed.get(&row.version).copied(), migrations);
    let is_begun = |row: &&HistoryRow| begun.contains_key(&row.version);
    let mut refusals: Vec<Refusal> =
        squashed.others(history).filter(|row| !is_begun(row)).filter_map(judge).collect();
    refusals.extend(squashed.refusals());

    // `U` migrations come whenever they come: they neither are late nor make others late.
    let is_ordered = |version: &Version| routed.get(version).is_none_or(|m| m.kind == Kind::Ordered);
    // Neither does what is left over of another route.
    let is_abandoned = |row: &HistoryRow| {
        !routed.contains_key(&row.version) && migrations.iter().any(|m| m.rerouted.abandon && row.is_of(m))
    };
    let counts = history.iter().filter(|row| !is_abandoned(row)).map(|row| row.version);
    let newest = counts.filter(is_ordered).max();
    let has = recorded(&squashed, history);
    let (applied, pending): (Vec<&Migration>, Vec<&Migration>) =
        routed.values().copied().partition(|m| has.contains(&m.version) && !begun.contains_key(&m.version));
    let step = |migration: &'m Migration| Step {
        migration,
        direction: Direction::Up,
        script: migration.forward(),
        start: begun.get(&migration.version).copied().unwrap_or(Start::Fresh),
    };
    let steps: Vec<Step<'m>> =
        pending.into_iter().filter(|m| to.is_none_or(|to| m.version <= to)).map(step).collect();
    let is_late = |step: &&Step<'m>| {
        let Migration { kind, rerouted, .. } = step.migration;
        step.start == Start::Fresh && *kind == Kind::Ordered && !rerouted.backfill
    };
    let newest = newest.filter(|_| out_of_order == OutOfOrder::Refuse);
    refusals.extend(steps.iter().filter(is_late).filter_map(|Step { migration, .. }| {
        let newest = newest.filter(|newest| migration.version < *newest)?;
        Some(Refusal::OutOfOrder { file: migration.file.to_string(), version: migration.version, newest })
    }));
    if refusals.is_empty() {
        return Ok(Plan { steps, applied });
    }
    refusals.sort_by_key(Refusal::version);
    Err(refusals)
}

/// What a database's history lacks of what is routed to it, in the order of versions, whatever else there is to be said
/// of that history. What has begun is not lacking, and neither is what replaces migrations of which a part is there.
pub fn unrecorded<'m>(
    migrations: &'m [Migration],
    database: &Database,
    history: &[HistoryRow],
) -> Vec<&'m Migration> {
    let routed = routed(migrations, database);
    let has = recorded(&Squashed::new(&routed, history), history);
    routed.into_values().filter(|migration| !has.contains(&migration.version)).collect()
}

/// The versions that the history tells of.
fn recorded(squashed: &Squashed<'_>, history: &[HistoryRow]) -> BTreeSet<Version> {
    squashed
        .others(history)
        .map(|row| row.version)
        .chain(squashed.found().map(|migration| migration.version))
        .collect()
}

/// The migrations of a database.
fn routed<'m>(migrations: &'m [Migration], database: &Database) -> BTreeMap<Version, &'m Migration> {
    migrations.iter().filter(|m| m.route.selects(database)).map(|m| (m.version, m)).collect()
}

/// A migration that can go on where it stopped: the row says how far it came, and its next statement either
/// was not run or can be asked about.
fn begun(row: &HistoryRow, routed: &BTreeMap<Version, &Migration>) -> Option<(Version, Start)> {
    let migration = routed.get(&row.version)?;
    let in_doubt = match row.state {
        State::Applied | State::Undoing => return None,
        State::Started => true,
        State::Paused => false,
    };
    let done = usize::try_from(row.statements_done).ok()?;
    if !is_started_one(migration, row) || done > migration.outside.len() {
        return None;
    }
    match migration.outside.get(done) {
        Some(Outside { resume: Resume::Unknown, .. }) if in_doubt => None,
        next => Some((row.version, Start::Resumed { done, in_doubt: in_doubt && next.is_some() })),
    }
}

/// Whether it is what a row outside a transaction was started for. A checksum leaves out the attributes, and
/// with them whether there is a transaction. What is written in Rust goes on from its checkpoint, also when it was
/// mended since.
fn is_started_one(migration: &Migration, row: &HistoryRow) -> bool {
    let is_it = match migration.code {
        None => row.is_of(migration),
        Some(_) => migration.name == row.name,
    };
    is_it && migration.transaction == Transaction::None
}

/// What is wrong with one row of the history, if anything is.
fn judge(
    row: &HistoryRow,
    database: &Database,
    routed: Option<&Migration>,
    all: &[Migration],
) -> Option<Refusal> {
    let same = |migration: &&Migration| row.is_of(migration);
    match routed {
        _ if row.state == State::Undoing => Some(Refusal::Undoing {
            database: database.name.clone(),
            version: row.version,
            name: row.name.clone(),
            statements_done: row.statements_done,
        }),
        _ if row.state != State::Applied => {
            let doubtful = |migration: &Migration| {
                let position = migration.statement_position(usize::try_from(row.statements_done).ok()?)?;
                Some(format!("{}:{position}", migration.file))
            };
            Some(Refusal::Dirty {
                database: database.name.clone(),
                version: row.version,
                name: row.name.clone(),
                statements_done: row.statements_done,
                doubtful: routed.filter(|migration| is_started_one(migration, row)).and_then(doubtful),
            })
        }
        Some(migration) if same(&migration) => None,
        Some(migration) => Some(Refusal::Divergent {
            file: migration.file.to_string(),
            version: row.version,
            renamed: (migration.name != row.name).then(|| (row.name.clone(), migration.name.to_string())),
            edited: (migration.checksum != row.checksum).then_some((row.checksum, migration.checksum)),
        }),
        None => {
            let elsewhere = all.iter().filter(|migration| migration.version == row.version).find(same);
            Some(match elsewhere {
                Some(migration) if migration.rerouted.abandon => return None,
                Some(migration) => Refusal::Misrouted {
                    file: migration.file.to_string(),
                    version: row.version,
                    route: migration.route.clone(),
                },
                None => Refusal::Missing { version: row.version, name: row.name.clone() },
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{Checksum, Timeouts};
    use crate::topology::tests::database;
    use crate::{DatabaseName, GroupName, List, Replaces, Rerouted, Role, Route, Spans};
    use proptest::prelude::*;

    pub(super) fn migration(version: i64, name: &str, group: &'static str) -> Migration {
        let mut sum = [0; 32];
        sum[..name.len()].copy_from_slice(name.as_bytes());
        Migration {
            version: Version::embedded(version),
            name: name.to_owned().into(),
            file: format!("{group}/V{version}__{name}.sql").into(),
            kind: Kind::Ordered,
            checksum: Checksum(sum),
            route: Route::Group(GroupName::embedded(group)),
            rerouted: Rerouted::NONE,
            transaction: Transaction::Whole,
            timeouts: Timeouts::default(),
            barrier: false,
            requires: List::Borrowed(&[]),
            replaces: Replaces::NOTHING,
            vars: List::Borrowed(&[]),
            sql: "select 1".into(),
            attributes: Spans::NONE,
            statements: Spans::NONE,
            outside: List::Borrowed(&[]),
            locks: None,
            tables: None,
            reverse: None,
            code: None,
        }
    }

    pub(super) fn row(migration: &Migration) -> HistoryRow {
        HistoryRow {
            version: migration.version,
            name: migration.name.to_string(),
            checksum: migration.checksum,
            state: State::Applied,
            statements_done: 0,
        }
    }

    pub(super) fn users() -> Database {
        database("users_01", Some("users"), &[])
    }

    pub(super) fn set() -> Vec<Migration> {
        vec![
            migration(1, "a", "users"),
            migration(1, "x", "catalog"),
            migration(2, "y", "catalog"),
            migration(3, "b", "users"),
            migration(4, "c", "users"),
        ]
    }

    /// Steps as `1 a, 3 b`, or refusals as `divergent 1`.
    pub(super) fn outcome(set: &[Migration], history: &[HistoryRow], to: Option<i64>) -> String {
        let words: Vec<String> =
            match plan(set, &users(), history, to.map(Version::embedded), OutOfOrder::Refuse) {
                Ok(plan) => plan.steps.iter().map(|step| step.to_string()).collect(),
                Err(refusals) => refusals.iter().map(|r| format!("{} {}", r.kind(), r.version())).collect(),
            };
        words.join(", ")
    }

    #[test]
    fn what_comes_late_is_applied_where_that_is_said() {
        let set = set();
        let applied = [row(&set[0]), row(&set[4])];
        assert_eq!(outcome(&set, &applied, None), "out-of-order 3");
        let plan = plan(&set, &users(), &applied, None, OutOfOrder::Apply).unwrap();
        assert_eq!(plan.steps.iter().map(|step| step.to_string()).collect::<Vec<_>>(), ["3 b"]);
    }

    #[test]
    fn steps_are_routed_minus_applied() {
        let set = set();
        let applied =
            |indices: &[usize]| -> Vec<HistoryRow> { indices.iter().map(|i| row(&set[*i])).collect() };
        let cases: [(&[usize], Option<i64>, &str); 7] = [
            (&[], None, "1 a, 3 b, 4 c"),
            (&[0], None, "3 b, 4 c"),
            (&[0, 3, 4], None, ""),
            (&[], Some(3), "1 a, 3 b"),
            (&[], Some(2), "1 a"),
            (&[0], Some(0), ""),
            (&[0, 3], Some(1), ""),
        ];
        for (indices, to, expected) in cases {
            assert_eq!(outcome(&set, &applied(indices), to), expected, "{indices:?} to {to:?}");
        }
    }

    #[test]
    fn a_history_that_does_not_fit_is_refused() {
        let set = set();
        let good = row(&set[0]);
        let edited = HistoryRow { checksum: Checksum([9; 32]), ..good.clone() };
        let renamed = HistoryRow { name: "old".into(), ..good.clone() };
        let unknown = HistoryRow { version: Version::embedded(9), ..good.clone() };
        let dirty = HistoryRow { state: State::Started, statements_done: 2, ..good.clone() };
        let cases: [(Vec<HistoryRow>, &str); 8] = [
            (vec![edited.clone()], "divergent 1"),
            (vec![renamed], "divergent 1"),
            (vec![good.clone(), row(&set[3]), row(&set[4]), unknown.clone()], "missing 9"),
            (vec![row(&set[1])], "divergent 1"),
            (vec![good.clone(), row(&set[2])], "misrouted 2"),
            (vec![good.clone(), row(&set[4])], "out-of-order 3"),
            (vec![dirty], "dirty 1"),
            (vec![unknown, edited], "divergent 1, out-of-order 3, out-of-order 4, missing 9"),
        ];
        for (history, expected) in cases {
            assert_eq!(outcome(&set, &history, None), expected);
        }
    }

    #[test]
    fn what_stopped_in_the_middle_goes_on_where_that_is_known() {
        let outside = |resume| Outside { resume, concurrently: false, is_atomic: true };
        let mut set = set();
        set[3].transaction = Transaction::None;
        set[3].outside = vec![outside(Resume::Again), outside(Resume::Unknown)].into();
        let history =
            |state, done| vec![row(&set[0]), HistoryRow { state, statements_done: done, ..row(&set[3]) }];
        let start = |state, done| match plan(&set, &users(), &history(state, done), None, OutOfOrder::Refuse)
        {
            Ok(plan) => plan.steps[0].start,
            Err(refusals) => panic!("{refusals:?}"),
        };
        let resumed = |done, in_doubt| Start::Resumed { done, in_doubt };
        assert_eq!(start(State::Started, 0), resumed(0, true));
        assert_eq!(start(State::Started, 2), resumed(2, false), "only the last record is missing");
        assert_eq!(start(State::Paused, 1), resumed(1, false));
        assert_eq!(outcome(&set, &history(State::Started, 1), None), "dirty 3");
        assert_eq!(outcome(&set, &history(State::Paused, 3), None), "dirty 3", "it has no third statement");
        let mut edited = set.clone();
        edited[3].checksum = Checksum([9; 32]);
        assert_eq!(outcome(&edited, &history(State::Paused, 1), None), "dirty 3");
        let mut inside = set.clone();
        inside[3].transaction = Transaction::Whole;
        inside[3].outside = vec![].into();
        assert_eq!(outcome(&inside, &history(State::Paused, 0), None), "dirty 3", "it has a transaction now");
        // It is not late, although a newer one was applied meanwhile.
        let newer = [history(State::Paused, 1), vec![row(&set[4])]].concat();
        assert_eq!(outcome(&set, &newer, None), "3 b");
    }

    #[test]
    fn what_is_written_in_rust_goes_on_whatever_stopped_it() {
        let mut set = set();
        set[3].transaction = Transaction::None;
        set[3].code = Some(crate::Code::unlinked("b".into()));
        let history = |state, checksum| vec![row(&set[0]), HistoryRow { state, checksum, ..row(&set[3]) }];
        let (same, other) = (set[3].checksum, Checksum([9; 32]));
        for (state, checksum) in [(State::Started, same), (State::Paused, same), (State::Started, other)] {
            let history = history(state, checksum);
            let steps = plan(&set, &users(), &history, None, OutOfOrder::Refuse).unwrap().steps;
            assert_eq!(steps[0].start, Start::Resumed { done: 0, in_doubt: false }, "{state:?}");
        }
        assert_eq!(outcome(&set, &history(State::Applied, other), None), "divergent 3");
    }

    #[test]
    fn a_u_migration_neither_is_late_nor_makes_others_late() {
        let mut set = set();
        set[3].kind = Kind::OutOfOrder;
        assert_eq!(outcome(&set, &[row(&set[0]), row(&set[4])], None), "3 b");
        set[3].kind = Kind::Ordered;
        set[4].kind = Kind::OutOfOrder;
        assert_eq!(outcome(&set, &[row(&set[0]), row(&set[4])], None), "3 b");
    }

    #[test]
    fn what_is_declared_of_a_new_route_is_let_pass() {
        let mut set = set();
        set[3].rerouted = Rerouted::BACKFILL;
        assert_eq!(outcome(&set, &[row(&set[0]), row(&set[4])], None), "3 b");
        // It was for this database, and is not any more.
        set[2].version = Version::embedded(9);
        let left = [row(&set[0]), row(&set[2])];
        assert_eq!(outcome(&set, &left, None), "out-of-order 4, misrouted 9");
        set[2].rerouted = Rerouted::BACKFILL;
        assert_eq!(outcome(&set, &left, None), "out-of-order 4, misrouted 9");
        set[2].rerouted = Rerouted::ABANDON;
        assert_eq!(outcome(&set, &left, None), "3 b, 4 c", "it makes no other late");
        let edited = HistoryRow { checksum: Checksum([9; 32]), ..row(&set[2]) };
        assert_eq!(outcome(&set, &[row(&set[0]), edited], None), "out-of-order 4, missing 9");
    }

    #[test]
    fn late_migrations_beyond_the_target_do_not_matter() {
        let set = set();
        assert_eq!(outcome(&set, &[row(&set[0]), row(&set[4])], Some(1)), "");
    }

    #[test]
    fn messages_say_what_and_what_to_do() {
        let set = set();
        let edited = HistoryRow { checksum: Checksum([9; 32]), name: "old".into(), ..row(&set[0]) };
        let dirty = HistoryRow { state: State::Started, statements_done: 2, ..row(&set[3]) };
        let missing = HistoryRow { version: Version::embedded(9), ..row(&set[0]) };
        let refusals =
            plan(&set, &users(), &[edited, row(&set[2]), dirty, missing], None, OutOfOrder::Refuse)
                .unwrap_err();
        let text: Vec<String> = refusals.iter().map(|r| format!("{r}\n  {}", r.help())).collect();
        insta::assert_snapshot!(text.join("\n"));
    }

    pub(super) fn reverse(migration: &Migration) -> crate::Reverse {
        crate::Reverse {
            file: migration.file.replace(".sql", ".down.sql").into(),
            transaction: Transaction::Whole,
            timeouts: Timeouts::default(),
            vars: List::Borrowed(&[]),
            sql: "select 2;\nselect 3".into(),
            statements: [0..8, 10..18].into_iter().collect(),
            outside: List::Borrowed(&[]),
            locks: None,
        }
    }

    proptest! {
        /// Applying a plan makes the next plan empty; the order of the input does not matter; what
        /// is planned is routed here; a replica gets nothing.
        #[test]
        fn laws(versions in proptest::collection::btree_set(0_i64..50, 0..20), here in any::<u32>(), done in 0_usize..20, seed in any::<u64>()) {
            let mut set: Vec<Migration> = versions.iter().enumerate()
                .map(|(index, version)| migration(*version, &format!("m{index}"), if here >> (index % 32) & 1 == 1 { "users" } else { "catalog" }))
                .collect();
            let routed: Vec<Migration> = set.iter().filter(|m| m.route.selects(&users())).cloned().collect();
            let mut history: Vec<HistoryRow> = routed.iter().take(done).map(row).collect();

            let steps = |set: &[Migration], history: &[HistoryRow]| -> Vec<Migration> {
                let steps = plan(set, &users(), history, None, OutOfOrder::Refuse).unwrap().steps;
                steps.into_iter().map(|step| step.migration.clone()).collect()
            };
            let planned = steps(&set, &history);
            prop_assert!(planned.iter().all(|step| step.route.selects(&users())));
            prop_assert_eq!(planned.len() + history.len(), routed.len());

            let rotate = if set.is_empty() { 0 } else { seed as usize % set.len() };
            set.rotate_left(rotate);
            history.reverse();
            prop_assert_eq!(&steps(&set, &history), &planned);

            let replica = Database { role: Role::ReplicaOf(DatabaseName::embedded("users_01")), ..users() };
            prop_assert!(plan(&set, &replica, &[], None, OutOfOrder::Refuse).unwrap().steps.is_empty());

            history.extend(planned.iter().map(row));
            prop_assert!(steps(&set, &history).is_empty());
        }
    }
}
