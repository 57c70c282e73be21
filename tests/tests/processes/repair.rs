//! `repair` as somebody types it, one database after the other.

use serde_json::json;
use sharded_migrations_tests::project::Project;
use sharded_migrations_tests::terminal::Terminal;

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

    let (code, out, err) = run("--migrate=repair --retry --yes --database users_01,default");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        "== default ==\n  nothing to settle\n== users_01 (users) ==\n  \
         settled 2 b: the next run goes on with the statement at V2__b.sql:2:1\n\n\
         1 migration settled on 1 of 2 databases\n"
    );
    let (code, out, err) = run("migrate repair --applied --yes --format json");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let document = document(&out);
    let settled = json!([{ "version": 2, "name": "b", "next": "statement", "statement": "V2__b.sql:3:1", "difference": null }]);
    assert_eq!(
        document,
        json!({
            "format": 1, "verb": "repair", "action": "applied", "dry_run": false, "exit_code": 0,
            "databases": [
                { "database": "default", "group": null, "outcome": "done", "changes": [] },
                { "database": "users_01", "group": "users", "outcome": "done", "changes": [] },
                { "database": "users_02", "group": "users", "outcome": "done", "changes": settled },
            ],
        })
    );
    assert_eq!(run("--migrate").0, 0);
    assert_eq!(
        fleet.contents(),
        "default: a b | 1 a, 2 b\nusers_01: a b | 1 a, 2 b\nusers_02: a b | 1 a, 2 b"
    );
}

#[test]
fn a_database_that_cannot_be_asked_is_told_of_and_nothing_is_changed() {
    let mut fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[FIRST, SECOND]);
    fleet.set_url("users_01", "sqlite:/no/such/folder/users_01.db");
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let (code, out, err) = run("--migrate=repair --retry --yes");
    assert_eq!(code, 5, "{out}{err}");
    assert!(out.ends_with("0 migrations settled on 0 of 3 databases; 1 refused\n"), "{out}");
    assert!(err.starts_with("== users_01 (users) ==\n  refused: ") && err.contains("    help: "), "{err}");
    let quiet = run("--migrate=repair --retry --yes --verbosity quiet");
    assert_eq!(quiet, (5, String::new(), err));
    let (code, out, err) = run("migrate repair --applied --yes --database users_01 --format json");
    assert_eq!((code, err.as_str()), (5, ""), "{out}");
    let document = document(&out);
    assert!(document["databases"][0]["refused"][0]["help"].is_string(), "{out}");
    assert_eq!(fleet.contents(), "default: nothing\nusers_01: nothing\nusers_02: nothing");
}

/// A fleet of one, on which the second migration broke off.
fn dirty() -> (TestFleet, Project) {
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let project = fleet.project(&[FIRST, SECOND]);
    assert_eq!(end(&mut on(&fleet, &project, "--migrate --to 1")).0, 0);
    let checksum = fleet.set(&[FIRST, SECOND]).migrations[1].checksum.to_string();
    fleet.database("default").add_history_row(2, "b", &checksum, "started");
    (fleet, project)
}

const SETTLED: &str = "settle 2 b: the next run goes on with the statement at V2__b.sql:2:1";

#[test]
fn it_can_be_looked_first_what_it_would_do() {
    let (fleet, project) = dirty();
    let before = fleet.fingerprint();
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate=repair --retry --dry-run"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let would = format!("== default ==\n  would {SETTLED}\n\n1 migration to settle on 1 of 1 database\n");
    assert_eq!(out, would);
    let json = end(&mut on(&fleet, &project, "--migrate=repair --retry --dry-run --format json"));
    assert_eq!(document(&json.1)["dry_run"], json!(true));
    assert_eq!(fleet.fingerprint(), before);
}

