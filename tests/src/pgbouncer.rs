//! PgBouncer before a cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::poll::poll;
use crate::port;
use crate::postgres::{Certificate, Cluster, PASSWORD, SUPERUSER, TestDatabase, admin_url, psql, url};
use crate::process::give_to_server;
use crate::watchdog::Watchdog;

/// For how long PgBouncer leaves a server connection to one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// Until the client disconnects.
    Session,
    /// Until the end of the transaction.
    Transaction,
}

/// A running PgBouncer, for all databases and roles of one cluster. All settings that are not about
/// who and where are PgBouncer's defaults.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    _watchdog: Watchdog,
}

impl PgBouncer {
    /// Finds the program, which some systems keep out of the `PATH` of ordinary users.
    ///
    /// # Errors
    ///
    /// A message that says what to do when it is not installed.
    pub fn find() -> Result<PathBuf, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let more = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin"];
        std::env::split_paths(&path)
            .chain(more.map(PathBuf::from))
            .map(|folder| folder.join("pgbouncer"))
            .find(|program| program.is_file())
            .ok_or_else(|| {
                "PgBouncer is not installed here: run `cargo xtask test`, which installs it".to_owned()
            })
    }

    /// Starts one on a free port.
    ///
    /// # Panics
    ///
    /// When it is not installed, or does not start; then with its log.
    #[must_use]
    pub fn start(cluster: &Cluster, mode: PoolMode) -> Self {
        Self::launch(cluster, mode, None)
    }

    /// Starts one that also speaks TLS, with this certificate.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_with_tls(cluster: &Cluster, mode: PoolMode, certificate: &Certificate) -> Self {
        Self::launch(cluster, mode, Some(certificate))
    }

    fn launch(cluster: &Cluster, mode: PoolMode, certificate: Option<&Certificate>) -> Self {
        let program = Self::find().unwrap_or_else(|message| panic!("{message}"));
        // KILL, because what the gentler signals mean differs between versions, and it has no
        // children.
        let mut watchdog = Watchdog::new("KILL");
        for _ in 0..port::TRIES {
            let port = port::free();
            let configuration = write_configuration(watchdog.folder(), cluster, port, mode, certificate);
            let mut command = Command::new(&program);
            command.arg("-q").arg(configuration);
            watchdog.start(&command);
            let admin = admin_url(port, "pgbouncer");
            let ready = poll(|| {
                if watchdog.has_ended() {
                    return Some(false);
                }
                psql(&admin, "SHOW VERSION").is_ok().then_some(true)
            });
            let log = watchdog.log_since_start();
            match ready {
                Some(true) => {
                    return Self { port, _watchdog: watchdog };
                }
                Some(false) if log.contains("Address already in use") => {}
                _ => panic!("PgBouncer does not start. Its log:\n{log}"),
            }
        }
        panic!("found no port for PgBouncer in {} tries", port::TRIES)
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The superuser's URL of a database through the pool. Its console is the database `pgbouncer`.
    #[must_use]
    pub fn url(&self, database: &TestDatabase) -> String {
        admin_url(self.port, database.name())
    }

    /// The URL of someone else, a [`TestRole`](crate::postgres::TestRole) for one.
    #[must_use]
    pub fn url_with_user(&self, database: &TestDatabase, user: &str, password: &str) -> String {
        url(user, password, self.port, database.name())
    }
}

/// Only the superuser's password is in a file. Everyone else's is looked up in the cluster, so that
/// roles can be made at any time.
fn write_configuration(
    folder: &Path,
    cluster: &Cluster,
    port: u16,
    mode: PoolMode,
    certificate: Option<&Certificate>,
) -> PathBuf {
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
    };
    let users = folder.join("users");
    let configuration = folder.join("pgbouncer.ini");
    let user = format!("\"{SUPERUSER}\" \"{PASSWORD}\"\n");
    let mut tls = String::new();
    if let Some(certificate) = certificate {
        certificate.write(folder, "server");
        give_to_server(&folder.join("server.key"));
        let file = folder.join("server");
        let file = file.display();
        tls = format!(
            "client_tls_sslmode = allow\nclient_tls_cert_file = {file}.crt\nclient_tls_key_file = {file}.key\n"
        );
    }
    let text = format!(
        "[databases]
* = host=127.0.0.1 port={}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = {mode}
auth_type = scram-sha-256
auth_file = {}
auth_user = {SUPERUSER}
admin_users = {SUPERUSER}
{tls}",
        cluster.port(),
        users.display()
    );
    for (file, text) in [(&users, &user), (&configuration, &text)] {
        fs::write(file, text).expect("the watchdog's folder is writable");
        give_to_server(file);
    }
    configuration
}
