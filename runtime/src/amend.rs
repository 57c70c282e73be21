//! Changes of the history by hand: somebody says what is so, and nothing but the history is made to say it too.
//!
//! Every such operation goes the same way. All databases are looked at first, and one that has to be refused is a
//! reason to change nothing anywhere, unless the others are to go on. Then, on each database that has something
//! to change: the migration lock, another look, a decision from what is seen under the lock, and all changes in
//! one transaction with what the audit keeps of them.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sharded_migrations_core::{DatabaseName, GroupName, OnFailure};

use crate::engine::{Entry, Facts, Lock, RowChange, Server, Session, engine};
use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::exit_code;
use crate::fleet::Target;
use crate::report::Reason;
use crate::slots::Slots;
use crate::survey::{connect_and_survey, refuse_replica, same_as, survey};

/// What was done by hand, as the table `sharded_migrations_audit` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// A dirty migration's statement in doubt was not done.
    Retry,
    /// A dirty migration's statement in doubt was done.
    Applied,
    /// A divergent migration is right as its file is now.
    Accept,
    /// A missing migration will not come back.
    Forget,
    /// A misrouted migration belongs there no more.
    Abandon,
    /// A migration that was taken back in part was taken back to its end by hand.
    TakenBack,
    /// A migration that was taken back in part was put back by hand.
    Restored,
    /// A history was begun where there was none.
    Baseline,
    /// What was pending was recorded, and not run.
    Fake,
    /// A developer's database was emptied; the audit went with it.
    Reset,
    /// A history was begun where all was there that its migrations make.
    FakeInitial,
    /// What another tool had applied was recorded.
    Adopt,
    /// A migration was taken back with its reverse file.
    Down,
}

impl Action {
    /// The text in the audit table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Applied => "applied",
            Self::Accept => "accept",
            Self::Forget => "forget",
            Self::Abandon => "abandon",
            Self::TakenBack => "taken-back",
            Self::Restored => "restored",
            Self::Baseline => "baseline",
            Self::Fake => "fake",
            Self::Reset => "reset",
            Self::FakeInitial => "fake-initial",
            Self::Adopt => "adopt",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of every database. `T` says what a row of the history is changed to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a database that could not be changed is told of here alone"]
pub struct Amendments<T> {
    /// What was done, as the audit calls it.
    pub action: Action,
    /// One entry for each selected database, in the fleet's order.
    pub databases: Vec<AmendedDatabase<T>>,
    /// Whether it was only looked what would be done.
    pub dry_run: bool,
}

/// What became of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmendedDatabase<T> {
    /// The database.
    pub name: DatabaseName,
    /// Its group.
    pub group: Option<GroupName>,
    /// How it ended.
    pub outcome: Amended<T>,
    /// What else there is to know, a sentence each.
    pub notes: Vec<String>,
}

/// How it ended on a database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Amended<T> {
    /// These rows are changed, or would be; none where there was nothing to change.
    Done(Vec<T>),
    /// Nothing is changed, for these reasons.
    Refused(Vec<Reason>),
    /// The database is as it was, unless the error is that the connection was lost: doing it again does no harm.
    Failed(DatabaseError),
    /// There is something to change, and nothing is changed, because another database was refused.
    NotStarted,
}

impl<T> Amended<T> {
    /// One word for it: `done`, `refused`, `failed` or `not_started`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::NotStarted => "not_started",
        }
    }

    /// The rows that are changed, or would be.
    pub fn changes(&self) -> &[T] {
        match self {
            Self::Done(changes) => changes,
            _ => &[],
        }
    }
}

impl<T> Amendments<T> {
    /// How many rows are changed, or would be, on all databases together.
    pub fn changes(&self) -> usize {
        self.databases.iter().map(|database| database.outcome.changes().len()).sum()
    }

    /// The exit code for it; see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        let any = |is: fn(&Amended<T>) -> bool| self.databases.iter().any(|database| is(&database.outcome));
        let is_changed = any(|outcome| !outcome.changes().is_empty()) && !self.dry_run;
        if !any(|outcome| !matches!(outcome, Amended::Done(_))) {
            exit_code::DONE
        } else if !is_changed && !any(|outcome| matches!(outcome, Amended::Failed(_))) {
            exit_code::REFUSED
        } else if is_changed || any(|outcome| matches!(outcome, Amended::NotStarted)) {
            exit_code::PARTLY_FAILED
        } else {
            exit_code::FAILED
        }
    }
}

