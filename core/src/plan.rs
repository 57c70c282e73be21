//! What would be done on one database, or why nothing may be done. Pure: the same set, history and
//! target always give the same plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::history::{HistoryRow, State};
use crate::migration::{Checksum, Kind, Migration, Version};
use crate::{Database, Route};

/// The steps of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<'m> {
    /// The migrations to apply, in this order.
    pub steps: Vec<&'m Migration>,
    /// The migrations routed here that are applied already, in the order of their versions.
    pub applied: Vec<&'m Migration>,
}

/// Why a database's history and the set don't fit together. Each says one thing and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Applied with another checksum or name.
    Divergent {
        /// The migration as this binary has it.
        file: String,
        /// Its version.
        version: Version,
        /// The name in the history and the one in the binary, where they differ.
        renamed: Option<(String, String)>,
        /// The checksum in the history and the one in the binary, where they differ.
        edited: Option<(Checksum, Checksum)>,
    },
    /// Applied, but unknown to this binary.
    Missing {
        /// The version in the history.
        version: Version,
        /// The name in the history.
        name: String,
    },
    /// Applied here and known, but its route no longer selects this database.
    Misrouted {
        /// The migration's file.
        file: String,
        /// Its version.
        version: Version,
        /// Its route now.
        route: Route,
    },
    /// Pending below the newest applied version.
    OutOfOrder {
        /// The pending migration's file.
        file: String,
        /// Its version.
        version: Version,
        /// The newest version applied.
        newest: Version,
    },
    /// A no-transaction migration was started and not finished.
    Dirty {
        /// The version.
        version: Version,
        /// The name in the history.
        name: String,
        /// How many of its statements are done.
        statements_done: u32,
    },
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
) -> Result<Plan<'m>, Vec<Refusal>> {
    if database.is_replica() {
        return Ok(Plan { steps: Vec::new(), applied: Vec::new() });
    }
    let routed: BTreeMap<Version, &Migration> =
        migrations.iter().filter(|m| m.route.selects(database)).map(|m| (m.version, m)).collect();
    let recorded: BTreeSet<Version> = history.iter().map(|row| row.version).collect();

    let mut refusals: Vec<Refusal> =
        history.iter().filter_map(|row| judge(row, routed.get(&row.version).copied(), migrations)).collect();

    // `U` migrations come whenever they come: they neither are late nor make others late.
    let is_ordered = |version: &Version| routed.get(version).is_none_or(|m| m.kind == Kind::Ordered);
    let newest = recorded.iter().copied().rfind(is_ordered);
    let (applied, pending): (Vec<&Migration>, Vec<&Migration>) =
        routed.values().copied().partition(|migration| recorded.contains(&migration.version));
    let steps: Vec<&Migration> =
        pending.into_iter().filter(|migration| to.is_none_or(|to| migration.version <= to)).collect();
    refusals.extend(steps.iter().filter(|step| step.kind == Kind::Ordered).filter_map(|step| {
        let newest = newest.filter(|newest| step.version < *newest)?;
        Some(Refusal::OutOfOrder { file: step.file.to_string(), version: step.version, newest })
    }));
    if refusals.is_empty() {
        return Ok(Plan { steps, applied });
    }
    refusals.sort_by_key(Refusal::version);
    Err(refusals)
}

/// What is wrong with one row of the history, if anything is.
fn judge(row: &HistoryRow, routed: Option<&Migration>, all: &[Migration]) -> Option<Refusal> {
    let same = |migration: &&Migration| migration.name == row.name && migration.checksum == row.checksum;
    match routed {
        _ if row.state == State::Started => Some(Refusal::Dirty {
            version: row.version,
            name: row.name.clone(),
            statements_done: row.statements_done,
        }),
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

impl Refusal {
    /// The version it is about.
    pub fn version(&self) -> Version {
        match self {
            Self::Divergent { version, .. }
            | Self::Missing { version, .. }
            | Self::Misrouted { version, .. }
            | Self::OutOfOrder { version, .. }
            | Self::Dirty { version, .. } => *version,
        }
    }

    /// The one word for it: `divergent`, `missing`, `misrouted`, `out-of-order` or `dirty`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Divergent { .. } => "divergent",
            Self::Missing { .. } => "missing",
            Self::Misrouted { .. } => "misrouted",
            Self::OutOfOrder { .. } => "out-of-order",
            Self::Dirty { .. } => "dirty",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Divergent { .. } => {
                "bring the file back as it was applied, and put the change into a new migration".into()
            }
            Self::Missing { .. } => {
                "run the binary that knows it (is this an older release?), or bring its file back".into()
            }
            Self::Misrouted { .. } => {
                "bring the route back; undo a migration on a database with a new migration for it".into()
            }
            Self::OutOfOrder { file, newest, .. } => format!(
                "give `{file}` a version above {newest}; or, if it does not matter when it comes, name it `U..`"
            ),
            Self::Dirty { version, .. } => format!(
                "look at what it left, then either undo that and run `DELETE FROM sharded_migrations_history \
                 WHERE version = {version}` to have it run again, or finish it by hand and run `UPDATE \
                 sharded_migrations_history SET state = 'applied' WHERE version = {version}`"
            ),
        }
    }
}

