//! Work on many databases at a time.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;

/// Runs all of the work, at most `limit` pieces at a time, and gives the results in the order of the
/// work. A slow piece does not hold up the ones behind it.
///
/// The pieces are boxed, because a stream of closures that borrow is not `Send`, and what runs a
/// fleet has to be.
pub(crate) async fn in_parallel<T: Send>(limit: usize, work: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut numbered = Vec::with_capacity(work.len());
    for (index, piece) in work.into_iter().enumerate() {
        numbered.push(async move { (index, piece.await) });
    }
    let mut results: Vec<(usize, T)> = stream::iter(numbered).buffer_unordered(limit).collect().await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn a_slow_piece_holds_up_nobody() {
        // The first piece ends only after the last one has: two at a time are enough.
        let (running, most, last) = (AtomicUsize::new(0), AtomicUsize::new(0), Notify::new());
        let piece = |index: usize| -> BoxFuture<'_, usize> {
            let (running, most, last) = (&running, &most, &last);
            Box::pin(async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                match index {
                    0 => last.notified().await,
                    9 => last.notify_one(),
                    _ => tokio::task::yield_now().await,
                }
                running.fetch_sub(1, SeqCst);
                index
            })
        };
        let results = in_parallel(2, (0..10).map(piece).collect()).await;
        assert_eq!(results, (0..10).collect::<Vec<_>>());
        assert_eq!(most.load(SeqCst), 2);
    }
}
