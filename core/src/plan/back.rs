//! What would be taken back on one database, newest first, or why nothing may be.

use super::{Plan, Squashed, Start, Step, begun, is_same, judge, routed};
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
    let reverse = migration.reverse.as_ref().filter(|_| is_same(migration, row))?;
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
