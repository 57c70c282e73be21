//! Pauses between tries.

use std::time::{Duration, Instant};

/// The pause before something is tried again: it doubles from the first to the last of these.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// Pauses that grow, until a budget is spent. Each has a random part, so that processes that were in each
/// other's way once are not again.
#[derive(Debug)]
pub(crate) struct Backoff {
    started: Instant,
    budget: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(budget: Duration) -> Self {
        Self { started: Instant::now(), budget, next: PAUSE.0 }
    }

    /// The next pause; `None` when the budget is spent.
    pub(crate) fn pause(&mut self) -> Option<Duration> {
        let left = self.budget.checked_sub(self.started.elapsed()).filter(|left| !left.is_zero())?;
        let pause = (self.next + self.next.mul_f64(fastrand::f64())) / 2;
        self.next = (self.next * 2).min(PAUSE.1);
        Some(pause.min(left))
    }

    pub(crate) fn budget(&self) -> Duration {
        self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let mut backoff = Backoff::new(Duration::from_secs(3600));
        let pauses: Vec<Duration> = std::iter::from_fn(|| backoff.pause()).take(20).collect();
        assert!(pauses[0] <= PAUSE.0 && pauses[0] >= PAUSE.0 / 2);
        assert!(pauses[19] <= PAUSE.1 && pauses[19] >= PAUSE.1 / 2);
        assert_eq!(Backoff::new(Duration::ZERO).pause(), None);
    }
}
