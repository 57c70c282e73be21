//! Migrations outside a transaction.

use crate::support::{Engine, TestFleet, ending, on_every_engine};

on_every_engine!(
    a_failure_leaves_what_was_done_and_the_next_run_goes_on_with_its_statement,
    a_text_without_its_last_semicolon_is_run_to_its_end,
    each_statement_is_run_once_and_recorded,
);

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int UNIQUE);\n");
const LAST: (&str, &str) = ("V3__last.sql", "-- #[route(everywhere)]\nCREATE TABLE last (id int);\n");

fn each_statement_is_run_once_and_recorded(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let file = "-- #[route(group = \"users\")] #[no_transaction] #[vars(shard)]\n\
                CREATE TABLE b (id int);\n-- between\nINSERT INTO b VALUES (${shard}0);\n;\n\
                INSERT INTO b SELECT count(*) FROM b;\n";
    let set = fleet.set(&[FIRST, ("V2__b.sql", file), LAST]);
    let done = "exit 0\n\
                default: done 1 3, 0 before\n\
                users_01: done 1 2 3, 0 before\n\
                users_02: done 1 2 3, 0 before";
    assert_eq!(ending(&fleet.run(set)), done);
    let users = fleet.database("users_02");
    assert_eq!(users.contents(), "a b last | 1 a, 2 b, 3 last");
    assert_eq!(users.query("SELECT id FROM b"), "20\n1");
    let done = "SELECT statements_done FROM sharded_migrations_history WHERE version = 2";
    assert_eq!(users.query(done), "3");
    fleet.wait_until_unlocked();
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

const SECOND: (&str, &str) = (
    "V2__b.sql",
    "-- #[route(everywhere)]\n-- #[no_transaction]\nINSERT INTO a VALUES (1);\n\
     CREATE TABLE b (id int);\nINSERT INTO a VALUES (9);\nCREATE TABLE c (id int);\n",
);

fn a_failure_leaves_what_was_done_and_the_next_run_goes_on_with_its_statement(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    let set = fleet.set(&[FIRST, SECOND, LAST]);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    default.execute("INSERT INTO a VALUES (9)");
    for before in ["a", "a b"] {
        assert!(default.contents().starts_with(before));
        let result = fleet.run(set);
        assert_eq!(ending(&result), "exit 1\ndefault: failed at migrations/V2__b.sql:5:1, applied, 1 before");
        assert_eq!(default.contents(), "a b | 1 a, 2 b (paused, 2 done)", "what came before it is kept");
        assert_eq!(default.query("SELECT id FROM a ORDER BY id"), "1\n9");
        fleet.wait_until_unlocked();
    }
    default.execute("DELETE FROM a WHERE id = 9");
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2 3, 1 before");
    assert_eq!(default.contents(), "a b c last | 1 a, 2 b, 3 last");
    assert_eq!(default.query("SELECT id FROM a ORDER BY id"), "1\n9");
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

fn a_text_without_its_last_semicolon_is_run_to_its_end(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let file = "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE TABLE b (id int);\nINSERT INTO b VALUES (1) -- x";
    fleet.run(fleet.set(&[("V1__b.sql", file)])).unwrap();
    assert_eq!(fleet.database("default").query("SELECT id FROM b"), "1");
}
