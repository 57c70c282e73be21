//! `reset`: a developer's databases are emptied and made anew.

use serde_json::{Value, json};

use crate::program::{end, on};
use crate::schema::lines;
use crate::support::{Engine, TestFleet};

const A: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const EDITED: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int, name text);\n");

const DEVELOPMENT: &str = "development = \"${DEVELOPMENT:-false}\"\n";

/// A fleet with history, and things that no migration made.
fn used(engine: Engine) -> TestFleet {
    let fleet = TestFleet::of_three(engine).first_line(DEVELOPMENT);
    let project = fleet.project(&[A]);
    assert_eq!(end(&mut on(&fleet, &project, "--migrate")).0, 0);
    fleet.wait_until_unlocked();
    for database in fleet.databases() {
        database.execute(engine.pick(
            "CREATE SCHEMA \"Odd one\"; CREATE TABLE \"Odd one\".t (id int); CREATE TYPE mood AS ENUM ('ok'); \
             CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT a.id FROM a, \"Odd one\".t; \
             CREATE MATERIALIZED VIEW m AS SELECT 1; CREATE SEQUENCE s",
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (7); CREATE VIEW v AS SELECT * FROM t; \
             CREATE TABLE \"odd \"\"one\" (id int REFERENCES t); INSERT INTO \"odd \"\"one\" VALUES (7); \
             CREATE INDEX i ON t (id); CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
        ));
    }
    fleet
}

fn is_made_anew(engine: Engine) {
    let fleet = used(engine);
    let edited = fleet.project(&[EDITED]);
    let before = fleet.fingerprint();
    let run = |words: &str| end(&mut on(&fleet, &edited, words));
    let develop = |words: &str| end(on(&fleet, &edited, words).env("DEVELOPMENT", "true"));
    assert_eq!(run("--migrate").0, 5, "the file is another one");

    let (code, out, err) = run("--migrate=reset --yes");
    assert_eq!(code, 5, "{out}{err}");
    assert!(err.contains("does not say that its databases may be emptied"), "{err}");
    let (code, _, err) = develop("--migrate=reset");
    assert_eq!(code, 2, "nobody is there to ask: {err}");
    let (code, out, err) = develop("--migrate=reset --dry-run");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let would = engine.pick("would empty public (2 tables)", "would empty main (5 tables)");
    assert!(out.contains(would), "{out}");
    assert_eq!(fleet.fingerprint(), before, "nothing has changed yet");

    let (code, out, err) = develop("--migrate=reset --yes --format json");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let lines: Vec<Value> = lines(&out);
    assert_eq!((&lines[0]["verb"], &lines[0]["action"]), (&json!("reset"), &json!("reset")));
    assert_eq!(lines.last().unwrap()["event"], "run_finished");
    fleet.wait_until_unlocked();
    // SQLite's own table stays, empty.
    let tables = engine.pick("a", "a sqlite_sequence");
    let expected = ["default", "users_01", "users_02"].map(|name| format!("{name}: {tables} | 1 a"));
    assert_eq!(fleet.contents(), expected.join("\n"));
    assert_eq!(run("--migrate").0, 0);
    if engine == Engine::Postgres {
        fleet.database("default").execute(
            "DO $$ BEGIN IF to_regtype('mood') IS NOT NULL OR to_regproc('one') IS NOT NULL OR to_regclass('s') IS NOT NULL \
             THEN RAISE 'something is left'; END IF; END $$",
        );
    }
}

#[test]
fn it_empties_and_migrates_what_is_for_development_on_postgresql() {
    is_made_anew(Engine::Postgres);
}

#[test]
fn it_empties_and_migrates_what_is_for_development_on_sqlite() {
    is_made_anew(Engine::Sqlite);
}
