//! Repair: where a migration outside a transaction broke off and nobody can know whether its next statement
//! was done, somebody looks and says so, and the next run goes on from there.

use std::fmt;

use async_trait::async_trait;
use sharded_migrations_core::{HistoryRow, Migration, Refusal, Version};

use crate::amend::{Action, Amendment, Amendments};
use crate::engine::{Change, Facts, RowChange, Session};
use crate::executor::Migrator;
use crate::fleet::Target;
use crate::report::Reason;
use crate::survey::plan_from;

/// What somebody found who has looked at what a dirty migration left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repair {
    /// The statement in doubt was not done, or is undone: the next run begins with it. Where the file is not the one
    /// that was started, nothing of it is left, and the next run applies the file from its start.
    Retry,
    /// The statement in doubt was done: the next run goes on behind it. Where the file is not the one that was
    /// started, all of it is done by hand, and it is recorded as applied.
    Applied,
}

/// What became of every database.
pub type Repairs = Amendments<Settled>;

/// A migration that is dirty no more.
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
    /// It is recorded as applied, and the next run refuses it: the binary has no such migration for this database.
    Refused,
    /// Nothing: the row is gone, and the binary has no such migration for this database.
    Forgotten,
}

impl Next {
    /// One word for it: `statement`, `record`, `start`, `applied`, `refused` or `forgotten`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Statement(_) => "statement",
            Self::Record => "record",
            Self::Start => "start",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Forgotten => "forgotten",
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
            Self::Refused => f.write_str(
                "it is recorded as applied, and has to be run by a binary that knows it: this one has no such \
                 migration for this database",
            ),
            Self::Forgotten => {
                f.write_str("its row is gone; this binary has no such migration for this database")
            }
        }
    }
}

impl Migrator<'_> {
    /// Settles the dirty migrations of every database, up to [`to`](Self::to) where it is given; databases
    /// without one are left alone. Look at what a migration left before you call it: it cannot be known from
    /// here.
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
    type Row = Settled;

    fn action(&self) -> Action {
        match self {
            Self::Retry => Action::Retry,
            Self::Applied => Action::Applied,
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
        let settlement = |reason: &Reason| match reason {
            Reason::History(Refusal::Dirty { version, doubtful, .. }) => {
                let row = facts.history.iter().find(|row| row.version == *version)?;
                let mut routed = migrator.migrations.routed_to(&target.database);
                let migration = routed.find(|migration| migration.version == *version);
                Some(match (doubtful, migration) {
                    (Some(place), Some(migration)) => at_statement(*self, row, migration, place),
                    _ => as_a_whole(*self, row, migration),
                })
            }
            _ => None,
        };
        let is_meant = |(change, _): &(RowChange, Settled)| migrator.to.is_none_or(|to| change.version <= to);
        Ok(reasons.iter().filter_map(settlement).filter(is_meant).collect())
    }
}

/// The file is the one that was started, and one of its statements is in doubt.
fn at_statement(
    repair: Repair,
    row: &HistoryRow,
    migration: &Migration,
    doubtful: &str,
) -> (RowChange, Settled) {
    let (done, next) = match repair {
        Repair::Retry => (row.statements_done, Next::Statement(doubtful.to_owned())),
        Repair::Applied => {
            let done = row.statements_done.saturating_add(1);
            let position = usize::try_from(done).ok().and_then(|done| migration.statement_position(done));
            let place = position.map(|position| format!("{}:{position}", migration.file));
            (done, place.map_or(Next::Record, Next::Statement))
        }
    };
    settlement(row, Change::Paused(done), next)
}

/// The file is another one, if there is any: there is nothing to go on with.
fn as_a_whole(repair: Repair, row: &HistoryRow, migration: Option<&Migration>) -> (RowChange, Settled) {
    let (change, next) = match (repair, migration) {
        (Repair::Retry, Some(_)) => (Change::Deleted, Next::Start),
        (Repair::Retry, None) => (Change::Deleted, Next::Forgotten),
        (Repair::Applied, Some(migration)) => {
            let applied = Change::Applied {
                checksum: migration.checksum,
                statements: u32::try_from(migration.statements.len()).unwrap_or(u32::MAX),
            };
            let (mut change, settled) = settlement(row, applied, Next::Applied);
            change.name = migration.name.to_string();
            return (change, settled);
        }
        (Repair::Applied, None) => {
            let applied = Change::Applied { checksum: row.checksum, statements: row.statements_done };
            (applied, Next::Refused)
        }
    };
    settlement(row, change, next)
}

fn settlement(row: &HistoryRow, change: Change, next: Next) -> (RowChange, Settled) {
    let (version, name) = (row.version, row.name.clone());
    // What is not said by the row itself: which statement it was about.
    let detail = match &next {
        Next::Statement(place) => Some(format!("the next statement is the one at {place}")),
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
        let fleet =
            crate::Fleet { targets: Vec::new(), others: Vec::new(), rollout: crate::Rollout::DEFAULT };
        is_send(&async move { Migrator::new(&NOTHING, fleet).repair(Repair::Retry).await.changes() });
    }
}
