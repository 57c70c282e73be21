//! One database, from its plan to its end.
//!
//! An attempt works through the plan until something stands in the way: somebody else's lock, a history
//! that is not what the plan was made from, a failure. Then the history is read again, and it decides: what
//! is in it is applied, and the next attempt's plan is made from it. So nobody has to be trusted, neither a
//! lock that a pooler may have given to two, nor an error that came after the commit.

mod patience;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sharded_migrations_core::plan::Step;
use sharded_migrations_core::{Direction, Migration, Plan, State, Version};

use crate::engine::{Batch, Facts, HISTORY_TABLE, Lock, Rows, Session, Since, Stop, Why, engine};
use crate::error::{DatabaseError, StepError};
use crate::event::Event;
use crate::executor::Migrator;
use crate::fleet::Target;
use crate::interrupt::Urgency;
use crate::report::{AppliedStep, Outcome, Reason};
use crate::survey::{Goal, Question, judge, survey, unless_it_is_running};
use crate::work::StepWork;
use patience::Patience;

/// One database in the middle of a run.
pub(crate) struct OneDatabase<'r, 'm> {
    pub(crate) migrator: &'r Migrator<'m>,
    pub(crate) target: &'r Target,
    pub(crate) session: Option<Box<dyn Session>>,
    /// What the database last said of itself.
    pub(crate) facts: Facts,
    /// Where it is to be.
    goal: Goal,
    /// What this run has applied or taken back, and is sure of.
    pub(crate) done: Vec<AppliedStep>,
    /// The versions that are to be done now; the rest waits for other databases.
    now: BTreeSet<Version>,
    /// How many of the migrations routed here were applied by others.
    pub(crate) applied_before: usize,
    /// Whether the session has the migration lock.
    is_locked: bool,
    /// The history as the plan has it, with what was done since.
    since: Since,
    /// Sent and perhaps committed, but not yet sure to be: in order, each with the time it took.
    unsure: Vec<(Step<'m>, Duration, Rows)>,
    /// How many of these the server has said to be committed.
    committed: usize,
}

/// Why an attempt ended early.
pub(crate) enum Halt<'m> {
    /// The lock is ours now, or somebody else was here: plan again.
    Again,
    /// Somebody else is at work here.
    Locked(Option<String>),
    /// Nothing can be done here.
    Unusable(DatabaseError),
    /// A migration failed.
    Failed { step: Step<'m>, error: Box<StepError> },
    /// The run is to end.
    Drained,
    /// The run is to end, in the middle of a migration.
    Interrupted,
}

impl<'m> Halt<'m> {
    /// What it means that an engine stopped; `failed` says whose an error is.
    pub(crate) fn at(why: Why, failed: impl FnOnce(DatabaseError) -> Self) -> Self {
        match why {
            Why::Locked => Self::Locked(None),
            Why::Stale => Self::Again,
            Why::Unprepared(error) => Self::Unusable(error),
            Why::Failed(error) => failed(error),
        }
    }
}

/// How often the history may refuse a row as if somebody had been here, while nothing in it changes.
const MOST_IN_VAIN: u32 = 5;

impl<'r, 'm> OneDatabase<'r, 'm> {
    pub(crate) fn new(
        migrator: &'r Migrator<'m>,
        target: &'r Target,
        session: Option<Box<dyn Session>>,
        facts: Facts,
        goal: Goal,
        now: BTreeSet<Version>,
    ) -> Self {
        let since = Since::of(&facts);
        Self {
            migrator,
            target,
            session,
            facts,
            goal,
            now,
            done: Vec::new(),
            applied_before: 0,
            is_locked: false,
            since,
            unsure: Vec::new(),
            committed: 0,
        }
    }

    /// Applies the plan. Dropping the session releases the lock wherever this ends.
    pub(crate) async fn run(&mut self, plan: Plan<'m>) -> Outcome {
        let outcome = self.attempts(plan).await;
        self.hang_up().await;
        outcome
    }

