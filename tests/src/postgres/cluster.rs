//! A primary: the server that tests make their databases on.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use super::client::{PASSWORD, SUPERUSER, admin_url, must_psql};
use super::database::{TestDatabase, unique_name};
use super::server::Server;
use super::{Authority, Binaries, Certificate, Replica};
use crate::process::give_to_server;
use crate::watchdog::Watchdog;

/// The environment variable by which `cargo xtask test` tells the test processes of the cluster
/// that it started. Its text is [`Cluster::description`].
pub const CLUSTER_VARIABLE: &str = "SHARDED_MIGRATIONS_TEST_CLUSTER";

/// The settings of every cluster. Autovacuum is off so that no lock, and no turn of the clock,
/// comes from nowhere. A query on a replica must not hold up the replay of what all other tests do.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
max_connections = 300
wal_level = replica
max_wal_senders = 10
max_replication_slots = 10
wal_retrieve_retry_interval = '100ms'
max_standby_streaming_delay = '2s'
autovacuum = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %d %a: '
";

/// What is special about a cluster of a test's own.
#[derive(Debug, Clone, Default)]
pub struct Options {
    fsync: bool,
    settings: Vec<(String, String)>,
    files: Vec<(&'static str, String)>,
}

impl Options {
    /// Whether the server waits for the disk, as real ones do. Off unless asked for: it only costs
    /// time where nobody pulls the plug. A server that is killed keeps what it has written either
    /// way.
    #[must_use]
    pub fn fsync(mut self, on: bool) -> Self {
        self.fsync = on;
        self
    }

    /// One more line of `postgresql.conf`. It wins over the harness's own.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has it speak TLS, with this certificate.
    #[must_use]
    pub fn tls(mut self, certificate: &Certificate) -> Self {
        self.files.push(("server.crt", certificate.pem.clone()));
        self.files.push(("server.key", certificate.key.clone()));
        self.setting("ssl", "on")
    }

    /// Has it check the certificates of clients against a CA, where `pg_hba.conf` says so.
    #[must_use]
    pub fn client_authority(mut self, authority: &Authority) -> Self {
        self.files.push(("clients.crt", authority.pem().to_owned()));
        self.setting("ssl_ca_file", "clients.crt")
    }

    /// Gives it another `pg_hba.conf` than the one that lets everybody in with their password.
    #[must_use]
    pub fn access(mut self, lines: &str) -> Self {
        self.files.push(("pg_hba.conf", lines.to_owned()));
        self
    }

    fn text(&self) -> String {
        let fsync = if self.fsync { "on" } else { "off" };
        let mut text = format!("{SETTINGS}fsync = {fsync}\n");
        for (name, value) in &self.settings {
            text.push_str(&format!("{name} = '{}'\n", value.replace('\'', "''")));
        }
        text
    }
}

/// A role for tests of missing rights. It stays until its cluster goes, as what it was granted may
/// stay as long.
#[derive(Debug, Clone)]
pub struct TestRole {
    /// The role's name, unique in its cluster.
    pub name: String,
    /// What it logs in with.
    pub password: String,
}

/// A running PostgreSQL primary on a port of 127.0.0.1.
#[derive(Debug)]
pub struct Cluster {
    /// None when another process, `cargo xtask test`, started it.
    server: Option<Server>,
    node: Arc<Node>,
}

/// What a database needs of its cluster. A test may stop the cluster while it holds databases, so
/// they share this much and do not borrow the cluster.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) port: u16,
    replica: OnceLock<Replica>,
}

impl Node {
    pub(super) fn replica(&self) -> &Replica {
        self.replica.get_or_init(|| Replica::start(self.port))
    }
}

