//! Every database is asked what it has, and every plan is made, before anything is written.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use futures_util::future::BoxFuture;
use sharded_migrations_core::plan::{Back, Step, plan, plan_back};
use sharded_migrations_core::{
    Database, DatabaseName, Direction, HistoryRow, Migrations, Plan, Refusal, State, Version,
};

use crate::engine::{Facts, HISTORY_TABLE, Lock, Session, engine};
use crate::error::DatabaseError;
use crate::fleet::Target;
use crate::report::Reason;
use crate::slots::Slots;

/// What each selected database has and what would be done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey<'m> {
    /// In the fleet's order.
    pub databases: Vec<Surveyed<'m>>,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed<'m> {
    /// The database.
    pub database: Database,
    /// What its history says; empty where it could not be read.
    pub history: Vec<HistoryRow>,
    /// Where it stands, or why it would not be touched.
    pub standing: Result<Plan<'m>, Vec<Reason>>,
}

impl Survey<'_> {
    /// How many migrations are pending, on all databases together.
    pub fn pending(&self) -> usize {
        self.databases
            .iter()
            .filter_map(|database| database.standing.as_ref().ok())
            .map(|plan| plan.steps.len())
            .sum()
    }

    /// Whether every database could be planned.
    pub fn is_clear(&self) -> bool {
        self.databases.iter().all(|database| database.standing.is_ok())
    }
}

/// A database that was asked.
pub(crate) struct Asked<'m> {
    pub(crate) standing: Result<Plan<'m>, Vec<Reason>>,
    /// What it said, if it could be asked.
    pub(crate) facts: Option<Facts>,
    /// Its connection, if it is still open.
    pub(crate) session: Option<Box<dyn Session>>,
}

/// What is asked of the databases.
#[derive(Clone, Copy)]
pub(crate) struct Question<'m> {
    pub(crate) migrations: &'m Migrations,
    pub(crate) goal: Goal,
    /// Whether a database with work keeps its connection.
    pub(crate) keep: bool,
}

/// Where databases are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// All is applied, up to and with a version where it is given.
    Up(Option<Version>),
    /// So much is taken back.
    Down(Back),
}

impl Goal {
    pub(crate) fn direction(self) -> Direction {
        match self {
            Self::Up(_) => Direction::Up,
            Self::Down(_) => Direction::Down,
        }
    }
}

/// Asks all of them, so many at a time; the answers are in the order of the targets. What migrations outside
/// transactions need of a connection is tried as well.
pub(crate) async fn ask<'m>(targets: &[Target], question: Question<'m>, slots: &Slots) -> Vec<Asked<'m>> {
    let mut answers = look(targets, question, slots).await;
    refuse_poolers(targets, &mut answers, slots).await;
    answers
}

/// Asks all of them what they have, and no more: a connection and a turn each.
pub(crate) async fn look<'m>(targets: &[Target], question: Question<'m>, slots: &Slots) -> Vec<Asked<'m>> {
    let mut answers: Vec<(&Target, BoxFuture<'_, Asked<'m>>)> = Vec::new();
    for target in targets {
        answers.push((target, Box::pin(ask_one(target, question))));
    }
    let mut answers = slots.run(1, answers).await;
    refuse_the_same(targets, &mut answers);
    answers
}

pub(crate) async fn ask_one<'m>(target: &Target, question: Question<'m>) -> Asked<'m> {
    let (mut session, mut facts) = match connect_and_survey(target).await {
        Ok(asked) => asked,
        Err(error) => {
            return Asked { standing: Err(vec![Reason::Error(error)]), facts: None, session: None };
        }
    };
    let standing = match judge(target, &facts, question) {
        Err(reasons) => unless_it_is_running(target, session.as_mut(), &mut facts, question, reasons).await,
        planned => planned,
    };
    let has_work = standing.as_ref().is_ok_and(|plan| !plan.steps.is_empty());
    let session = if question.keep && has_work {
        Some(session)
    } else {
        session.close().await;
        None
    };
    Asked { standing, facts: Some(facts), session }
}

