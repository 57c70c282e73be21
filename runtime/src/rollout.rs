//! The rollout: what is pending, or to be taken back, goes out stage by stage and wave by wave, until all is done or
//! something stops it.

mod check;
mod others;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use sharded_migrations_core::rollout::{Blocked, Known, Part, Stage, next_stage, order};
use sharded_migrations_core::{DatabaseName, Direction, OnFailure, Rollout, Version};

use crate::event::{Event, Wave};
use crate::executor::Migrator;
use crate::fleet::Target;
use crate::interrupt::Urgency;
use crate::migrate::OneDatabase;
use crate::report::{AppliedStep, DatabaseReport, Outcome, Reason};
use crate::slots::Slots;
use crate::survey::{Asked, Goal, Question, ask, ask_one};
use others::feared;
pub(crate) use others::{ask_others, known};

/// Looks between two waves whether the next one may begin; the text says why not.
pub(crate) type Check<'m> = dyn Fn(&Wave<'_>) -> BoxFuture<'static, Result<(), String>> + Send + Sync + 'm;

/// Why a rollout stopped before all was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// A canary failed.
    Canary(DatabaseName),
    /// So many databases failed, which is more than may.
    Failures(usize),
    /// What looks between the waves said no, in these words.
    Check(String),
}

impl Stopped {
    /// One word for it: `canary`, `failures` or `check`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Canary(_) => "canary",
            Self::Failures(_) => "failures",
            Self::Check(_) => "check",
        }
    }
}

/// In one line.
impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Canary(name) => write!(f, "the canary `{name}` failed"),
            Self::Failures(1) => write!(f, "a database failed"),
            Self::Failures(failed) => write!(f, "{failed} databases failed"),
            Self::Check(why) => write!(f, "the check between two waves failed: {why}"),
        }
    }
}

/// A run in the middle of it.
pub(crate) struct Rolling<'r, 'm> {
    migrator: &'r Migrator<'m>,
    goal: Goal,
    slots: Slots,
    brake: Brake<'r>,
    databases: Vec<Progress<'r, 'm>>,
    /// Databases that the run is not about, where something waits for one of them.
    others: Vec<(&'r DatabaseName, Option<Known<'m>>)>,
}

/// One database on its way.
struct Progress<'r, 'm> {
    target: &'r Target,
    /// What the survey found, until the work there begins.
    asked: Option<Asked<'m>>,
    /// What it has and what is pending, where that could be found out.
    known: Option<Known<'m>>,
    /// What may be applied there and is not to be taken back, where nothing could be found out.
    feared: Option<Known<'m>>,
    /// What is routed there and was not applied when the run began.
    unapplied: Vec<Version>,
    done: Vec<AppliedStep>,
    applied_before: usize,
    /// How it ended; `None` as long as it may go on.
    outcome: Option<Outcome>,
    is_told: bool,
}

/// Whether anything new is started.
struct Brake<'r> {
    rollout: &'r Rollout,
    failed: AtomicUsize,
    stopped: OnceLock<Stopped>,
}

impl Brake<'_> {
    fn is_on(&self) -> bool {
        self.stopped.get().is_some()
    }

    /// Counts a database that failed; says what that stops.
    fn count(&self, database: &DatabaseName) -> Option<&Stopped> {
        let failed = self.failed.fetch_add(1, Ordering::Relaxed) + 1;
        if self.rollout.canary.contains(database) {
            return self.stop(Stopped::Canary(database.clone()));
        }
        match self.rollout.on_failure {
            OnFailure::StopAbove(most) if failed > most => self.stop(Stopped::Failures(failed)),
            OnFailure::StopAbove(_) | OnFailure::Continue => None,
        }
    }

    /// Stops, if nothing else has.
    fn stop(&self, why: Stopped) -> Option<&Stopped> {
        self.stopped.set(why).ok().and_then(|()| self.stopped.get())
    }
}

