//! One migration on one database: its text there, its limits, and where in the user's file it failed.

use std::sync::Arc;
use std::time::Duration;

use sharded_migrations_core::plan::Step;
use sharded_migrations_core::source::{SourceFile, path_in};
use sharded_migrations_core::vars::{self, Expanded};
use sharded_migrations_core::{Database, Migrations, Text, Timeouts};

use crate::engine::{self, Who};
use crate::error::{DatabaseError, SqlPlace, StepError};

/// How long a statement waits for a lock, where neither the migration nor the run says: everybody who wants
/// the same table waits behind it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// What is to be applied or taken back, where, and by whom.
#[derive(Clone, Copy)]
pub(crate) struct StepWork<'a, 'm> {
    pub(crate) migrations: &'a Migrations,
    pub(crate) step: Step<'m>,
    pub(crate) database: &'a Database,
    pub(crate) limits: Timeouts,
    pub(crate) who: &'a Who,
}

impl<'a, 'm: 'a> StepWork<'a, 'm> {
    /// The whole text with this database's variables.
    pub(crate) fn text(&self) -> Result<Expanded<'a>, DatabaseError> {
        self.fill(self.step.script.sql)
    }

    /// One statement's text with this database's variables.
    pub(crate) fn statement(&self, index: usize) -> Result<Expanded<'a>, DatabaseError> {
        let script = self.step.script;
        let span = script.statements.get(index).unwrap_or_default();
        self.fill(&script.sql[span])
    }

    /// A name in it with this database's variables.
    pub(crate) fn name(&self, name: &'a str) -> Result<Text, DatabaseError> {
        Ok(self.fill(name)?.text.into_owned().into())
    }

    fn fill(&self, sql: &'a str) -> Result<Expanded<'a>, DatabaseError> {
        // What is written in Rust asks for its variables.
        let declared = if self.step.is_code() { &[] } else { self.step.script.vars };
        vars::expand(sql, declared, self.database).map_err(|missing| DatabaseError::new(missing.to_string()))
    }

    /// For the engine.
    pub(crate) fn step(&self, text: &'a Expanded<'_>) -> engine::Step<'a> {
        engine::Step {
            migration: self.step.migration,
            direction: self.step.direction,
            sql: &text.text,
            script: self.step.script,
            limits: self.limits(),
            who: self.who,
        }
    }

    /// The limits that hold: the header's, else the run's, else the default. What runs `CONCURRENTLY` has no
    /// default: it waits for the transactions of others for as long as they take, and nobody behind it.
    fn limits(&self) -> Timeouts {
        let waits_for_others = self.step.script.outside.iter().any(|statement| statement.concurrently);
        let default = (!waits_for_others).then_some(LOCK_TIMEOUT);
        let Timeouts { lock, statement } = self.step.script.timeouts;
        Timeouts {
            lock: lock.or(self.limits.lock).or(default),
            statement: statement.or(self.limits.statement),
        }
    }

    /// The failure of its text.
    pub(crate) fn failed(&self, error: DatabaseError) -> Box<StepError> {
        let offset = match (error.place, self.text()) {
            (Some(SqlPlace::Byte(byte)), Ok(text)) => Some(text.source_offset(byte)),
            (Some(SqlPlace::Statement(index)), _) => {
                self.step.script.statements.get(index).map(|span| span.start)
            }
            _ => None,
        };
        self.failed_at(error, offset)
    }

    /// The failure of one of its statements, run alone.
    pub(crate) fn statement_failed(&self, index: usize, error: DatabaseError) -> Box<StepError> {
        let start = self.step.script.statements.get(index).map(|span| span.start);
        let within = match (error.place, self.statement(index)) {
            (Some(SqlPlace::Byte(byte)), Ok(text)) => text.source_offset(byte),
            _ => 0,
        };
        self.failed_at(error, start.map(|start| start + within))
    }

    fn failed_at(&self, error: DatabaseError, offset: Option<usize>) -> Box<StepError> {
        let Step { migration, script, .. } = self.step;
        let path = path_in(&self.migrations.folder, script.file);
        Box::new(StepError {
            database: self.database.name.clone(),
            version: migration.version,
            name: migration.name.to_string(),
            error,
            source: Arc::new(SourceFile { path, text: script.sql.to_owned() }),
            offset,
        })
    }
}
