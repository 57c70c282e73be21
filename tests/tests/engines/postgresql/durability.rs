//! What is told of as applied outlives the server.

use sharded_migrations_tests::postgres::{Cluster, Options};

use crate::support::fleet::run_at;
use crate::support::{Engine, TestFleet, ending};

const FILES: [(&str, &str); 5] = [
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n"),
    ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n"),
    ("V3__c.sql", "-- #[route(everywhere)]\nSET synchronous_commit = off;\nCREATE TABLE c (id int);\n"),
    ("V4__d.sql", "-- #[route(everywhere)]\nSET LOCAL synchronous_commit = off;\nCREATE TABLE d (id int);\n"),
    ("V5__e.sql", "-- #[route(everywhere)]\n-- #[no_transaction]\nINSERT INTO a VALUES (1);\n"),
];

/// Seen by a trigger on the history: it runs in the transaction that is to be committed.
#[test]
fn the_last_commit_of_a_message_waits_for_the_disk_whatever_the_database_says() {
    for (own, expected) in [("on", "2|off\n3|off\n4|on\n5|on"), ("off", "2|off\n3|off\n4|local\n5|local")] {
        let fleet = TestFleet::of_one(Engine::Postgres);
        let default = fleet.database("default");
        let name = default.postgres().name();
        default.execute(&format!("ALTER DATABASE {name} SET synchronous_commit = {own}"));
        fleet.run(fleet.set(&FILES[..1])).unwrap();
        default.execute(
            "CREATE TABLE seen (version bigint, waits text);\n\
             CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n\
             INSERT INTO seen VALUES (NEW.version, current_setting('synchronous_commit')); RETURN NULL; END $$;\n\
             CREATE TRIGGER see AFTER INSERT OR UPDATE ON sharded_migrations_history FOR EACH ROW \
             WHEN (NEW.state = 'applied') EXECUTE FUNCTION see()",
        );
        fleet.run(fleet.set(&FILES)).unwrap();
        assert_eq!(default.query("SELECT * FROM seen ORDER BY version"), expected, "{own}");
    }
}

/// The server writes down by itself what nobody waits for, but not within the test.
#[test]
fn what_is_applied_is_there_after_a_crash_although_the_server_does_not_wait_for_its_disk() {
    let options = Options::default().setting("synchronous_commit", "off").setting("wal_writer_delay", "10s");
    let mut cluster = Cluster::start(options);
    let database = cluster.create_database("crash");
    let fleet = TestFleet::new(Engine::Postgres, &[])
        .toml("[databases.one]\nurl = \"${ONE}\"\n")
        .url("ONE", database.url());
    for (files, applied) in [(&FILES[..2], "1 2"), (&FILES[..4], "3 4"), (&FILES[..], "5")] {
        let result = fleet.run(fleet.set(files));
        cluster.stop_immediate();
        let before = files.len() - applied.split(' ').count();
        assert_eq!(ending(&result), format!("exit 0\none: done {applied}, {before} before"));
        cluster.restart();
        let count = database.psql("SELECT count(*) FROM sharded_migrations_history WHERE state = 'applied'");
        assert_eq!(count, files.len().to_string());
    }
    assert!(run_at(&database.url(), &FILES).starts_with("exit 0\none: done, 5 before"));
}