impl<'r, 'm> Rolling<'r, 'm> {
    /// Surveys all databases and plans for them. One that has to be refused is a reason to write nothing
    /// anywhere, unless the others are to go on.
    pub(crate) async fn survey(migrator: &'r Migrator<'m>, goal: Goal) -> Self {
        let fleet = &migrator.fleet;
        let slots = Slots::new(&migrator.rollout, fleet.targets.iter().chain(fleet.others()));
        let question = Question { goal, ..migrator.question(slots.fit(&fleet.targets)) };
        // A survey writes nothing, so one that is not wanted any more can be left where it is.
        let asked: Vec<Option<Asked<'m>>> = tokio::select! {
            biased;
            asked = ask(&fleet.targets, question, &slots) => asked.into_iter().map(Some).collect(),
            () = migrator.interrupter.is_at_least(Urgency::Drain) => fleet.targets.iter().map(|_| None).collect(),
        };
        let progress = |(target, asked)| Progress::new(migrator, goal, target, asked);
        let databases = fleet.targets.iter().zip(asked).map(progress).collect();
        let brake =
            Brake { rollout: &migrator.rollout, failed: AtomicUsize::new(0), stopped: OnceLock::new() };
        let mut rolling = Self { migrator, goal, slots, brake, databases, others: Vec::new() };
        let selected = |one: &'_ Progress<'r, 'm>| Some((&one.target.database.name, one.known.clone()?));
        let selected: Vec<_> = rolling.databases.iter().filter_map(selected).collect();
        rolling.others = ask_others(migrator, goal, &rolling.slots, &selected).await;
        rolling
    }

    /// Applies what is pending.
    pub(crate) async fn apply(&mut self) {
        let planned = order(&self.parts());
        let goes_on = self.brake.rollout.on_failure == OnFailure::Continue;
        if !goes_on {
            for Blocked { part, blocker, .. } in planned.blocked {
                self.databases[part].outcome = Some(Outcome::Refused(vec![Reason::Waits(blocker)]));
            }
        }
        self.tell_finished();
        let is_refused = |one: &Progress<'_, '_>| matches!(one.outcome, Some(Outcome::Refused(_)));
        if self.is_to_end() || (!goes_on && self.databases.iter().any(is_refused)) {
            return;
        }
        self.tell_planned();
        let stages = planned.stages.len();
        for number in 1..=stages {
            // What failed meanwhile is waited for in vain.
            let stage = next_stage(&self.parts());
            let is_over = stage.iter().all(Range::is_empty);
            if is_over || !self.stage(&stage, (number, stages)).await {
                return;
            }
        }
    }

    /// What every database did.
    pub(crate) fn finish(mut self) -> (Vec<DatabaseReport>, Option<Stopped>) {
        let blocked = if self.is_to_end() { Vec::new() } else { order(&self.parts()).blocked };
        for Blocked { part, blocker, .. } in blocked {
            self.databases[part].outcome.get_or_insert(Outcome::Waits(blocker));
        }
        let is_interrupted = self.migrator.interrupter.is_draining();
        for database in &mut self.databases {
            if !database.is_over() {
                database.outcome = Some(match (database.done.is_empty(), is_interrupted) {
                    (true, _) => Outcome::NotStarted,
                    (false, true) => Outcome::Interrupted,
                    (false, false) => Outcome::Halted,
                });
            }
        }
        self.tell_finished();
        let direction = self.goal.direction();
        let reports = self.databases.iter().map(|one| one.report(direction)).collect();
        (reports, self.brake.stopped.into_inner())
    }

    fn tell_planned(&self) {
        let pending = || self.databases.iter().filter(|one| one.outcome.is_none()).map(Progress::pending);
        self.migrator.tell(&Event::RunPlanned {
            direction: self.goal.direction(),
            databases: pending().filter(|pending| *pending > 0).count(),
            of: self.databases.len(),
            migrations: pending().sum(),
        });
    }

    fn is_to_end(&self) -> bool {
        self.brake.is_on() || self.migrator.interrupter.is_draining()
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let own = self.databases.iter().map(|one| Part {
            database: &one.target.database.name,
            known: one.known.as_ref().or(one.feared.as_ref()),
            runs: one.outcome.is_none(),
        });
        let others =
            self.others.iter().map(|(database, known)| Part { database, known: known.as_ref(), runs: false });
        own.chain(others).collect()
    }

    /// Everything that can be done now; says whether anything comes behind it.
    async fn stage(&mut self, stage: &Stage, (number, stages): (usize, usize)) -> bool {
        let members: Vec<usize> =
            (0..self.databases.len()).filter(|index| !stage[*index].is_empty()).collect();
        let names: Vec<_> =
            members.iter().map(|index| &self.databases[*index].target.database.name).collect();
        let waves = self.brake.rollout.waves(&names);
        let of = waves.len();
        for (index, wave) in waves.into_iter().enumerate() {
            let wave: Vec<usize> = wave.into_iter().map(|position| members[position]).collect();
            let targets: Vec<&'r Target> = wave.iter().map(|index| self.databases[*index].target).collect();
            let about = Wave {
                number: index + 1,
                of,
                stage: number,
                stages,
                databases: targets.iter().map(|target| &target.database.name).collect(),
            };
            if self.is_to_end() {
                return false;
            }
            self.close_all_but(&wave).await;
            self.migrator.tell(&Event::WaveStarted(&about));
            self.wave(&wave, stage).await;
            let is_last = index + 1 == of && number == stages;
            if !is_last && !self.is_to_end() && !self.migrator.may_go_on(&about, &self.brake).await {
                return false;
            }
        }
        !self.is_to_end()
    }

    /// What the survey left open for a later wave would idle for as long as this one takes.
    async fn close_all_but(&mut self, wave: &[usize]) {
        for (index, one) in self.databases.iter_mut().enumerate() {
            if !wave.contains(&index)
                && let Some(session) = one.asked.as_mut().and_then(|asked| asked.session.take())
            {
                session.close().await;
            }
        }
    }

    async fn wave(&mut self, wave: &[usize], stage: &[Range<usize>]) {
        let Self { migrator, goal, slots, brake, databases, .. } = self;
        let mut databases: Vec<Option<&mut Progress<'r, 'm>>> = databases.iter_mut().map(Some).collect();
        let mut work: Vec<(&Target, BoxFuture<'_, ()>)> = Vec::new();
        for index in wave {
            if let Some(database) = databases[*index].take() {
                let count = stage[*index].len();
                work.push((database.target, Box::pin(migrator.advance(*goal, database, count, brake))));
            }
        }
        slots.run(1, work).await;
    }

    fn tell_finished(&mut self) {
        let direction = self.goal.direction();
        for database in self.databases.iter_mut().filter(|database| database.is_over()) {
            database.tell(self.migrator, direction);
        }
    }
}

