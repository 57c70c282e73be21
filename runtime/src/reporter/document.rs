//! JSON for programs: one document for what a verb other than `apply` has found.

use serde_json::{Value, json};
use sharded_migrations_core::{
    Database, DatabaseName, EngineKind, GroupName, HistoryRow, Locks, Migration, Start, Step, TableLock,
};

use super::json::{FORMAT, migration, reason};
use crate::amend::{Amended, AmendedDatabase, Amendments};
use crate::audit::{AuditRecord, Audits};
use crate::error::DatabaseError;
use crate::history::{Histories, HistoryRecord};
use crate::planned::{BlockedStep, PlannedPart, PlannedStage, RolloutPlan};
use crate::readiness::{DatabaseReadiness, Readiness, Verdict};
use crate::record::Recorded;
use crate::repair::{Difference, Next, Settled};
use crate::survey::{Survey, Surveyed};
use crate::trail::Trails;

/// One verb's result.
fn document(verb: &str, databases: impl Iterator<Item = Value>, exit_code: u8) -> Value {
    let databases: Vec<Value> = databases.collect();
    json!({ "format": FORMAT, "verb": verb, "databases": databases, "exit_code": exit_code })
}

fn database(name: &DatabaseName, group: Option<&GroupName>) -> Value {
    json!({ "database": name.as_str(), "group": group.map(|group| group.as_str()) })
}

/// What is applied and what is pending.
pub(crate) fn status(survey: &Survey<'_>, exit_code: u8) -> Value {
    document("status", survey.databases.iter().map(|database| surveyed(database, None)), exit_code)
}

fn surveyed(surveyed: &Surveyed<'_>, text: Option<TextOf<'_>>) -> Value {
    let mut value = database(&surveyed.database.name, surveyed.database.group.as_ref());
    value["history"] = surveyed.history.iter().map(row).collect();
    match &surveyed.standing {
        Ok(plan) => value["pending"] = plan.steps.iter().map(|one| step(surveyed, one, text)).collect(),
        Err(reasons) => value["refused"] = reasons.iter().map(reason).collect(),
    }
    value
}

fn row(row: &HistoryRow) -> Value {
    json!({ "version": row.version.get(), "name": row.name, "state": row.state.as_str() })
}

fn step(surveyed: &Surveyed<'_>, step: &Step<'_>, text: Option<TextOf<'_>>) -> Value {
    let mut value = migration(step.migration);
    value["file"] = json!(step.script.file);
    value["transaction"] = json!(!step.is_outside());
    value["statements_done"] = json!(match step.start {
        Start::Fresh => 0,
        Start::Resumed { done, .. } => done,
    });
    value["locks"] = locks(surveyed, step).map_or(Value::Null, |locks| {
        let tables = locks
            .tables()
            .map(|TableLock { table, level }| json!({ "table": table, "level": level.as_str() }));
        json!({ "tables": tables.collect::<Vec<_>>(), "whole": locks.is_whole })
    });
    if let Some(text) = text {
        value["sql"] = json!(text(surveyed, step));
    }
    value
}

/// What a step locks, where the database has locks on tables.
pub(crate) fn locks<'m>(surveyed: &Surveyed<'m>, step: &Step<'m>) -> Option<&'m Locks> {
    let is_sqlite = surveyed.database.declared_engine() == Some(EngineKind::Sqlite);
    step.script.locks.filter(|_| !is_sqlite)
}

/// What a verb would do, and in which order; with `text`, also what each database would get.
pub(crate) fn plan(verb: &str, plan: &RolloutPlan<'_>, text: Option<TextOf<'_>>) -> Value {
    let databases = plan.survey.databases.iter().map(|database| surveyed(database, text));
    let mut value = document(verb, databases, plan.exit_code());
    value["stages"] = plan.stages.iter().map(stage).collect();
    value["blocked"] = plan.blocked.iter().map(blocked).collect();
    value
}

/// The text of a step on a database.
pub(crate) type TextOf<'t> = &'t dyn Fn(&Surveyed<'_>, &Step<'_>) -> String;

fn stage(stage: &PlannedStage<'_>) -> Value {
    let part = |part: &PlannedPart<'_>| {
        let versions: Vec<i64> = part.steps.iter().map(|step| step.migration.version.get()).collect();
        json!({ "database": part.database.as_str(), "versions": versions })
    };
    let wave =
        |wave: &Vec<PlannedPart<'_>>| json!({ "databases": wave.iter().map(part).collect::<Vec<_>>() });
    json!({ "waves": stage.waves.iter().map(wave).collect::<Vec<_>>() })
}

fn blocked(blocked: &BlockedStep<'_>) -> Value {
    json!({
        "database": blocked.database.as_str(),
        "migration": migration(blocked.step.migration),
        "message": blocked.blocker.to_string(),
    })
}

