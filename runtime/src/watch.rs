//! Who keeps a migration from going on: a second look at a database where it takes long.

use std::convert::Infallible;
use std::time::Duration;

use sharded_migrations_core::Migration;

use crate::engine::{Server, engine};
use crate::error::DatabaseError;
use crate::event::Event;
use crate::executor::Migrator;
use crate::fleet::Target;

/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a migration may take before anybody looks, and the longest time between two looks.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

impl<'m> Migrator<'m> {
    /// Works, and tells of the lock that the running migration waits for, if it takes long.
    pub(crate) async fn watched_for_locks<T>(
        &self,
        target: &Target,
        server: &Server,
        running: impl Fn() -> Option<&'m Migration> + Send + Sync,
        work: impl Future<Output = T>,
    ) -> T {
        if !self.tells_table_locks {
            return work.await;
        }
        tokio::select! {
            biased;
            done = work => done,
            never = self.look_for_holders(target, server, running) => match never {},
        }
    }

    async fn look_for_holders(
        &self,
        target: &Target,
        server: &Server,
        running: impl Fn() -> Option<&'m Migration> + Send + Sync,
    ) -> Infallible {
        let database = &target.database.name;
        let mut pause = PAUSE.0;
        let mut told: Option<(&Migration, String)> = None;
        loop {
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
            let Some(migration) = running() else { continue };
            // A look that is not possible is not worth a word: the migration itself says how it ends.
            let Ok(holder) = self.holder(target, server).await else { continue };
            let now = holder.map(|holder| (migration, holder));
            match (&told, &now) {
                (_, Some((_, holder))) if now != told => {
                    self.tell(&Event::TableLockWaiting { database, migration, holder });
                }
                (Some((migration, _)), None) => self.tell(&Event::TableLockGiven { database, migration }),
                _ => {}
            }
            told = now;
        }
    }

    /// One look at a time, so that a run has at most one connection more than it says.
    async fn holder(&self, target: &Target, server: &Server) -> Result<Option<String>, DatabaseError> {
        let _one = self.look.lock().await;
        let engine = engine(target.engine)?;
        let look = tokio::time::timeout(PATIENCE, engine.holder(target, server));
        // A server that is stuck is not to keep others from being looked at.
        look.await.unwrap_or_else(|_| Err(DatabaseError::new("the server did not answer")))
    }
}
