//! Work on many databases at a time, and on no more of them than are to be connected to at once.

use std::collections::HashMap;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use sharded_migrations_core::Rollout;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fleet::Target;

/// How many connections may be open at once: in all, and to one server.
pub(crate) struct Slots {
    all: Limit,
    /// By server, where there is a limit for each.
    servers: HashMap<String, Limit>,
}

struct Limit {
    most: usize,
    free: Semaphore,
}

impl Limit {
    fn new(most: usize) -> Self {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Self { most, free: Semaphore::new(most) }
    }

    /// Waits for so many, or for all there are. Whoever came first gets them first.
    async fn take(&self, connections: usize) -> Option<SemaphorePermit<'_>> {
        let connections = u32::try_from(connections.min(self.most)).unwrap_or(u32::MAX);
        self.free.acquire_many(connections).await.ok()
    }
}

impl Slots {
    pub(crate) fn new<'t>(rollout: &Rollout, targets: impl IntoIterator<Item = &'t Target>) -> Self {
        let mut servers = HashMap::new();
        if let Some(most) = rollout.per_server {
            for name in targets.into_iter().filter_map(|target| target.server.clone()) {
                servers.entry(name).or_insert_with(|| Limit::new(most));
            }
        }
        Self { all: Limit::new(rollout.concurrency), servers }
    }

    /// Whether all of these can be connected to at once.
    pub(crate) fn fit(&self, targets: &[Target]) -> bool {
        let mut on: HashMap<&str, usize> = HashMap::new();
        for name in targets.iter().filter_map(|target| target.server.as_deref()) {
            *on.entry(name).or_default() += 1;
        }
        let fits =
            |(name, count): (&str, usize)| self.servers.get(name).is_none_or(|limit| count <= limit.most);
        targets.len() <= self.all.most && on.into_iter().all(fits)
    }

    /// Does all of the work, each piece when its connections are free, and gives the results in the order of the
    /// work. A slow piece, or a busy server, does not hold up the others.
    ///
    /// The pieces are boxed, because a stream of closures that borrow is not `Send`, and what runs a
    /// fleet has to be.
    pub(crate) async fn run<'w, T: Send + 'w>(
        &'w self,
        connections: usize,
        work: Vec<(&'w Target, BoxFuture<'w, T>)>,
    ) -> Vec<T> {
        let mut running = FuturesUnordered::new();
        for (index, (target, piece)) in work.into_iter().enumerate() {
            running.push(self.when_free(connections, index, target, piece));
        }
        let mut results: Vec<(usize, T)> = Vec::with_capacity(running.len());
        while let Some(result) = running.next().await {
            results.push(result);
        }
        results.sort_by_key(|(index, _)| *index);
        results.into_iter().map(|(_, result)| result).collect()
    }

    /// The server's slots come first: who waits for those keeps nobody from another server.
    async fn when_free<T>(
        &self,
        connections: usize,
        index: usize,
        target: &Target,
        piece: BoxFuture<'_, T>,
    ) -> (usize, T) {
        let of_server = match target.server.as_ref().and_then(|name| self.servers.get(name)) {
            Some(limit) => limit.take(connections).await,
            None => None,
        };
        let of_all = self.all.take(connections).await;
        let result = piece.await;
        drop((of_server, of_all));
        (index, result)
    }
}
