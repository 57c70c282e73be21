//! Connecting as libpq does it, by URL, environment and files; and saying in a sentence of its own what
//! stood in the way.
//!
//! A URL becomes `parameters`, these with the environment become `settings`, and then each of the
//! `hosts` is tried.

mod attempt;
mod cancel;
mod failure;
mod hosts;
mod parameters;
mod passfile;
mod probe;
mod settings;
mod tls;
mod unclosed;
mod url;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::error::DatabaseError;
use attempt::Attempt;
pub(super) use cancel::Canceller;
use failure::Failure;
use settings::Settings;

/// The task that drives a connection's socket. Dropping it closes the socket; once the server notices,
/// it lets go of the lock and rolls back what is open.
pub(super) struct Driver {
    task: JoinHandle<()>,
    canceller: Canceller,
}

/// How long a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

impl Driver {
    /// Waits until a connection whose client is gone has ended in order.
    pub(super) async fn end(mut self) {
        if tokio::time::timeout(GOODBYE, &mut self.task).await.is_err() {
            // It is still at a statement, and would stay at it for a while after the connection is cut.
            self.canceller.cancel().await;
        }
    }

    /// Closes the socket at once.
    pub(super) fn cut(&self) {
        self.task.abort();
    }

    /// Stops what the session does, from anywhere.
    pub(super) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.cut();
    }
}

/// The first server that a URL names; `None` where the URL cannot be read, which connecting will say.
pub(super) fn server(url: &str) -> Option<String> {
    let settings = Settings::read(url, None, |name| std::env::var(name).ok()).ok()?;
    Some(settings.endpoints.first()?.to_string())
}

/// Opens a connection. What the URL does not say is taken from the environment, by the names that libpq
/// gives it. A time limit counts more than what either says.
pub(super) async fn connect(url: &str, limit: Option<Duration>) -> Result<(Client, Driver), DatabaseError> {
    let settings = Settings::read(url, limit, |name| std::env::var(name).ok())?;
    let tls = settings.tls.load()?;
    let mut endpoints: Vec<_> = settings.endpoints.iter().collect();
    if settings.shuffles {
        fastrand::shuffle(&mut endpoints);
    }
    let mut failures = Vec::new();
    for endpoint in endpoints {
        let attempt = Attempt { settings: &settings, tls: &tls, endpoint };
        match attempt.run().await {
            Ok(connected) => return Ok(connected),
            Err(Failure { error, ends_search, .. }) => {
                failures.push(error);
                // A server that is there and says no would say it again elsewhere.
                if ends_search {
                    break;
                }
            }
        }
    }
    Err(failure::of_all(failures, settings.endpoints.len()))
}
