//! `audit`, as somebody types it.

use serde_json::{Value, json};

use crate::program::{end, on};
use crate::schema::document;
use crate::support::{Engine, TestFleet};

const A: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const B: [(&str, &str); 2] = [
    ("V2__b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE b (id int);\n"),
    ("V2__b.down.sql", "DROP TABLE b;\n"),
];

#[test]
fn it_says_what_was_done_by_whom_and_why() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let fleet = TestFleet::of_three(engine);
        let project = fleet.project(&[A, B[0], B[1]]);
        let run = |words: &str| end(on(&fleet, &project, words).env("USER", "mona"));
        let nothing = "== users_01 (users) ==\n  nothing changed by hand or taken back yet\n";
        let none = format!("{nothing}\n0 records on 1 database\n");
        assert_eq!(run("--migrate=audit --database users_01"), (0, none, String::new()));
        assert!(fleet.contents().starts_with("default: nothing"), "{}", fleet.contents());
        assert_eq!(run("--migrate").0, 0);
        assert_eq!(run("--migrate=down --to 1 --database users_02 --yes").0, 0);
        assert_eq!(run("--migrate --fake --database users_02 --yes").0, 0);
        let renamed = fleet.project(&[("V1__it.sql", A.1), B[0], B[1]]);
        let accept = "--migrate=repair --accept 1 --database users_02 --yes";
        assert_eq!(end(on(&fleet, &renamed, accept).env("USER", "mona")).0, 0);

        // What a run has applied was not done by hand.
        let before = fleet.fingerprint();
        let (code, out, err) = run("--migrate=audit --database users_01,users_02");
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let rest = out.strip_prefix(&format!("{nothing}== users_02 (users) ==\n")).unwrap();
        let lines: Vec<&str> = rest.lines().collect();
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let done = lines[..3].iter().map(|line| words(line)[..2].join(" ") + " " + &words(line)[4]);
        assert_eq!(done.collect::<Vec<_>>(), ["2 b down", "2 b fake", "1 it accept"], "{out}");
        let who = engine.pick("postgres@", "mona@");
        assert!(lines[..3].iter().all(|line| words(line)[5].starts_with(who)), "{out}");
        let detail = "    it was called `a` and is called `it` now";
        assert_eq!(lines[3..], [detail, "", "3 records on 2 databases"], "{out}");

        let (code, out, err) = run("migrate audit --format json --database users_02");
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let document = document(&out);
        assert_eq!(
            (&document["verb"], &document["databases"][0]["group"]),
            (&json!("audit"), &json!("users"))
        );
        let records = document["databases"][0]["records"].as_array().unwrap();
        let row = |record: &Value| {
            let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| record[name].as_i64().unwrap().to_string();
            let [id, version] = ["id", "version"].map(number);
            let [who, host, application] = ["who", "host", "application_version"].map(text);
            let [action, name, detail] = ["action", "name", "detail"].map(text);
            [id, who, host, application, action, version, name, detail].join("|")
        };
        let in_table = "SELECT id, who, host, application_version, action, version, name, detail \
                        FROM sharded_migrations_audit ORDER BY id";
        let in_table = fleet.database("users_02").query(in_table);
        assert_eq!(records.iter().map(row).collect::<Vec<_>>().join("\n"), in_table);
        assert!(records.is_sorted_by_key(|record| record["at"].as_str().unwrap()), "{out}");
        assert_eq!(fleet.fingerprint(), before, "it was only looked");
    }
}

#[test]
fn a_database_that_cannot_be_asked_is_told_of() {
    let mut fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[A]);
    fleet.set_url("users_01", "sqlite:/no/such/folder/users_01.db");
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate=audit"));
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.ends_with("0 records on 3 databases; 1 unread\n"), "{out}");
    assert!(err.starts_with("== users_01 (users) ==\n  failed: "), "{err}");
    let (code, json, err) =
        end(&mut on(&fleet, &project, "--migrate=audit --format json --database users_01"));
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(document(&json)["databases"][0]["error"]["help"].is_string(), "{json}");
}
