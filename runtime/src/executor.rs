//! The run: survey, plan for all, then every database in parallel, each under its lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sharded_migrations_core::{Migrations, Plan, Version};

use crate::engine::{Lock, Session, Who};
use crate::error::DatabaseError;
use crate::event::Event;
use crate::fleet::{Fleet, Target};
use crate::parallel::in_parallel;
use crate::report::{AppliedStep, DatabaseReport, Outcome, Reason, Report, RunError};
use crate::step::StepWork;
use crate::survey::{Asked, Question, Survey, Surveyed, ask, connect_and_survey, judge, survey};

/// How long the migration lock of a database is waited for, unless it is said.
const LOCK_WAIT: Duration = Duration::from_secs(300);
/// The pause before the lock is tried again: it doubles from the first to the last of these.
const LOCK_PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Applies embedded migrations to a fleet.
pub struct Migrator<'m> {
    migrations: &'m Migrations,
    fleet: Fleet,
    concurrency: usize,
    to: Option<Version>,
    lock_wait: Duration,
    who: Who,
    listener: Box<Listener<'m>>,
}

type Listener<'m> = dyn Fn(&Event<'_>) + Send + Sync + 'm;

impl<'m> Migrator<'m> {
    /// For these migrations on these databases.
    pub fn new(migrations: &'m Migrations, fleet: Fleet) -> Self {
        let who = Who {
            host: gethostname::gethostname().to_string_lossy().into_owned(),
            application_version: None,
        };
        Self {
            migrations,
            concurrency: fleet.concurrency,
            fleet,
            to: None,
            lock_wait: LOCK_WAIT,
            who,
            listener: Box::new(|_| {}),
        }
    }

    /// How many databases are worked on at a time, at least one; `[rollout] concurrency` by default.
    pub fn concurrency(mut self, databases: usize) -> Self {
        self.concurrency = databases.max(1);
        self
    }

    /// Applies nothing above this version.
    pub fn to(mut self, version: Version) -> Self {
        self.to = Some(version);
        self
    }

    /// How long to wait for a database's migration lock while another process migrates it; 5
    /// minutes by default.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// The application's version, kept in the history beside what it applied.
    pub fn application_version(mut self, version: impl Into<String>) -> Self {
        self.who.application_version = Some(version.into());
        self
    }

    /// Calls a closure for everything that happens. It is called from the task that runs
    /// [`run`](Self::run), and holds it up while it works.
    pub fn on_event(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'm) -> Self {
        self.listener = Box::new(listener);
        self
    }

