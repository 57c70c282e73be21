//! Connecting, and saying in a sentence of its own what stood in the way.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres::{Client, NoTls};

use super::failure::{describe_connect, silent};
use crate::error::DatabaseError;

/// How long a server may take to answer, where the URL does not say (`connect_timeout`).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the server's own views show for these connections, where the URL does not say.
const APPLICATION_NAME: &str = "sharded-migrations";

/// The task that drives a connection's socket. Dropping it closes the socket; once the server notices,
/// it lets go of the lock and rolls back what is open.
pub(super) struct Driver(JoinHandle<()>);

/// How long a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(5);

impl Driver {
    /// Waits until a connection whose client is gone has ended in order.
    pub(super) async fn end(mut self) {
        // One that does not end in time is cut.
        let _ = tokio::time::timeout(GOODBYE, &mut self.0).await;
    }
}

impl Driver {
    /// Closes the socket at once.
    pub(super) fn cut(&self) {
        self.0.abort();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.cut();
    }
}

/// Opens a connection.
pub(super) async fn connect(url: &str) -> Result<(Client, Driver), DatabaseError> {
    let config = config(url)?;
    // tokio-postgres bounds the making of a socket; a server that takes it and is silent is worse.
    let patience = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    let connected = tokio::time::timeout(patience, config.connect(NoTls)).await;
    let (client, connection) = connected
        .map_err(|_| silent(&config, patience))?
        .map_err(|error| describe_connect(&error, &config))?;
    // The task ends with the client; what ends it early, the client's next call says.
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok((client, Driver(task)))
}

fn config(url: &str) -> Result<Config, DatabaseError> {
    let tls = || {
        DatabaseError::new("the URL asks for TLS (`sslmode`), which this version does not speak")
            .help("no connection is made in the clear instead; on a network you trust, use `sslmode=prefer` or `disable`")
    };
    // tokio-postgres does not know these two.
    if url.split(['?', '&']).any(|part| matches!(part, "sslmode=verify-ca" | "sslmode=verify-full")) {
        return Err(tls());
    }
    // Neither the URL nor any part of it is repeated: in a malformed one the password may stand
    // anywhere.
    let invalid = || {
        DatabaseError::new("the URL is not a valid PostgreSQL URL").help(
            "write `postgres://user:password@host:5432/database`, with `@`, `:`, `/` and `%` in a password percent-encoded",
        )
    };
    let mut config: Config = url.parse().map_err(|_| invalid())?;
    // Of a password with an `@` that is not encoded, the rest would be taken for the host.
    if url.split('?').next().is_some_and(|start| start.matches('@').count() > 1) {
        return Err(invalid());
    }
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(DatabaseError::new("the URL names no host")
            .help("write `postgres://user@host/database`, or `postgres:///database?host=/run/postgresql` for a socket"));
    }
    if !matches!(config.get_ssl_mode(), SslMode::Disable | SslMode::Prefer) {
        return Err(tls());
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if config.get_application_name().is_none() {
        config.application_name(APPLICATION_NAME);
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_url_is_refused_without_a_word_of_it() {
        let urls = [
            "postgres://app:hunter2@x@h/db",
            "postgres://app:hun@hunter2/x@h/db",
            "postgres://app:hunter2",
            "postgres://app:hun:ter2@h:hunter2/db",
            "postgres://app@h/db?hunter2=1",
            "postgres://h/db?sslmode=verify-full&password=hunter2",
            "postgres://h/db?sslmode=require&password=hunter2",
            "postgres://h/db?connect_timeout=hunter2",
            "postgres:",
            "postgres:///db",
        ];
        for url in urls {
            let error = config(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_the_url_says_counts() {
        let config = config("postgres://h/db?connect_timeout=3&application_name=x&sslmode=disable").unwrap();
        assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(config.get_application_name(), Some("x"));
    }
}
