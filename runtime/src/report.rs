//! What every database of a run did.

use std::fmt;
use std::time::Duration;

use sharded_migrations_core::rollout::Blocker;
use sharded_migrations_core::{DatabaseName, Direction, GroupName, Refusal, Version};

use crate::adopt::Mismatch;
use crate::error::{DatabaseError, StepError};
use crate::exit_code;
use crate::rollout::Stopped;

/// The result of a run, of every database, also when it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Whether migrations were applied or taken back.
    pub direction: Direction,
    /// One entry for each selected database, in the fleet's order.
    pub databases: Vec<DatabaseReport>,
    /// How long the run took.
    pub elapsed: Duration,
    /// Whether it was told to end early; see [`Interrupter`](crate::Interrupter).
    pub interrupted: bool,
    /// Why nothing new was started any more.
    pub stopped: Option<Stopped>,
}

/// The result of one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseReport {
    /// The database.
    pub name: DatabaseName,
    /// Its group.
    pub group: Option<GroupName>,
    /// The migrations that were applied in this run, in order.
    pub applied: Vec<AppliedStep>,
    /// The migrations that were taken back in this run, in order.
    pub taken_back: Vec<AppliedStep>,
    /// How many of the migrations routed here had been applied before.
    pub applied_before: usize,
    /// The versions routed here that are not applied when the run is over; `None` where that could not be found out.
    pub pending: Option<Vec<Version>>,
    /// How it ended.
    pub outcome: Outcome,
}

/// A migration that was applied, or taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedStep {
    /// Its version.
    pub version: Version,
    /// Its name.
    pub name: String,
    /// How long it took, the way to the server and back included.
    pub elapsed: Duration,
    /// How many rows its statements changed, where that is known; see [`Event::MigrationApplied`](crate::Event::MigrationApplied).
    pub rows: Option<u64>,
}

/// How a database ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Everything routed here, up to the target, is applied; or what was to be taken back is.
    Done,
    /// A migration failed. What it did is rolled back, unless it ran outside a transaction.
    Failed(Box<StepError>),
    /// It was not touched, for these reasons.
    Refused(Vec<Reason>),
    /// It was not touched, because the run stopped before.
    NotStarted,
    /// The run stopped before all was done here: what is done is done, and the rest is as it was.
    Halted,
    /// What can be done here is; the rest waits for another database.
    Waits(Blocker),
    /// The run was told to end while this database was at work: what is done is done, and the rest is as it was.
    Interrupted,
}

/// Why a database is not touched.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It cannot be reached, or cannot say what it has.
    Error(DatabaseError),
    /// Its history and the embedded set don't fit together.
    History(Refusal),
    /// What another tool says of it and the embedded set don't fit together.
    Adoption(Mismatch),
    /// Another name of the fleet reaches the same database.
    SameDatabase(DatabaseName),
    /// A migration waits for another database, where this run does not apply what it waits for.
    Waits(Blocker),
}

impl Outcome {
    /// One word for it: `done`, `failed`, `refused`, `not_started`, `halted`, `waits` or `interrupted`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Refused(_) => "refused",
            Self::NotStarted => "not_started",
            Self::Halted => "halted",
            Self::Waits(_) => "waits",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Reason {
    /// One word for it: `error`, `same-database`, `waits`, or the word of what does not fit.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::History(refusal) => refusal.kind(),
            Self::Adoption(mismatch) => mismatch.kind(),
            Self::SameDatabase(_) => "same-database",
            Self::Waits(_) => "waits",
        }
    }
}

impl Reason {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Error(error) => error.help.clone(),
            Self::History(refusal) => Some(refusal.help()),
            Self::Adoption(mismatch) => Some(mismatch.help()),
            Self::SameDatabase(_) => {
                Some("give each name of the fleet a database of its own, or name it once".into())
            }
            Self::Waits(Blocker::RequiredBy { .. } | Blocker::BehindIt { .. }) => Some(
                "take that back first, or together with this: name both databases, and a `--to` below both"
                    .into(),
            ),
            Self::Waits(_) => Some("migrate that database first, or together with this one".into()),
        }
    }
}

/// What is wrong, in one line, without the help.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => write!(f, "{error}"),
            Self::History(refusal) => write!(f, "{refusal}"),
            Self::Adoption(mismatch) => write!(f, "{mismatch}"),
            Self::SameDatabase(other) => write!(f, "it is the same database as `{other}`"),
            Self::Waits(blocker) => match blocker {
                Blocker::RequiredBy { .. } | Blocker::BehindIt { .. } => {
                    write!(f, "a migration cannot be taken back: {blocker}")
                }
                _ => write!(f, "a migration cannot begin: {blocker}"),
            },
        }
    }
}

impl DatabaseReport {
    /// Whether it is as it should be.
    pub fn is_done(&self) -> bool {
        self.outcome == Outcome::Done
    }

    /// What was done: applied or taken back, as a run does one of them.
    pub fn steps(&self) -> &[AppliedStep] {
        if self.taken_back.is_empty() { &self.applied } else { &self.taken_back }
    }
}

impl Report {
    /// How many migrations were applied, on all databases together.
    pub fn applied(&self) -> usize {
        self.databases.iter().map(|database| database.applied.len()).sum()
    }

