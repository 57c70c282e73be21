//! What a verb asks for with the options that were typed, and which verbs an option is for.

use sharded_migrations_core::{Back, Version};

use super::args::{Options, Verb};
use crate::adopt::{Tool, ToolTable};
use crate::repair::Repair;

/// What to do, with what has to be said for it.
pub(super) enum Task<'o> {
    Apply,
    Plan,
    Status,
    Check,
    History,
    Audit,
    Sql(&'o str),
    Down(Verb, Back),
    Baseline(Version),
    Adopt(ToolTable),
    Fake,
    FakeInitial(Version),
    Repair(Repair),
    Reset,
}

impl Options {
    /// What a verb asks for with these options.
    pub(super) fn task(&self, verb: Verb) -> Result<Task<'_>, String> {
        if let Some(own) = self.own().iter().find(|own| own.is_given && !own.verbs.contains(&verb)) {
            let verbs: Vec<String> = own.verbs.iter().map(|verb| format!("`{}`", verb.name())).collect();
            return Err(format!("`--{}` is for {} alone", own.name, verbs.join(", ")));
        }
        Ok(match verb {
            Verb::Apply => self.apply()?,
            Verb::Plan => Task::Plan,
            Verb::Status => Task::Status,
            Verb::Check => Task::Check,
            Verb::History => Task::History,
            Verb::Audit => Task::Audit,
            Verb::Sql => {
                Task::Sql(self.migration.as_deref().ok_or(
                    "`sql` needs a migration: `--migration 12`, by its version, its name or its file",
                )?)
            }
            Verb::Down => Task::Down(
                verb,
                Back::To(self.to.ok_or(
                    "`down` needs a version: `--to 12` takes back all migrations above 12, which remains the newest; \
                     `--to 0` takes back all",
                )?),
            ),
            Verb::Redo => Task::Down(verb, self.to.map_or(Back::Newest, Back::To)),
            Verb::Baseline => Task::Baseline(self.to.ok_or(
                "`baseline` needs a version: `--to 12` records all migrations up to and with 12 as applied",
            )?),
            Verb::Adopt => Task::Adopt(self.adopted()?),
            Verb::Repair => Task::Repair(self.repair()?),
            Verb::Reset => Task::Reset,
        })
    }

    fn apply(&self) -> Result<Task<'_>, String> {
        match (self.fake, self.fake_initial) {
            // It does what `baseline` does: what has no effect there has none here.
            (true, None) => match self.own().iter().find(|own| own.is_given && own.is_of_a_run()) {
                Some(own) => {
                    Err(format!("`--{}` is about what a run does, and `--fake` runs nothing", own.name))
                }
                None => Ok(Task::Fake),
            },
            (true, Some(_)) => Err("`--fake` records what is pending without looking, and `--fake-initial` where all is \
                                    there: give one of them"
                .into()),
            (false, Some(to)) => Ok(Task::FakeInitial(to)),
            (false, None) if self.yes || self.dry_run => {
                Err("`apply` does not ask: `plan` shows what it would do, and `--yes` and `--dry-run` are for what \
                     changes the history by hand"
                    .into())
            }
            (false, None) => Ok(Task::Apply),
        }
    }

    fn adopted(&self) -> Result<ToolTable, String> {
        let tools = || Tool::ALL.map(Tool::name).join("|");
        let tool = self.from.ok_or_else(|| format!("`adopt` needs a tool: `--from {}`", tools()))?;
        match &self.table {
            Some(table) => ToolTable::named(tool, table).map_err(|error| format!("`--table`: {error}")),
            None => Ok(tool.into()),
        }
    }

    fn repair(&self) -> Result<Repair, String> {
        let said = [
            self.retry.then_some(Repair::Retry),
            self.applied.then_some(Repair::Applied),
            self.accept.map(Repair::Accept),
            self.forget.map(Repair::Forget),
            self.abandon.map(Repair::Abandon),
            self.taken_back.map(Repair::TakenBack),
            self.restored.map(Repair::Restored),
        ];
        let mut said = said.into_iter().flatten();
        match (said.next(), said.next()) {
            (Some(repair), None) => Ok(repair),
            _ => Err("`repair` needs one of these: for what is dirty, `--retry` where the statement in doubt was not \
                      done, or `--applied` where it was; `--accept VERSION` for what is divergent, `--forget VERSION` \
                      for what is missing, `--abandon VERSION` for what is misrouted; for what is taken back in part, \
                      `--taken-back VERSION` where the rest is gone too, or `--restored VERSION` where all is there \
                      again"
                .into()),
        }
    }

    /// The options that some verbs have and the others have not: whoever gives one to a verb where it has no effect
    /// expects something else of it. How results are shown may be said to all of them.
    fn own(&self) -> [Own; 30] {
        let own = |name, verbs, is_given| Own { name, verbs, is_given };
        let rollout = &self.rollout;
        [
            own("to", Verb::PLANNING, self.to.is_some()),
            own("jobs", Verb::CONNECTING, rollout.jobs.is_some()),
            own("per-server", Verb::CONNECTING, rollout.per_server.is_some()),
            own("canary", Verb::ROLLING, !rollout.canary.is_empty()),
            own("waves", Verb::ROLLING, !rollout.waves.is_empty()),
            own("pause", Verb::RUNNING, rollout.pause.is_some()),
            own("check", Verb::RUNNING, rollout.check.is_some()),
            own("max-failures", Verb::GOING_ON, rollout.max_failures.is_some()),
            own("on-failure", Verb::GOING_ON, rollout.on_failure.is_some()),
            own("connect-timeout", Verb::CONNECTING, self.connect_timeout.is_some()),
            own("lock-timeout", Verb::RUNNING, self.lock_timeout.is_some()),
            own("statement-timeout", Verb::RUNNING, self.statement_timeout.is_some()),
            own("lock-wait", Verb::BY_HAND, self.lock_wait.is_some()),
            own("retry-for", Verb::RUNNING, self.retry_for.is_some()),
            own("report", &[Verb::Apply, Verb::Down], self.report.is_some()),
            own("sql", &[Verb::Plan, Verb::Down, Verb::Redo], self.sql),
            own("migration", &[Verb::Sql], self.migration.is_some()),
            own("fake", &[Verb::Apply], self.fake),
            own("fake-initial", &[Verb::Apply], self.fake_initial.is_some()),
            own("from", &[Verb::Adopt], self.from.is_some()),
            own("table", &[Verb::Adopt], self.table.is_some()),
            own("retry", &[Verb::Repair], self.retry),
            own("applied", &[Verb::Repair], self.applied),
            own("accept", &[Verb::Repair], self.accept.is_some()),
            own("forget", &[Verb::Repair], self.forget.is_some()),
            own("abandon", &[Verb::Repair], self.abandon.is_some()),
            own("taken-back", &[Verb::Repair], self.taken_back.is_some()),
            own("restored", &[Verb::Repair], self.restored.is_some()),
            own("yes", Verb::BY_HAND, self.yes),
            own("dry-run", Verb::BY_HAND, self.dry_run),
        ]
    }

    /// The ids of these options, with their verbs.
    pub(super) fn own_ids() -> [(String, &'static [Verb]); 30] {
        Self::default().own().map(|own| (format!("migrate_{}", own.name.replace('-', "_")), own.verbs))
    }
}