/// What is accepted is shown first: the history has nothing but names and checksums of what was applied.
#[test]
fn an_edited_file_is_accepted_once_its_difference_is_seen() {
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let edited = ("V1__first.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int, b int);\n");
    assert_eq!(end(&mut on(&fleet, &fleet.project(&[FIRST]), "--migrate")).0, 0);
    let project = fleet.project(&[edited]);
    let sums = [FIRST, edited].map(|file| fleet.set(&[file]).migrations[0].checksum.to_string());
    let (code, _, err) = end(&mut on(&fleet, &project, "--migrate"));
    assert!(code == 5 && err.contains("`--migrate=repair --accept 1`"), "{err}");
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate=repair --accept 1 --dry-run"));
    assert_eq!((code, err.as_str()), (0, ""));
    let said = format!(
        "would settle 1 a: the history has it as `V1__first.sql` is now; it was called `a` and is called `first` now; \
         its checksum was {} and is {} now\n",
        sums[0], sums[1]
    );
    assert!(out.contains(&said), "{out}");
    let (code, out, _) = end(&mut on(&fleet, &project, "--migrate=repair --accept 1 --yes --format json"));
    assert_eq!(code, 0, "{out}");
    let change = json!({
        "version": 1, "name": "a", "next": "accepted", "statement": null,
        "difference": {
            "file": "V1__first.sql",
            "renamed": { "was": "a", "is": "first" },
            "edited": { "was": sums[0], "is": sums[1] },
        },
    });
    assert_eq!(document(&out)["databases"][0]["changes"], json!([change]));
    assert_eq!(end(&mut on(&fleet, &project, "--migrate")).0, 0);
}

/// Who is not there cannot be asked, and a program that reads JSON does not answer.
#[test]
fn without_a_terminal_it_has_to_be_said() {
    let (fleet, project) = dirty();
    let before = fleet.fingerprint();
    for words in ["--migrate=repair --retry", "migrate repair --applied --format json"] {
        let (code, out, err) = end(&mut on(&fleet, &project, words));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains("`repair` asks on a terminal") && err.contains("`--yes`"), "{err}");
    }
    assert_eq!(fleet.fingerprint(), before);
}

#[test]
fn on_a_terminal_it_asks() {
    let (fleet, project) = dirty();
    for (answer, code, said) in
        [("n\n", 5, "nothing is changed"), ("\n", 5, "nothing is changed"), ("y\n", 0, "settled 2 b")]
    {
        let before = fleet.fingerprint();
        let terminal = Terminal::start(on(&fleet, &project, "--migrate=repair --retry"), 24, 120);
        let screen = terminal.wait_until("the question", |screen| screen.contains("[y/N]"));
        assert!(screen.contains(&format!("would {SETTLED}")), "{screen}");
        assert_eq!(fleet.fingerprint(), before, "nothing is changed before the answer");
        terminal.type_in(answer);
        let ended = terminal.end();
        assert_eq!(ended.code, Some(code), "{}", ended.lines);
        assert!(ended.lines.contains(said), "{}", ended.lines);
        assert_eq!(fleet.fingerprint() == before, code == 5, "{answer:?}");
    }
    // There is nothing left to ask about.
    let terminal = Terminal::start(on(&fleet, &project, "--migrate=repair --retry"), 24, 120);
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0));
    assert!(ended.lines.contains("nothing to settle") && !ended.lines.contains("[y/N]"), "{}", ended.lines);
}

/// What `down` could not go on with has two ways out.
#[test]
fn what_is_taken_back_in_part_is_settled_either_way() {
    for (option, next, said, left) in [
        ("--taken-back", "start", "the next run applies its file from the start", "a | 1 a"),
        ("--restored", "applied", "it is recorded as applied", "a | 1 a, 2 b"),
    ] {
        let fleet = TestFleet::of_one(Engine::Sqlite);
        let project = fleet.project(&[FIRST, SECOND]);
        let run = |words: &str| end(&mut on(&fleet, &project, words));
        assert_eq!(run("--migrate --to 1").0, 0);
        let checksum = fleet.set(&[FIRST, SECOND]).migrations[1].checksum.to_string();
        fleet.database("default").add_history_row(2, "b", &checksum, "undoing");
        let (code, _, err) = run("--migrate");
        let command = format!("`--migrate=repair {option} 2 --database default`");
        assert!(code == 5 && err.replace("\n    ", " ").contains(&command), "{err}");
        let (code, out, err) = run(&format!("--migrate=repair {option} 2 --database default --dry-run"));
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let would = format!(
            "== default ==\n  would settle 2 b: {said}\n\n1 migration to settle on 1 of 1 database\n"
        );
        assert_eq!(out, would);
        let (code, out, err) = run(&format!("migrate repair {option} 2 --yes --format json"));
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let document = document(&out);
        assert_eq!(document["action"], json!(option.trim_start_matches('-')));
        assert_eq!(document["databases"][0]["changes"][0]["next"], json!(next));
        assert_eq!(fleet.contents(), format!("default: {left}"));
    }
}
