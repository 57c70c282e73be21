//! Events as spans of the crate `tracing`: one for each database at work, one below it for each migration.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sharded_migrations_core::{DatabaseName, GroupName, Version};
use tracing::{Span, error, error_span, info, info_span, warn};

use crate::event::Event;
use crate::report::{DatabaseReport, Outcome};

/// The spans that are open.
#[derive(Default)]
pub(crate) struct Trace(Mutex<HashMap<DatabaseName, Open>>);

/// A database at work. Several of its migrations may be open: those that are sent at once are told of together
/// when all are applied.
struct Open {
    database: Span,
    migrations: Vec<(Version, Span)>,
}

impl Open {
    fn new(database: &DatabaseName, group: Option<&GroupName>) -> Self {
        let group = group.map(GroupName::as_str);
        let span =
            error_span!("database", database = database.as_str(), group, outcome = tracing::field::Empty);
        Self { database: span, migrations: Vec::new() }
    }

    /// The span of a migration; the database's where it has none.
    fn migration(&self, version: Version) -> &Span {
        let open = self.migrations.iter().rev().find(|(of, _)| *of == version);
        open.map_or(&self.database, |(_, span)| span)
    }
}

impl Trace {
    /// Shows an event; `group` finds the group of a database.
    pub(crate) fn event<'g>(
        &self,
        event: &Event<'_>,
        group: impl Fn(&DatabaseName) -> Option<&'g GroupName>,
    ) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = &mut *open;
        match event {
            Event::StaleBinary(stale) => {
                warn!(added = ?stale.added, removed = ?stale.removed, "this binary was built from other migration files");
            }
            Event::RunPlanned { direction, databases, of, migrations } => {
                info!(direction = direction.as_str(), databases, of, migrations, "planned");
            }
            Event::WaveStarted(wave) => {
                let (wave, waves, databases) = (wave.number, wave.of, wave.databases.len());
                info!(wave, waves, databases, "a wave begins");
            }
            Event::WavePaused { pause } => info!(?pause, "a pause between two waves"),
            Event::RolloutStopped(why) => error!(%why, "nothing new is started"),
            Event::Interrupted(urgency) => warn!(?urgency, "interrupted"),
            Event::DatabaseStarted { database, pending } => {
                info!(parent: &of(open, database, &group).database, pending, "started");
            }
            Event::LockWaiting { database, holder } => {
                warn!(parent: &of(open, database, &group).database, holder, "waits for the migration lock");
            }
            Event::MigrationStarted { database, migration } => {
                let open = of(open, database, &group);
                let (version, name) = (migration.version.get(), &*migration.name);
                let span = info_span!(parent: &open.database, "migration", version, migration = name);
                open.migrations.push((migration.version, span));
            }
            Event::MigrationApplied { database, migration, elapsed, rows } => {
                let open = of(open, database, &group);
                info!(parent: open.migration(migration.version), ?elapsed, rows, "applied");
                open.migrations.retain(|(version, _)| *version != migration.version);
            }
            Event::MigrationTakenBack { database, migration, elapsed, rows } => {
                let open = of(open, database, &group);
                info!(parent: open.migration(migration.version), ?elapsed, rows, "taken back");
                open.migrations.retain(|(version, _)| *version != migration.version);
            }
            Event::TableLockWaiting { database, migration, holder } => {
                let open = of(open, database, &group);
                warn!(parent: open.migration(migration.version), holder, "waits for a lock");
            }
            Event::TableLockGiven { database, migration } => {
                info!(parent: of(open, database, &group).migration(migration.version), "goes on");
            }
            Event::MigrationProgress { database, migration, done: steps, of: all } => {
                let (open, done, total) = (of(open, database, &group), *steps, *all);
                info!(parent: open.migration(migration.version), done, total, "progress");
            }
            Event::MigrationRetried { database, migration, error, pause } => {
                let open = of(open, database, &group);
                warn!(parent: open.migration(migration.version), %error, ?pause, "is tried again");
                open.migrations.retain(|(version, _)| *version != migration.version);
            }
            Event::DatabaseFinished(report) => {
                finished(of(open, &report.name, &group), report);
                open.remove(&report.name);
            }
            Event::RunFinished(report) => {
                let (applied, taken_back) = (report.applied(), report.taken_back());
                let databases = report.databases.len();
                info!(applied, taken_back, databases, elapsed = ?report.elapsed, exit_code = report.exit_code(), "finished");
            }
        }
    }
}

fn of<'o, 'g>(
    open: &'o mut HashMap<DatabaseName, Open>,
    database: &DatabaseName,
    group: impl Fn(&DatabaseName) -> Option<&'g GroupName>,
) -> &'o mut Open {
    open.entry(database.clone()).or_insert_with(|| Open::new(database, group(database)))
}

fn finished(open: &Open, report: &DatabaseReport) {
    let span = &open.database;
    let (applied, taken_back) = (report.applied.len(), report.taken_back.len());
    let outcome = report.outcome.kind();
    span.record("outcome", outcome);
    match &report.outcome {
        Outcome::Done => info!(parent: span, applied, taken_back, outcome, "finished"),
        Outcome::Failed(failure) => {
            let error = &failure.error;
            error!(parent: open.migration(failure.version), applied, taken_back, outcome, %error, "failed");
        }
        Outcome::Refused(reasons) => {
            for reason in reasons {
                error!(parent: span, outcome, %reason, "refused");
            }
        }
        Outcome::NotStarted | Outcome::Halted | Outcome::Waits(_) | Outcome::Interrupted => {
            warn!(parent: span, applied, taken_back, outcome, "not finished");
        }
    }
}
