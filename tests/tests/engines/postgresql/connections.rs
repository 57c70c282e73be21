//! How many connections a run opens.

use sharded_migrations_tests::postgres::Cluster;

use crate::support::fleet::{block_on, run};
use crate::support::proxy::Proxy;
use crate::support::{Engine, TestFleet, ending};

const NAMES: [&str; 6] = ["users_01", "users_02", "users_03", "users_04", "users_05", "users_06"];

/// Also where the fleet is larger, and each database is connected to more than once.
#[test]
fn connections_open_at_once_never_exceed_the_concurrency() {
    let mut fleet = TestFleet::new(Engine::Postgres, &NAMES).toml("[rollout]\nconcurrency = 2\n");
    let cluster = Cluster::shared();
    let proxy = Proxy::new(cluster.port());
    let through =
        |url: &str, proxy: &Proxy| url.replace(&cluster.port().to_string(), &proxy.port().to_string());
    let urls: Vec<_> =
        fleet.databases().iter().map(|database| (database.name.clone(), database.url())).collect();
    for (name, url) in &urls {
        fleet.set_url(name, through(url, &proxy));
    }
    let files = |count: usize| {
        let files = (1..=count).map(|version| {
            let transaction = if version == 2 { "-- #[no_transaction]\n" } else { "" };
            let text = format!("-- #[route(everywhere)]\n{transaction}CREATE TABLE t{version} (id int);\n");
            (format!("V{version}__t.sql"), text)
        });
        files.collect::<Vec<_>>()
    };
    let set = |count| {
        let files = files(count);
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        fleet.set(&files)
    };
    let survey = block_on(fleet.migrator(set(3)).survey());
    assert!(survey.is_clear());
    // Where a migration outside a transaction is pending, a pooler is looked for with two connections more.
    assert_eq!((proxy.most(), proxy.all()), (2, 6 + 12), "a survey");
    fleet.run(set(3)).unwrap();
    assert_eq!((proxy.most(), proxy.all()), (2, 18 + 24), "as in databases.toml");
    run(&fleet.migrator(set(4)).concurrency(1)).unwrap();
    assert_eq!((proxy.most(), proxy.all()), (2, 42 + 12), "one at a time");
    fleet.run(set(4)).unwrap();
    assert_eq!((proxy.most(), proxy.all()), (2, 54 + 6), "nothing to do");

    // Where there is room, a database with work keeps the connection of its survey.
    let proxy = Proxy::new(cluster.port());
    for (name, url) in &urls {
        fleet.set_url(name, through(url, &proxy));
    }
    let files = files(5);
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let result = run(&fleet.migrator(fleet.set(&files)).concurrency(6));
    assert!(ending(&result).starts_with("exit 0\n"), "{result:?}");
    assert_eq!(proxy.all(), 6);
    assert!(proxy.most() <= 6);
}

/// A limit for each server holds back nobody on another one.
#[test]
fn connections_to_one_server_have_a_limit_of_their_own() {
    let mut fleet = TestFleet::new(Engine::Postgres, &NAMES).toml("[rollout]\nper_server = 2\n");
    let cluster = Cluster::shared();
    let (one, other) = (Proxy::new(cluster.port()), Proxy::new(cluster.port()));
    let urls: Vec<_> =
        fleet.databases().iter().map(|database| (database.name.clone(), database.url())).collect();
    for (index, (name, url)) in urls.iter().enumerate() {
        let proxy = if index < 4 { &one } else { &other };
        fleet.set_url(name, url.replace(&cluster.port().to_string(), &proxy.port().to_string()));
    }
    let files = [("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")];
    let result = fleet.run(fleet.set(&files));
    assert!(ending(&result).starts_with("exit 0\n"), "{result:?}");
    // Four do not fit, so each of them is connected to twice.
    assert!(one.most() <= 2, "{}", one.most());
    assert_eq!((one.all(), other.all()), (8, 4));
}
