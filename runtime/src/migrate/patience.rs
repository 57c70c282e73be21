//! How long one database is waited for: for its lock, and for tables that others use.

use std::time::Duration;

use sharded_migrations_core::{Step, Version};

use super::{Halt, OneDatabase};
use crate::backoff::Backoff;
use crate::engine::{Lock, Since};
use crate::error::{DatabaseError, StepError};
use crate::event::Event;
use crate::executor::Migrator;
use crate::interrupt::Urgency;

/// How long this database is waited for.
#[derive(Default)]
pub(super) struct Patience {
    pub(super) lock: Option<Backoff>,
    retry: Option<(Version, Backoff)>,
}

impl<'m> OneDatabase<'_, 'm> {
    /// Decides what comes after a failure: another try, or the end.
    pub(super) async fn after_failure(
        &mut self,
        patience: &mut Patience,
        step: Step<'m>,
        error: Box<StepError>,
    ) -> Result<(), Halt<'m>> {
        let migration = step.migration;
        let is_done = self.done.iter().any(|done| done.version == migration.version);
        // The answer was lost, not the work; or somebody else's work was in the way.
        if is_done || Since::of(&self.facts) != self.since {
            return Ok(());
        }
        let failed = |error| Halt::Failed { step, error };
        if !error.error.is_transient {
            return Err(failed(error));
        }
        let budget = self.migrator.retry_for;
        let mut backoff = match patience.retry.take() {
            Some((version, backoff)) if version == migration.version => backoff,
            _ => Backoff::new(budget),
        };
        let Some(pause) = backoff.pause() else { return Err(failed(error)) };
        patience.retry = Some((migration.version, backoff));
        let database = &self.target.database.name;
        self.migrator.tell(&Event::MigrationRetried { database, migration, error: &error.error, pause });
        if self.migrator.pause(pause).await { Ok(()) } else { Err(failed(error)) }
    }

    /// Looks until nobody else is at work here: a blocking wait inside the server would stand in the way of
    /// `CREATE INDEX CONCURRENTLY`, which waits for everybody else's transaction.
    pub(super) async fn wait_for_lock(
        &mut self,
        patience: &mut Patience,
        holder: Option<&str>,
    ) -> Result<(), Halt<'m>> {
        let mut holder = holder.map(str::to_owned);
        let is_first = patience.lock.is_none();
        let mut is_told = !is_first;
        let backoff = patience.lock.get_or_insert_with(|| Backoff::new(self.migrator.lock_wait));
        let mut has_paused = is_first && backoff.budget().is_zero();
        loop {
            let Some(session) = self.session.as_mut() else { return Ok(()) };
            match session.look_at_lock().await.map_err(Halt::Unusable)? {
                Lock::Free if has_paused => return Ok(()),
                // It was let go just now: others want it as well, so not all come back at once.
                Lock::Free => {}
                Lock::Held(now) => {
                    holder = now.or(holder);
                    if !is_told {
                        is_told = true;
                        let database = &self.target.database.name;
                        self.migrator.tell(&Event::LockWaiting { database, holder: holder.as_deref() });
                    }
                }
            }
            let Some(pause) = backoff.pause() else {
                let holder = holder.unwrap_or_else(|| "another process".to_owned());
                let message =
                    format!("the migration lock was not free within {:?}: {holder} has it", backoff.budget());
                let error = DatabaseError::new(message).help("let it finish, or stop it, and run this again");
                return Err(Halt::Unusable(error));
            };
            if !self.migrator.pause(pause).await {
                return Err(Halt::Drained);
            }
            has_paused = true;
        }
    }
}

impl Migrator<'_> {
    /// Sleeps; says whether the run is to go on.
    pub(crate) async fn pause(&self, pause: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = self.interrupter.is_at_least(Urgency::Drain) => false,
        }
    }
}
