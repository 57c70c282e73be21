//! Stopping a run from outside, in two steps.

use tokio::sync::watch;

/// Stops a run: the first time it starts nothing new and ends what is in flight, the second time it also has
/// the servers cancel what they are at. Either way the run ends with its report.
///
/// ```no_run
/// # use sharded_migrations::{Fleet, Migrations, Migrator};
/// # static MIGRATIONS: Migrations = Migrations::EMPTY;
/// # async fn migrate(fleet: Fleet) {
/// let migrator = Migrator::new(&MIGRATIONS, fleet);
/// let interrupter = migrator.interrupter();
/// tokio::spawn(async move {
///     // .. once the deployment is called off:
///     interrupter.interrupt();
/// });
/// let result = migrator.run().await;
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Interrupter(watch::Sender<Urgency>);

/// How a run is to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Urgency {
    /// When all is done.
    #[default]
    None,
    /// When what is in flight is done.
    Drain,
    /// Now: the statements that run are cancelled.
    Cancel,
}

impl Interrupter {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Urgency::None))
    }

    /// One step more urgent.
    pub fn interrupt(&self) {
        self.0.send_modify(|urgency| {
            *urgency = match urgency {
                Urgency::None => Urgency::Drain,
                Urgency::Drain | Urgency::Cancel => Urgency::Cancel,
            };
        });
    }

    /// How the run is to end as of now.
    pub fn urgency(&self) -> Urgency {
        *self.0.borrow()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.urgency() >= Urgency::Drain
    }

    /// Returns when it is at least so urgent.
    pub(crate) async fn is_at_least(&self, urgency: Urgency) {
        // The sender is here, so that waiting ends with the value alone.
        let _ = self.0.subscribe().wait_for(|now| *now >= urgency).await;
    }

    /// Each step, as it comes.
    pub(crate) fn steps(&self) -> watch::Receiver<Urgency> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_more_urgent_each_time() {
        let interrupter = Interrupter::new();
        assert_eq!(interrupter.urgency(), Urgency::None);
        let other = interrupter.clone();
        other.interrupt();
        assert!(interrupter.is_draining());
        interrupter.is_at_least(Urgency::Drain).await;
        other.interrupt();
        other.interrupt();
        interrupter.is_at_least(Urgency::Cancel).await;
    }
}
