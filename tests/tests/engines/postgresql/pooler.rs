//! PgBouncer between a run and its server.

use sharded_migrations::Repair;
use sharded_migrations_tests::pgbouncer::{PgBouncer, PoolMode};
use sharded_migrations_tests::postgres::Cluster;

use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, ending};

const FIRST: (&str, &str) =
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\n");
const SECOND: (&str, &str) = ("V2__b.sql", "-- #[route(group = \"users\")]\nALTER TABLE a ADD b int;\n");

/// In both modes, and a pooler that lends its connections to others afterwards lends no lock with them.
#[test]
fn transactions_are_applied_through_a_pooler() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let pooler = PgBouncer::start(Cluster::shared(), mode);
        let mut fleet = TestFleet::of_three(Engine::Postgres);
        for name in ["default", "users_01", "users_02"] {
            let url = pooler.url(fleet.database(name).postgres());
            fleet.set_url(name, url);
        }
        let set = fleet.set(&[FIRST, SECOND]);
        let first = fleet.run(set);
        assert_eq!(
            ending(&first),
            "exit 0\ndefault: done 1, 0 before\nusers_01: done 1 2, 0 before\nusers_02: done 1 2, 0 before",
            "{mode:?}: {first:?}"
        );
        let second = fleet.run(set);
        assert!(ending(&second).starts_with("exit 0\ndefault: done, 1 before\n"), "{mode:?}: {second:?}");
        fleet.wait_until_unlocked();
        assert_eq!(fleet.database("users_02").query("SELECT id, b FROM a"), "1|");
    }
}

/// Nobody could tell there whether another process is in the middle of the migration.
#[test]
fn nothing_is_repaired_where_no_lock_can_be_kept() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let half = ("V2__b.sql", "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE b (id int);\n");
    let set = fleet.set(&[FIRST, half]);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let default = fleet.database("default");
    default.add_history_row(2, "b", &set.migrations[1].checksum.to_string(), "started");
    let before = fleet.fingerprint();
    let pooler = PgBouncer::start(Cluster::shared(), PoolMode::Transaction);
    let url = pooler.url(fleet.database("default").postgres());
    fleet.set_url("default", url);
    let repairs = block_on(fleet.migrator(set).repair(Repair::Retry));
    let error = repairs.databases[0].settled.as_ref().unwrap_err();
    assert!(error.message.contains("a pooler that gives each transaction another connection"), "{error}");
    assert_eq!(fleet.fingerprint(), before);
}
