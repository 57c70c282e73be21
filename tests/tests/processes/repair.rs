//! `repair` as somebody types it, one database after the other.

use serde_json::json;

use crate::program::{end, on};
use crate::schema::document;
use crate::support::{Engine, TestFleet};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) = (
    "V2__b.sql",
    "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE b (id int);\nINSERT INTO b VALUES (1);\n",
);

#[test]
fn what_broke_off_is_settled_as_the_message_says() {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let project = fleet.project(&[FIRST, SECOND]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let checksum = fleet.set(&[FIRST, SECOND]).migrations[1].checksum.to_string();
    assert_eq!(run("--migrate --to 1").0, 0);
    // What a killed process leaves: on the one its first statement was done, on the other it was not.
    for name in ["users_01", "users_02"] {
        fleet.database(name).add_history_row(2, "b", &checksum, "started");
    }
    fleet.database("users_02").execute("CREATE TABLE b (id int)");
    let (code, _, err) = run("--migrate");
    assert_eq!(code, 5, "{err}");
    for (name, words) in
        [("users_01", "--migrate=repair --retry"), ("users_02", "--migrate=repair --applied")]
    {
        assert!(err.contains(&format!("{words} --database {name}`")), "{err}");
    }

    let (code, out, err) = run("--migrate=repair --retry --database users_01,default");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        "== default ==\n  nothing to settle\n== users_01 (users) ==\n  \
         settled 2 b: the next run goes on with the statement at V2__b.sql:2:1\n\n\
         1 migration settled on 1 of 2 databases\n"
    );
    let (code, out, err) = run("migrate repair --applied --format json");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let document = document(&out);
    let settled = json!([{ "version": 2, "name": "b", "next": "statement", "statement": "V2__b.sql:3:1" }]);
    assert_eq!(
        document,
        json!({ "format": 1, "verb": "repair", "repair": "applied", "exit_code": 0, "databases": [
            { "database": "default", "group": null, "settled": [] },
            { "database": "users_01", "group": "users", "settled": [] },
            { "database": "users_02", "group": "users", "settled": settled },
        ]})
    );
    assert_eq!(run("--migrate").0, 0);
    assert_eq!(
        fleet.contents(),
        "default: a b | 1 a, 2 b\nusers_01: a b | 1 a, 2 b\nusers_02: a b | 1 a, 2 b"
    );
}

#[test]
fn a_database_that_cannot_be_repaired_is_told_of_and_has_its_exit_code() {
    let mut fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[FIRST, SECOND]);
    fleet.set_url("users_01", "sqlite:/no/such/folder/users_01.db");
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let (code, out, err) = run("--migrate=repair --retry");
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.ends_with("0 migrations settled on 0 of 3 databases; 1 failed\n"), "{out}");
    assert!(err.starts_with("== users_01 (users) ==\n  failed: ") && err.contains("    help: "), "{err}");
    let quiet = run("--migrate=repair --retry --verbosity quiet");
    assert_eq!(quiet, (4, String::new(), err));
    let (code, out, err) = run("migrate repair --applied --database users_01 --format json");
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    let document = document(&out);
    assert!(document["databases"][0]["error"]["help"].is_string(), "{out}");
    assert_eq!(fleet.contents(), "default: nothing\nusers_01: nothing\nusers_02: nothing");
}
