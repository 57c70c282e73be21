//! A migration that fails.

use crate::support::fleet::run;
use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_failure_keeps_what_came_before_and_undoes_its_own,
    a_failure_on_one_database_leaves_the_others_alone,
    a_migration_that_ends_its_transaction_is_not_recorded,
    databases_that_were_not_started_are_said_to_be,
    every_database_that_fails_is_in_the_report,
);

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n");
const BROKEN: (&str, &str) = (
    "V2__b.sql",
    "-- #[route(everywhere)]\nCREATE TABLE b (id bigint);\nINSERT INTO a VALUES (2);\n\
     INSERT INTO b SELECT missing FROM a;\nINSERT INTO a VALUES (3);\n",
);
const FIXED: (&str, &str) =
    ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id bigint);\nINSERT INTO a VALUES (2);\n");
const LAST: (&str, &str) = ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id bigint);\n");

fn a_failure_keeps_what_came_before_and_undoes_its_own(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    let result = fleet.run(fleet.set(&[FIRST, BROKEN, LAST]));
    assert_eq!(ending(&result), "exit 1\ndefault: failed at migrations/V2__b.sql:4:22, 1 applied, 0 before");
    let message = error(&result);
    for part in ["migration 2 b failed on `default`", "migrations/V2__b.sql:4:22", "missing"] {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
    assert_eq!(default.contents(), "a | 1 a");
    assert_eq!(default.query("SELECT count(*) FROM a"), "0", "what it wrote before it failed is taken back");
    fleet.wait_until_unlocked();

    let result = fleet.run(fleet.set(&[FIRST, FIXED, LAST]));
    assert_eq!(ending(&result), "exit 0\ndefault: done 2 3, 1 before");
    assert_eq!(default.contents(), "a b c | 1 a, 2 b, 3 c");
    assert_eq!(default.query("SELECT id FROM a"), "2");
}

fn a_failure_on_one_database_leaves_the_others_alone(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    // One shard has rows that the new rule forbids.
    let rule = ("V2__rule.sql", "-- #[route(everywhere)]\nCREATE UNIQUE INDEX rule ON a (id);\n");
    fleet.run(fleet.set(&[FIRST])).unwrap();
    fleet.database("users_01").execute("INSERT INTO a VALUES (1), (1)");

    let set = fleet.set(&[FIRST, rule, LAST]);
    let result = fleet.run(set);
    assert_eq!(
        ending(&result),
        "exit 4\n\
         default: done 2 3, 1 before\n\
         users_01: failed at migrations/V2__rule.sql:2:1, applied, 1 before\n\
         users_02: done 2 3, 1 before"
    );
    assert!(error(&result).contains("migration 2 rule failed on `users_01`"), "{}", error(&result));
    assert_eq!(fleet.database("users_01").contents(), "a | 1 a");
    assert_eq!(fleet.database("users_02").contents(), "a c | 1 a, 2 rule, 3 c");

    let others = ["default", "users_02"].map(|name| fleet.database(name).fingerprint());
    fleet.database("users_01").execute("DELETE FROM a");
    let result = fleet.run(set);
    assert_eq!(
        ending(&result),
        "exit 0\ndefault: done, 3 before\nusers_01: done 2 3, 1 before\nusers_02: done, 3 before"
    );
    assert_eq!(["default", "users_02"].map(|name| fleet.database(name).fingerprint()), others);
}

fn databases_that_were_not_started_are_said_to_be(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&[FIRST, BROKEN]);
    let result = run(&fleet.migrator(set).concurrency(1));
    assert_eq!(
        ending(&result),
        "exit 4\n\
         default: failed at migrations/V2__b.sql:4:22, 1 applied, 0 before\n\
         users_01: not started\n\
         users_02: not started"
    );
    assert_eq!(fleet.contents(), "default: a | 1 a\nusers_01: nothing\nusers_02: nothing");
    assert_eq!(
        ending(&fleet.run(fleet.set(&[FIRST, FIXED]))),
        "exit 0\ndefault: done 2, 1 before\nusers_01: done 1 2, 0 before\nusers_02: done 1 2, 0 before"
    );
}

fn every_database_that_fails_is_in_the_report(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&[FIRST, ("V2__x.sql", "-- #[route(group = \"users\")]\nSELECT missing FROM a;\n")]);
    let result = fleet.run(set);
    assert_eq!(
        ending(&result),
        "exit 4\n\
         default: done 1, 0 before\n\
         users_01: failed at migrations/V2__x.sql:2:8, 1 applied, 0 before\n\
         users_02: failed at migrations/V2__x.sql:2:8, 1 applied, 0 before"
    );
    let message = error(&result);
    assert!(message.starts_with("2 of 3 databases are not migrated"), "{message}");
    for name in ["users_01", "users_02"] {
        assert!(message.contains(&format!("failed on `{name}`")), "{message}");
    }
}

/// The build refuses `COMMIT`; there are other ways to it.
fn a_migration_that_ends_its_transaction_is_not_recorded(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let sneaky = engine.pick(
        "-- #[route(everywhere)]\nDO $$ BEGIN COMMIT; END $$;\n",
        "-- #[route(everywhere)]\nCREATE TABLE b (id int UNIQUE ON CONFLICT ROLLBACK);\n\
         INSERT INTO b VALUES (1);\nINSERT INTO b VALUES (1);\n",
    );
    let result = fleet.run(fleet.set(&[FIRST, ("V2__sneaky.sql", sneaky), LAST]));
    assert!(
        ending(&result).starts_with("exit 1\ndefault: failed at migrations/V2__sneaky.sql"),
        "{result:?}"
    );
    assert_eq!(fleet.contents(), "default: a | 1 a");
}
