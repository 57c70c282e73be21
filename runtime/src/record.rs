//! Recording without running: what migrations would make is there already, made by another tool or by hand.

mod initial;

use async_trait::async_trait;
use sharded_migrations_core::plan::unrecorded;
use sharded_migrations_core::{HistoryRow, Migration, Refusal, State, Version};

use crate::amend::{Action, Amendment, Amendments};
use crate::engine::{Change, Facts, RowChange, Session};
use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::fleet::Target;
use crate::report::Reason;
use crate::survey::{Goal, Question, plan_from};
use initial::Initial;

/// What was recorded on every database.
pub type Records = Amendments<Recorded>;

/// A migration that counts as applied, and was not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its version.
    pub version: Version,
    /// Its name.
    pub name: String,
}

/// Which migrations are recorded.
pub(crate) enum Record {
    /// All up to and with a version, where there is no history yet.
    Baseline(Version),
    /// All that are pending.
    Fake,
    /// All up to and with a version, where there is no history yet, and all is there that they make.
    Initial(Version),
}

impl Migrator<'_> {
    /// Begins the history of databases that were there before it: records all migrations routed to each, up to
    /// and with this version, as applied, and runs none. The next run goes on behind them.
    ///
    /// A database where all of them are applied is left alone. One that has a part of them, or any other history,
    /// is refused, and then nothing is changed anywhere: there [`fake`](Self::fake) records what is pending. So is an SQLite
    /// file that does not exist.
    pub async fn baseline(&self, to: Version) -> Records {
        self.amend(&Record::Baseline(to), false).await
    }

    /// What [`baseline`](Self::baseline) would do. Nothing is written.
    pub async fn plan_baseline(&self, to: Version) -> Records {
        self.amend(&Record::Baseline(to), true).await
    }

    /// Records what is pending, up to [`to`](Self::to) where it is given, as applied, and runs nothing. It is for
    /// what was done by hand; a migration that comes late counts as pending too.
    ///
    /// A database whose history does not fit the set is refused, and then nothing is changed anywhere. So is an SQLite file
    /// that does not exist.
    pub async fn fake(&self) -> Records {
        self.amend(&Record::Fake, false).await
    }

    /// What [`fake`](Self::fake) would do. Nothing is written.
    pub async fn plan_fake(&self) -> Records {
        self.amend(&Record::Fake, true).await
    }

    /// Begins the history of those databases that were there before it, in a fleet where others are new: where
    /// there is no history, and every table and column is there that the migrations up to and with this version
    /// would leave behind, these are recorded as applied. Where none of these tables is there, nothing is
    /// recorded, and a [`run`](Self::run) applies them.
    ///
    /// A database that has a part of them is refused with what it lacks, and then nothing is changed anywhere. It
    /// is looked for tables and columns by their names, and for nothing else.
    pub async fn fake_initial(&self, to: Version) -> Records {
        self.amend(&Record::Initial(to), false).await
    }

    /// What [`fake_initial`](Self::fake_initial) would do. Nothing is written.
    pub async fn plan_fake_initial(&self, to: Version) -> Records {
        self.amend(&Record::Initial(to), true).await
    }
}

#[async_trait]
impl Amendment for Record {
    type Change = RowChange;
    type Row = Recorded;

    fn action(&self) -> Action {
        match self {
            Self::Baseline(_) => Action::Baseline,
            Self::Fake => Action::Fake,
            Self::Initial(_) => Action::FakeInitial,
        }
    }

    async fn decide(
        &self,
        migrator: &Migrator<'_>,
        target: &Target,
        session: &mut dyn Session,
        facts: &Facts,
    ) -> Result<Vec<(RowChange, Recorded)>, Vec<Reason>> {
        let to = match self {
            Self::Baseline(to) | Self::Initial(to) => Some(*to),
            Self::Fake => migrator.to,
        };
        if let Self::Initial(_) = self
            && !facts.history.is_empty()
        {
            return Ok(Vec::new());
        }
        let question = Question { goal: Goal::Up(to), ..migrator.question(false) };
        refuse_what_does_not_fit(target, facts, question)?;
        let mut pending = unrecorded(&migrator.migrations.migrations, &target.database, &facts.history);
        pending.retain(|migration| to.is_none_or(|to| migration.version <= to));
        match (self, facts.history.len(), pending.first()) {
            (Self::Baseline(_) | Self::Fake, _, Some(_)) if !facts.exists => {
                return Err(vec![is_absent(facts)]);
            }
            (Self::Baseline(to), rows @ 1.., Some(first)) => return Err(vec![has_history(rows, first, *to)]),
            (Self::Initial(_), _, Some(_)) => match initial::look(session, &pending).await? {
                Initial::New => pending.clear(),
                Initial::There => {}
            },
            _ => {}
        }
        Ok(pending.into_iter().map(|migration| record(migration, None, None)).collect())
    }
}

/// A late migration fits: that it was applied by hand is what is to be said. One that has begun does not: its
/// row says how far it came.
pub(crate) fn refuse_what_does_not_fit(
    target: &Target,
    facts: &Facts,
    question: Question<'_>,
) -> Result<(), Vec<Reason>> {
    let is_late = |reason: &Reason| matches!(reason, Reason::History(Refusal::OutOfOrder { .. }));
    let mut reasons = plan_from(target, &facts.history, question).err().unwrap_or_default();
    reasons.retain(|reason| !is_late(reason));
    if reasons.is_empty() {
        reasons.extend(facts.history.iter().filter(|row| row.state != State::Applied).map(has_begun));
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

fn has_begun(row: &HistoryRow) -> Reason {
    let message = format!(
        "{} `{}` has begun: {} of its statements are done, outside a transaction",
        row.version, row.name, row.statements_done
    );
    Reason::Error(DatabaseError::new(message).help("let a run finish it first: it goes on where it stopped"))
}

fn has_history(rows: usize, first: &Migration, to: Version) -> Reason {
    let message = format!(
        "it has a history already, of {rows} migration{}, and {first} is not in it",
        if rows == 1 { "" } else { "s" }
    );
    Reason::Error(DatabaseError::new(message).help(format!(
        "a baseline begins a history: `--migrate` runs what is pending, and `--migrate --fake --to {to}` records it \
         without running"
    )))
}

/// What is not there has nothing that could count as applied: it is the URL that is wrong, or what is asked for.
fn is_absent(facts: &Facts) -> Reason {
    let message = format!("there is no database `{}`, and so nothing to record of it", facts.identity);
    Reason::Error(DatabaseError::new(message).help(
        "is the path right that its URL has? where the database is new, `--migrate` makes it and applies everything",
    ))
}

/// A migration counts as applied since then, or since now.
pub(crate) fn record(
    migration: &Migration,
    applied_at: Option<String>,
    detail: Option<String>,
) -> (RowChange, Recorded) {
    let (version, name) = (migration.version, migration.name.to_string());
    let change = Change::Recorded {
        checksum: migration.checksum,
        statements: u32::try_from(migration.statements.len()).unwrap_or(u32::MAX),
        applied_at,
    };
    (RowChange { version, name: name.clone(), change, detail }, Recorded { version, name })
}
