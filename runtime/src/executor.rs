//! The run: survey, plan for all, then every database in parallel, each under its lock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sharded_migrations_core::{Migrations, Timeouts, Version};

use crate::engine::{Canceller, Who};
use crate::event::Event;
use crate::fleet::{Fleet, Target};
use crate::interrupt::{Interrupter, Urgency};
use crate::migrate::OneDatabase;
use crate::parallel::in_parallel;
use crate::report::{DatabaseReport, Outcome, Report, RunError};
use crate::survey::{Asked, Question, Survey, Surveyed, ask};

/// How long the migration lock of a database is waited for, unless it is said.
const LOCK_WAIT: Duration = Duration::from_secs(300);
/// How long a migration is tried that finds its tables locked, unless it is said.
const RETRY_FOR: Duration = Duration::from_secs(60);

/// Applies embedded migrations to a fleet.
pub struct Migrator<'m> {
    pub(crate) migrations: &'m Migrations,
    pub(crate) fleet: Fleet,
    pub(crate) concurrency: usize,
    pub(crate) to: Option<Version>,
    pub(crate) lock_wait: Duration,
    pub(crate) retry_for: Duration,
    pub(crate) limits: Timeouts,
    pub(crate) who: Who,
    pub(crate) interrupter: Interrupter,
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
            retry_for: RETRY_FOR,
            limits: Timeouts::default(),
            who,
            interrupter: Interrupter::new(),
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

    /// How long a statement waits for a lock on a table before it gives up, for migrations that don't say it
    /// themselves (`#[lock_timeout = ".."]`); 5 seconds by default, zero for no limit. Whoever uses the
    /// table queues behind a statement that waits for it. A migration that gave up is rolled back and tried
    /// again, see [`retry_for`](Self::retry_for). What runs `CONCURRENTLY` holds up nobody and has no such
    /// limit by default.
    pub fn lock_timeout(mut self, limit: Duration) -> Self {
        self.limits.lock = Some(limit);
        self
    }

    /// How long a statement may run, for migrations that don't say it themselves
    /// (`#[statement_timeout = ".."]`); the server's own limit by default.
    pub fn statement_timeout(mut self, limit: Duration) -> Self {
        self.limits.statement = Some(limit);
        self
    }

    /// For how long a migration is tried again that others were in the way of (a lock not given in time, a
    /// deadlock, a serialization failure); one minute by default, zero for a single try. The pauses in
    /// between grow to a second.
    pub fn retry_for(mut self, budget: Duration) -> Self {
        self.retry_for = budget;
        self
    }

    /// What stops a run from outside, such as a handler of Ctrl-C. It is for this migrator's run alone.
    pub fn interrupter(&self) -> Interrupter {
        self.interrupter.clone()
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
            history: asked.facts.map(|facts| facts.history).unwrap_or_default(),
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
        let databases = self.watched(self.ask_and_apply()).await;
        let interrupted = self.interrupter.is_draining();
        let report = Report { databases, elapsed: started.elapsed(), interrupted };
        self.tell(&Event::RunFinished(&report));
        report.into_result()
    }

    async fn ask_and_apply(&self) -> Vec<DatabaseReport> {
        // Connections open at once never exceed the concurrency: a larger fleet connects again.
        let keep = self.fleet.len() <= self.concurrency;
        // A survey writes nothing, so one that is not wanted any more can be left where it is.
        let asked: Vec<Option<Asked<'m>>> = tokio::select! {
            biased;
            asked = ask(&self.fleet.targets, self.question(keep)) => asked.into_iter().map(Some).collect(),
            () = self.interrupter.is_at_least(Urgency::Drain) => self.fleet.targets.iter().map(|_| None).collect(),
        };
        let is_clear = asked.iter().flatten().all(|asked| asked.standing.is_ok());

        let stop = AtomicBool::new(!is_clear);
        let mut work: Vec<BoxFuture<'_, DatabaseReport>> = Vec::new();
        for (target, asked) in self.fleet.targets.iter().zip(asked) {
            work.push(Box::pin(self.finish(target, asked, &stop)));
        }
        in_parallel(self.concurrency, work).await
    }

    /// Works, and tells when the run is interrupted meanwhile.
    async fn watched<T>(&self, work: impl Future<Output = T>) -> T {
        let mut steps = self.interrupter.steps();
        let mut work = std::pin::pin!(work);
        let done = loop {
            tokio::select! {
                // Before the end that it leads to.
                biased;
                Ok(()) = steps.changed() => self.tell(&Event::Interrupted(*steps.borrow_and_update())),
                done = &mut work => break done,
            }
        };
        if steps.has_changed().is_ok_and(|has_changed| has_changed) {
            self.tell(&Event::Interrupted(*steps.borrow_and_update()));
        }
        done
    }

    /// Works, and has the server cancel it when the run is to end at once.
    pub(crate) async fn interruptible<T>(
        &self,
        canceller: Option<Canceller>,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        let Some(cancel) = canceller else { return work.await };
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = self.interrupter.is_at_least(Urgency::Cancel) => {}
        }
        let (done, ()) = tokio::join!(work, cancel());
        done
    }

    pub(crate) fn question(&self, keep: bool) -> Question<'m> {
        Question { migrations: self.migrations, to: self.to, concurrency: self.concurrency, keep }
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        (self.listener)(event);
    }

    pub(crate) fn warn_if_stale(&self) {
        if let Some(stale) = self.migrations.stale() {
            self.tell(&Event::StaleBinary(&stale));
        }
    }

    /// Takes one database from its survey, if there was one, to its end.
    async fn finish(&self, target: &Target, asked: Option<Asked<'m>>, stop: &AtomicBool) -> DatabaseReport {
        let database = &target.database;
        let (mut applied, mut applied_before) = (Vec::new(), 0);
        let is_to_end = stop.load(Ordering::Relaxed) || self.interrupter.is_draining();
        let outcome = match asked {
            None => Outcome::NotStarted,
            Some(Asked { standing: Err(reasons), .. }) => Outcome::Refused(reasons),
            Some(Asked { standing: Ok(plan), .. }) if plan.steps.is_empty() => {
                applied_before = plan.applied.len();
                Outcome::Done
            }
            Some(Asked { standing: Ok(plan), facts: Some(facts), session }) if !is_to_end => {
                self.tell(&Event::DatabaseStarted { database: &database.name, pending: plan.steps.len() });
                let mut one = OneDatabase::new(self, target, session, facts);
                let outcome = one.run(plan).await;
                (applied, applied_before) = (one.applied, one.applied_before);
                outcome
            }
            Some(Asked { standing: Ok(_), .. }) => Outcome::NotStarted,
        };
        if outcome != Outcome::Done {
            stop.store(true, Ordering::Relaxed);
        }
        let report = DatabaseReport {
            name: database.name.clone(),
            group: database.group.clone(),
            applied,
            applied_before,
            outcome,
        };
        self.tell(&Event::DatabaseFinished(&report));
        report
    }
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
