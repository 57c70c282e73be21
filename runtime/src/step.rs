//! One migration on one database, and where in the user's file it failed.

use std::sync::Arc;
use std::time::Instant;

use sharded_migrations_core::source::SourceFile;
use sharded_migrations_core::vars::{self, Expanded, MissingVar};
use sharded_migrations_core::{Database, Migration, Migrations, Transaction};

use crate::engine::{Progress, Session, Step, Who};
use crate::error::{DatabaseError, SqlPlace, StepError};

/// What is to be applied, where, and by whom.
pub(crate) struct StepWork<'a> {
    pub(crate) migrations: &'a Migrations,
    pub(crate) migration: &'a Migration,
    pub(crate) database: &'a Database,
    pub(crate) who: &'a Who,
}

impl StepWork<'_> {
    /// Applies and records it.
    pub(crate) async fn apply(&self, session: &mut dyn Session) -> Result<(), Box<StepError>> {
        let expanded = self.fill(&self.migration.sql)?;
        let step = Step { migration: self.migration, sql: &expanded.text, who: self.who };
        match self.migration.transaction {
            Transaction::Whole => session.apply(&step).await.map_err(|error| {
                let offset = match error.place {
                    Some(SqlPlace::Byte(byte)) => Some(expanded.source_offset(byte)),
                    Some(SqlPlace::Statement(index)) => {
                        self.migration.statements.get(index).map(|span| span.start)
                    }
                    None => None,
                };
                self.failed(error, offset)
            }),
            Transaction::None => self.apply_statements(session, &step).await,
        }
    }

    /// Outside a transaction: the history says how far it came.
    async fn apply_statements(
        &self,
        session: &mut dyn Session,
        step: &Step<'_>,
    ) -> Result<(), Box<StepError>> {
        let unplaced = |error| self.failed(error, None);
        let started = Instant::now();
        session.record(step, Progress::Started).await.map_err(unplaced)?;
        for (index, span) in self.migration.statements.iter().enumerate() {
            let statement = self.fill(&self.migration.sql[span.clone()])?;
            session.statement(&statement.text).await.map_err(|error| {
                let byte = match error.place {
                    Some(SqlPlace::Byte(byte)) => statement.source_offset(byte),
                    Some(SqlPlace::Statement(_)) | None => 0,
                };
                self.failed(error, Some(span.start + byte))
            })?;
            session.record(step, Progress::Statements(index + 1)).await.map_err(unplaced)?;
        }
        session.record(step, Progress::Applied(started.elapsed())).await.map_err(unplaced)
    }

    /// The text with this database's variables.
    fn fill<'s>(&self, sql: &'s str) -> Result<Expanded<'s>, Box<StepError>> {
        let missing = |error: MissingVar| self.failed(DatabaseError::new(error.to_string()), None);
        vars::expand(sql, &self.migration.vars, self.database).map_err(missing)
    }

    fn failed(&self, error: DatabaseError, offset: Option<usize>) -> Box<StepError> {
        let path = self.migrations.path(self.migration);
        Box::new(StepError {
            database: self.database.name.clone(),
            version: self.migration.version,
            name: self.migration.name.to_string(),
            error,
            source: Arc::new(SourceFile { path, text: self.migration.sql.to_string() }),
            offset,
        })
    }
}
