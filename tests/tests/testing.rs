//! What an application's own tests get: a migrated fleet of databases that are gone with the test.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use rusqlite::Connection;
use sharded_migrations::testing::{TEST_URL, TestFleet, TestFleetError};
use sharded_migrations::{Migrations, Migrator};
use sharded_migrations_core::{compile::compile, project::Sources};
use sharded_migrations_tests::postgres::{Cluster, Options, psql};

const FLEET: &str = "\
[groups.users]
[databases.default]
url = \"${DEFAULT_URL}\"
[databases.\"users_{01..03}\"]
group = \"users\"
url = \"postgres://app:${PASSWORD}@db{01..03}/users\"
vars = { shard = \"{1..3}\" }
[databases.users_01_replica]
replica_of = \"users_01\"
url = \"${REPLICA_URL}\"
";

const FILES: [(&str, &str); 4] = [
    ("V1__setting.sql", "-- #[route(database = \"default\")]\nCREATE TABLE setting (name text PRIMARY KEY);"),
    (
        "V2__account.sql",
        "-- #[route(group = \"users\")]\nCREATE TABLE account (id bigint PRIMARY KEY, name text);",
    ),
    ("V3__both.sql", "-- #[route(everywhere)]\n-- #[barrier]\nCREATE TABLE note (id bigint PRIMARY KEY);"),
    (
        "V4__late.sql",
        "-- #[route(group = \"users\")]\n-- #[requires(\"users_03:3\")]\nCREATE TABLE late (id bigint PRIMARY KEY);",
    ),
];

fn set(fleet: &str, files: &[(&str, &str)]) -> Migrations {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    compile(&Sources {
        folder: "migrations".into(),
        files: files.collect(),
        databases: "databases.toml".into(),
        databases_bytes: fleet.into(),
        lock: None,
    })
    .unwrap()
}

/// The same for SQLite, which has to be said where a URL is all variable.
fn of_sqlite() -> Migrations {
    let fleet = FLEET.replace("postgres://app:${PASSWORD}@db{01..03}/users", "sqlite:users_{01..03}.db");
    set(
        &fleet.replace("${DEFAULT_URL}", "sqlite:default.db").replace("${REPLICA_URL}", "sqlite:replica.db"),
        &FILES,
    )
}

fn ask(fleet: &TestFleet, database: &str, sql: &str) -> String {
    psql(fleet.url(database).unwrap(), sql).unwrap()
}

fn databases(url: &str, like: &str) -> Vec<String> {
    let names = psql(url, &format!("SELECT datname FROM pg_database WHERE datname LIKE '{like}' ORDER BY 1"))
        .unwrap();
    names.lines().map(str::to_owned).collect()
}

const TEST: &str = "sharded\\_migrations\\_test\\_%";
const TEMPLATE: &str = "sharded\\_migrations\\_template\\_%";

#[tokio::test]
async fn each_database_has_its_own_migrations_and_a_replica_is_its_primary() {
    let server = Cluster::shared().url();
    let set = set(FLEET, &FILES);
    let fleet = TestFleet::on(&server, &set).await.unwrap();
    let names: Vec<&str> = fleet.urls().map(|(name, _)| name).collect();
    assert_eq!(names, ["default", "users_01", "users_01_replica", "users_02", "users_03"]);
    assert_eq!(fleet.url("users_01"), fleet.url("users_01_replica"));
    assert_eq!(fleet.url("users_04"), None);

    ask(&fleet, "users_01", "INSERT INTO account VALUES (1, 'a')");
    assert_eq!(ask(&fleet, "users_01_replica", "SELECT count(*) FROM account").trim(), "1");
    assert_eq!(ask(&fleet, "users_02", "SELECT count(*) FROM account").trim(), "0");
    assert_eq!(ask(&fleet, "default", "SELECT to_regclass('account') IS NULL").trim(), "t");
    let readiness = Migrator::new(&set, fleet.fleet()).check().await;
    assert_eq!(readiness.exit_code(), 0, "{readiness:?}");
    assert!(!format!("{fleet:?}").contains("postgres"), "{fleet:?}");
}

/// On a server of its own: others make templates on the shared one.
#[tokio::test]
async fn databases_that_get_the_same_are_copies_of_one_template_and_go_with_the_fleet() {
    let cluster = Cluster::start(Options::default());
    let server = cluster.url();
    let first = set(FLEET, &FILES);
    let fleets = futures_util::future::join_all((0..3).map(|_| TestFleet::on(&server, &first))).await;
    let fleets: Vec<TestFleet> = fleets.into_iter().map(Result::unwrap).collect();
    assert_eq!(databases(&server, TEST).len(), 12);
    assert_eq!(databases(&server, TEMPLATE).len(), 2, "one of `default`, one of the shards");
    ask(&fleets[0], "users_01", "INSERT INTO account VALUES (1, 'a')");
    assert_eq!(ask(&fleets[1], "users_01", "SELECT count(*) FROM account").trim(), "0");
    drop(fleets);
    assert_eq!(databases(&server, TEST), [""; 0]);

    // A variable that is used makes databases different, and so does another text.
    let vars =
        "-- #[route(group = \"users\")]\n-- #[vars(shard)]\nINSERT INTO account VALUES (${shard}, 'x');";
    let other = set(FLEET, &[&FILES[..], &[("V5__vars.sql", vars)]].concat());
    let fleet = TestFleet::on(&server, &other).await.unwrap();
    assert_eq!(ask(&fleet, "users_03", "SELECT id FROM account").trim(), "3");
    assert_eq!(databases(&server, TEMPLATE).len(), 5);

    // What was not used for a week goes when another one is made.
    for template in databases(&server, TEMPLATE) {
        psql(&server, &format!("COMMENT ON DATABASE {template} IS '2020-01-01 00:00:00+00'")).unwrap();
    }
    let third = set(
        FLEET,
        &[&FILES[..], &[("V6__x.sql", "-- #[route(everywhere)]\nCREATE TABLE x (id int);")]].concat(),
    );
    let _fleet = TestFleet::on(&server, &third).await.unwrap();
    assert_eq!(databases(&server, TEMPLATE).len(), 2);
}

#[tokio::test]
async fn what_a_killed_process_left_is_dropped_and_what_another_one_uses_is_not() {
    let cluster = Cluster::start(Options::default());
    let server = cluster.url();
    let set = set(FLEET, &FILES);
    let other = TestFleet::on(&server, &set).await.unwrap();
    psql(&server, "CREATE DATABASE sharded_migrations_test_deadbeef_0_users_01").unwrap();
    psql(&server, "CREATE DATABASE sharded_migrations_tests_of_mine").unwrap();
    let _fleet = TestFleet::on(&server, &set).await.unwrap();
    let left = databases(&server, TEST);
    assert!(!left.iter().any(|name| name.contains("deadbeef")), "{left:?}");
    assert_eq!(left.len(), 8);
    assert_eq!(databases(&server, "%\\_of\\_mine").len(), 1);
    assert_eq!(ask(&other, "users_01", "SELECT count(*) FROM account").trim(), "0");
}

#[tokio::test]
async fn a_migration_that_fails_is_told_of_and_leaves_no_template() {
    let cluster = Cluster::start(Options::default());
    let server = cluster.url();
    let wrong = ("V5__wrong.sql", "-- #[route(group = \"users\")]\nINSERT INTO account VALUES ('x');");
    let set = set(FLEET, &[&FILES[..], &[wrong]].concat());
    let error = TestFleet::on(&server, &set).await.unwrap_err();
    assert!(matches!(error, TestFleetError::Migration { .. }), "{error}");
    assert!(error.to_string().contains("the databases like `users_01` cannot be migrated"), "{error}");
    assert!(error.to_string().contains("migrations/V5__wrong.sql:2"), "{error}");
    assert_eq!(databases(&server, TEST), [""; 0]);
    assert_eq!(databases(&server, TEMPLATE).len(), 1, "that of `default`");
}

#[tokio::test]
async fn without_templates_nothing_stays_on_the_server() {
    let cluster = Cluster::start(Options::default());
    let server = cluster.url();
    let first = set(FLEET, &FILES);
    let fleet = TestFleet::without_templates(Some(&server), &first).await.unwrap();
    assert_eq!(Migrator::new(&first, fleet.fleet()).check().await.exit_code(), 0);
    assert_eq!((databases(&server, TEST).len(), databases(&server, TEMPLATE).len()), (4, 0));
    drop(fleet);
    assert_eq!(databases(&server, TEST), [""; 0]);
    let wrong = ("V5__wrong.sql", "-- #[route(group = \"users\")]\nINSERT INTO account VALUES ('x');");
    let wrong = set(FLEET, &[&FILES[..], &[wrong]].concat());
    let error = TestFleet::without_templates(Some(&server), &wrong).await.unwrap_err();
    assert!(error.to_string().contains("migrations/V5__wrong.sql:2"), "{error}");
    assert_eq!((databases(&server, TEST).len(), databases(&server, TEMPLATE).len()), (0, 0));
}

#[tokio::test]
async fn files_of_sqlite_are_copies_too() {
    let set = of_sqlite();
    let fleet = TestFleet::new(&set).await.unwrap();
    let open =
        |name: &str| Connection::open(fleet.url(name).unwrap().strip_prefix("sqlite:").unwrap()).unwrap();
    open("users_01").execute("INSERT INTO account VALUES (1, 'a')", []).unwrap();
    let count = |name: &str| {
        open(name).query_row("SELECT count(*) FROM account", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((count("users_01_replica"), count("users_02")), (1, 0));
    assert_eq!(Migrator::new(&set, fleet.fleet()).check().await.exit_code(), 0);
    let path = fleet.url("users_01").unwrap().strip_prefix("sqlite:").unwrap().to_owned();
    drop(fleet);
    assert!(!std::path::Path::new(&path).exists());
}

#[tokio::test]
async fn a_server_that_is_not_named_or_not_there_is_told_of() {
    let set = set(FLEET, &FILES);
    let error = TestFleet::on("postgres://127.0.0.1:1/postgres", &set).await.unwrap_err();
    assert!(matches!(error, TestFleetError::Server(_)), "{error}");
    assert!(error.to_string().contains("SHARDED_MIGRATIONS_TEST_URL"), "{error}");
    if std::env::var_os(TEST_URL).is_none() {
        let error = TestFleet::new(&set).await.unwrap_err();
        assert!(matches!(error, TestFleetError::NoServer), "{error}");
    }
}