    async fn attempts(&mut self, mut plan: Plan<'m>) -> Outcome {
        let mut patience = Patience::default();
        let mut in_vain = 0;
        loop {
            self.applied_before = match self.goal.direction() {
                Direction::Up => plan.applied.len().saturating_sub(self.done.len()),
                Direction::Down => plan.applied.len() + self.done.len(),
            };
            if plan.steps.is_empty() {
                return Outcome::Done;
            }
            let done_before = self.done.len();
            let before = (Since::of(&self.facts), self.is_locked, done_before);
            let halt = match self.attempt(&plan).await {
                Ok(()) => return Outcome::Done,
                Err(halt @ (Halt::Unusable(_) | Halt::Drained | Halt::Interrupted))
                    if self.unsure.is_empty() =>
                {
                    return self.end(halt);
                }
                Err(halt) => halt,
            };
            let waited = match &halt {
                Halt::Locked(holder) => self.wait_for_lock(&mut patience, holder.as_deref()).await,
                _ => Ok(()),
            };
            // A migration outside a transaction may have set up its session in its own way.
            if matches!(&halt, Halt::Failed { step, .. } if step.is_outside()) {
                self.hang_up().await;
            }
            let looked = self.look_again().await;
            if let Err(halt) = waited {
                return self.end(halt);
            }
            if let Err(error) = looked {
                return self.end(match halt {
                    Halt::Failed { step, error } => Halt::Failed { step, error: unknown_before(error) },
                    Halt::Again | Halt::Locked(_) => Halt::Unusable(error),
                    Halt::Unusable(_) | Halt::Drained | Halt::Interrupted => halt,
                });
            }
            if self.done.len() > done_before {
                patience.lock = None;
            }
            plan = match self.judge(&halt).await {
                Ok(mut plan) => {
                    plan.steps.retain(|step| self.now.contains(&step.migration.version));
                    plan
                }
                // What the failure itself says comes first.
                Err(reasons) if matches!(halt, Halt::Failed { .. }) => {
                    return self.end(with_reasons(halt, &reasons));
                }
                Err(reasons) => return Outcome::Refused(reasons),
            };
            match self.unless_it_was_cancelled(halt) {
                Halt::Again => {
                    patience.lock = None;
                    let is_as_before = before == (Since::of(&self.facts), self.is_locked, self.done.len());
                    in_vain = if is_as_before { in_vain + 1 } else { 0 };
                    if in_vain == MOST_IN_VAIN {
                        return self.end(Halt::Unusable(unchanged()));
                    }
                }
                Halt::Locked(_) => {}
                Halt::Failed { step, error } => {
                    if let Err(halt) = self.after_failure(&mut patience, step, error).await {
                        return self.end(halt);
                    }
                }
                Halt::Interrupted if plan.steps.is_empty() => return Outcome::Done,
                halt @ (Halt::Unusable(_) | Halt::Drained | Halt::Interrupted) => return self.end(halt),
            }
        }
    }

