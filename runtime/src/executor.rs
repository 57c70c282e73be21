//! The run: survey, plan for all, then every database in parallel, each under its lock.

use std::time::{Duration, Instant};

use sharded_migrations_core::{Back, Migrations, Rollout, Timeouts, Version};

use crate::engine::{Canceller, Who};
use crate::event::{Event, Wave};
use crate::fleet::{Fleet, Target};
use crate::interrupt::{Interrupter, Urgency};
use crate::report::{DatabaseReport, Report, RunError};
use crate::rollout::{Check, Rolling, Stopped};
use crate::slots::Slots;
use crate::survey::{Asked, Goal, Question, Survey, Surveyed, ask};

/// How long the migration lock of a database is waited for, unless it is said.
const LOCK_WAIT: Duration = Duration::from_secs(300);
/// How long a migration is tried that finds its tables locked, unless it is said.
const RETRY_FOR: Duration = Duration::from_secs(60);

/// Applies embedded migrations to a fleet.
pub struct Migrator<'m> {
    pub(crate) migrations: &'m Migrations,
    pub(crate) fleet: Fleet,
    pub(crate) rollout: Rollout,
    pub(crate) between_waves: Option<Box<Check<'m>>>,
    pub(crate) to: Option<Version>,
    pub(crate) lock_wait: Duration,
    pub(crate) retry_for: Duration,
    pub(crate) limits: Timeouts,
    pub(crate) who: Who,
    pub(crate) interrupter: Interrupter,
    pub(crate) tells_table_locks: bool,
    /// Held by whoever looks at a database over a connection of its own.
    pub(crate) look: tokio::sync::Mutex<()>,
    listeners: Vec<Box<Listener<'m>>>,
    #[cfg(feature = "tracing")]
    trace: crate::trace::Trace,
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
            rollout: fleet.rollout.clone(),
            between_waves: None,
            fleet,
            to: None,
            lock_wait: LOCK_WAIT,
            retry_for: RETRY_FOR,
            limits: Timeouts::default(),
            who,
            interrupter: Interrupter::new(),
            tells_table_locks: false,
            look: tokio::sync::Mutex::new(()),
            listeners: Vec::new(),
            #[cfg(feature = "tracing")]
            trace: crate::trace::Trace::default(),
        }
    }

    /// How many databases are worked on at a time, at least one; `[rollout] concurrency` by default.
    pub fn concurrency(mut self, databases: usize) -> Self {
        self.rollout.concurrency = databases.max(1);
        self
    }

    /// How the run goes over the fleet: canaries, waves, limits, what a failure stops. By default as
    /// `[rollout]` in `databases.toml` says, see [`Fleet::rollout`].
    pub fn rollout(mut self, rollout: Rollout) -> Self {
        self.rollout = rollout;
        self
    }

    /// Asks between two waves, behind the pause, whether the next one may begin. An error ends the run: nothing
    /// new is started, and the report has its text.
    ///
    /// ```no_run
    /// # use sharded_migrations::{Fleet, Migrations, Migrator};
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// # async fn error_rate() -> f64 { 0.0 }
    /// # fn migrator(fleet: Fleet) -> Migrator<'static> {
    /// Migrator::new(&MIGRATIONS, fleet).check_between_waves(|wave| {
    ///     let migrated = wave.databases.len();
    ///     async move {
    ///         match error_rate().await {
    ///             rate if rate < 0.01 => Ok(()),
    ///             rate => Err(format!("{rate} of requests fail since {migrated} databases were migrated")),
    ///         }
    ///     }
    /// })
    /// # }
    /// ```
    pub fn check_between_waves<F>(mut self, check: impl Fn(&Wave<'_>) -> F + Send + Sync + 'm) -> Self
    where
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.between_waves = Some(Box::new(move |wave| Box::pin(check(wave))));
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

    /// How long connecting to one address of a server may take, whatever its URL says; zero for ever. Else it
    /// is the URL's `connect_timeout`, the environment's `PGCONNECT_TIMEOUT`, or 10 seconds. An SQLite file
    /// is opened at once.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.fleet.targets.iter_mut().for_each(|target| target.connect_timeout = Some(limit));
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

    /// Tells who holds the lock on a table that a migration waits for, see
    /// [`Event::TableLockWaiting`](crate::Event::TableLockWaiting); only PostgreSQL can tell. Where a migration takes longer than
    /// a second it is looked at over another connection, more and more rarely: one for the whole run at a time,
    /// beyond [`concurrency`](Self::concurrency). Off by default; the command line has it on.
    pub fn tell_table_locks(mut self, tells: bool) -> Self {
        self.tells_table_locks = tells;
        self
    }

    /// Calls a closure for everything that happens; several may listen. It is called from the task that runs
    /// [`run`](Self::run), and holds it up while it works.
    pub fn on_event(mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'm) -> Self {
        self.listeners.push(Box::new(listener));
        self
    }

    /// Asks every database what it has, and plans. Nothing is written; the lock is only tried, and only
    /// where a migration outside a transaction was started and not finished.
    pub async fn survey(&self) -> Survey<'m> {
        self.survey_for(Goal::Up(self.to)).await
    }

    pub(crate) async fn survey_for(&self, goal: Goal) -> Survey<'m> {
        self.warn_if_stale();
        let slots = Slots::new(&self.rollout, &self.fleet.targets);
        let question = Question { goal, ..self.question(false) };
        let asked = ask(&self.fleet.targets, question, &slots).await;
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
    /// written anywhere, unless the others are to go on. What is pending then goes out in waves; after a
    /// failure no further database is started, unless more may fail, and those in flight are finished.
    ///
    /// # Errors
    /// When any database does not end as it should; the error carries the whole report.
    pub async fn run(&self) -> Result<Report, RunError> {
        self.pursue(Goal::Up(self.to)).await
    }

    /// Takes back on every database what is applied there above a version, or the newest migration of each, with
    /// their reverse files, newest first. It goes as [`run`](Self::run) does, with the same plan for all before
    /// anything is written, locks, waves and events; each reverse file runs in one transaction with the deletion of
    /// its history row and a row of the table `sharded_migrations_audit`.
    ///
    /// A migration without a reverse file is a reason to write nothing anywhere, and so is one that a migration on
    /// another database requires which is not taken back.
    ///
    /// ```no_run
    /// # use sharded_migrations::{Back, Fleet, Migrations, Migrator, Version};
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// # async fn take_back(fleet: Fleet, version: Version) -> Result<(), Box<dyn std::error::Error>> {
    /// let report = Migrator::new(&MIGRATIONS, fleet).down(Back::To(version)).await?;
    /// println!("{} migrations taken back", report.taken_back());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When any database does not end as it should; the error carries the whole report.
    pub async fn down(&self, back: Back) -> Result<Report, RunError> {
        self.pursue(Goal::Down(back)).await
    }

    pub(crate) async fn pursue(&self, goal: Goal) -> Result<Report, RunError> {
        let started = Instant::now();
        self.warn_if_stale();
        let (databases, stopped) = self.watched(self.roll_out(goal)).await;
        let interrupted = self.interrupter.is_draining();
        let direction = goal.direction();
        let report = Report { direction, databases, elapsed: started.elapsed(), interrupted, stopped };
        self.tell(&Event::RunFinished(&report));
        report.into_result()
    }

    async fn roll_out(&self, goal: Goal) -> (Vec<DatabaseReport>, Option<Stopped>) {
        let mut rolling = Rolling::survey(self, goal).await;
        rolling.apply().await;
        rolling.finish()
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
        Question { migrations: self.migrations, goal: Goal::Up(self.to), keep }
    }

    pub(crate) fn tell(&self, event: &Event<'_>) {
        #[cfg(feature = "tracing")]
        self.trace.event(event, |name| {
            let mut targets = self.fleet.targets.iter().map(|target| &target.database);
            targets.find(|database| database.name == *name)?.group.as_ref()
        });
        self.listeners.iter().for_each(|listener| listener(event));
    }

    pub(crate) fn warn_if_stale(&self) {
        if let Some(stale) = self.migrations.stale() {
            self.tell(&Event::StaleBinary(&stale));
        }
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
        is_send(&async move { Migrator::new(&NOTHING, Fleet::of_none()).run().await.is_ok() });
        is_send(&async move { Migrator::new(&NOTHING, Fleet::of_none()).survey().await.is_clear() });
    }
}
