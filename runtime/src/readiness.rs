//! Whether all databases are up to date: for a readiness probe, at the price of a connection and a turn each.

use sharded_migrations_core::{DatabaseName, GroupName};

use crate::executor::Migrator;
use crate::exit_code;
use crate::report::Reason;
use crate::slots::Slots;
use crate::survey::look;

/// How the databases stand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it says whether all is up to date"]
pub struct Readiness {
    /// One entry for each selected database, in the fleet's order.
    pub databases: Vec<DatabaseReadiness>,
}

/// How one database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseReadiness {
    /// The database.
    pub name: DatabaseName,
    /// Its group.
    pub group: Option<GroupName>,
    /// How it stands.
    pub verdict: Verdict,
}

/// How a database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// All that is routed here is applied.
    UpToDate,
    /// So many migrations are pending, or are being applied by another process now.
    Pending(usize),
    /// Its history does not fit this binary: divergent, missing, misrouted, out of order or dirty. A binary that
    /// is older than the database finds `missing` here.
    Drift(Vec<Reason>),
    /// It cannot be asked, or no run would touch it: it is not reachable, or a replica, or another name of a
    /// database that was asked already.
    Refused(Vec<Reason>),
}

impl Verdict {
    /// One word for it: `up-to-date`, `pending`, `drift` or `refused`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UpToDate => "up-to-date",
            Self::Pending(_) => "pending",
            Self::Drift(_) => "drift",
            Self::Refused(_) => "refused",
        }
    }

    /// Why it is not merely up to date or behind.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::UpToDate | Self::Pending(_) => &[],
            Self::Drift(reasons) | Self::Refused(reasons) => reasons,
        }
    }
}

impl Readiness {
    /// Whether every database is up to date.
    pub fn is_up_to_date(&self) -> bool {
        self.databases.iter().all(|database| database.verdict == Verdict::UpToDate)
    }

    /// The exit code for it; see [`exit_code`]. What cannot be asked weighs more than what is behind: to migrate
    /// would not help it.
    pub fn exit_code(&self) -> u8 {
        if self.databases.iter().any(|database| matches!(database.verdict, Verdict::Refused(_))) {
            exit_code::REFUSED
        } else if self.is_up_to_date() {
            exit_code::DONE
        } else {
            exit_code::PENDING
        }
    }
}

impl Migrator<'_> {
    /// Says whether every database is up to date, up to [`to`](Self::to) where it is given. Nothing is written;
    /// beyond connecting, it costs a turn a database.
    ///
    /// ```no_run
    /// # use sharded_migrations::{Fleet, Migrations, Migrator};
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// # async fn is_ready(fleet: Fleet) -> bool {
    /// Migrator::new(&MIGRATIONS, fleet).check().await.is_up_to_date()
    /// # }
    /// ```
    pub async fn check(&self) -> Readiness {
        self.warn_if_stale();
        let slots = Slots::new(&self.rollout, &self.fleet.targets);
        let asked = look(&self.fleet.targets, self.question(false), &slots).await;
        let standings = asked.into_iter().map(|asked| asked.standing);
        let databases = self.fleet.databases().zip(standings).map(|(database, standing)| DatabaseReadiness {
            name: database.name.clone(),
            group: database.group.clone(),
            verdict: match standing {
                Ok(plan) if plan.steps.is_empty() => Verdict::UpToDate,
                Ok(plan) => Verdict::Pending(plan.steps.len()),
                Err(reasons) if reasons.iter().all(is_of_history) => Verdict::Drift(reasons),
                Err(reasons) => Verdict::Refused(reasons),
            },
        });
        Readiness { databases: databases.collect() }
    }
}

fn is_of_history(reason: &Reason) -> bool {
    matches!(reason, Reason::History(_))
}