/// An option of some verbs.
struct Own {
    name: &'static str,
    verbs: &'static [Verb],
    is_given: bool,
}

impl Own {
    /// Whether it has an effect only where migrations are run.
    fn is_of_a_run(&self) -> bool {
        !self.verbs.contains(&Verb::Baseline) && !matches!(self.name, "fake" | "fake-initial")
    }
}

impl Verb {
    /// Those that change the history by hand, or destroy something: they ask. `apply` does with `--fake`. All of them
    /// wait for the migration lock.
    const BY_HAND: &'static [Self] =
        &[Self::Apply, Self::Down, Self::Redo, Self::Baseline, Self::Adopt, Self::Repair, Self::Reset];

    /// Those that run migrations or their reverse files.
    const RUNNING: &'static [Self] = &[Self::Apply, Self::Down, Self::Redo];

    /// Those that show how that goes over the fleet, too.
    const ROLLING: &'static [Self] = &[Self::Apply, Self::Plan, Self::Down, Self::Redo];

    /// Those for which a database that is refused may not be the end.
    const GOING_ON: &'static [Self] =
        &[Self::Apply, Self::Plan, Self::Down, Self::Redo, Self::Baseline, Self::Adopt, Self::Repair];

    /// Those that are about versions, of which some may be left out.
    const PLANNING: &'static [Self] = &[
        Self::Apply,
        Self::Plan,
        Self::Status,
        Self::Check,
        Self::Down,
        Self::Redo,
        Self::Baseline,
        Self::Repair,
    ];

    /// Those that ask databases.
    const CONNECTING: &'static [Self] = &[
        Self::Apply,
        Self::Plan,
        Self::Status,
        Self::Check,
        Self::History,
        Self::Audit,
        Self::Down,
        Self::Redo,
        Self::Baseline,
        Self::Adopt,
        Self::Repair,
        Self::Reset,
    ];
}
