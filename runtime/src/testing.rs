//! A migrated fleet of throw-away databases, for an application's own tests (feature `testing`).
//!
//! ```no_run
//! # use sharded_migrations::Migrations;
//! # static MIGRATIONS: Migrations = Migrations::EMPTY; // in an application: embed_sharded_migrations!()
//! use sharded_migrations::testing::TestFleet;
//!
//! # async fn a_test() -> Result<(), Box<dyn std::error::Error>> {
//! let fleet = TestFleet::new(&MIGRATIONS).await?;
//! let users_01 = fleet.url("users_01"); // migrated and empty, for this test alone
//! # let _ = users_01;
//! # Ok(())
//! # }
//! ```
//!
//! Every primary of `databases.toml` gets a database of its own, with the migrations that its routes give it; a
//! replica has the URL of its primary, so that what is written is read. `barrier` and `requires(..)` are left out:
//! nothing here is in use yet. The environment that `databases.toml` asks for is not needed, but for one variable:
//!
//! | engine | where its databases are |
//! |---|---|
//! | PostgreSQL, also where `url` is all variable and there is no `engine` | on the server whose URL is in `SHARDED_MIGRATIONS_TEST_URL`, with a role that may create databases. The URL's own database is not touched: it is only connected to |
//! | SQLite | files in a folder of the system's for temporary files |
//!
//! On PostgreSQL, databases that get the same migrations are copies of one template, which stays on the server
//! (`sharded_migrations_template_..`) until the migrations change or it was not used for a week: only the first test
//! after a change migrates at all. Tests may run in parallel, in one process or in many. The databases
//! (`sharded_migrations_test_..`) are dropped with the [`TestFleet`], and those of a process that was killed by the next test.

mod files;
#[cfg(feature = "postgres")]
mod server;
#[cfg(not(feature = "postgres"))]
#[path = "testing/no_server.rs"]
mod server;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::{fmt, io};

use sharded_migrations_core::{
    Database, DatabaseName, EngineKind, List, Migration, Migrations, Role, Rollout, Transaction,
};

use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::fleet::{Fleet, Target};
use files::Files;
use server::Server;

/// The variable that has the URL of the PostgreSQL server for tests.
pub const TEST_URL: &str = "SHARDED_MIGRATIONS_TEST_URL";

/// A migrated fleet of throw-away databases, which are gone with this value.
pub struct TestFleet {
    urls: BTreeMap<String, String>,
    fleet: Fleet,
    _files: Option<Files>,
    _server: Option<Server>,
}

/// Without the URLs, in which there is a password.
impl fmt::Debug for TestFleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.urls.keys()).finish()
    }
}

/// Why there is no fleet to test with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestFleetError {
    /// Nothing says which server.
    #[error(
        "`{TEST_URL}` is not set: the fleet has databases of PostgreSQL; give it the URL of a server for tests, such as \
         `postgres://postgres@localhost/postgres`"
    )]
    NoServer,
    /// The server did not do what was asked.
    #[error("the server of `{TEST_URL}`: {0}")]
    Server(DatabaseError),
    /// A migration failed, or could not be begun.
    #[error("the databases like `{database}` cannot be migrated: {reason}")]
    Migration {
        /// One of the databases.
        database: DatabaseName,
        /// What happened.
        reason: String,
    },
    /// A file of SQLite cannot be made.
    #[error("a database of SQLite cannot be made: {0}")]
    File(#[from] io::Error),
    /// There is nothing to make.
    #[error("{0} declares no database")]
    Empty(String),
}

impl TestFleet {
    /// Makes it, with the server of [`TEST_URL`].
    ///
    /// # Errors
    /// Where a server is needed and not named, or cannot be used; where a migration fails.
    pub async fn new(migrations: &Migrations) -> Result<Self, TestFleetError> {
        Self::make(migrations, std::env::var(TEST_URL).ok().as_deref(), Copies::OfTemplates).await
    }