    /// How many migrations were taken back, on all databases together.
    pub fn taken_back(&self) -> usize {
        self.databases.iter().map(|database| database.taken_back.len()).sum()
    }

    /// The migrations that failed; what failed alike on several databases comes once, with the others' names.
    pub fn failures(&self) -> Vec<(&StepError, Vec<&DatabaseName>)> {
        let mut alike: Vec<(&StepError, Vec<&DatabaseName>)> = Vec::new();
        for database in &self.databases {
            let Outcome::Failed(error) = &database.outcome else { continue };
            match alike.iter_mut().find(|(first, _)| first.is_alike(error)) {
                Some((_, others)) => others.push(&database.name),
                None => alike.push((error, Vec::new())),
            }
        }
        alike
    }

    /// The exit code for it; see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        let any = |is: fn(&DatabaseReport) -> bool| self.databases.iter().any(is);
        if self.databases.iter().all(DatabaseReport::is_done) {
            exit_code::DONE
        } else if self.interrupted {
            exit_code::INTERRUPTED
        } else if self.applied() + self.taken_back() == 0
            && !any(|database| matches!(database.outcome, Outcome::Failed(_)))
        {
            exit_code::REFUSED
        } else if any(|database| database.is_done() && !database.steps().is_empty())
            || any(|database| {
                matches!(database.outcome, Outcome::NotStarted | Outcome::Halted | Outcome::Waits(_))
            })
        {
            exit_code::PARTLY_FAILED
        } else {
            exit_code::FAILED
        }
    }

    pub(crate) fn into_result(self) -> Result<Self, RunError> {
        if self.databases.iter().all(DatabaseReport::is_done) {
            Ok(self)
        } else {
            Err(RunError { report: self })
        }
    }
}

/// A run that did not end well everywhere; it carries what every database did.
#[derive(Clone, PartialEq, Eq)]
pub struct RunError {
    /// The whole result.
    pub report: Report,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let databases = &self.report.databases;
        let failed = databases.iter().filter(|database| !database.is_done()).count();
        let what = match self.report.direction {
            Direction::Up => "are not migrated",
            Direction::Down => "are not taken back as far as they were to be",
        };
        write!(f, "{failed} of {} databases {what}", databases.len())?;
        for database in databases {
            match &database.outcome {
                Outcome::Done | Outcome::NotStarted | Outcome::Halted | Outcome::Interrupted => {}
                Outcome::Waits(blocker) => write!(f, "\n{}: {blocker}", database.name)?,
                Outcome::Failed(error) => write!(f, "\n{error}")?,
                Outcome::Refused(reasons) => {
                    for reason in reasons {
                        write!(f, "\n{}: {reason}", database.name)?;
                        reason.help().iter().try_for_each(|help| write!(f, "\n  help: {help}"))?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// As it is displayed: it is what `main` prints of an error that it returns.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for RunError {}

#[cfg(test)]
mod tests {
    use super::*;
    use sharded_migrations_core::source::SourceFile;

    fn failed() -> Outcome {
        Outcome::Failed(Box::new(StepError {
            database: DatabaseName::embedded("x"),
            version: Version::new(1).unwrap(),
            name: "a".into(),
            error: DatabaseError::new("no"),
            source: SourceFile { path: "V1__a.sql".into(), text: String::new() }.into(),
            offset: None,
        }))
    }

    fn refused() -> Outcome {
        Outcome::Refused(vec![Reason::Error(DatabaseError::new("no"))])
    }

    fn code(databases: &[(Outcome, usize)]) -> u8 {
        let report = |(outcome, applied): &(Outcome, usize)| DatabaseReport {
            name: DatabaseName::embedded("x"),
            group: None,
            applied: vec![
                AppliedStep {
                    version: Version::new(1).unwrap(),
                    name: "a".into(),
                    elapsed: Duration::ZERO,
                    rows: None,
                };
                *applied
            ],
            taken_back: Vec::new(),
            applied_before: 0,
            pending: None,
            outcome: outcome.clone(),
        };
        Report {
            direction: Direction::Up,
            databases: databases.iter().map(report).collect(),
            elapsed: Duration::ZERO,
            interrupted: false,
            stopped: None,
        }
        .exit_code()
    }

    #[test]
    fn exit_codes_say_what_happened() {
        use Outcome::{Done, NotStarted};
        assert_eq!(code(&[(Done, 0), (Done, 3)]), exit_code::DONE);
        assert_eq!(code(&[(refused(), 0), (NotStarted, 0)]), exit_code::REFUSED);
        assert_eq!(code(&[(refused(), 0), (Done, 0)]), exit_code::REFUSED, "nothing was pending there");
        assert_eq!(code(&[(refused(), 0), (Done, 1)]), exit_code::PARTLY_FAILED, "refused under the lock");
        assert_eq!(code(&[(failed(), 1), (Done, 1)]), exit_code::PARTLY_FAILED);
        assert_eq!(code(&[(failed(), 0), (failed(), 2)]), exit_code::FAILED);
        assert_eq!(code(&[(failed(), 0), (Done, 0)]), exit_code::FAILED, "the other one had no work");
        assert_eq!(code(&[(failed(), 0), (NotStarted, 0)]), exit_code::PARTLY_FAILED);
    }
}
