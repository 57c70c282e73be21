//! Waiting for something that another process does.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Far more than any step takes on a busy machine, so that reaching it means that something is
/// stuck.
const DEADLINE: Duration = Duration::from_secs(60);

/// Asks `probe` until it answers, and panics with `what` when it has not done so within a minute.
///
/// ```
/// let mut left = 3;
/// let answer = sharded_migrations_tests::wait_for("the count to reach zero", || {
///     left -= 1;
///     (left == 0).then_some("done")
/// });
/// assert_eq!(answer, "done");
/// ```
///
/// # Panics
///
/// When the minute is over.
pub fn wait_for<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    poll(probe).unwrap_or_else(|| panic!("waited {} s in vain for {what}", DEADLINE.as_secs()))
}

/// Like [`wait_for`], for callers that have more to say than `what` when the time is over.
pub(crate) fn poll<T>(mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(answer) = probe() {
            return Some(answer);
        }
        if started.elapsed() > DEADLINE {
            return None;
        }
        sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
