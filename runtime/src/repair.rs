//! Repair: where a history does not fit, somebody looks and says what is so. Where a migration outside a transaction
//! broke off and nobody can know whether its next statement was done, the next run goes on from there; where one was
//! taken back in part, it is taken back, or applied again.

use std::fmt;

use async_trait::async_trait;
use sharded_migrations_core::{Checksum, HistoryRow, Migration, Refusal, Version};

use crate::amend::{Action, Amendment, Amendments};
use crate::engine::{Change, Facts, RowChange, Session};
use crate::executor::Migrator;
use crate::fleet::Target;
use crate::record::{Recorded, record};
use crate::report::Reason;
use crate::survey::plan_from;

/// What somebody found who has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// Of a dirty migration: the statement in doubt was not done, or is undone: the next run begins with it. Where the file is not the one
    /// that was started, nothing of it is left, and the next run applies the file from its start.
    Retry,
    /// Of a dirty migration: the statement in doubt was done, the next run goes on behind it. Where the file is not
    /// the one that was started, all of it is done by hand, and it is recorded as applied.
    Applied,
    /// The divergent migration of this version is right as its file is now: the history takes over its name and
    /// checksum. What was applied stays as it was applied. Or it replaces migrations of which a part is applied, and
    /// all that they make is there: it is recorded in the place of their rows.
    Accept(Version),
    /// The missing migration of this version will not come back: its row is deleted. What it made stays.
    Forget(Version),
    /// The misrouted migration of this version belongs here no more: its row is deleted. What it made stays, and
    /// should its route select the database again, it is applied again.
    Abandon(Version),
    /// The migration of this version, which was taken back in part, is taken back: what was left of it is gone. Its row
    /// is deleted.
    TakenBack(Version),
    /// The migration of this version, which was taken back in part, is applied after all: what was gone of it is there
    /// again. Its row is what it was before.
    Restored(Version),
}

/// What became of every database.
pub type Repairs = Amendments<Settled>;

/// A migration that is in nobody's way any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its version.
    pub version: Version,
    /// Its name in the history as it was.
    pub name: String,
    /// What is next.
    pub next: Next,
}

/// What the next run does with a migration that was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// It goes on with this statement, given as `file:line:column`.
    Statement(String),
    /// All statements are done: it records the migration as applied.
    Record,
    /// It applies the file from its start.
    Start,
    /// Nothing: it is recorded as applied.
    Applied,
    /// It is recorded as applied, and the next run refuses it: its file is not what was applied.
    Divergent,
    /// It is recorded as applied, and the next run refuses it: the binary has no such migration for this database.
    Refused,
    /// Nothing: the row is gone, and the binary has no such migration for this database.
    Forgotten,
    /// Nothing: the row says what the file has now.
    Accepted(Difference),
    /// Nothing: the row is gone, and the migration is for other databases.
    Abandoned,
    /// Nothing: the row is gone, and the one of this file stands for it.
    Replaced(String),
}

/// How a migration's file differs from what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The file.
    pub file: String,
    /// The name in the history and the one in the binary, where they differ.
    pub renamed: Option<(String, String)>,
    /// The checksum in the history and the one in the binary, where they differ.
    pub edited: Option<(Checksum, Checksum)>,
}

/// `it was called `a` and is called `b` now; its checksum was .. and is .. now`
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renamed =
            self.renamed.iter().map(|(was, is)| format!("it was called `{was}` and is called `{is}` now"));
        let edited = self.edited.iter().map(|(was, is)| format!("its checksum was {was} and is {is} now"));
        f.write_str(&renamed.chain(edited).collect::<Vec<_>>().join("; "))
    }
}

impl Next {
    /// One word for it: `statement`, `record`, `start`, `applied`, `divergent`, `refused`, `forgotten`, `accepted`,
    /// `abandoned` or `replaced`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Statement(_) => "statement",
            Self::Record => "record",
            Self::Start => "start",
            Self::Applied => "applied",
            Self::Divergent => "divergent",
            Self::Refused => "refused",
            Self::Forgotten => "forgotten",
            Self::Accepted(_) => "accepted",
            Self::Abandoned => "abandoned",
            Self::Replaced(_) => "replaced",
        }
    }
}

/// In a sentence.
impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(place) => write!(f, "the next run goes on with the statement at {place}"),
            Self::Record => f.write_str("all its statements are done, and the next run records it as applied"),
            Self::Start => f.write_str("the next run applies its file from the start"),
            Self::Applied => f.write_str("it is recorded as applied"),
            Self::Divergent => f.write_str(
                "it is recorded as applied, and the next run refuses it as divergent: its file is not what was applied",
            ),
            Self::Refused => f.write_str(
                "it is recorded as applied, and has to be run by a binary that knows it: this one has no such \
                 migration for this database",
            ),
            Self::Forgotten => {
                f.write_str("its row is gone; this binary has no such migration for this database")
            }
            Self::Accepted(difference) => {
                write!(f, "the history has it as `{}` is now; {difference}", difference.file)
            }
            Self::Abandoned => {
                f.write_str("its row is gone, and what it made is still there; it is for other databases now")
            }
            Self::Replaced(file) => write!(f, "its row is gone, and `{file}` stands for it"),
        }
    }
}

