//! The URL leads elsewhere, or writes are forbidden, between the survey and the first write.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sharded_migrations::Event;
use sharded_migrations_tests::postgres::{Cluster, Options, psql};

use crate::support::fleet::run;
use crate::support::proxy::Proxy;
use crate::support::{Engine, Run, TestFleet, ending, error};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) = ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n");

/// Whether the connection of the survey is the one that applies, or another one.
const CONNECTIONS: [usize; 2] = [1, 32];

/// Two databases on a cluster, reached through a proxy.
fn fleet(urls: [String; 2], cluster: u16, proxy: &Proxy) -> TestFleet {
    let [one, two] = urls.map(|url| url.replace(&format!(":{cluster}/"), &format!(":{}/", proxy.port())));
    TestFleet::new(Engine::Postgres, &[])
        .toml("[databases.one]\nurl = \"${ONE}\"\n[databases.two]\nurl = \"${TWO}\"\n")
        .url("ONE", one)
        .url("TWO", two)
}

/// Runs, and does something before the first database is written to.
fn run_and_meanwhile(
    fleet: &TestFleet,
    files: &[(&str, &str)],
    concurrency: usize,
    meanwhile: impl Fn() + Send + Sync + 'static,
) -> Run {
    let has_come = Arc::new(AtomicBool::new(false));
    let migrator = fleet.migrator(fleet.set(files)).concurrency(concurrency).on_event(move |event| {
        if matches!(event, Event::DatabaseStarted { .. }) && !has_come.swap(true, Ordering::SeqCst) {
            meanwhile();
        }
    });
    run(&migrator)
}

#[test]
fn a_primary_that_became_a_replica_behind_the_survey_takes_nothing() {
    let cluster = Cluster::shared();
    let replica = cluster.replica().port();
    for concurrency in CONNECTIONS {
        for before in [&[][..], &[FIRST][..]] {
            let databases = ["one", "two"].map(|name| cluster.create_database(name));
            let proxy = Arc::new(Proxy::new(cluster.port()));
            let fleet = fleet(databases.each_ref().map(|database| database.url()), cluster.port(), &proxy);
            if !before.is_empty() {
                fleet.run(fleet.set(before)).unwrap();
            }
            let contents = || databases.each_ref().map(|database| database.dump_schema());
            let seen = contents();
            cluster.replica().wait_until_caught_up();
            let switch = Arc::clone(&proxy);
            let result =
                run_and_meanwhile(&fleet, &[FIRST, SECOND], concurrency, move || switch.lead_to(replica));
            let message = error(&result);
            assert!(message.contains("the server is a replica"), "{concurrency} {before:?}: {message}");
            assert!(message.contains("lead to the primary") || message.contains("closed"), "{message}");
            assert!(!ending(&result).contains("done"), "{result:?}");
            assert_eq!(contents(), seen);
            proxy.lead_to(cluster.port());
            let again = ending(&fleet.run(fleet.set(&[FIRST, SECOND])));
            assert!(again.starts_with("exit 0"), "{again}");
        }
    }
}

/// The replica has the history that the plan was made from.
#[test]
fn a_replica_that_was_promoted_behind_the_survey_is_migrated() {
    let mut cluster = Cluster::start(Options::default());
    let databases = ["one", "two"].map(|name| cluster.create_database(name));
    let proxy = Arc::new(Proxy::new(cluster.port()));
    let fleet = fleet(databases.each_ref().map(|database| database.url()), cluster.port(), &proxy);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let replica = cluster.replica();
    replica.wait_until_caught_up();
    let (port, url) = (replica.port(), replica.url("postgres"));
    let urls = databases.each_ref().map(|database| replica.url(database.name()));
    let switch = Arc::clone(&proxy);
    let result = run_and_meanwhile(&fleet, &[FIRST, SECOND], 1, move || {
        assert_eq!(psql(&url, "SELECT pg_promote()").as_deref(), Ok("t"));
        switch.lead_to(port);
    });
    assert_eq!(ending(&result), "exit 0\none: done 2, 1 before\ntwo: done 2, 1 before");
    cluster.stop_immediate();
    for url in urls {
        let versions = "SELECT version FROM sharded_migrations_history ORDER BY 1";
        assert_eq!(psql(&url, versions).as_deref(), Ok("1\n2"));
    }
}

#[test]
fn a_database_that_was_made_read_only_behind_the_survey_takes_nothing() {
    let cluster = Cluster::shared();
    for before in [&[][..], &[FIRST][..]] {
        let databases = ["one", "two"].map(|name| cluster.create_database(name));
        let proxy = Proxy::new(cluster.port());
        let fleet = fleet(databases.each_ref().map(|database| database.url()), cluster.port(), &proxy);
        if !before.is_empty() {
            fleet.run(fleet.set(before)).unwrap();
        }
        let seen = databases[0].dump_schema();
        let read_only =
            format!("ALTER DATABASE {} SET default_transaction_read_only = on", databases[0].name());
        let url = cluster.url();
        let result =
            run_and_meanwhile(&fleet, &[FIRST, SECOND], 1, move || drop(psql(&url, &read_only).unwrap()));
        let message = error(&result);
        assert!(message.contains("default_transaction_read_only"), "{message}");
        assert!(ending(&result).ends_with("two: not started"), "{result:?}");
        assert_eq!(databases[0].dump_schema(), seen);
    }
}