/// Where a migration outside a transaction is to run, sessions have to keep their locks. To see whether they
/// do takes two connections, so that half as many databases are looked at a time, and none keeps one.
async fn refuse_poolers(targets: &[Target], answers: &mut [Asked<'_>], slots: &Slots) {
    let has_outside =
        |asked: &Asked<'_>| asked.standing.as_ref().is_ok_and(|plan| plan.steps.iter().any(Step::is_outside));
    let concerned: Vec<usize> = (0..answers.len()).filter(|index| has_outside(&answers[*index])).collect();
    if concerned.is_empty() {
        return;
    }
    for session in answers.iter_mut().filter_map(|asked| asked.session.take()) {
        session.close().await;
    }
    let mut looks: Vec<(&Target, BoxFuture<'_, Result<(), DatabaseError>>)> = Vec::new();
    for index in &concerned {
        let target = &targets[*index];
        looks.push((target, Box::pin(async move { engine(target.engine)?.keeps_locks(target).await })));
    }
    let looks = slots.run(2, looks).await;
    for (index, look) in concerned.into_iter().zip(looks) {
        if let Err(error) = look {
            answers[index].standing = Err(vec![Reason::Error(error)]);
        }
    }
}

/// How long a database may take to say what it has: a survey waits for nobody's work, only for a
/// server that is stuck, or for the history table where somebody has locked that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a connection and asks.
pub(crate) async fn connect_and_survey(target: &Target) -> Result<(Box<dyn Session>, Facts), DatabaseError> {
    let mut session = engine(target.engine)?.connect(target).await?;
    let facts = survey(session.as_mut()).await?;
    Ok((session, facts))
}

/// Asks, and does not wait for ever.
pub(crate) async fn survey(session: &mut dyn Session) -> Result<Facts, DatabaseError> {
    patiently(session.survey()).await
}

/// Waits for an answer, and not for ever.
pub(crate) async fn patiently<T>(
    answer: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| {
        let message = format!("the database did not say within {PATIENCE:?} what it has");
        Err(DatabaseError::new(message).help(format!(
            "is the server overloaded, or the table {HISTORY_TABLE} locked by another session?"
        )))
    })
}

/// What a database's facts mean: a plan, or reasons not to touch it.
pub(crate) fn judge<'m>(
    target: &Target,
    facts: &Facts,
    question: Question<'m>,
) -> Result<Plan<'m>, Vec<Reason>> {
    refuse_replica(target, facts).map_err(|error| vec![Reason::Error(error)])?;
    let plan = plan_from(target, &facts.history, question)?;
    match &facts.obstacle {
        Some(error) if !plan.steps.is_empty() => Err(vec![Reason::Error(error.clone())]),
        _ => Ok(plan),
    }
}

pub(crate) fn refuse_replica(target: &Target, facts: &Facts) -> Result<(), DatabaseError> {
    if !facts.is_replica {
        return Ok(());
    }
    let name = &target.database.name;
    Err(DatabaseError::new(
        "the server is a replica: it answers from recovery, and replicas are never migrated",
    )
    .help(format!("let the URL of `{name}` lead to the primary, or declare `{name}` with `replica_of`")))
}

/// What a history means for the set, wherever it was read.
pub(crate) fn plan_from<'m>(
    target: &Target,
    history: &[HistoryRow],
    question: Question<'m>,
) -> Result<Plan<'m>, Vec<Reason>> {
    let set = question.migrations;
    let planned = match question.goal {
        Goal::Up(to) => plan(&set.migrations, &target.database, history, to, set.topology.out_of_order),
        Goal::Down(back) => plan_back(&set.migrations, &target.database, history, back),
    };
    planned.map_err(|refusals| refusals.into_iter().map(Reason::History).collect())
}

/// A migration that was started and not finished, either way, is one that broke off, or one that another process
/// is in the middle of: the lock tells. In the second case, what is to be done is planned as if that
/// had not begun, and planned again once the lock is free.
pub(crate) async fn unless_it_is_running<'m>(
    target: &Target,
    session: &mut dyn Session,
    facts: &mut Facts,
    question: Question<'m>,
    reasons: Vec<Reason>,
) -> Result<Plan<'m>, Vec<Reason>> {
    let has_begun = |reason: &Reason| {
        let Reason::History(refusal) = reason else { return false };
        matches!(refusal, Refusal::Dirty { .. } | Refusal::Undoing { .. } | Refusal::Unfinished { .. })
    };
    if !reasons.iter().any(has_begun) {
        return Err(reasons);
    }
    let error = |error| vec![Reason::Error(error)];
    match session.look_at_lock().await.map_err(error)? {
        Lock::Held(_) => {
            // The history is another one by the time that the lock is free, so the plan is made again then.
            facts.history.retain(|row| row.state == State::Applied);
            plan_from(target, &facts.history, question)
        }
        // Who was in the middle of it may have ended just now.
        Lock::Free => {
            *facts = survey(session).await.map_err(error)?;
            judge(target, facts, question)
        }
    }
}

/// Two names that reach the same database would apply its migrations twice over.
fn refuse_the_same(targets: &[Target], answers: &mut [Asked<'_>]) {
    let identities = answers.iter().map(|asked| asked.facts.as_ref().map(|facts| facts.identity.as_str()));
    let doubles = same_as(targets.iter().map(|target| &target.database.name).zip(identities));
    for (answer, first) in answers.iter_mut().zip(doubles) {
        let Some(first) = first else { continue };
        let reason = Reason::SameDatabase(first);
        match &mut answer.standing {
            Ok(_) => answer.standing = Err(vec![reason]),
            Err(reasons) => reasons.push(reason),
        }
    }
}

/// For each name the one before it that reaches the same database, if there is one. What a database is, is not
/// known of one that could not be asked.
pub(crate) fn same_as<'a>(
    databases: impl Iterator<Item = (&'a DatabaseName, Option<&'a str>)>,
) -> Vec<Option<DatabaseName>> {
    let mut seen: BTreeMap<&str, &DatabaseName> = BTreeMap::new();
    let first = |(name, identity): (&'a DatabaseName, Option<&'a str>)| match seen.entry(identity?) {
        Entry::Vacant(first) => {
            first.insert(name);
            None
        }
        Entry::Occupied(first) => Some((*first.get()).clone()),
    };
    databases.map(first).collect()
}