impl Migrator<'_> {
    /// Settles what does not fit of every database's history: the dirty migrations, up to [`to`](Self::to) where it
    /// is given, or the one of a version. Databases without such a one are left alone. Look at what a migration
    /// left before you call it, or what was left of it: it cannot be known from here.
    ///
    /// Nothing but rows of the history is written, and of the audit: those of a database in one transaction, under
    /// its lock. The lock is not waited for: whoever has it may be about to finish the migration. A database that
    /// cannot be asked is a reason to change nothing anywhere, unless the others are to go on
    /// ([`Rollout::on_failure`](crate::Rollout)).
    ///
    /// ```no_run
    /// # use sharded_migrations::Migrations;
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// use sharded_migrations::{Fleet, Migrator, Repair, Selection};
    ///
    /// # async fn repair() -> Result<(), Box<dyn std::error::Error>> {
    /// let only = Selection { databases: vec!["users_03".into()], groups: Vec::new() };
    /// let fleet = Fleet::select(&MIGRATIONS, &only)?;
    /// for database in Migrator::new(&MIGRATIONS, fleet).repair(Repair::Retry).await.databases {
    ///     for settled in database.outcome.changes() {
    ///         println!("{}: {} {}: {}", database.name, settled.version, settled.name, settled.next);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn repair(&self, repair: Repair) -> Repairs {
        self.amend(&repair, false).await
    }

    /// What [`repair`](Self::repair) would do. Nothing is written.
    pub async fn plan_repair(&self, repair: Repair) -> Repairs {
        self.amend(&repair, true).await
    }
}

#[async_trait]
impl Amendment for Repair {
    type Change = RowChange;
    type Row = Settled;

    fn action(&self) -> Action {
        match self {
            Self::Retry => Action::Retry,
            Self::Applied => Action::Applied,
            Self::Accept(_) => Action::Accept,
            Self::Forget(_) => Action::Forget,
            Self::Abandon(_) => Action::Abandon,
            Self::TakenBack(_) => Action::TakenBack,
            Self::Restored(_) => Action::Restored,
        }
    }

    async fn decide(
        &self,
        migrator: &Migrator<'_>,
        target: &Target,
        _: &mut dyn Session,
        facts: &Facts,
    ) -> Result<Vec<(RowChange, Settled)>, Vec<Reason>> {
        let Err(reasons) = plan_from(target, &facts.history, migrator.question(false)) else {
            return Ok(Vec::new());
        };
        let settlement = |reason: &Reason| {
            let Reason::History(refusal) = reason else { return None };
            let mut routed = migrator.migrations.routed_to(&target.database);
            let migration = routed.find(|migration| migration.version == refusal.version());
            if let (Self::Accept(version), Refusal::HalfReplaced { .. }) = (*self, refusal) {
                let migration = migration.filter(|migration| migration.version == version)?;
                return Some(in_place_of_others(&facts.history, migration));
            }
            let row = facts.history.iter().find(|row| row.version == refusal.version())?;
            let settled = match (*self, refusal) {
                (Self::Retry, Refusal::Dirty { doubtful, .. }) => {
                    Some(dirty(Doubt::Undone, row, migration, doubtful.as_deref()))
                }
                (Self::Applied, Refusal::Dirty { doubtful, .. }) => {
                    Some(dirty(Doubt::Done, row, migration, doubtful.as_deref()))
                }
                (Self::Accept(version), Refusal::Divergent { .. }) if version == row.version => {
                    Some(accepted(row, migration?))
                }
                (Self::Forget(version), Refusal::Missing { .. }) if version == row.version => {
                    Some(settlement(row, Change::Deleted, Next::Forgotten))
                }
                (Self::Abandon(version), Refusal::Misrouted { .. }) if version == row.version => {
                    Some(settlement(row, Change::Deleted, Next::Abandoned))
                }
                (Self::TakenBack(version), Refusal::Undoing { .. }) if version == row.version => {
                    Some(as_a_whole(Doubt::Undone, row, migration))
                }
                (Self::Restored(version), Refusal::Undoing { .. }) if version == row.version => {
                    Some(restored(row, migration))
                }
                _ => None,
            };
            settled.map(|settled| vec![settled])
        };
        let is_meant = |(change, _): &(RowChange, Settled)| migrator.to.is_none_or(|to| change.version <= to);
        Ok(reasons.iter().filter_map(settlement).flatten().filter(is_meant).collect())
    }
}

/// What became of what is in doubt.
#[derive(Clone, Copy)]
enum Doubt {
    Undone,
    Done,
}

fn dirty(
    doubt: Doubt,
    row: &HistoryRow,
    migration: Option<&Migration>,
    doubtful: Option<&str>,
) -> (RowChange, Settled) {
    match (doubtful, migration) {
        (Some(place), Some(migration)) => at_statement(doubt, row, migration, place),
        _ => as_a_whole(doubt, row, migration),
    }
}