/// What can be changed by hand, and how some of it is.
#[async_trait]
pub(crate) trait Made: Sized + Send + Sync {
    /// Makes the changes, all or none of them.
    async fn make(session: &mut dyn Session, changes: &[Self], entry: &Entry) -> Result<(), DatabaseError>;
}

/// Rows of the history, with what the audit keeps.
#[async_trait]
impl Made for RowChange {
    async fn make(session: &mut dyn Session, changes: &[Self], entry: &Entry) -> Result<(), DatabaseError> {
        session.change_rows(changes, entry).await
    }
}

/// One kind of change by hand.
#[async_trait]
pub(crate) trait Amendment: Sync {
    /// One change.
    type Change: Made;

    /// What it comes to, for whoever asked.
    type Row: Send;

    /// What the audit calls it.
    fn action(&self) -> Action;

    /// What it changes on a database where this is found. It is asked twice, first without the lock and then
    /// under it, and writes nothing itself.
    async fn decide(
        &self,
        migrator: &Migrator<'_>,
        target: &Target,
        session: &mut dyn Session,
        facts: &Facts,
    ) -> Result<Vec<(Self::Change, Self::Row)>, Vec<Reason>>;

    /// What else it has found out about a database when it decided, a sentence each.
    fn notes(&self, _database: &DatabaseName) -> Vec<String> {
        Vec::new()
    }
}

/// What a database had when it was looked at first.
struct Look<T> {
    /// What it said, if it could be asked.
    known: Option<(String, Server)>,
    decided: Result<Vec<T>, Vec<Reason>>,
}

impl<T> Look<T> {
    fn has_work(&self) -> bool {
        self.decided.as_ref().is_ok_and(|changes| !changes.is_empty())
    }
}

