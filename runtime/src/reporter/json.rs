//! JSON for programs: a line for each event of a run. What other verbs find is one document, see
//! [`document`](super::document). `format` is the version of the shape.

use std::io::Write;

use serde_json::{Value, json};
use sharded_migrations_core::Migration;

use super::{Out, Reporter};
use crate::event::Event;
use crate::interrupt::Urgency;
use crate::report::{DatabaseReport, Outcome, Reason};

pub(super) const FORMAT: u32 = 1;

/// Events as JSON lines.
pub(crate) struct Json<O>(Out<O>);

impl<O: Write> Json<O> {
    pub(crate) fn new(out: O) -> Self {
        Self(Out::new(out))
    }
}

impl<O: Write + Send> Reporter for Json<O> {
    fn event(&self, event: &Event<'_>) {
        self.0.write(&format!("{}\n", line(event)));
    }
}

pub(super) fn line(event: &Event<'_>) -> Value {
    let mut value = match event {
        Event::StaleBinary(stale) => {
            json!({ "event": "stale_binary", "added": stale.added, "removed": stale.removed })
        }
        Event::RunPlanned { direction, databases, of, migrations } => json!({
            "event": "run_planned",
            "direction": direction.as_str(),
            "databases": databases,
            "of": of,
            "migrations": migrations,
        }),
        Event::WaveStarted(wave) => json!({
            "event": "wave_started",
            "wave": wave.number,
            "waves": wave.of,
            "stage": wave.stage,
            "stages": wave.stages,
            "databases": wave.databases.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        }),
        Event::WavePaused { pause } => json!({ "event": "wave_paused", "pause_ms": pause.as_millis() }),
        Event::RolloutStopped(why) => {
            json!({ "event": "rollout_stopped", "kind": why.kind(), "message": why.to_string() })
        }
        Event::DatabaseStarted { database, pending } => {
            json!({ "event": "database_started", "database": database.as_str(), "pending": pending })
        }
        Event::LockWaiting { database, holder } => {
            json!({ "event": "lock_waiting", "database": database.as_str(), "holder": holder })
        }
        Event::MigrationStarted { database, migration } => {
            json!({ "event": "migration_started", "database": database.as_str(), "migration": self::migration(migration) })
        }
        Event::MigrationApplied { database, migration, elapsed, rows } => json!({
            "event": "migration_applied",
            "database": database.as_str(),
            "migration": self::migration(migration),
            "elapsed_ms": elapsed.as_millis(),
            "rows": rows,
        }),
        Event::MigrationTakenBack { database, migration, elapsed, rows } => json!({
            "event": "migration_taken_back",
            "database": database.as_str(),
            "migration": self::migration(migration),
            "elapsed_ms": elapsed.as_millis(),
            "rows": rows,
        }),
        Event::TableLockWaiting { database, migration, holder } => json!({
            "event": "table_lock_waiting",
            "database": database.as_str(),
            "migration": self::migration(migration),
            "holder": holder,
        }),
        Event::TableLockGiven { database, migration } => json!({
            "event": "table_lock_given",
            "database": database.as_str(),
            "migration": self::migration(migration),
        }),
        Event::MigrationProgress { database, migration, done, of } => json!({
            "event": "migration_progress",
            "database": database.as_str(),
            "migration": self::migration(migration),
            "done": done,
            "of": of,
        }),
        Event::MigrationRetried { database, migration, error, pause } => json!({
            "event": "migration_retried",
            "database": database.as_str(),
            "migration": self::migration(migration),
            "message": error.message,
            "sqlstate": error.sqlstate,
            "pause_ms": pause.as_millis(),
        }),
        Event::Interrupted(urgency) => {
            json!({ "event": "interrupted", "cancelling": *urgency >= Urgency::Cancel })
        }
        Event::DatabaseFinished(report) => database(report),
        Event::RunFinished(report) => json!({
            "event": "run_finished",
            "applied": report.applied(),
            "taken_back": report.taken_back(),
            "databases": report.databases.len(),
            "elapsed_ms": report.elapsed.as_millis(),
            "stopped": report.stopped.as_ref().map(ToString::to_string),
            "exit_code": report.exit_code(),
        }),
    };
    value["format"] = json!(FORMAT);
    value
}

pub(super) fn migration(migration: &Migration) -> Value {
    json!({ "version": migration.version.get(), "name": migration.name, "file": migration.file })
}

fn database(report: &DatabaseReport) -> Value {
    let mut value = json!({
        "event": "database_finished",
        "database": report.name.as_str(),
        "group": report.group.as_ref().map(|group| group.as_str()),
        "applied": report.applied.len(),
        "taken_back": report.taken_back.len(),
        "applied_before": report.applied_before,
        "outcome": report.outcome.kind(),
    });
    match &report.outcome {
        Outcome::Failed(error) => {
            let position = error.position();
            value["failed"] = json!({
                "version": error.version.get(),
                "name": error.name,
                "file": error.path(),
                "line": position.map(|position| position.line),
                "column": position.map(|position| position.column),
                "message": error.error.message,
                "sqlstate": error.error.sqlstate,
                "notes": error.error.notes,
                "help": error.error.help,
            });
        }
        Outcome::Refused(reasons) => value["refused"] = reasons.iter().map(reason).collect(),
        Outcome::Waits(blocker) => value["waits"] = json!(blocker.to_string()),
        Outcome::Done | Outcome::NotStarted | Outcome::Halted | Outcome::Interrupted => {}
    }
    value
}

pub(super) fn reason(reason: &Reason) -> Value {
    json!({ "kind": reason.kind(), "message": reason.to_string(), "help": reason.help() })
}