    /// Asks every database what it has, and plans. Nothing is written; the lock is only tried, and only
    /// where a migration outside a transaction was started and not finished.
    pub async fn survey(&self) -> Survey<'m> {
        self.warn_if_stale();
        let asked = ask(&self.fleet.targets, self.question(false)).await;
        let surveyed = |(target, asked): (&Target, Asked<'m>)| Surveyed {
            database: target.database.clone(),
            history: asked.history,
            standing: asked.standing,
        };
        Survey { databases: self.fleet.targets.iter().zip(asked).map(surveyed).collect() }
    }

    /// Applies what is pending on every database.
    ///
    /// All databases are surveyed and planned first; when one of them has to be refused, nothing is
    /// written anywhere. After a failure no further database is started, and those in flight are
    /// finished.
    ///
    /// # Errors
    /// When any database does not end as it should; the error carries the whole report.
    pub async fn run(&self) -> Result<Report, RunError> {
        let started = Instant::now();
        self.warn_if_stale();
        // Connections open at once never exceed the concurrency: a larger fleet connects again.
        let keep = self.fleet.len() <= self.concurrency;
        let asked = ask(&self.fleet.targets, self.question(keep)).await;
        let is_clear = asked.iter().all(|asked| asked.standing.is_ok());

        let stop = AtomicBool::new(!is_clear);
        let mut work: Vec<BoxFuture<'_, DatabaseReport>> = Vec::new();
        for (target, asked) in self.fleet.targets.iter().zip(asked) {
            work.push(Box::pin(self.finish(target, asked, &stop)));
        }
        let databases = in_parallel(self.concurrency, work).await;
        let report = Report { databases, elapsed: started.elapsed() };
        self.tell(&Event::RunFinished(&report));
        report.into_result()
    }

    fn question(&self, keep: bool) -> Question<'m> {
        Question { migrations: self.migrations, to: self.to, concurrency: self.concurrency, keep }
    }

    fn tell(&self, event: &Event<'_>) {
        (self.listener)(event);
    }

    fn warn_if_stale(&self) {
        if let Some(stale) = self.migrations.stale() {
            self.tell(&Event::StaleBinary(&stale));
        }
    }

    /// Takes one database from its survey to its end.
    async fn finish(&self, target: &Target, asked: Asked<'m>, stop: &AtomicBool) -> DatabaseReport {
        let database = &target.database;
        let mut run = Progression { applied: Vec::new(), before: 0 };
        let outcome = match asked.standing {
            Err(reasons) => Outcome::Refused(reasons),
            Ok(plan) if plan.steps.is_empty() => {
                run.before = plan.applied.len();
                Outcome::Done
            }
            Ok(_) if stop.load(Ordering::Relaxed) => Outcome::NotStarted,
            Ok(plan) => {
                run.before = plan.applied.len();
                self.tell(&Event::DatabaseStarted { database: &database.name, pending: plan.steps.len() });
                self.migrate(target, asked.session, &mut run).await
            }
        };
        if outcome != Outcome::Done {
            stop.store(true, Ordering::Relaxed);
        }
        let report = DatabaseReport {
            name: database.name.clone(),
            group: database.group.clone(),
            applied: run.applied,
            applied_before: run.before,
            outcome,
        };
        self.tell(&Event::DatabaseFinished(&report));
        report
    }

    /// Applies what is pending on one database, under its lock. Dropping the session releases the
    /// lock wherever this ends.
    async fn migrate(
        &self,
        target: &Target,
        session: Option<Box<dyn Session>>,
        run: &mut Progression,
    ) -> Outcome {
        let refused = |error| Outcome::Refused(vec![Reason::Error(error)]);
        let mut session = match session {
            Some(session) => session,
            None => match connect_and_survey(target).await {
                Ok((session, _)) => session,
                Err(error) => return refused(error),
            },
        };
        let (plan, has_history) = match self.lock_and_plan(target, session.as_mut()).await {
            Ok(planned) => planned,
            Err(reasons) => return Outcome::Refused(reasons),
        };
        run.before = plan.applied.len();
        if !has_history
            && !plan.steps.is_empty()
            && let Err(error) = session.create_history().await
        {
            return refused(error);
        }
        for migration in plan.steps {
            let name = &target.database.name;
            self.tell(&Event::MigrationStarted { database: name, migration });
            let started = Instant::now();
            let work = StepWork {
                migrations: self.migrations,
                migration,
                database: &target.database,
                who: &self.who,
            };
            if let Err(error) = work.apply(session.as_mut()).await {
                session.close().await;
                return Outcome::Failed(error);
            }
            let elapsed = started.elapsed();
            self.tell(&Event::MigrationApplied { database: name, migration, elapsed });
            run.applied.push(AppliedStep {
                version: migration.version,
                name: migration.name.to_string(),
                elapsed,
            });
        }
        session.close().await;
        Outcome::Done
    }

    /// Takes the lock, then reads the history again: what another process did meanwhile counts.
    async fn lock_and_plan(
        &self,
        target: &Target,
        session: &mut dyn Session,
    ) -> Result<(Plan<'m>, bool), Vec<Reason>> {
        let error = |error| vec![Reason::Error(error)];
        self.lock(target, session).await.map_err(error)?;
        let facts = survey(session).await.map_err(error)?;
        Ok((judge(target, &facts, self.question(false))?, facts.has_history))
    }

    /// Tries for the lock until it is there: a blocking wait inside the server would stand in the
    /// way of `CREATE INDEX CONCURRENTLY`, which waits for everybody else's.
    async fn lock(&self, target: &Target, session: &mut dyn Session) -> Result<(), DatabaseError> {
        let started = Instant::now();
        let mut pause = LOCK_PAUSE.0;
        let mut told = false;
        loop {
            let holder = match session.try_lock().await? {
                Lock::Taken => return Ok(()),
                Lock::Held(holder) => holder,
            };
            if !told {
                told = true;
                self.tell(&Event::LockWaiting { database: &target.database.name, holder: holder.as_deref() });
            }
            let waited = started.elapsed();
            if waited >= self.lock_wait {
                let holder = holder.unwrap_or_else(|| "another process".to_owned());
                let message =
                    format!("the migration lock was not free within {:?}: {holder} has it", self.lock_wait);
                return Err(DatabaseError::new(message).help("let it finish, or stop it, and run this again"));
            }
            let jitter = pause.mul_f64(fastrand::f64());
            tokio::time::sleep(((pause + jitter) / 2).min(self.lock_wait.saturating_sub(waited))).await;
            pause = (pause * 2).min(LOCK_PAUSE.1);
        }
    }
}

/// What one database has achieved so far.
struct Progression {
    applied: Vec<AppliedStep>,
    before: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An application may run it from any task, on any thread.
    #[test]
    fn what_runs_a_fleet_can_be_spawned() {
        fn is_send(_: &impl Send) {}
        static NOTHING: Migrations = Migrations::EMPTY;
        let fleet = || Fleet { targets: Vec::new(), concurrency: 1 };
        is_send(&async move { Migrator::new(&NOTHING, fleet()).run().await.is_ok() });
        is_send(&async move { Migrator::new(&NOTHING, fleet()).survey().await.is_clear() });
    }
}
