//! A read copy that the fleet's file takes for a primary.

use sharded_migrations_tests::postgres::psql;

use crate::support::{Engine, TestFleet, ending, error};

#[test]
fn a_replica_that_is_configured_as_a_primary_is_refused() {
    let mut fleet = TestFleet::of_three(Engine::Postgres);
    let replica = fleet.database("users_02").postgres().replica_url();
    // A lock there would be granted, and mean nothing.
    assert_eq!(psql(&replica, "SELECT pg_try_advisory_lock(1), pg_is_in_recovery()"), Ok("t|t".into()));
    fleet.set_url("users_02", &replica);
    let set = fleet.set(&[("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")]);
    let before = fleet.fingerprint();
    for what in ["pending", "up to date"] {
        let result = fleet.run(set);
        assert_eq!(ending(&result).lines().last(), Some("users_02: refused error"), "{what}");
        let message = error(&result);
        assert!(message.contains("users_02: the server is a replica"), "{message}");
        assert!(message.contains("let the URL of `users_02` lead to the primary"), "{message}");
        if what == "pending" {
            assert_eq!(ending(&result).lines().next(), Some("exit 5"));
            assert_eq!(fleet.fingerprint(), before);
            // Where there is nothing to do it is refused as well: it may be the one that is asked next time.
            fleet.database("users_02").execute("SELECT 1");
            let direct = fleet.database("users_02").url();
            fleet.set_url("users_02", direct);
            fleet.run(set).unwrap();
            let replica = fleet.database("users_02").postgres().replica_url();
            fleet.set_url("users_02", replica);
        }
    }
}
