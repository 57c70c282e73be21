//! A migration outside a transaction, or its reverse file: statement by statement, with the history saying how far
//! it came.

use std::time::Instant;

use sharded_migrations_core::plan::{Start, Step};
use sharded_migrations_core::{Direction, Resume};

use crate::engine::{Found, Progress, Rows, Stop};
use crate::error::DatabaseError;
use crate::event::Event;
use crate::migrate::{Halt, OneDatabase};
use crate::work::StepWork;

impl<'m> OneDatabase<'_, 'm> {
    /// Runs what is left of it. The session has the migration lock.
    pub(crate) async fn outside(&mut self, step: &Step<'m>) -> Result<(), Halt<'m>> {
        let Step { migration, direction, script, .. } = *step;
        let work = self.work(*step);
        let database = &self.target.database.name;
        self.migrator.tell(&Event::MigrationStarted { database, migration });
        let started = Instant::now();
        // What an earlier run has changed is not known.
        let mut rows = if step.start == Start::Fresh { Rows::Nothing } else { Rows::Unknown };
        let mut done = match step.start {
            Start::Fresh => {
                self.record(&work, Progress::Started(self.since())).await?;
                if direction == Direction::Up {
                    self.has_changed(self.since().with(migration.version));
                }
                0
            }
            Start::Resumed { done, in_doubt } => {
                self.record(&work, Progress::Resumed(done)).await?;
                let is_setting = |index: &usize| {
                    script.outside.get(*index).is_some_and(|statement| statement.resume == Resume::Setting)
                };
                for index in (0..done).filter(is_setting) {
                    self.statement(&work, index, done).await?;
                }
                if in_doubt && self.look_for(&work, done).await? == Found::Done {
                    self.record(&work, Progress::Statements(done + 1)).await?;
                    done + 1
                } else {
                    done
                }
            }
        };
        while done < script.statements.len() {
            if self.migrator.interrupter.is_draining() {
                self.record(&work, Progress::Paused(done)).await?;
                return Err(Halt::Interrupted);
            }
            let count = self.statement(&work, done, done).await?;
            rows.add(script.statement(done).unwrap_or_default(), count);
            done += 1;
            self.record(&work, Progress::Statements(done)).await?;
        }
        let elapsed = started.elapsed();
        self.record(&work, Progress::Finished(elapsed)).await?;
        if direction == Direction::Down {
            self.has_changed(self.since().without(migration.version));
        }
        self.note_done(*step, elapsed, rows);
        Ok(())
    }

    async fn statement(
        &mut self,
        work: &StepWork<'_, 'm>,
        index: usize,
        done: usize,
    ) -> Result<u64, Halt<'m>> {
        let failed = |error| Halt::Failed { step: work.step, error: work.statement_failed(index, error) };
        let text = work.statement(index).map_err(failed)?;
        let (migrator, target, server) = (self.migrator, self.target, self.facts.server.clone());
        let session = self.session().await.map_err(failed)?;
        let canceller = session.canceller();
        let ran = migrator.interruptible(canceller, session.statement(&text.text));
        let ran = migrator.watched_for_locks(target, &server, || Some(work.step.migration), ran);
        let error = match ran.await {
            Ok(rows) => return Ok(rows),
            Err(error) => error,
        };
        // Where the server said no, what the statement did is undone, and the next run begins with it. Where
        // the connection is gone, this cannot be recorded either, and the statement stays in doubt.
        if work.step.script.outside.get(index).is_some_and(|statement| statement.is_atomic) {
            let _ = self.record(work, Progress::Paused(done)).await;
        }
        Err(failed(error))
    }

    /// What became of a statement that an earlier run may have been at.
    async fn look_for(&mut self, work: &StepWork<'_, 'm>, index: usize) -> Result<Found, Halt<'m>> {
        let failed = |error| Halt::Failed { step: work.step, error: work.statement_failed(index, error) };
        let what = match work.step.script.outside.get(index).map(|statement| &statement.resume) {
            None | Some(Resume::Again | Resume::Setting | Resume::Unknown) => return Ok(Found::Undone),
            Some(Resume::DropIndex { index }) => {
                work.name(index).map(|index| Resume::DropIndex { index }).map_err(failed)?
            }
            Some(Resume::CreateIndex { index, table }) => {
                let names = work.name(index).and_then(|index| Ok((index, work.name(table)?)));
                let (index, table) = names.map_err(failed)?;
                Resume::CreateIndex { index, table }
            }
        };
        let session = self.session().await.map_err(failed)?;
        session.look_for(&what).await.map_err(failed)
    }

    pub(crate) async fn record(
        &mut self,
        work: &StepWork<'_, 'm>,
        progress: Progress,
    ) -> Result<(), Halt<'m>> {
        let failed = |error: DatabaseError| Halt::Failed { step: work.step, error: work.failed(error) };
        let text = work.text().map_err(failed)?;
        let step = work.step(&text);
        let session = self.session().await.map_err(Halt::Unusable)?;
        session.record(&step, progress).await.map_err(|Stop { why, .. }| Halt::at(why, failed))
    }
}
