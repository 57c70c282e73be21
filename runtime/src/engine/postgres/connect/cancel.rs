//! Stopping the statement that a session is running.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{CancelToken, Client};

use super::hosts::{Endpoint, Host};
use super::tls::Tls;
use super::unclosed::Unclosed;

/// Stops what one session is running, over a connection of its own with the session's TLS settings.
#[derive(Clone)]
pub(in crate::engine::postgres) struct Canceller {
    token: CancelToken,
    endpoint: Endpoint,
    /// The address that the session is connected to: another one of its host may be another server.
    address: Option<IpAddr>,
    tls: Tls,
}

/// How long the request may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Canceller {
    pub(super) fn new(client: &Client, endpoint: &Endpoint, address: Option<IpAddr>, tls: &Tls) -> Self {
        Self { token: client.cancel_token(), endpoint: endpoint.clone(), address, tls: tls.clone() }
    }

    /// Asks the server to stop the statement that runs now, if one does. It says nothing to that: what
    /// tells is the statement's own error. A server that cannot be asked is left alone, as the caller is
    /// about to cut the connection anyway.
    pub(in crate::engine::postgres) async fn cancel(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.ask()).await;
    }

    async fn ask(&self) -> io::Result<()> {
        match (&self.endpoint.host, self.address) {
            (_, Some(address)) => {
                let stream = TcpStream::connect((address, self.endpoint.port)).await?.into_std()?;
                let watch = TcpStream::from_std(stream.try_clone()?)?;
                self.send(TcpStream::from_std(stream)?, watch).await
            }
            #[cfg(unix)]
            (Host::Socket(_), None) => {
                use tokio::net::UnixStream;
                let stream = UnixStream::connect(self.endpoint.to_string()).await?.into_std()?;
                let watch = UnixStream::from_std(stream.try_clone()?)?;
                self.send(UnixStream::from_std(stream)?, watch).await
            }
            (_, None) => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Sends the request over a socket, and waits until the server has closed it, as libpq does. A client
    /// that closes it first is too fast: with TLS it has not read all that came, so that its socket is reset
    /// and the request lost; and PgBouncer (seen with 1.18) drops the request of a client that is gone.
    /// tokio-postgres closes at once, so it gets a stream that stays open.
    async fn send<S>(&self, stream: S, mut watch: S) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connector = self.tls.connector.clone();
        let Ok(tls) = MakeTlsConnect::<Unclosed<S>>::make_tls_connect(&mut connector, self.endpoint.name());
        let request = self.token.cancel_query_raw(Unclosed(stream), Unclosed(tls));
        request.await.map_err(io::Error::other)?;
        let mut buffer = [0; 1024];
        while watch.read(&mut buffer).await? > 0 {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use sharded_migrations_tests::pgbouncer::{PgBouncer, PoolMode};
    use sharded_migrations_tests::postgres::{Authority, Cluster, Options, Signature};
    use sharded_migrations_tests::wait_for;
    use tokio_postgres::error::SqlState;

    use super::super::connect;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_running_statement_is_stopped_over_tls_a_socket_and_a_pooler() {
        let authority = Authority::new("ours", Signature::Sha256);
        let certificate = authority.server(&["localhost"]);
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("ours.crt");
        fs::write(&root, authority.pem()).unwrap();
        let cluster = Cluster::start(Options::default().tls(&certificate));
        let database = cluster.create_database("cancel");
        let pooler = PgBouncer::start_with_tls(&cluster, PoolMode::Transaction, &certificate);
        let own = format!("127.0.0.1:{}", cluster.port());
        let at = |place: &str, query: &str| format!("{}?{query}", database.url().replace(&own, place));
        let tls = format!("sslmode=verify-full&sslrootcert={}", root.display());
        let socket = format!("host={}&port={}", cluster.folder().unwrap().display(), cluster.port());
        let urls = [
            at(&format!("localhost:{}", cluster.port()), &tls),
            at(&format!("localhost:{}", pooler.port()), &tls),
            at(&own, "sslmode=disable"),
            at("", &socket),
        ];
        for url in urls {
            let (client, driver) = connect(&url, None).await.unwrap();
            let canceller = driver.canceller();
            let statement = tokio::spawn(async move { client.batch_execute("SELECT pg_sleep(600)").await });
            let is_running = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'";
            wait_for("the statement to run", || (database.psql(is_running) == "1").then_some(()));
            canceller.clone().cancel().await;
            let ended = tokio::time::timeout(Duration::from_secs(20), statement).await;
            let error = ended.unwrap_or_else(|_| panic!("it is not stopped at {url}")).unwrap().unwrap_err();
            assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED), "{error:?}");
            driver.end().await;
        }
    }
}