/// The file is the one that was started, and one of its statements is in doubt.
fn at_statement(
    doubt: Doubt,
    row: &HistoryRow,
    migration: &Migration,
    doubtful: &str,
) -> (RowChange, Settled) {
    let (done, next) = match doubt {
        Doubt::Undone => (row.statements_done, Next::Statement(doubtful.to_owned())),
        Doubt::Done => {
            let done = row.statements_done.saturating_add(1);
            let position = usize::try_from(done).ok().and_then(|done| migration.statement_position(done));
            let place = position.map(|position| format!("{}:{position}", migration.file));
            (done, place.map_or(Next::Record, Next::Statement))
        }
    };
    settlement(row, Change::Paused(done), next)
}

/// The file is another one, if there is any: there is nothing to go on with.
fn as_a_whole(doubt: Doubt, row: &HistoryRow, migration: Option<&Migration>) -> (RowChange, Settled) {
    match (doubt, migration) {
        (Doubt::Undone, Some(_)) => settlement(row, Change::Deleted, Next::Start),
        (Doubt::Undone, None) => settlement(row, Change::Deleted, Next::Forgotten),
        (Doubt::Done, Some(migration)) => {
            let statements = u32::try_from(migration.statements.len()).unwrap_or(u32::MAX);
            let change = Change::Applied { checksum: migration.checksum, statements };
            named(migration, settlement(row, change, Next::Applied))
        }
        (Doubt::Done, None) => {
            let change = Change::Applied { checksum: row.checksum, statements: row.statements_done };
            settlement(row, change, Next::Refused)
        }
    }
}

/// The row is what it was before the migration was taken back in part: of what was applied then.
fn restored(row: &HistoryRow, migration: Option<&Migration>) -> (RowChange, Settled) {
    let statements = migration.map_or(0, |migration| migration.statements.len());
    let next = match migration {
        None => Next::Refused,
        Some(migration) if row.is_of(migration) => Next::Applied,
        Some(_) => Next::Divergent,
    };
    settlement(row, Change::Restored { statements: u32::try_from(statements).unwrap_or(u32::MAX) }, next)
}

/// The file is right as it is now.
fn accepted(row: &HistoryRow, migration: &Migration) -> (RowChange, Settled) {
    let is = (migration.name.to_string(), migration.checksum);
    let difference = Difference {
        file: migration.file.to_string(),
        renamed: (row.name != is.0).then(|| (row.name.clone(), is.0)),
        edited: (row.checksum != is.1).then_some((row.checksum, is.1)),
    };
    let next = Next::Accepted(difference);
    named(migration, settlement(row, Change::Accepted(migration.checksum), next))
}

/// All is there that a migration and those that it replaces make: it is recorded, and their rows go.
fn in_place_of_others(history: &[HistoryRow], migration: &Migration) -> Vec<(RowChange, Settled)> {
    let is_its = |row: &&HistoryRow| migration.replaces.contains(row.version);
    let (same, others): (Vec<_>, Vec<_>) =
        history.iter().filter(is_its).partition(|row| row.version == migration.version);
    let gone =
        |row: &HistoryRow| settlement(row, Change::Deleted, Next::Replaced(migration.file.to_string()));
    let recorded = match same.first() {
        Some(row) => as_a_whole(Doubt::Done, row, Some(migration)),
        None => {
            let (change, Recorded { version, name }) = record(migration, None, None);
            (change, Settled { version, name, next: Next::Applied })
        }
    };
    others.into_iter().map(gone).chain([recorded]).collect()
}

/// With the name that the row has from now on.
fn named(migration: &Migration, (change, settled): (RowChange, Settled)) -> (RowChange, Settled) {
    (RowChange { name: migration.name.to_string(), ..change }, settled)
}

fn settlement(row: &HistoryRow, change: Change, next: Next) -> (RowChange, Settled) {
    let (version, name) = (row.version, row.name.clone());
    let detail = match (&change, &next) {
        (Change::Deleted, _) => Some(format!("its row had the checksum {}", row.checksum)),
        (_, Next::Statement(place)) => Some(format!("the next statement is the one at {place}")),
        (_, Next::Accepted(difference)) => Some(difference.to_string()),
        (Change::Restored { .. }, _) => {
            Some(format!("statements of its reverse file that were done: {}", row.statements_done))
        }
        _ => None,
    };
    (RowChange { version, name: name.clone(), change, detail }, Settled { version, name, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An application may run it from any task, on any thread.
    #[test]
    fn what_repairs_a_fleet_can_be_spawned() {
        fn is_send(_: &impl Send) {}
        static NOTHING: crate::Migrations = crate::Migrations::EMPTY;
        let fleet = crate::Fleet::of_none();
        is_send(&async move { Migrator::new(&NOTHING, fleet).repair(Repair::Retry).await.changes() });
    }
}