/// Whether all is up to date.
pub(crate) fn check(readiness: &Readiness) -> Value {
    let one = |DatabaseReadiness { name, group, verdict }: &DatabaseReadiness| {
        let mut value = database(name, group.as_ref());
        value["verdict"] = json!(verdict.kind());
        value["pending"] = match verdict {
            Verdict::UpToDate => json!(0),
            Verdict::Pending(steps) => json!(steps),
            Verdict::Drift(_) | Verdict::Refused(_) => Value::Null,
        };
        value["reasons"] = verdict.reasons().iter().map(reason).collect();
        value
    };
    document("check", readiness.databases.iter().map(one), readiness.exit_code())
}

/// What was applied when, and by whom.
pub(crate) fn history(histories: &Histories) -> Value {
    trails("history", histories, record)
}

/// What was changed by hand, and taken back.
pub(crate) fn audit(audits: &Audits) -> Value {
    trails("audit", audits, audited)
}

fn trails<T>(verb: &str, trails: &Trails<T>, record: fn(&T) -> Value) -> Value {
    let databases = trails.databases.iter().map(|trail| {
        let mut value = database(&trail.name, trail.group.as_ref());
        match &trail.records {
            Ok(records) => value["records"] = records.iter().map(record).collect(),
            Err(error) => value["error"] = self::error(error),
        }
        value
    });
    document(verb, databases, trails.exit_code())
}

fn audited(record: &AuditRecord) -> Value {
    json!({
        "id": record.id,
        "at": record.at,
        "who": record.who,
        "host": record.host,
        "application_version": record.application_version,
        "action": record.action,
        "version": record.version.get(),
        "name": record.name,
        "detail": record.detail,
    })
}

fn record(record: &HistoryRecord) -> Value {
    let mut value = row(&record.row);
    value["checksum"] = json!(record.row.checksum.to_string());
    value["statements_done"] = json!(record.row.statements_done);
    value["applied_at"] = json!(record.applied_at);
    value["execution_ms"] = json!(record.execution.as_millis());
    value["applied_by"] = json!(record.applied_by);
    value["host"] = json!(record.host);
    value["application_version"] = json!(record.application_version);
    value
}

/// The text of a migration on a database.
pub(crate) struct Text<'m> {
    pub(crate) database: &'m Database,
    pub(crate) migration: &'m Migration,
    /// The file that it is of: the migration's, or its reverse file.
    pub(crate) file: &'m str,
    pub(crate) sql: String,
}

/// The text of a migration on databases.
pub(crate) fn sql(texts: &[Text<'_>], exit_code: u8) -> Value {
    let one = |Text { database: on, migration: of, file, sql }: &Text<'_>| {
        let mut value = database(&on.name, on.group.as_ref());
        value["migration"] = migration(of);
        value["migration"]["file"] = json!(file);
        value["sql"] = json!(sql);
        value
    };
    document("sql", texts.iter().map(one), exit_code)
}

/// What a verb changed by hand, or would.
pub(crate) fn amendments<T>(verb: &str, amendments: &Amendments<T>, row: fn(&T) -> Value) -> Value {
    let databases = amendments.databases.iter().map(|AmendedDatabase { name, group, outcome, notes }| {
        let mut value = database(name, group.as_ref());
        value["outcome"] = json!(outcome.kind());
        value["changes"] = outcome.changes().iter().map(row).collect();
        if !notes.is_empty() {
            value["notes"] = json!(notes);
        }
        match outcome {
            Amended::Refused(reasons) => value["refused"] = reasons.iter().map(reason).collect(),
            Amended::Failed(error) => value["error"] = self::error(error),
            Amended::Done(_) | Amended::NotStarted => {}
        }
        value
    });
    let mut value = document(verb, databases, amendments.exit_code());
    value["action"] = json!(amendments.action.as_str());
    value["dry_run"] = json!(amendments.dry_run);
    value
}

/// A migration that was dirty, or would be no more.
pub(crate) fn settled(settled: &Settled) -> Value {
    let statement = match &settled.next {
        Next::Statement(place) => Some(place),
        _ => None,
    };
    let difference = match &settled.next {
        Next::Accepted(Difference { file, renamed, edited }) => json!({
            "file": file,
            "renamed": renamed.as_ref().map(|(was, is)| json!({ "was": was, "is": is })),
            "edited": edited.map(|(was, is)| json!({ "was": was.to_string(), "is": is.to_string() })),
        }),
        _ => Value::Null,
    };
    json!({
        "version": settled.version.get(),
        "name": settled.name,
        "next": settled.next.kind(),
        "statement": statement,
        "difference": difference,
    })
}

/// A migration that is recorded, or would be.
pub(crate) fn recorded(recorded: &Recorded) -> Value {
    json!({ "version": recorded.version.get(), "name": recorded.name })
}

fn error(error: &DatabaseError) -> Value {
    json!({
        "message": error.message,
        "sqlstate": error.sqlstate,
        "notes": error.notes,
        "help": error.help,
    })
}