impl<'r, 'm> Progress<'r, 'm> {
    fn new(migrator: &Migrator<'m>, goal: Goal, target: &'r Target, asked: Option<Asked<'m>>) -> Self {
        let mut progress = Self {
            target,
            asked: None,
            known: None,
            feared: None,
            unapplied: Vec::new(),
            done: Vec::new(),
            applied_before: 0,
            outcome: None,
            is_told: false,
        };
        match asked {
            None => progress.outcome = Some(Outcome::NotStarted),
            Some(Asked { standing: Err(reasons), .. }) => {
                progress.feared = feared(migrator, goal, &target.database);
                progress.outcome = Some(Outcome::Refused(reasons));
            }
            Some(asked) => {
                if let Ok(plan) = &asked.standing {
                    progress.known = Some(known(goal, plan));
                    progress.applied_before = plan.applied.len();
                    let applied: BTreeSet<Version> =
                        plan.applied.iter().map(|applied| applied.version).collect();
                    let routed = migrator.migrations.routed_to(&target.database);
                    let versions = routed.map(|migration| migration.version);
                    progress.unapplied = versions.filter(|version| !applied.contains(version)).collect();
                }
                progress.asked = Some(asked);
            }
        }
        progress
    }

    fn pending(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.pending.len())
    }

    /// Whether nothing more is done here.
    fn is_over(&self) -> bool {
        self.outcome.is_some() || self.pending() == 0
    }

    fn report(&self, direction: Direction) -> DatabaseReport {
        let database = &self.target.database;
        let (applied, taken_back) = match direction {
            Direction::Up => (self.done.clone(), Vec::new()),
            Direction::Down => (Vec::new(), self.done.clone()),
        };
        DatabaseReport {
            name: database.name.clone(),
            group: database.group.clone(),
            pending: self.known.is_some().then(|| self.pending_at_the_end(&applied, &taken_back)),
            applied,
            taken_back,
            applied_before: self.applied_before,
            outcome: self.outcome.clone().unwrap_or(Outcome::Done),
        }
    }

    /// What is not applied by now.
    fn pending_at_the_end(&self, applied: &[AppliedStep], taken_back: &[AppliedStep]) -> Vec<Version> {
        let taken_back = taken_back.iter().map(|step| step.version);
        let is_pending = |version: &Version| applied.iter().all(|step| step.version != *version);
        let mut pending: Vec<_> =
            self.unapplied.iter().copied().filter(is_pending).chain(taken_back).collect();
        pending.sort_unstable();
        pending
    }

    /// Tells that it is over, once.
    fn tell(&mut self, migrator: &Migrator<'_>, direction: Direction) {
        if !std::mem::replace(&mut self.is_told, true) {
            migrator.tell(&Event::DatabaseFinished(&self.report(direction)));
        }
    }
}