    /// What the history means now. Somebody else may have begun a migration since the lock was seen to be free: that
    /// is waited for, and is none that broke off.
    async fn judge(&mut self, halt: &Halt<'m>) -> Result<Plan<'m>, Vec<Reason>> {
        let question = Question { goal: self.goal, ..self.migrator.question(false) };
        match (judge(self.target, &self.facts, question), &mut self.session) {
            (Err(reasons), Some(session)) if !matches!(halt, Halt::Failed { .. }) => {
                unless_it_is_running(self.target, session.as_mut(), &mut self.facts, question, reasons).await
            }
            (judged, _) => judged,
        }
    }

    async fn hang_up(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
        self.is_locked = false;
    }

    /// What was cancelled because the run is to end has not failed.
    fn unless_it_was_cancelled(&self, halt: Halt<'m>) -> Halt<'m> {
        let error = match &halt {
            Halt::Failed { error, .. } => &error.error,
            Halt::Unusable(error) => error,
            _ => return halt,
        };
        let is_ours = self.migrator.interrupter.urgency() >= Urgency::Cancel;
        if error.is_cancelled && is_ours { Halt::Interrupted } else { halt }
    }

    fn end(&self, halt: Halt<'m>) -> Outcome {
        match halt {
            Halt::Failed { error, .. } => Outcome::Failed(error),
            Halt::Unusable(error) => Outcome::Refused(vec![Reason::Error(error)]),
            Halt::Again | Halt::Locked(_) | Halt::Drained if self.done.is_empty() => Outcome::NotStarted,
            Halt::Again | Halt::Locked(_) | Halt::Drained | Halt::Interrupted => Outcome::Interrupted,
        }
    }

    /// Works through a plan.
    async fn attempt(&mut self, plan: &Plan<'m>) -> Result<(), Halt<'m>> {
        if self.migrator.interrupter.is_draining() {
            return Err(Halt::Drained);
        }
        self.since = Since::of(&self.facts);
        let has_outside = plan.steps.iter().any(Step::is_outside);
        let is_locked = self.is_locked;
        let interrupter = &self.migrator.interrupter;
        let session = tokio::select! {
            connected = self.session() => connected.map_err(Halt::Unusable)?,
            () = interrupter.is_at_least(Urgency::Drain) => return Err(Halt::Drained),
        };
        if has_outside && !is_locked {
            match session.try_lock().await.map_err(Halt::Unusable)? {
                Lock::Free => self.is_locked = true,
                Lock::Held(holder) => return Err(Halt::Locked(holder)),
            }
            // What somebody else did meanwhile counts.
            return Err(Halt::Again);
        }
        let is_alone = |step: &Step<'m>| step.is_outside() || step.is_code();
        for steps in plan.steps.chunk_by(|a, b| !is_alone(a) && !is_alone(b)) {
            if self.migrator.interrupter.is_draining() {
                return Err(Halt::Drained);
            }
            match steps {
                [step] if step.is_code() && step.is_outside() => self.code_in_parts(step).await?,
                [step] if step.is_code() => self.whole_code(step).await?,
                [step] if step.is_outside() => self.outside(step).await?,
                steps => self.batch(steps).await?,
            }
        }
        Ok(())
    }

    /// Migrations in transactions, at once.
    async fn batch(&mut self, steps: &[Step<'m>]) -> Result<(), Halt<'m>> {
        let works: Vec<StepWork<'_, '_>> = steps.iter().map(|step| self.work(*step)).collect();
        let mut texts = Vec::with_capacity(works.len());
        for (step, work) in steps.iter().zip(&works) {
            let failed = |error| Halt::Failed { step: *step, error: work.failed(error) };
            texts.push(work.text().map_err(failed)?);
        }
        let engine_steps: Vec<_> = works.iter().zip(&texts).map(|(work, text)| work.step(text)).collect();
        let batch = Batch { steps: &engine_steps, since: self.since };

        let (migrator, name) = (self.migrator, &self.target.database.name);
        let begin = |index: usize| {
            if let Some(step) = steps.get(index) {
                migrator.tell(&Event::MigrationStarted { database: name, migration: step.migration });
            }
        };
        let started = Instant::now();
        let times: Mutex<Vec<(Duration, Rows)>> = Mutex::new(Vec::new());
        let committed = |rows| {
            let mut times = times.lock().unwrap_or_else(PoisonError::into_inner);
            let before: Duration = times.iter().map(|(time, _)| *time).sum();
            times.push((started.elapsed().saturating_sub(before), rows));
            begin(times.len());
        };
        begin(0);
        let (target, server) = (self.target, self.facts.server.clone());
        let session = self.session().await.map_err(Halt::Unusable)?;
        let canceller = session.canceller();
        let running = || {
            let index = times.lock().unwrap_or_else(PoisonError::into_inner).len();
            steps.get(index).map(|step| step.migration)
        };
        let work = migrator.interruptible(canceller, session.apply(&batch, &committed));
        let applied = migrator.watched_for_locks(target, &server, running, work).await;
        let times = times.into_inner().unwrap_or_else(PoisonError::into_inner);
        let told = times.into_iter().map(Some).chain(std::iter::repeat(None));
        let told = told.map(|told| told.unwrap_or((Duration::ZERO, Rows::Unknown)));
        let timed = steps.iter().zip(told).map(|(step, (elapsed, rows))| (*step, elapsed, rows));
        self.unsure = timed.collect();
        match applied {
            Ok(()) => {
                self.confirm(steps.len());
                Ok(())
            }
            Err(Stop { committed, why }) => {
                self.committed = committed;
                Err(Halt::at(why, |error| match (steps.get(committed), works.get(committed)) {
                    (Some(step), Some(work)) => Halt::Failed { step: *step, error: work.failed(error) },
                    _ => Halt::Unusable(error),
                }))
            }
        }
    }

    /// A migration is sent, and perhaps committed.
    pub(crate) fn sent(&mut self, step: Step<'m>, elapsed: Duration) {
        self.unsure = vec![(step, elapsed, Rows::Unknown)];
        self.committed = 0;
    }

    /// The next of the unsure ones are done.
    pub(crate) fn confirm(&mut self, count: usize) {
        let sure: Vec<_> = self.unsure.drain(..).take(count).collect();
        for (step, elapsed, rows) in sure {
            self.since = self.since.behind(step.migration.version, step.direction);
            self.note_done(step, elapsed, rows);
        }
        self.committed = 0;
    }

    /// Tells of a migration that is applied or taken back, and stays so.
    pub(crate) fn note_done(&mut self, step: Step<'m>, elapsed: Duration, rows: Rows) {
        let (database, migration) = (&self.target.database.name, step.migration);
        let rows = rows.known();
        self.migrator.tell(&match step.direction {
            Direction::Up => Event::MigrationApplied { database, migration, elapsed, rows },
            Direction::Down => Event::MigrationTakenBack { database, migration, elapsed, rows },
        });
        self.done.push(AppliedStep {
            version: migration.version,
            name: migration.name.to_string(),
            elapsed,
            rows,
        });
    }

    /// Reads the history again, over a new connection if need be, and makes sure of what it shows.
    async fn look_again(&mut self) -> Result<(), DatabaseError> {
        let mut is_same_session = self.session.is_some();
        let facts = match self.read_again().await {
            Ok(facts) => facts,
            Err(_) if is_same_session => {
                self.session = None;
                self.is_locked = false;
                is_same_session = false;
                self.read_again().await?
            }
            Err(error) => return Err(error),
        };
        // A session that broke off may have been told less than was done.
        let most = if is_same_session { self.committed } else { self.unsure.len() };
        let is_done = |step: &Step<'_>| {
            let Migration { version, name, .. } = step.migration;
            let row = facts.history.iter().find(|row| row.version == *version);
            match step.direction {
                // It may have the version of one that it replaces, which another release applied meanwhile.
                Direction::Up => row.is_some_and(|row| row.state == State::Applied && row.name == *name),
                Direction::Down => row.is_none(),
            }
        };
        let count = self.unsure.iter().take(most).take_while(|(step, ..)| is_done(step)).count();
        self.confirm(count);
        self.facts = facts;
        Ok(())
    }

    async fn read_again(&mut self) -> Result<Facts, DatabaseError> {
        let is_unsure = !self.unsure.is_empty();
        let session = self.session().await?;
        let facts = survey(session.as_mut()).await?;
        if is_unsure && facts.has_history && !facts.is_replica {
            session.settle().await?;
        }
        Ok(facts)
    }

    /// The open session, or a new one.
    pub(crate) async fn session(&mut self) -> Result<&mut Box<dyn Session>, DatabaseError> {
        match &mut self.session {
            Some(session) => Ok(session),
            empty => {
                let mut session = engine(self.target.engine)?.connect(self.target).await?;
                session.assume(self.facts.server.clone());
                Ok(empty.insert(session))
            }
        }
    }

    pub(crate) fn work(&self, step: Step<'m>) -> StepWork<'r, 'm>
    where
        'm: 'r,
    {
        StepWork {
            migrations: self.migrator.migrations,
            step,
            database: &self.target.database,
            limits: self.migrator.limits,
            who: &self.migrator.who,
        }
    }

    /// The history as the plan has it, with what was done since.
    pub(crate) fn since(&self) -> Since {
        self.since
    }

    /// What was done outside a transaction is in the history now, or out of it.
    pub(crate) fn has_changed(&mut self, since: Since) {
        self.since = since;
    }
}

/// A failure, and what of the database itself is in the way by now: it has become a replica, perhaps.
fn with_reasons<'m>(mut halt: Halt<'m>, reasons: &[Reason]) -> Halt<'m> {
    if let Halt::Failed { error, .. } = &mut halt {
        let notes = reasons.iter().filter_map(|reason| match reason {
            Reason::Error(now) => Some(format!("now: {now}")),
            _ => None,
        });
        error.error.notes.extend(notes);
    }
    halt
}

fn unchanged() -> DatabaseError {
    DatabaseError::new(format!(
        "the table {HISTORY_TABLE} refuses the row of a migration, although nothing in it has changed"
    ))
    .help("does the migration itself change that table, or has somebody given it a trigger, a rule or row-level security?")
}

/// Where the database can't be asked any more.
fn unknown_before(mut error: Box<StepError>) -> Box<StepError> {
    error.error.notes.push(
        "the database cannot be asked any more what of this run was applied: the next run sees it".into(),
    );
    error
}
