//! Repair: where a migration outside a transaction broke off and nobody can know whether its next statement
//! was done, somebody looks and says so, and the next run goes on from there.

use std::fmt;

use futures_util::future::BoxFuture;
use sharded_migrations_core::{DatabaseName, GroupName, HistoryRow, Migration, Refusal, Version};

use crate::engine::{Change, Facts, Lock, RowChange, Session, engine};
use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::exit_code;
use crate::fleet::Target;
use crate::report::Reason;
use crate::slots::Slots;
use crate::survey::{connect_and_survey, plan_from, refuse_replica, survey};

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
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a database that could not be repaired is told of here alone"]
pub struct Repairs {
    /// One entry for each selected database, in the fleet's order.
    pub databases: Vec<RepairedDatabase>,
}

/// What became of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairedDatabase {
    /// The database.
    pub name: DatabaseName,
    /// Its group.
    pub group: Option<GroupName>,
    /// The migrations that were dirty and no longer are; empty where there was nothing to settle. After an
    /// error the database is as it was, unless the error is that the connection was lost: repairing it again
    /// does no harm.
    pub settled: Result<Vec<Settled>, DatabaseError>,
}

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

impl Repairs {
    /// How many migrations were settled, on all databases together.
    pub fn settled(&self) -> usize {
        self.databases.iter().filter_map(|database| database.settled.as_ref().ok()).map(Vec::len).sum()
    }

    /// The exit code for it; see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        match self.databases.iter().filter(|database| database.settled.is_err()).count() {
            0 => exit_code::DONE,
            failed if failed == self.databases.len() => exit_code::FAILED,
            _ => exit_code::PARTLY_FAILED,
        }
    }
}

impl Migrator<'_> {
    /// Settles the dirty migrations of every database, up to [`to`](Self::to) where it is given; databases
    /// without one are left alone. Look at what a migration left before you call it: it cannot be known from
    /// here.
    ///
    /// Nothing but rows of the history is written: those of a database in one transaction, under its lock. The
    /// lock is not waited for: whoever has it may be about to finish the migration.
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
    ///     for settled in database.settled? {
    ///         println!("{}: {} {}: {}", database.name, settled.version, settled.name, settled.next);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn repair(&self, repair: Repair) -> Repairs {
        self.warn_if_stale();
        let slots = Slots::new(&self.rollout, &self.fleet.targets);
        let mut work: Vec<(&Target, BoxFuture<'_, RepairedDatabase>)> = Vec::new();
        for target in &self.fleet.targets {
            let repair_one = Box::pin(async move {
                RepairedDatabase {
                    name: target.database.name.clone(),
                    group: target.database.group.clone(),
                    settled: self.repair_one(target, repair).await,
                }
            });
            work.push((target, repair_one));
        }
        // To see whether a database's sessions keep their locks takes two connections.
        Repairs { databases: slots.run(2, work).await }
    }

    async fn repair_one(&self, target: &Target, repair: Repair) -> Result<Vec<Settled>, DatabaseError> {
        let (session, facts) = connect_and_survey(target).await?;
        session.close().await;
        if self.settlements(target, &facts, repair)?.is_empty() {
            return Ok(Vec::new());
        }
        let engine = engine(target.engine)?;
        engine.keeps_locks(target).await?;
        let mut session = engine.connect(target).await?;
        session.assume(facts.server);
        let settled = self.repair_locked(target, session.as_mut(), repair).await;
        session.close().await;
        settled
    }

    /// What was seen without the lock may be over: it counts what is there under it.
    async fn repair_locked(
        &self,
        target: &Target,
        session: &mut dyn Session,
        repair: Repair,
    ) -> Result<Vec<Settled>, DatabaseError> {
        if let Lock::Held(holder) = session.try_lock().await? {
            let holder = holder.as_deref().unwrap_or("another process");
            let message = format!("the migration lock is not free: {holder} has it");
            return Err(DatabaseError::new(message)
                .help("let it finish, or stop it, and look again what is to be settled"));
        }
        let facts = survey(session).await?;
        let (changes, settled): (Vec<_>, Vec<_>) =
            self.settlements(target, &facts, repair)?.into_iter().unzip();
        if !changes.is_empty() {
            session.change_rows(&changes).await?;
        }
        Ok(settled)
    }

    /// What there is to settle, and how.
    fn settlements(
        &self,
        target: &Target,
        facts: &Facts,
        repair: Repair,
    ) -> Result<Vec<(RowChange, Settled)>, DatabaseError> {
        refuse_replica(target, facts)?;
        let Err(reasons) = plan_from(target, &facts.history, self.question(false)) else {
            return Ok(Vec::new());
        };
        let settlement = |reason: &Reason| match reason {
            Reason::History(Refusal::Dirty { version, doubtful, .. }) => {
                let row = facts.history.iter().find(|row| row.version == *version)?;
                let mut routed = self.migrations.routed_to(&target.database);
                let migration = routed.find(|migration| migration.version == *version);
                Some(match (doubtful, migration) {
                    (Some(place), Some(migration)) => at_statement(repair, row, migration, place),
                    _ => as_a_whole(repair, row, migration),
                })
            }
            _ => None,
        };
        let is_meant = |(change, _): &(RowChange, Settled)| self.to.is_none_or(|to| change.version <= to);
        let settlements: Vec<_> = reasons.iter().filter_map(settlement).filter(is_meant).collect();
        match &facts.obstacle {
            Some(error) if !settlements.is_empty() => Err(error.clone()),
            _ => Ok(settlements),
        }
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
                name: migration.name.to_string(),
                checksum: migration.checksum,
                statements: u32::try_from(migration.statements.len()).unwrap_or(u32::MAX),
            };
            (applied, Next::Applied)
        }
        (Repair::Applied, None) => {
            let applied = Change::Applied {
                name: row.name.clone(),
                checksum: row.checksum,
                statements: row.statements_done,
            };
            (applied, Next::Refused)
        }
    };
    settlement(row, change, next)
}

fn settlement(row: &HistoryRow, change: Change, next: Next) -> (RowChange, Settled) {
    let version = row.version;
    (RowChange { version, change }, Settled { version, name: row.name.clone(), next })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(databases: &[Result<usize, ()>]) -> u8 {
        let settled = Settled { version: Version::new(1).unwrap(), name: "a".into(), next: Next::Start };
        let database = |result: &Result<usize, ()>| RepairedDatabase {
            name: DatabaseName::embedded("x"),
            group: None,
            settled: result.map(|count| vec![settled.clone(); count]).map_err(|()| DatabaseError::new("no")),
        };
        Repairs { databases: databases.iter().map(database).collect() }.exit_code()
    }

    #[test]
    fn exit_codes_say_what_happened() {
        assert_eq!(code(&[Ok(0), Ok(0)]), exit_code::DONE);
        assert_eq!(code(&[Ok(1), Ok(0)]), exit_code::DONE);
        assert_eq!(code(&[Ok(0), Err(())]), exit_code::PARTLY_FAILED);
        assert_eq!(code(&[Err(()), Err(())]), exit_code::FAILED);
    }

    /// An application may run it from any task, on any thread.
    #[test]
    fn what_repairs_a_fleet_can_be_spawned() {
        fn is_send(_: &impl Send) {}
        static NOTHING: crate::Migrations = crate::Migrations::EMPTY;
        let fleet =
            crate::Fleet { targets: Vec::new(), others: Vec::new(), rollout: crate::Rollout::DEFAULT };
        is_send(&async move { Migrator::new(&NOTHING, fleet).repair(Repair::Retry).await.settled() });
    }
}
