//! What a run would do, in the order in which it would: the plans of all databases, cut into stages and waves as
//! the run itself cuts them.

use std::ops::Range;

use sharded_migrations_core::rollout::{Blocker, Known, Part, Stage, order};
use sharded_migrations_core::{Back, DatabaseName, Direction, OnFailure, Rollout, Step};

use crate::executor::Migrator;
use crate::exit_code;
use crate::rollout::{ask_others, known};
use crate::slots::Slots;
use crate::survey::{Goal, Survey};

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutPlan<'m> {
    /// Whether migrations would be applied or taken back.
    pub direction: Direction,
    /// What each database has and what is pending there.
    pub survey: Survey<'m>,
    /// What would be done, one stage behind the other; a new one begins behind each barrier and requirement.
    pub stages: Vec<PlannedStage<'m>>,
    /// What could not begin, the first of each database.
    pub blocked: Vec<BlockedStep<'m>>,
    /// Whether what is refused or blocked keeps nothing else from being done.
    pub goes_on: bool,
}

/// What would be done before the next barrier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStage<'m> {
    /// Databases that would be migrated together, one wave behind the other.
    pub waves: Vec<Vec<PlannedPart<'m>>>,
}

/// What a wave would do on one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedPart<'m> {
    /// The database.
    pub database: DatabaseName,
    /// The migrations it would get.
    pub steps: Vec<Step<'m>>,
}

/// A migration that waits for what the run would not do before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedStep<'m> {
    /// The database.
    pub database: DatabaseName,
    /// The migration.
    pub step: Step<'m>,
    /// What it waits for.
    pub blocker: Blocker,
}

impl RolloutPlan<'_> {
    /// Whether every database could be planned, and nothing waits for what would not be done.
    pub fn is_clear(&self) -> bool {
        self.survey.is_clear() && self.blocked.is_empty()
    }

    /// The exit code for it; see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        if self.is_clear() { exit_code::DONE } else { exit_code::REFUSED }
    }
}

impl<'m> Migrator<'m> {
    /// Asks every database what it has, and says what a run would do now: stage by stage and wave by wave, as
    /// [`rollout`](Self::rollout) has it. Nothing is written.
    ///
    /// ```no_run
    /// # use sharded_migrations::{Fleet, Migrations, Migrator};
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// # async fn show(fleet: Fleet) {
    /// let plan = Migrator::new(&MIGRATIONS, fleet).plan().await;
    /// for wave in plan.stages.iter().flat_map(|stage| &stage.waves) {
    ///     for part in wave {
    ///         println!("{}: {} migrations", part.database, part.steps.len());
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn plan(&self) -> RolloutPlan<'m> {
        self.plan_for(Goal::Up(self.to)).await
    }

    /// Asks every database what it has, and says what [`down`](Self::down) would take back, as [`plan`](Self::plan)
    /// does. Nothing is written.
    pub async fn plan_down(&self, back: Back) -> RolloutPlan<'m> {
        self.plan_for(Goal::Down(back)).await
    }

    async fn plan_for(&self, goal: Goal) -> RolloutPlan<'m> {
        let survey = self.survey_for(goal).await;
        let own: Vec<Option<Known<'m>>> = survey
            .databases
            .iter()
            .map(|surveyed| surveyed.standing.as_ref().ok().map(|plan| known(goal, plan)))
            .collect();
        let slots = Slots::new(&self.rollout, self.fleet.targets.iter().chain(self.fleet.others()));
        let asked = survey.databases.iter().zip(&own);
        let asked: Vec<_> =
            asked.filter_map(|(surveyed, known)| Some((&surveyed.database.name, known.clone()?))).collect();
        let others = ask_others(self, goal, &slots, &asked).await;
        let selected = survey.databases.iter().zip(&own).map(|(surveyed, known)| Part {
            database: &surveyed.database.name,
            known: known.as_ref(),
            runs: known.is_some(),
        });
        let rest =
            others.iter().map(|(database, known)| Part { database, known: known.as_ref(), runs: false });
        let order = order(&selected.chain(rest).collect::<Vec<_>>());
        let stages = order.stages.iter().map(|stage| planned(&self.rollout, &survey, stage)).collect();
        let blocked = order.blocked.into_iter().filter_map(|blocked| {
            let surveyed = survey.databases.get(blocked.part)?;
            let step = *surveyed.standing.as_ref().ok()?.steps.get(blocked.step)?;
            Some(BlockedStep { database: surveyed.database.name.clone(), step, blocker: blocked.blocker })
        });
        let blocked = blocked.collect();
        let goes_on = self.rollout.on_failure == OnFailure::Continue;
        RolloutPlan { direction: goal.direction(), stages, blocked, goes_on, survey }
    }
}

/// The waves of a stage.
fn planned<'m>(rollout: &Rollout, survey: &Survey<'m>, stage: &Stage) -> PlannedStage<'m> {
    let part = |(surveyed, range): (&crate::Surveyed<'m>, &Range<usize>)| {
        let steps = surveyed.standing.as_ref().ok()?.steps.get(range.clone())?;
        let database = surveyed.database.name.clone();
        (!steps.is_empty()).then(|| PlannedPart { database, steps: steps.to_vec() })
    };
    let parts: Vec<PlannedPart<'m>> = survey.databases.iter().zip(stage).filter_map(part).collect();
    let names: Vec<&DatabaseName> = parts.iter().map(|part| &part.database).collect();
    let waves = rollout.waves(&names).into_iter();
    PlannedStage { waves: waves.map(|wave| wave.into_iter().map(|at| parts[at].clone()).collect()).collect() }
}