impl Migrator<'_> {
    /// Looks at every database, and changes what is to be changed, unless that is only to be said.
    pub(crate) async fn amend<A: Amendment>(&self, amendment: &A, dry_run: bool) -> Amendments<A::Row> {
        self.warn_if_stale();
        let targets = &self.fleet.targets;
        let slots = Slots::new(&self.rollout, targets);
        let looks = self.look_all(amendment, &slots).await;
        let is_refused = looks.iter().any(|look| look.decided.is_err());
        let goes_on = !is_refused || self.rollout.on_failure == OnFailure::Continue;
        let mut work: Vec<(&Target, BoxFuture<'_, Amended<A::Row>>)> = Vec::new();
        for (target, look) in targets.iter().zip(looks) {
            let is_next = look.has_work() && !dry_run;
            work.push((
                target,
                match (look.decided, look.known) {
                    (Ok(_), _) if is_next && !goes_on => Box::pin(async { Amended::NotStarted }),
                    (Ok(_), Some((_, server))) if is_next => Box::pin(self.change(amendment, target, server)),
                    (Ok(changes), _) => Box::pin(async { Amended::Done(changes) }),
                    (Err(reasons), _) => Box::pin(async { Amended::Refused(reasons) }),
                },
            ));
        }
        let outcomes = slots.run(1, work).await;
        let databases = targets.iter().zip(outcomes).map(|(target, outcome)| AmendedDatabase {
            name: target.database.name.clone(),
            group: target.database.group.clone(),
            outcome,
            notes: amendment.notes(&target.database.name),
        });
        Amendments { action: amendment.action(), databases: databases.collect(), dry_run }
    }

    async fn look_all<A: Amendment>(&self, amendment: &A, slots: &Slots) -> Vec<Look<A::Row>> {
        let targets = &self.fleet.targets;
        let mut work: Vec<(&Target, BoxFuture<'_, Look<A::Row>>)> = Vec::new();
        for target in targets {
            work.push((target, Box::pin(self.look_at(amendment, target))));
        }
        let mut looks = slots.run(1, work).await;
        let identities = looks.iter().map(|look| look.known.as_ref().map(|(identity, _)| identity.as_str()));
        let doubles = same_as(targets.iter().map(|target| &target.database.name).zip(identities));
        for (look, double) in looks.iter_mut().zip(doubles) {
            if let Some(first) = double {
                look.decided = Err(vec![Reason::SameDatabase(first)]);
            }
        }
        // To see whether a database's sessions keep their locks takes two connections.
        let mut work: Vec<(&Target, BoxFuture<'_, Result<(), DatabaseError>>)> = Vec::new();
        for (target, _) in targets.iter().zip(&looks).filter(|(_, look)| look.has_work()) {
            work.push((target, Box::pin(async move { engine(target.engine)?.keeps_locks(target).await })));
        }
        let kept = slots.run(2, work).await;
        for (look, kept) in looks.iter_mut().filter(|look| look.has_work()).zip(kept) {
            if let Err(error) = kept {
                look.decided = Err(vec![Reason::Error(error)]);
            }
        }
        looks
    }

    async fn look_at<A: Amendment>(&self, amendment: &A, target: &Target) -> Look<A::Row> {
        let (mut session, facts) = match connect_and_survey(target).await {
            Ok(asked) => asked,
            Err(error) => return Look { known: None, decided: Err(vec![Reason::Error(error)]) },
        };
        let decided = self.decide(amendment, target, session.as_mut(), &facts).await;
        session.close().await;
        let decided = decided.map(|changes| changes.into_iter().map(|(_, row)| row).collect());
        Look { known: Some((facts.identity, facts.server)), decided }
    }

    async fn decide<A: Amendment>(
        &self,
        amendment: &A,
        target: &Target,
        session: &mut dyn Session,
        facts: &Facts,
    ) -> Result<Vec<(A::Change, A::Row)>, Vec<Reason>> {
        refuse_replica(target, facts).map_err(|error| vec![Reason::Error(error)])?;
        let decided = amendment.decide(self, target, session, facts).await?;
        match &facts.obstacle {
            Some(error) if !decided.is_empty() => Err(vec![Reason::Error(error.clone())]),
            _ => Ok(decided),
        }
    }

    async fn change<A: Amendment>(&self, amendment: &A, target: &Target, server: Server) -> Amended<A::Row> {
        let connected = match engine(target.engine) {
            Ok(engine) => engine.connect(target).await,
            Err(error) => Err(error),
        };
        let mut session = match connected {
            Ok(session) => session,
            Err(error) => return Amended::Failed(error),
        };
        session.assume(server);
        let changed = self.change_locked(amendment, target, session.as_mut()).await;
        session.close().await;
        changed.unwrap_or_else(Amended::Failed)
    }

    /// What was seen without the lock may be over: it counts what is there under it. The lock is not waited for:
    /// whoever has it may be about to change what was seen.
    async fn change_locked<A: Amendment>(
        &self,
        amendment: &A,
        target: &Target,
        session: &mut dyn Session,
    ) -> Result<Amended<A::Row>, DatabaseError> {
        if let Lock::Held(holder) = session.try_lock().await? {
            let holder = holder.as_deref().unwrap_or("another process");
            let message = format!("the migration lock is not free: {holder} has it");
            return Err(DatabaseError::new(message).help("let it finish, or stop it, and look again"));
        }
        let facts = survey(session).await?;
        let decided = match self.decide(amendment, target, session, &facts).await {
            Ok(decided) => decided,
            Err(reasons) => return Ok(Amended::Refused(reasons)),
        };
        let (changes, rows): (Vec<_>, Vec<_>) = decided.into_iter().unzip();
        if !changes.is_empty() {
            let entry = Entry { action: amendment.action(), who: self.who.clone() };
            A::Change::make(session, &changes, &entry).await?;
        }
        Ok(Amended::Done(rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(outcomes: Vec<Amended<()>>, dry_run: bool) -> u8 {
        let database = |outcome| AmendedDatabase {
            name: DatabaseName::embedded("x"),
            group: None,
            outcome,
            notes: Vec::new(),
        };
        let databases = outcomes.into_iter().map(database).collect();
        Amendments { action: Action::Retry, databases, dry_run }.exit_code()
    }

    #[test]
    fn exit_codes_say_what_happened() {
        let done = |rows| Amended::Done(vec![(); rows]);
        let refused = || Amended::Refused(Vec::new());
        let failed = || Amended::Failed(DatabaseError::new("no"));
        for dry_run in [false, true] {
            assert_eq!(code(vec![done(0), done(0)], dry_run), exit_code::DONE);
            assert_eq!(code(vec![done(1), done(0)], dry_run), exit_code::DONE);
            assert_eq!(code(vec![done(0), refused()], dry_run), exit_code::REFUSED);
        }
        assert_eq!(code(vec![done(1), refused()], true), exit_code::REFUSED);
        assert_eq!(code(vec![done(1), refused()], false), exit_code::PARTLY_FAILED, "the others went on");
        assert_eq!(code(vec![refused(), Amended::NotStarted], false), exit_code::REFUSED);
        assert_eq!(code(vec![done(1), failed()], false), exit_code::PARTLY_FAILED);
        assert_eq!(code(vec![done(0), failed()], false), exit_code::FAILED, "the other one had no work");
        assert_eq!(code(vec![failed(), failed()], false), exit_code::FAILED);
    }
}
