//! The same work on many values, by all processors.

use std::num::NonZero;
use std::panic;
use std::sync::Mutex;
use std::thread;

/// Below this, to start a thread takes longer than it saves.
const FEW: usize = 64;

/// What the work makes of each value, in the order of the values. A panic of the work is one of the caller's.
pub(crate) fn map<T: Send, R: Send>(values: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    if threads == 1 || values.len() < FEW {
        return values.into_iter().map(work).collect();
    }
    let queue = Mutex::new(values.into_iter().enumerate());
    let next = || queue.lock().ok()?.next();
    let done =
        || std::iter::from_fn(next).map(|(index, value)| (index, work(value))).collect::<Vec<(usize, R)>>();
    let mut all = thread::scope(|scope| {
        // Where the system gives no more threads, this one does the work of others.
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, done).ok();
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut all = done();
        for other in others {
            all.extend(other.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        all
    });
    all.sort_unstable_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_order() {
        for count in [0, 1, FEW, 1_001] {
            let doubled = map((0..count).collect(), |number| 2 * number);
            assert!(doubled.into_iter().eq((0..count).map(|number| 2 * number)), "{count}");
        }
    }
}
