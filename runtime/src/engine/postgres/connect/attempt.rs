//! One server of the URL: its addresses, one after the other, each with its ways to connect.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use tokio_postgres::config::Config;
use tokio_postgres::{Client, Connection, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::{Failure, Server};
use super::hosts::{Endpoint, Host};
use super::settings::{SessionAttributes, Settings};
use super::tls::{Mode, Tls};
use super::{Canceller, Driver, probe};

/// What is tried with one server.
pub(super) struct Attempt<'a> {
    pub(super) settings: &'a Settings,
    pub(super) tls: &'a Tls,
    pub(super) endpoint: &'a Endpoint,
}

/// What makes a session one that takes writes: two parameters that PostgreSQL 14 and later report by
/// themselves.
const REPORTED: [&str; 2] = ["in_hot_standby", "default_transaction_read_only"];

/// The same, asked of an older server or of one behind a pooler.
const ASK: &str = "SELECT pg_catalog.pg_is_in_recovery(), \
                   pg_catalog.current_setting('default_transaction_read_only')";

impl Attempt<'_> {
    pub(super) async fn run(&self) -> Result<(Client, Driver), Failure> {
        let (config, password_note) = self.settings.config(self.endpoint);
        let server = Server {
            endpoint: self.endpoint,
            mode: self.mode(),
            trust: &self.tls.trust,
            has_client_certificate: self.tls.has_client_certificate,
            password_note,
        };
        let addresses = within(self.settings.patience, self.endpoint.addresses()).await;
        let mut addresses = match addresses {
            None => return Err(server.silent(self.settings.patience.unwrap_or_default())),
            Some(Err(error)) => return Err(server.unknown_name(&error)),
            Some(Ok(addresses)) => addresses,
        };
        if self.settings.shuffles {
            fastrand::shuffle(&mut addresses);
        }
        let mut last = server.no_address();
        for address in addresses {
            let mut config = config.clone();
            if let Some(address) = address {
                config.hostaddr(address);
            }
            match self.address(config, address, &server).await {
                Ok(connected) => return Ok(connected),
                Err(failure) if failure.ends_search => return Err(failure),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// Over a socket there is no TLS, whatever is asked for: libpq does not look at `sslmode` then.
    fn mode(&self) -> Mode {
        match self.endpoint.host {
            Host::Name(_) => self.settings.tls.mode,
            Host::Socket(_) => Mode::Disable,
        }
    }

    async fn address(
        &self,
        mut config: Config,
        address: Option<IpAddr>,
        server: &Server<'_>,
    ) -> Result<(Client, Driver), Failure> {
        let mut tries = self.mode().tries().iter().copied().peekable();
        loop {
            let Some(mode) = tries.next() else {
                return Err(server.no_address());
            };
            config.ssl_mode(mode);
            let patience = self.settings.patience;
            let connected = within(patience, self.once(&config, address, server)).await;
            let Some(connected) = connected else {
                let failure = server.silent(patience.unwrap_or_default());
                return Err(self.explain(failure, address).await);
            };
            match connected {
                Ok(connected) => return Ok(connected),
                Err(Problem::Server(error)) => {
                    // The server refuses who comes in the clear, and may take them with TLS.
                    let is_refused = error.code().is_some_and(|code| code.code().starts_with("28"));
                    if is_refused && tries.peek().is_some() {
                        continue;
                    }
                    return Err(self.explain(server.describe(&error), address).await);
                }
                Err(Problem::Attributes(failure)) => return Err(failure),
            }
        }
    }

    /// Looks whether it is PostgreSQL that does not answer as it should.
    async fn explain(&self, failure: Failure, address: Option<IpAddr>) -> Failure {
        let Some(address) = address.filter(|_| failure.may_be_foreign) else {
            return failure;
        };
        match probe::ask(address, self.endpoint.port).await {
            Some(foreign) => failure.foreign(self.endpoint, foreign),
            None => failure,
        }
    }

    async fn once(
        &self,
        config: &Config,
        address: Option<IpAddr>,
        server: &Server<'_>,
    ) -> Result<(Client, Driver), Problem> {
        let (client, connection) =
            config.connect(self.tls.connector.clone()).await.map_err(Problem::Server)?;
        let reported = REPORTED.map(|name| connection.parameter(name).map(|value| value == "on"));
        let canceller = Canceller::new(&client, self.endpoint, address, self.tls);
        let driver = drive(connection, canceller);
        let attributes = self.settings.attributes;
        if attributes == SessionAttributes::Any {
            return Ok((client, driver));
        }
        let [is_standby, is_read_only] = match reported {
            [Some(is_standby), Some(is_read_only)] => [is_standby, is_read_only],
            _ => ask(&client).await.map_err(Problem::Server)?,
        };
        let is_unfit = is_standby || (is_read_only && attributes == SessionAttributes::ReadWrite);
        if is_unfit {
            drop(client);
            driver.end().await;
            return Err(Problem::Attributes(server.unfit(is_standby)));
        }
        Ok((client, driver))
    }
}

/// Why one try led to nothing.
enum Problem {
    Server(tokio_postgres::Error),
    Attributes(Failure),
}

type Stream = <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream;

/// Spawns the task of a connection. It ends with the client; what ends it early, the client's next call
/// says.
fn drive(connection: Connection<Socket, Stream>, canceller: Canceller) -> Driver {
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    Driver { task, canceller }
}

async fn ask(client: &Client) -> Result<[bool; 2], tokio_postgres::Error> {
    let answers = client.simple_query_raw(ASK).await?;
    let mut answers = std::pin::pin!(answers);
    let mut facts = [false; 2];
    while let Some(answer) = answers.next().await {
        if let SimpleQueryMessage::Row(row) = answer? {
            facts = [row.get(0) == Some("t"), row.get(1) == Some("on")];
        }
    }
    Ok(facts)
}

/// None when the time is over.
async fn within<T>(patience: Option<Duration>, future: impl Future<Output = T>) -> Option<T> {
    match patience {
        Some(patience) => tokio::time::timeout(patience, future).await.ok(),
        None => Some(future.await),
    }
}