    /// Makes it, with the PostgreSQL server of a URL.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub async fn on(server: &str, migrations: &Migrations) -> Result<Self, TestFleetError> {
        Self::make(migrations, Some(server), Copies::OfTemplates).await
    }

    /// Makes it, with the PostgreSQL server of a URL if one is needed, and leaves nothing there: the databases are no
    /// copies of a template, and have nothing but what the migrations make (not what the server's own `template1` has). For
    /// what is migrated once, as a tool does that looks what migrations come to.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub async fn without_templates(
        server: Option<&str>,
        migrations: &Migrations,
    ) -> Result<Self, TestFleetError> {
        Self::make(migrations, server, Copies::OfNothing).await
    }

    async fn make(
        migrations: &Migrations,
        url: Option<&str>,
        copies: Copies,
    ) -> Result<Self, TestFleetError> {
        let topology = &migrations.topology;
        let all = Alike::all(migrations)?;
        let uses = |engine: EngineKind| all.iter().any(|alike| alike.engine == engine);
        let server = match url {
            _ if !uses(EngineKind::Postgres) => None,
            Some(url) => Some(Server::connect(url).await.map_err(TestFleetError::Server)?),
            None => return Err(TestFleetError::NoServer),
        };
        let files = if uses(EngineKind::Sqlite) { Some(Files::new()?) } else { None };
        let mut urls = BTreeMap::new();
        for alike in &all {
            let made = match (alike.engine, &server, &files) {
                (EngineKind::Postgres, Some(server), _) => server.databases(alike, copies).await?,
                (EngineKind::Sqlite, _, Some(files)) => files.databases(alike).await?,
                _ => continue,
            };
            urls.extend(alike.databases.iter().map(|database| database.name.to_string()).zip(made));
        }
        let target = |database: &Database| {
            Some(Target::new(database, engine_of(database), urls.get(database.name.as_str())?.clone()))
        };
        let targets: Vec<Target> = topology.primaries().filter_map(target).collect();
        if targets.is_empty() {
            return Err(TestFleetError::Empty(topology.file.to_string()));
        }
        for replica in topology.databases.iter() {
            if let Role::ReplicaOf(primary) = &replica.role
                && let Some(url) = urls.get(primary.as_str()).cloned()
            {
                urls.insert(replica.name.to_string(), url);
            }
        }
        let fleet =
            Fleet { targets, others: Vec::new(), rollout: topology.rollout.clone(), is_development: true };
        Ok(Self { urls, fleet, _files: files, _server: server })
    }

    /// The URL of a database of the fleet, for a replica that of its primary; `None` where `databases.toml` has no such
    /// name.
    pub fn url(&self, database: &str) -> Option<&str> {
        self.urls.get(database).map(String::as_str)
    }

    /// All databases, replicas too, each with its URL.
    pub fn urls(&self) -> impl Iterator<Item = (&str, &str)> {
        self.urls.iter().map(|(name, url)| (name.as_str(), url.as_str()))
    }

    /// The fleet, for what the library does with one: `Migrator::new(&MIGRATIONS, test.fleet()).check()`.
    pub fn fleet(&self) -> Fleet {
        self.fleet.clone()
    }
}

/// Equal for databases that get the same: the same migrations with the same text.
fn kind(migrations: &Migrations, database: &Database) -> Result<u64, TestFleetError> {
    let mut hasher = DefaultHasher::new();
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    for migration in migrations.routed_to(database) {
        let sql = migration.sql_for(database).map_err(|error| failed(database, error.to_string()))?;
        (migration.version.get(), &migration.name, migration.checksum, sql).hash(&mut hasher);
        (migration.transaction == Transaction::None).hash(&mut hasher);
        // A function may do something else for each database.
        migration.code.is_some().then_some((database.name.as_str(), &database.vars)).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn failed(database: &Database, reason: String) -> TestFleetError {
    TestFleetError::Migration { database: database.name.clone(), reason }
}

/// How databases that get the same come about on a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copies {
    /// As copies of a template that stays.
    OfTemplates,
    /// Each is migrated by itself.
    OfNothing,
}

/// Databases that get the same.
struct Alike<'a> {
    migrations: &'a Migrations,
    engine: EngineKind,
    kind: u64,
    databases: Vec<&'a Database>,
}

impl<'a> Alike<'a> {
    /// All databases of a fleet.
    fn all(migrations: &'a Migrations) -> Result<Vec<Self>, TestFleetError> {
        let mut all: Vec<Self> = Vec::new();
        for database in migrations.topology.primaries() {
            let (engine, kind) = (engine_of(database), kind(migrations, database)?);
            match all.iter_mut().find(|alike| (alike.engine, alike.kind) == (engine, kind)) {
                Some(alike) => alike.databases.push(database),
                None => all.push(Self { migrations, engine, kind, databases: vec![database] }),
            }
        }
        Ok(all)
    }

    /// Applies to the database of a URL all that is routed to these.
    async fn migrate(&self, url: String) -> Result<(), TestFleetError> {
        let Some(database) = self.databases.first() else { return Ok(()) };
        let alone = |migration: &Migration| Migration {
            barrier: false,
            requires: List::Borrowed(&[]),
            ..migration.clone()
        };
        let set = Migrations {
            folder: self.migrations.folder.clone(),
            migrations: self.migrations.routed_to(database).map(alone).collect(),
            topology: self.migrations.topology.clone(),
            origin: None,
        };
        let targets = vec![Target::new(database, self.engine, url)];
        let fleet = Fleet { targets, others: Vec::new(), rollout: Rollout::DEFAULT, is_development: true };
        let run = Migrator::new(&set, fleet).run().await;
        run.map(drop).map_err(|error| failed(database, error.to_string()))
    }
}

/// As the checks of the build take it: what is all variable is PostgreSQL.
fn engine_of(database: &Database) -> EngineKind {
    database.declared_engine().unwrap_or(EngineKind::Postgres)
}

#[cfg(test)]
mod tests {
    use sharded_migrations_core::compile::compile;
    use sharded_migrations_core::project::Sources;

    use super::*;

    /// How many kinds of databases there are with one migration for two.
    fn kinds(file: &str, text: &str) -> usize {
        let set = compile(&Sources {
            folder: "migrations".into(),
            files: vec![(file.into(), text.into())],
            databases: "databases.toml".into(),
            databases_bytes: b"[databases.\"users_{01..02}\"]\nurl = \"postgres:x{1..2}\"\n".to_vec(),
            lock: None,
        });
        Alike::all(&set.unwrap()).unwrap().len()
    }

    #[test]
    fn what_a_function_makes_of_a_database_is_its_own() {
        assert_eq!(kinds("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n"), 1);
        let step = "use sharded_migrations::step::{Context, Result, route};\n\n#[route(everywhere)]\n\
            pub async fn fill(context: &mut Context<'_>) -> Result { Ok(()) }\n";
        assert_eq!(kinds("V1__a.rs", step), 2);
    }
}
