//! Every event is what the published schema says. The documents are compared with it where processes print them,
//! in the crate of tests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sharded_migrations_core::rollout::Blocker;
use sharded_migrations_core::set::Stale;
use sharded_migrations_core::source::SourceFile;
use sharded_migrations_core::{DatabaseName, Direction, GroupName, Version};

use super::json::line;
use super::samples::migration;
use crate::adopt::{Mismatch, Tool};
use crate::error::{DatabaseError, StepError};
use crate::event::{Event, Wave};
use crate::interrupt::Urgency;
use crate::report::{AppliedStep, DatabaseReport, Outcome, Reason, Report};
use crate::rollout::Stopped;

const SCHEMA: &str = include_str!("../../../docs/json-schema.json");

fn error() -> DatabaseError {
    let mut error = DatabaseError::new("canceling statement due to lock timeout").help("try again");
    error.sqlstate = Some("55P03".into());
    error.notes.push("DETAIL: none".into());
    error
}

fn step_error(offset: Option<usize>) -> Outcome {
    Outcome::Failed(Box::new(StepError {
        database: DatabaseName::embedded("users_01"),
        version: Version::embedded(12),
        name: "add_email".into(),
        error: error(),
        source: Arc::new(SourceFile { path: "V12__add_email.sql".into(), text: "SELECT 1".into() }),
        offset,
    }))
}

fn report(group: Option<GroupName>, outcome: Outcome) -> DatabaseReport {
    let applied =
        AppliedStep { version: Version::embedded(1), name: "a".into(), elapsed: Duration::ZERO, rows: None };
    let name = DatabaseName::embedded("users_01");
    let (applied, taken_back) = (vec![applied], Vec::new());
    DatabaseReport { name, group, applied, taken_back, pending: None, applied_before: 3, outcome }
}

/// The events as lines; each kind at least once, each of its fields with and without a value.
fn lines() -> Vec<Value> {
    let (users_01, migration, error) =
        (DatabaseName::embedded("users_01"), migration(12, "add_email"), error());
    let database = &users_01;
    let migration = &migration;
    let blocker = || Blocker::Barrier { database: users_01.clone(), pending: None };
    let group = || Some(GroupName::embedded("users"));
    let reasons = vec![
        Reason::Error(error.clone()),
        Reason::Error(DatabaseError::new("without help")),
        Reason::SameDatabase(users_01.clone()),
        Reason::Adoption(Mismatch::NoTable { from: Tool::Sqlx.into() }),
        Reason::Waits(blocker()),
    ];
    let outcomes = [
        Outcome::Done,
        step_error(Some(7)),
        step_error(None),
        Outcome::Refused(reasons),
        Outcome::NotStarted,
        Outcome::Halted,
        Outcome::Waits(blocker()),
        Outcome::Interrupted,
    ];
    let reports: Vec<DatabaseReport> = outcomes
        .into_iter()
        .map(|outcome| report(group(), outcome))
        .chain([report(None, Outcome::Done)])
        .collect();
    let stops = [Stopped::Canary(users_01.clone()), Stopped::Failures(2), Stopped::Check("no".into())];
    let run = |stopped: Option<Stopped>| Report {
        direction: Direction::Up,
        databases: reports.clone(),
        elapsed: Duration::from_secs(1),
        interrupted: false,
        stopped,
    };
    let runs = [run(None), run(Some(stops[0].clone()))];
    let stale = Stale { added: vec!["V1__a.sql".into()], removed: Vec::new() };
    let wave = Wave { number: 1, of: 2, stage: 1, stages: 1, databases: vec![database] };
    let pause = Duration::from_millis(1_500);
    let mut events = vec![
        Event::StaleBinary(&stale),
        Event::RunPlanned { direction: Direction::Up, databases: 1, of: 2, migrations: 3 },
        Event::RunPlanned { direction: Direction::Down, databases: 1, of: 2, migrations: 3 },
        Event::WaveStarted(&wave),
        Event::WavePaused { pause },
        Event::DatabaseStarted { database, pending: 2 },
        Event::LockWaiting { database, holder: Some("pid 12 (app)") },
        Event::LockWaiting { database, holder: None },
        Event::TableLockWaiting { database, migration, holder: "pid 12 (app)" },
        Event::TableLockGiven { database, migration },
        Event::MigrationStarted { database, migration },
        Event::MigrationApplied { database, migration, elapsed: pause, rows: None },
        Event::MigrationApplied { database, migration, elapsed: pause, rows: Some(2) },
        Event::MigrationTakenBack { database, migration, elapsed: pause, rows: None },
        Event::MigrationTakenBack { database, migration, elapsed: pause, rows: Some(2) },
        Event::MigrationProgress { database, migration, done: 1_200, of: 50_000 },
        Event::MigrationRetried { database, migration, error: &error, pause },
        Event::Interrupted(Urgency::Drain),
        Event::Interrupted(Urgency::Cancel),
    ];
    events.extend(stops.iter().map(Event::RolloutStopped));
    events.extend(reports.iter().map(Event::DatabaseFinished));
    events.extend(runs.iter().map(Event::RunFinished));
    events.iter().map(line).collect()
}

#[test]
fn every_event_is_what_the_schema_says() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines = lines();
    for line in &lines {
        assert!(validator.is_valid(line), "{line:#}\n{:#?}", validator.validate(line));
        // And the schema says something: what is missing or unknown is noticed.
        let mut with_more = line.clone();
        with_more["unheard_of"] = Value::Null;
        assert!(!validator.is_valid(&with_more), "{with_more:#}");
        for key in line.as_object().unwrap().keys() {
            let mut with_less = line.clone();
            with_less.as_object_mut().unwrap().remove(key);
            assert!(!validator.is_valid(&with_less), "{key} may be missing in {line:#}");
        }
    }
    let kinds = |events: &[Value]| -> BTreeSet<String> {
        events.iter().map(|event| event.as_str().unwrap().to_owned()).collect()
    };
    let described: Vec<Value> = schema["$defs"]["event"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reference| reference["$ref"].as_str().unwrap().replace("#/$defs/", "").into())
        .collect();
    let told: Vec<Value> = lines.iter().map(|line| line["event"].clone()).collect();
    assert_eq!(kinds(&told), kinds(&described), "each kind of event is here and there");
}
