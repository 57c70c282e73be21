//! A migration that is written in Rust: its function is given the session for as long as it runs.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use sharded_migrations_core::Migration;
use sharded_migrations_core::plan::{Start, Step};
use tokio::sync::mpsc;

use crate::engine::{Progress, Rows, Stop};
use crate::error::DatabaseError;
use crate::event::Event;
use crate::migrate::{Halt, OneDatabase};
use crate::step::{Context, Error, Mode, StepFunction, Told};

/// How a function ended.
enum End {
    Done,
    Failed(DatabaseError),
    /// It was told that the run is to end, and did.
    Interrupted,
}

impl<'m> OneDatabase<'_, 'm> {
    /// Runs a migration that is one transaction with its history row.
    pub(crate) async fn whole_code(&mut self, step: &Step<'m>) -> Result<(), Halt<'m>> {
        let migration = step.migration;
        let (work, since) = (self.work(*step), self.since());
        let failed = |error| Halt::Failed { step: work.step, error: work.failed(error) };
        let function = linked(migration).map_err(failed)?;
        let text = work.text().map_err(failed)?;
        let (database, started) = (&self.target.database.name, Instant::now());
        self.migrator.tell(&Event::MigrationStarted { database, migration });
        let session = self.session().await.map_err(Halt::Unusable)?;
        let began = session.begin(&work.step(&text), since).await;
        began.map_err(|Stop { why, .. }| Halt::at(why, failed))?;
        let (end, passed_over) = self.call(migration, function, Mode::Whole).await.map_err(failed)?;
        let session = self.session().await.map_err(Halt::Unusable)?;
        match end {
            End::Done => {
                let committed = session.commit(&work.step(&text), since, started).await;
                let elapsed = started.elapsed();
                // Where the answer was lost, the history says what became of it.
                self.sent(*step, elapsed);
                committed.map_err(|Stop { why, .. }| {
                    Halt::at(why, |error| {
                        failed(DatabaseError { notes: with(error.notes, passed_over), ..error })
                    })
                })?;
                self.confirm(1);
                Ok(())
            }
            End::Failed(error) => {
                session.roll_back().await;
                Err(failed(error))
            }
            End::Interrupted => {
                session.roll_back().await;
                Err(Halt::Interrupted)
            }
        }
    }

    /// Runs what is left of one that commits in parts. The session has the migration lock.
    pub(crate) async fn code_in_parts(&mut self, step: &Step<'m>) -> Result<(), Halt<'m>> {
        let migration = step.migration;
        let work = self.work(*step);
        let failed = |error| Halt::Failed { step: work.step, error: work.failed(error) };
        let function = linked(migration).map_err(failed)?;
        let (database, started) = (&self.target.database.name, Instant::now());
        self.migrator.tell(&Event::MigrationStarted { database, migration });
        match step.start {
            Start::Fresh => {
                self.record(&work, Progress::Started(self.since())).await?;
                self.has_changed(self.since().with(migration.version));
            }
            Start::Resumed { .. } => self.record(&work, Progress::Resumed(0)).await?,
        }
        let session = self.session().await.map_err(Halt::Unusable)?;
        let checkpoint = session.checkpoint(migration.version).await.map_err(failed)?;
        let parts = Mode::Parts { checkpoint, is_open: false };
        let (end, _) = self.call(migration, function, parts).await.map_err(failed)?;
        // What it has begun and not committed.
        self.session().await.map_err(Halt::Unusable)?.roll_back().await;
        let elapsed = started.elapsed();
        match end {
            End::Done => {
                self.record(&work, Progress::Finished(elapsed)).await?;
                self.note_done(*step, elapsed, Rows::Unknown);
                Ok(())
            }
            // The next run goes on from the checkpoint, also where this cannot be recorded.
            End::Failed(error) => {
                let _ = self.record(&work, Progress::Paused(0)).await;
                Err(failed(error))
            }
            End::Interrupted => {
                self.record(&work, Progress::Paused(0)).await?;
                Err(Halt::Interrupted)
            }
        }
    }

    /// Calls the function of a migration. It has the session meanwhile: when the run is dropped, it is dropped with it, and
    /// with that the lock and what is not committed. Says how it ended, and of the first error of its SQL.
    async fn call(
        &mut self,
        migration: &'m Migration,
        function: &StepFunction,
        mode: Mode,
    ) -> Result<(End, Option<DatabaseError>), DatabaseError> {
        self.session().await?;
        let Some(session) = self.session.take() else {
            return Err(DatabaseError::new("there is no session"));
        };
        let (migrator, target, server) = (self.migrator, self.target, self.facts.server.clone());
        let database = &target.database.name;
        let canceller = session.canceller();
        let (tell, mut told) = mpsc::unbounded_channel();
        let on = (&target.database, target.engine);
        let mut context = Context::new(session, on, migration, mode, tell, migrator.interrupter.clone());
        let show = |Told { done, of }| {
            migrator.tell(&Event::MigrationProgress { database, migration, done, of });
        };
        let ran = {
            let work = AssertUnwindSafe((function.0)(&mut context)).catch_unwind();
            let work = migrator.interruptible(canceller, work);
            let work = migrator.watched_for_locks(target, &server, || Some(migration), work);
            let mut work = std::pin::pin!(work);
            loop {
                tokio::select! {
                    biased;
                    Some(progress) = told.recv() => show(progress),
                    ran = &mut work => break ran,
                }
            }
        };
        while let Ok(progress) = told.try_recv() {
            show(progress);
        }
        let ended = context.end();
        self.session = Some(ended.session);
        let end = match ran {
            _ if ended.is_interrupted => End::Interrupted,
            Ok(Ok(())) => End::Done,
            Ok(Err(error)) => End::Failed(described(&error, ended.failure.as_ref())),
            Err(panic) => End::Failed(panicked(panic.as_ref())),
        };
        Ok((end, ended.failure))
    }
}

/// The function of a migration, as this program was built with it.
fn linked(migration: &Migration) -> Result<&'static StepFunction, DatabaseError> {
    migration.code.as_ref().and_then(|code| code.run()).ok_or_else(|| {
        DatabaseError::new("this program has read the file of the step, and was not built with it")
            .help("run it by the application that embeds it")
    })
}