impl Cluster {
    /// The cluster for all tests that need nothing special: the one that `cargo xtask test`
    /// started, else one that this process starts now and keeps to its end. Tests share it, so each
    /// works in databases of its own.
    ///
    /// # Panics
    ///
    /// When no PostgreSQL server is installed or it does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var(CLUSTER_VARIABLE) {
            Ok(description) => Self::attach(&description),
            Err(_) => Self::start(Options::default()),
        })
    }

    /// Starts a cluster of its own, for a test that stops servers or needs other settings. Takes
    /// about 0.7 s.
    ///
    /// # Panics
    ///
    /// When no PostgreSQL server is installed or it does not start; then with the server's log.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "callers build the options in place")]
    pub fn start(options: Options) -> Self {
        let server = Server::launch(|watchdog, data| initialise(watchdog, data, &options));
        let port = server.port();
        Self { server: Some(server), node: Arc::new(Node { port, replica: OnceLock::new() }) }
    }

    /// The text with which another process finds this cluster, for [`CLUSTER_VARIABLE`].
    #[must_use]
    pub fn description(&self) -> String {
        match self.node.replica.get() {
            Some(replica) => format!("port={} replica_port={}", self.port(), replica.port()),
            None => format!("port={}", self.port()),
        }
    }

    fn attach(description: &str) -> Self {
        let port_called = |wanted| {
            description
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .find(|(name, _)| *name == wanted)
                .and_then(|(_, value)| value.parse().ok())
        };
        let port = port_called("port").unwrap_or_else(|| {
            panic!(
                "{CLUSTER_VARIABLE} is {description:?}, where `port=NUMBER replica_port=NUMBER` is expected"
            )
        });
        let replica = OnceLock::new();
        if let Some(replica_port) = port_called("replica_port") {
            let _ = replica.set(Replica::attach(port, replica_port));
        }
        Self { server: None, node: Arc::new(Node { port, replica }) }
    }

    /// The port on 127.0.0.1. A [restart](Self::restart) keeps it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.node.port
    }

    /// The folder of its data, log and socket; none for a cluster that another process started.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.server.as_ref().map(Server::folder)
    }

    /// The superuser's URL of the database `postgres`, from which servers are administered.
    #[must_use]
    pub fn url(&self) -> String {
        admin_url(self.port(), "postgres")
    }

    /// Runs a script on the database `postgres`; see [`psql`](super::psql).
    ///
    /// # Panics
    ///
    /// With the server's message, when a statement fails.
    pub fn psql(&self, sql: &str) -> String {
        must_psql(&self.url(), sql)
    }

    /// Creates an empty database whose name begins with `hint`. Takes about 80 ms.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    #[must_use]
    pub fn create_database(&self, hint: &str) -> TestDatabase {
        TestDatabase::create(&self.node, hint, "template1")
    }

    /// Creates a copy of another database, to which nobody may be connected.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    #[must_use]
    pub fn create_database_from(&self, hint: &str, template: &TestDatabase) -> TestDatabase {
        TestDatabase::create(&self.node, hint, template.name())
    }

    /// Creates a role that may log in, and nothing else, whose name begins with `hint`.
    ///
    /// # Panics
    ///
    /// When the server refuses.
    #[must_use]
    pub fn create_role(&self, hint: &str) -> TestRole {
        let name = unique_name(hint);
        let password = format!("password of {name}");
        self.psql(&format!("CREATE ROLE {name} LOGIN PASSWORD '{password}'"));
        TestRole { name, password }
    }

    /// The streaming replica, started when it is first asked for.
    ///
    /// # Panics
    ///
    /// When it does not start; then with the server's log.
    pub fn replica(&self) -> &Replica {
        self.node.replica()
    }

    /// Stops the server without a checkpoint and without a word to its clients, as a crash would.
    ///
    /// # Panics
    ///
    /// When another process started this cluster.
    pub fn stop_immediate(&mut self) {
        self.own_server().stop_immediate();
    }

    /// Starts the server again on the same port, stopping it at once before if it still runs, and
    /// waits until it has recovered.
    ///
    /// # Panics
    ///
    /// When another process started this cluster, or the server does not come back; then with its
    /// log.
    pub fn restart(&mut self) {
        self.own_server().restart();
    }

    fn own_server(&mut self) -> &mut Server {
        let server = self.server.as_mut();
        server.expect("only a cluster from Cluster::start can be stopped")
    }
}

/// Makes the data folder.
fn initialise(watchdog: &mut Watchdog, data: &Path, options: &Options) {
    let password_file = watchdog.folder().join("password");
    fs::write(&password_file, PASSWORD).expect("the server's folder is writable");
    give_to_server(&password_file);
    let mut initdb = |locale: &str| {
        let mut command = Command::new(Binaries::get().path("initdb"));
        command
            .args(["-U", SUPERUSER, "-E", "UTF8", "--locale", locale])
            .args(["--auth=scram-sha-256", "--no-sync", "--pwfile"])
            .arg(&password_file)
            .arg("-D")
            .arg(data);
        watchdog.run(&command)
    };
    // Not every system has C.UTF-8.
    if let Err(first) = initdb("C.UTF-8") {
        initdb("C").unwrap_or_else(|second| panic!("initdb fails:\n{first}\n{second}"));
    }
    let configuration = data.join("postgresql.conf");
    OpenOptions::new()
        .append(true)
        .open(configuration)
        .and_then(|mut file| file.write_all(options.text().as_bytes()))
        .expect("initdb wrote postgresql.conf");
    for (name, text) in &options.files {
        let path = data.join(name);
        fs::write(&path, text).expect("the data folder is writable");
        // The server takes no key that others can read.
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("the file is ours");
        give_to_server(&path);
    }
}