/// What is wrong, in one line.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Divergent { file, version, renamed, edited } => {
                write!(f, "{version} is divergent: `{file}` is not what was applied")?;
                if let Some((applied, now)) = renamed {
                    write!(f, "; it was called `{applied}` and is called `{now}` now")?;
                }
                if let Some((applied, now)) = edited {
                    let short = |sum: &Checksum| sum.to_string()[..12].to_owned();
                    write!(f, "; its checksum was {}.. and is {}.. now", short(applied), short(now))?;
                }
                Ok(())
            }
            Self::Missing { version, name } => {
                write!(
                    f,
                    "{version} `{name}` is missing: it is applied here, but this binary does not know it"
                )
            }
            Self::Misrouted { file, version, route } => write!(
                f,
                "{version} is misrouted: `{file}` is applied here, but its route is `{route}`, which does not select this database"
            ),
            Self::OutOfOrder { file, version, newest } => write!(
                f,
                "{version} is out of order: `{file}` is pending, but the newer {newest} is applied already"
            ),
            Self::Dirty { version, name, statements_done } => write!(
                f,
                "{version} `{name}` is dirty: it runs outside a transaction, was started, and stopped after {statements_done} finished statements"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{Timeouts, Transaction};
    use crate::topology::tests::database;
    use crate::{DatabaseName, GroupName, List, Role};
    use proptest::prelude::*;

    fn migration(version: i64, name: &str, group: &'static str) -> Migration {
        let mut sum = [0; 32];
        sum[..name.len()].copy_from_slice(name.as_bytes());
        Migration {
            version: Version::embedded(version),
            name: name.to_owned().into(),
            file: format!("{group}/V{version}__{name}.sql").into(),
            kind: Kind::Ordered,
            checksum: Checksum(sum),
            route: Route::Group(GroupName::embedded(group)),
            transaction: Transaction::Whole,
            timeouts: Timeouts::default(),
            vars: List::Borrowed(&[]),
            sql: "select 1".into(),
            statements: List::Borrowed(&[]),
        }
    }

    fn row(migration: &Migration) -> HistoryRow {
        HistoryRow {
            version: migration.version,
            name: migration.name.to_string(),
            checksum: migration.checksum,
            state: State::Applied,
            statements_done: 0,
        }
    }

    fn users() -> Database {
        database("users_01", Some("users"), &[])
    }

    fn set() -> Vec<Migration> {
        vec![
            migration(1, "a", "users"),
            migration(1, "x", "catalog"),
            migration(2, "y", "catalog"),
            migration(3, "b", "users"),
            migration(4, "c", "users"),
        ]
    }

    /// Steps as `1 a, 3 b`, or refusals as `divergent 1`.
    fn outcome(set: &[Migration], history: &[HistoryRow], to: Option<i64>) -> String {
        let words: Vec<String> = match plan(set, &users(), history, to.map(Version::embedded)) {
            Ok(plan) => plan.steps.iter().map(|step| step.to_string()).collect(),
            Err(refusals) => refusals.iter().map(|r| format!("{} {}", r.kind(), r.version())).collect(),
        };
        words.join(", ")
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
    fn a_u_migration_neither_is_late_nor_makes_others_late() {
        let mut set = set();
        set[3].kind = Kind::OutOfOrder;
        assert_eq!(outcome(&set, &[row(&set[0]), row(&set[4])], None), "3 b");
        set[3].kind = Kind::Ordered;
        set[4].kind = Kind::OutOfOrder;
        assert_eq!(outcome(&set, &[row(&set[0]), row(&set[4])], None), "3 b");
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
        let refusals = plan(&set, &users(), &[edited, row(&set[2]), dirty, missing], None).unwrap_err();
        let text: Vec<String> = refusals.iter().map(|r| format!("{r}\n  {}", r.help())).collect();
        insta::assert_snapshot!(text.join("\n"));
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
                plan(set, &users(), history, None).unwrap().steps.into_iter().cloned().collect()
            };
            let planned = steps(&set, &history);
            prop_assert!(planned.iter().all(|step| step.route.selects(&users())));
            prop_assert_eq!(planned.len() + history.len(), routed.len());

            let rotate = if set.is_empty() { 0 } else { seed as usize % set.len() };
            set.rotate_left(rotate);
            history.reverse();
            prop_assert_eq!(&steps(&set, &history), &planned);

            let replica = Database { role: Role::ReplicaOf(DatabaseName::embedded("users_01")), ..users() };
            prop_assert!(plan(&set, &replica, &[], None).unwrap().steps.is_empty());

            history.extend(planned.iter().map(row));
            prop_assert!(steps(&set, &history).is_empty());
        }
    }
}
