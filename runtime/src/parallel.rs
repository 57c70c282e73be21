//! Work on many databases at a time.

use futures_util::StreamExt;
use futures_util::stream;

/// Runs all of the work, at most `limit` pieces at a time, and gives the results in the order of the
/// work. A slow piece does not hold up the ones behind it.
pub(crate) async fn in_parallel<T>(
    limit: usize,
    work: impl Iterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    let numbered = work.enumerate().map(|(index, piece)| async move { (index, piece.await) });
    let mut results: Vec<(usize, T)> = stream::iter(numbered).buffer_unordered(limit).collect().await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_slow_piece_holds_up_nobody() {
        // The first piece ends only after the last one has: two at a time are enough.
        let (running, most, last) = (Cell::new(0), Cell::new(0), Notify::new());
        let piece = |index: usize| {
            let (running, most, last) = (&running, &most, &last);
            async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                match index {
                    0 => last.notified().await,
                    9 => last.notify_one(),
                    _ => tokio::task::yield_now().await,
                }
                running.set(running.get() - 1);
                index
            }
        };
        let results = in_parallel(2, (0..10).map(piece)).await;
        assert_eq!(results, (0..10).collect::<Vec<_>>());
        assert_eq!(most.get(), 2);
    }
}
