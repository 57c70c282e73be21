//! Scratch databases: one for each class, gone with the value.

use sharded_migrations::testing::{TestFleet, TestFleetError};
use sharded_migrations::{Migrator, Reason};
use sharded_migrations_core::{
    Database, EngineKind, List, Migration, Migrations, Rollout, Topology, Version,
};

use super::Stop;
use super::class::Class;
use super::dump::{self, Dump, Extent, PgDump, Undumped};
use crate::Failure;

/// The variable that has the URL of the PostgreSQL server.
pub(super) const URL: &str = "SHARDED_MIGRATIONS_SCRATCH_URL";

/// Where scratch databases are made, and what reads them.
pub(super) struct Place {
    server: Option<String>,
    pg_dump: Option<PgDump>,
}

impl Place {
    /// For classes of these engines.
    pub(super) fn of(classes: &[Class<'_>], server: Option<&str>) -> Result<Self, Failure> {
        if classes.iter().all(|class| class.engine == EngineKind::Sqlite) {
            return Ok(Self { server: None, pg_dump: None });
        }
        let from_environment = || std::env::var(URL).ok().filter(|url| !url.is_empty());
        let server = server.map(str::to_owned).or_else(from_environment).ok_or_else(|| {
            Failure::usage(format!(
                "where may scratch databases of PostgreSQL be made? give the URL of a server with `--scratch` or in `{URL}`, \
                 such as `postgres://postgres@localhost/postgres`: the role has to be one that may create databases"
            ))
        })?;
        Ok(Self { server: Some(server), pg_dump: Some(PgDump::find().map_err(Failure::machine)?) })
    }
}

/// Scratch databases, one for each variant of each class, and what was applied to them.
pub(super) struct Scratch<'p> {
    place: &'p Place,
    fleet: TestFleet,
    databases: Vec<Vec<Made>>,
}

/// One of them.
struct Made {
    engine: EngineKind,
    url: String,
    /// Who made what is in it.
    role: String,
}

impl<'p> Scratch<'p> {
    /// Makes them, with these migrations.
    pub(super) async fn new(place: &'p Place, set: &Migrations, classes: &[Class<'_>]) -> Result<Self, Stop> {
        let stop = |error| match error {
            TestFleetError::Server(error) => {
                Stop::Failed(Failure::machine(format!("the scratch server: {error}")))
            }
            TestFleetError::Migration { database, reason } => {
                Stop::refused(format!("on a scratch database in the place of `{database}`, {reason}"))
            }
            other => Stop::Failed(Failure::machine(other.to_string())),
        };
        let fleet = TestFleet::without_templates(place.server.as_deref(), set).await.map_err(stop)?;
        let histories = Migrator::new(set, fleet.fleet()).history().await;
        let role = |database: &Database| {
            let history = histories.databases.iter().find(|one| one.name == database.name)?;
            Some(history.records.as_ref().ok()?.first()?.applied_by.clone())
        };
        let made = |class: &Class<'_>| {
            let one = |database: &Database| Made {
                engine: class.engine,
                url: fleet.url(database.name.as_str()).unwrap_or_default().to_owned(),
                role: role(database).unwrap_or_default(),
            };
            class.variants().into_iter().map(one).collect()
        };
        let databases = classes.iter().map(made).collect();
        Ok(Self { place, fleet, databases })
    }

    /// What is in each.
    pub(super) fn dumps(&self, extent: Extent) -> Result<Vec<Vec<Dump>>, Stop> {
        let one = |Made { engine, url, role }: &Made| {
            dump::of(*engine, url, role, self.place.pg_dump.as_ref(), extent).map_err(|error| match error {
                Undumped::Unread(error) => {
                    Stop::Failed(Failure::machine(format!("a scratch database cannot be dumped: {error}")))
                }
                Undumped::NoSql(why) => Stop::refused(why),
            })
        };
        self.databases.iter().map(|class| class.iter().map(one).collect()).collect()
    }

    /// What of a set is pending there up to a version; why it cannot be, where that is so.
    pub(super) async fn pending(&self, set: &Migrations, to: Version) -> Vec<String> {
        let survey = Migrator::new(set, self.fleet.fleet()).to(to).survey().await;
        let of_database = |surveyed: sharded_migrations::Surveyed<'_>| match surveyed.standing {
            Ok(plan) => plan.steps.iter().map(|step| format!("{step} is pending")).collect::<Vec<_>>(),
            Err(reasons) => reasons.iter().map(Reason::to_string).collect(),
        };
        survey.databases.into_iter().flat_map(of_database).collect()
    }

    /// Applies what is pending.
    pub(super) async fn migrate(&self, set: &Migrations) -> Result<(), String> {
        Migrator::new(set, self.fleet.fleet()).run().await.map(drop).map_err(|error| error.to_string())
    }
}

/// A set for the scratch databases: these migrations, each of which waits for nobody.
pub(super) fn set_of<'a>(
    like: &Migrations,
    classes: &[Class<'_>],
    migrations: impl Iterator<Item = &'a Migration>,
) -> Migrations {
    let alone = |one: &Migration| Migration { barrier: false, requires: List::Borrowed(&[]), ..one.clone() };
    let databases: Vec<Database> = classes.iter().flat_map(Class::variants).cloned().collect();
    Migrations {
        folder: like.folder.clone(),
        migrations: migrations.map(alone).collect(),
        topology: Topology {
            databases: databases.into(),
            rollout: Rollout::DEFAULT,
            ..like.topology.clone()
        },
        origin: None,
    }
}