impl<'m> Migrator<'m> {
    /// The pause and the check behind a wave.
    async fn may_go_on(&self, wave: &Wave<'_>, brake: &Brake<'_>) -> bool {
        let pause = self.rollout.pause;
        if !pause.is_zero() {
            self.tell(&Event::WavePaused { pause });
            if !self.pause(pause).await {
                return false;
            }
        }
        let checked = match (&self.between_waves, &self.rollout.check) {
            (Some(check), _) => check(wave).await,
            (None, Some(command)) => check::run(command, wave).await,
            (None, None) => Ok(()),
        };
        let Err(why) = checked else { return true };
        if let Some(stopped) = brake.stop(Stopped::Check(why)) {
            self.tell(&Event::RolloutStopped(stopped));
        }
        false
    }

    /// Applies the next few migrations of one database, or takes them back.
    async fn advance(&self, goal: Goal, progress: &mut Progress<'_, 'm>, count: usize, brake: &Brake<'_>) {
        if brake.is_on() || self.interrupter.is_draining() {
            return;
        }
        let target = progress.target;
        let Some(known) = &mut progress.known else { return };
        let versions: BTreeSet<Version> =
            known.pending[..count].iter().map(|pending| pending.version).collect();
        let (asked, is_first) = match progress.asked.take() {
            Some(asked) => (asked, true),
            // What is behind a barrier begins with what is there by now.
            None => (ask_one(target, Question { goal, ..self.question(true) }).await, false),
        };
        let outcome = match asked {
            Asked { standing: Ok(mut plan), facts: Some(facts), session } => {
                plan.steps.retain(|step| versions.contains(&step.migration.version));
                let database = &target.database.name;
                self.tell(&Event::DatabaseStarted { database, pending: plan.steps.len() });
                let mut one = OneDatabase::new(self, target, session, facts, goal, versions);
                let outcome = one.run(plan).await;
                if is_first {
                    progress.applied_before = one.applied_before;
                }
                progress.done.append(&mut one.done);
                outcome
            }
            Asked { standing: Ok(_), .. } => Outcome::NotStarted,
            Asked { standing: Err(reasons), .. } => Outcome::Refused(reasons),
        };
        match outcome {
            Outcome::Done => known.finish(count),
            outcome => {
                if matches!(outcome, Outcome::Failed(_) | Outcome::Refused(_))
                    && let Some(stopped) = brake.count(&target.database.name)
                {
                    self.tell(&Event::RolloutStopped(stopped));
                }
                progress.outcome = Some(outcome);
            }
        }
        if progress.is_over() {
            progress.tell(self, goal.direction());
        }
    }
}
