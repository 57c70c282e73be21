//! Things that happen, for tests.

use std::borrow::Cow;
use std::time::Duration;

use sharded_migrations_core::source::SourceFile;
use sharded_migrations_core::{
    Checksum, DatabaseName, GroupName, Kind, Migration, Route, Spans, Timeouts, Transaction, Version,
};

use crate::error::{DatabaseError, StepError};
use crate::report::{AppliedStep, DatabaseReport, Outcome};

pub(super) fn name(text: &str) -> DatabaseName {
    DatabaseName::new(text).unwrap()
}

pub(super) fn version(number: i64) -> Version {
    Version::new(number).unwrap()
}

pub(super) fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

pub(super) fn migration(number: i64, name: &str) -> Migration {
    Migration {
        version: version(number),
        name: name.to_owned().into(),
        file: format!("V{number}__{name}.sql").into(),
        kind: Kind::Ordered,
        checksum: Checksum([0; 32]),
        route: Route::Everywhere,
        rerouted: sharded_migrations_core::Rerouted::NONE,
        replaces: sharded_migrations_core::Replaces::NOTHING,
        transaction: Transaction::Whole,
        timeouts: Timeouts::default(),
        barrier: false,
        requires: Cow::Borrowed(&[]),
        vars: Cow::Borrowed(&[]),
        sql: "".into(),
        attributes: Spans::NONE,
        statements: Spans::NONE,
        outside: Cow::Borrowed(&[]),
        code: None,
        locks: None,
        tables: None,
        reverse: None,
    }
}

/// A database of the group `users`, with so many migrations applied, each in so many milliseconds.
pub(super) fn report(database: &str, applied: i64, elapsed: u64, outcome: Outcome) -> DatabaseReport {
    let step = |number| AppliedStep {
        version: version(number),
        name: format!("step_{number}"),
        elapsed: milliseconds(elapsed),
        rows: (number % 2 == 0).then_some(elapsed * 1_000),
    };
    DatabaseReport {
        name: name(database),
        group: Some(GroupName::new("users").unwrap()),
        applied: (1..=applied).map(step).collect(),
        taken_back: Vec::new(),
        applied_before: 0,
        pending: None,
        outcome,
    }
}

/// The failure of a migration of two lines, at its second one.
pub(super) fn failed(database: &str, number: i64, message: &str) -> Outcome {
    let text = "-- #[route(group = \"users\")]\nALTER TABLE gone ADD x int;\n";
    Outcome::Failed(Box::new(StepError {
        database: name(database),
        version: version(number),
        name: format!("step_{number}"),
        error: DatabaseError::new(message),
        source: SourceFile { path: format!("migrations/V{number}__step_{number}.sql"), text: text.into() }
            .into(),
        offset: Some(text.find("gone").unwrap()),
    }))
}

/// Without colours.
pub(super) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
