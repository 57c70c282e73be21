//! `baseline`, and `apply --fake`, as somebody types them.

use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use crate::program::{end, on, quickstart};
use crate::schema::{document, lines};
use crate::support::{Engine, TestFleet};

const A: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const B: (&str, &str) = ("V2__b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE b (id int);\n");
const C: (&str, &str) = ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n");

#[test]
fn a_fleet_that_was_there_before_gets_its_history() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[A, B, C]);
    for database in fleet.databases() {
        database.execute("CREATE TABLE a (id int); CREATE TABLE b (id int)");
    }
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let (code, out, err) = run("--migrate");
    assert_eq!(code, 1, "{out}{err}");
    let before = fleet.fingerprint();
    let (code, out, err) = run("--migrate=baseline --to 2 --dry-run");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        "== default ==\n  would record 1 a\n== users_01, users_02 (2 databases) ==\n  would record 1 a\n  \
         would record 2 b\n\n5 migrations to record on 3 of 3 databases\n"
    );
    assert_eq!(fleet.fingerprint(), before);
    let (code, out, err) = run("migrate baseline --to 2 --yes --format json --database default,users_01");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let rows = json!([{ "version": 1, "name": "a" }, { "version": 2, "name": "b" }]);
    assert_eq!(
        document(&out),
        json!({
            "format": 1, "verb": "baseline", "action": "baseline", "dry_run": false, "exit_code": 0,
            "databases": [
                { "database": "default", "group": null, "outcome": "done", "changes": [rows[0]] },
                { "database": "users_01", "group": "users", "outcome": "done", "changes": rows },
            ],
        })
    );
    let (code, out, err) = run("--migrate=baseline --to 2 --yes");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let nothing = "== default, users_01 (2 databases) ==\n  nothing to record\n";
    let summary = "2 migrations recorded on 1 of 3 databases\n";
    assert!(out.starts_with(nothing) && out.ends_with(summary), "{out}");
    assert_eq!(run("--migrate").0, 0);
    assert_eq!(
        fleet.contents(),
        "default: a b c | 1 a, 3 c\nusers_01: a b c | 1 a, 2 b, 3 c\nusers_02: a b c | 1 a, 2 b, 3 c"
    );
}

#[test]
fn what_was_done_by_hand_is_recorded() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[A, B, C]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    assert_eq!(run("--migrate --to 1").0, 0);
    let (code, out, err) = run("--migrate=baseline --to 2 --yes");
    assert_eq!(code, 5, "{out}");
    assert!(
        err.starts_with("== users_01, users_02 (2 databases) ==\n  refused: it has a history already"),
        "{err}"
    );
    assert!(out.starts_with("== default ==\n  nothing to record\n"), "{out}");
    fleet.database("users_01").execute("CREATE TABLE b (id int)");
    let (code, out, err) = run("--migrate --fake --to 2 --database users_01 --yes");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(out, "== users_01 (users) ==\n  recorded 2 b\n\n1 migration recorded on 1 of 1 database\n");
    let (_, out, _) = run("migrate apply --fake --dry-run --format json");
    let all = document(&out);
    assert_eq!((&all["verb"], &all["action"]), (&json!("fake"), &json!("fake")));
    assert_eq!(run("--migrate").0, 0);
    assert_eq!(fleet.database("users_01").audit(), "fake 2 b");
    assert_eq!(fleet.database("users_02").audit(), "");
}

/// What the macro has embedded is enough to know what has to be there.
#[test]
fn a_fleet_of_old_and_new_databases_is_taken_over_by_one_command() {
    let folder = TempDir::new().unwrap();
    let file = |name: &str| folder.path().join(format!("{name}.db"));
    assert_eq!(end(&mut quickstart(&folder, "--migrate --to 5")).0, 0);
    for name in ["default", "users_01", "users_02"] {
        let old = Connection::open(file(name)).unwrap();
        old.execute_batch("DROP TABLE sharded_migrations_history").unwrap();
    }
    std::fs::remove_file(file("users_03")).unwrap();
    let bytes = || ["default", "users_01", "users_04"].map(|name| std::fs::read(file(name)).unwrap());
    let before = bytes();
    let (code, out, err) = end(&mut quickstart(&folder, "--migrate --fake-initial 5 --dry-run"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("== users_01, users_02 (2 databases) ==\n  would record 1 settings\n"), "{out}");
    assert!(out.contains("== users_03, users_04 (2 databases) ==\n  nothing to record\n"), "{out}");
    assert!(bytes() == before && !file("users_03").exists());
    let (code, out, _) = end(&mut quickstart(&folder, "--migrate --fake-initial 5"));
    assert_eq!((code, out.as_str()), (2, ""), "nobody was asked");
    let (code, out, err) = end(&mut quickstart(&folder, "--migrate --fake-initial 5 --yes --format json"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let lines = lines(&out);
    assert_eq!(lines[0]["verb"], "fake-initial");
    let recorded: Vec<_> = lines[0]["databases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["changes"].as_array().unwrap().len())
        .collect();
    assert!(recorded[0] > 0 && recorded[1] == recorded[2] && recorded[3..] == [0, 0], "{recorded:?}");
    assert_eq!(lines.last().unwrap()["event"], "run_finished");
    let (code, out, _) = end(&mut quickstart(&folder, "--migrate=check"));
    assert_eq!(code, 0, "{out}");
}