/// An error of a step: what a database said, in full, or what the step says itself.
fn described(error: &Error, failure: Option<&DatabaseError>) -> DatabaseError {
    let error: &(dyn std::error::Error + 'static) = error.as_ref();
    if let Some(said) = error.downcast_ref::<DatabaseError>() {
        return said.clone();
    }
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let (text, said) = (inner.to_string(), inner.downcast_ref::<DatabaseError>());
        if !message.contains(&text) {
            message.push_str(&format!(": {}", said.map_or(&text, |said| &said.message)));
        }
        if let Some(said) = said {
            return DatabaseError { message, ..said.clone() };
        }
        cause = inner.source();
    }
    let said = DatabaseError::new(message);
    let Some(failure) = failure else { return said };
    // In other words, perhaps, but it is what stopped the step.
    let (is_transient, is_cancelled) = (failure.is_transient, failure.is_cancelled);
    DatabaseError { notes: with(said.notes, Some(failure.clone())), is_transient, is_cancelled, ..said }
}

/// With the error that the step itself has not handed on.
fn with(mut notes: Vec<String>, passed_over: Option<DatabaseError>) -> Vec<String> {
    notes.extend(passed_over.map(|error| format!("the database had said: {error}")));
    notes
}

/// A panic ends its step, and nothing else.
fn panicked(panic: &(dyn Any + Send)) -> DatabaseError {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    DatabaseError::new(format!("the step panicked: {}", text.unwrap_or("it did not say why"))).help(
        "an error that is returned (`?`) says more; the backtrace is on standard error (`RUST_BACKTRACE=1`)",
    )
}
