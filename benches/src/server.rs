//! The server, and databases on it by the hundred.

use std::fs;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use sharded_migrations_tests::postgres::{Cluster, Options};
use tokio_postgres::{Client, NoTls};

use crate::{Result, proc};

/// Connections that make, drop and prepare databases: more are not faster on a few cores.
const AT_A_TIME: usize = 4;

/// A server of a benchmark's own.
pub struct Server {
    cluster: Cluster,
    postmaster: Option<u32>,
    /// Connected to the database `postgres`.
    admin: Client,
}

impl Server {
    /// Starts it. The settings are PostgreSQL's own but for what would let the work of one contender
    /// fall into the time of another: no checkpoint comes by itself, and the harness has autovacuum off.
    /// The buffers hold all databases, as they do on a server that is made for them.
    pub fn start(fsync: bool) -> Cluster {
        Cluster::start(
            Options::default()
                .fsync(fsync)
                .setting("shared_buffers", "1GB")
                .setting("max_wal_size", "64GB")
                .setting("checkpoint_timeout", "1d"),
        )
    }

    /// Takes charge of a started one.
    pub async fn new(cluster: Cluster) -> Result<Self> {
        let folder = cluster.folder().ok_or("the server is another's")?;
        let postmaster = fs::read_to_string(folder.join("data/postmaster.pid"))?;
        let postmaster = postmaster.lines().next().and_then(|line| line.trim().parse().ok());
        let admin = connect(&cluster.url()).await?;
        Ok(Self { cluster, postmaster, admin })
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.cluster.port()
    }

    /// The URL of a database by name. Names here need no escapes.
    pub fn url(&self, database: &str) -> String {
        let url = self.cluster.url();
        format!("{}/{database}", url.rsplit_once('/').map_or(url.as_str(), |(server, _)| server))
    }

    /// Makes `prefix_0001` and so on. Each has been connected to once: the first connection to a
    /// database writes a file that all later ones start from, and a database in use has it.
    pub async fn create(&self, prefix: &str, count: usize, template: &str) -> Result {
        self.on_all(names(prefix, count).collect(), |name| async move {
            let admin = connect(&self.url("postgres")).await?;
            admin.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await?;
            connect(&self.url(&name)).await?.batch_execute("SELECT 1").await?;
            Ok(())
        })
        .await
    }

    /// Drops them.
    pub async fn drop(&self, prefix: &str, count: usize) -> Result {
        for name in names(prefix, count) {
            self.admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        Ok(())
    }

    /// Runs a script on each; the first error ends it all.
    pub async fn script(&self, prefix: &str, count: usize, sql: &str) -> Result {
        self.on_all(names(prefix, count).collect(), |name| async move {
            let client = connect(&self.url(&name)).await?;
            client.batch_execute(sql).await.map_err(|error| format!("{name}: {}", whole(&error)).into())
        })
        .await
    }

    /// Waits until nobody else is connected, and writes out what is in memory only: what comes next
    /// starts with nothing left over from what was before.
    pub async fn settle(&self) -> Result {
        while self.others().await? > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.admin.batch_execute("CHECKPOINT").await?;
        Ok(())
    }

    /// The processor time of the whole server so far. Waits for connections to end, as what they took
    /// is known for good only then.
    pub async fn cpu(&self) -> Result<Option<Duration>> {
        while self.others().await? > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(self.postmaster.and_then(proc::family_cpu))
    }

    async fn others(&self) -> Result<i64> {
        let sql = "SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        Ok(self.admin.query_one(sql, &[]).await?.get(0))
    }

    async fn on_all<F>(&self, names: Vec<String>, work: impl Fn(String) -> F) -> Result
    where
        F: Future<Output = Result>,
    {
        stream::iter(names.into_iter().map(work)).buffer_unordered(AT_A_TIME).try_collect().await
    }
}

/// The names of databases.
pub fn names(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |number| format!("{prefix}_{number:04}"))
}

/// Opens a connection that is driven until its client is dropped.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// All that a driver's error says: by itself it says `db error`.
pub fn whole(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}
