//! The verbs that show: `plan`, `status`, `check`, `history` and `sql`, on fleets of a few databases.

use serde_json::{Value, json};

use crate::program::{end, files, on, quickstart};
use crate::schema::document;
use crate::support::{Engine, TestFleet};
use sharded_migrations_tests::project::Project;
use tempfile::TempDir;

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) =
    ("V2__b.sql", "-- #[route(group = \"users\")]\n-- #[vars(shard)]\nINSERT INTO a VALUES (${shard});\n");

fn strings(values: &Value) -> Vec<&str> {
    values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

/// As a probe sees it: the exit code, both streams, and each database's verdict.
fn check(fleet: &TestFleet, project: &Project, words: &str) -> (i32, String, String, String) {
    let (code, out, err) = end(&mut on(fleet, project, &format!("--migrate=check {words}")));
    let (code_of_json, json, nothing) =
        end(&mut on(fleet, project, &format!("migrate check --format json {words}")));
    let document = document(&json);
    assert_eq!((code_of_json, nothing.as_str(), &document["exit_code"]), (code, "", &code.into()));
    let verdict =
        |one: &Value| format!("{} {}", one["database"].as_str().unwrap(), one["verdict"].as_str().unwrap());
    let verdicts = document["databases"].as_array().unwrap().iter().map(verdict);
    (code, out, err, verdicts.collect::<Vec<_>>().join(", "))
}

#[test]
fn check_says_by_its_exit_code_how_the_fleet_stands() {
    let mut fleet = TestFleet::of_three(Engine::Sqlite);
    let outside = ("V3__c.sql", "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE c (id int);\n");
    let project = fleet.project(&[FIRST, SECOND]);
    let text = String::from;

    assert_eq!(
        check(&fleet, &project, ""),
        (
            3,
            text(
                "1 migration pending on default\n2 migrations pending on users_01, users_02 (2 databases)\n0 of 3 databases up to date; 3 pending\n"
            ),
            text(""),
            text("default pending, users_01 pending, users_02 pending")
        )
    );
    assert_eq!(fleet.contents(), "default: nothing\nusers_01: nothing\nusers_02: nothing");
    assert_eq!(end(&mut on(&fleet, &project, "--migrate")).0, 0);
    assert_eq!(
        check(&fleet, &project, ""),
        (
            0,
            text("3 of 3 databases up to date\n"),
            text(""),
            text("default up-to-date, users_01 up-to-date, users_02 up-to-date")
        )
    );
    assert_eq!(end(&mut on(&fleet, &project, "--migrate=check --verbosity quiet")), (0, text(""), text("")));

    // Behind by one, up to which it is none.
    let more = fleet.project(&[FIRST, SECOND, outside]);
    assert_eq!(check(&fleet, &more, "").0, 3);
    assert_eq!(check(&fleet, &more, "--to 2").0, 0);
    assert_eq!(check(&fleet, &more, "--database default --to 2").3, "default up-to-date");

    // Dirty: a process was killed in the middle of it.
    let checksum = fleet.set(&[FIRST, SECOND, outside]).migrations[2].checksum.to_string();
    fleet.database("users_02").add_history_row(3, "c", &checksum, "started");
    let (code, _, err, verdicts) = check(&fleet, &more, "--to 2");
    assert_eq!(
        (code, verdicts.as_str()),
        (3, "default up-to-date, users_01 up-to-date, users_02 drift"),
        "{err}"
    );
    assert!(err.starts_with("== users_02 (users) ==\n  refused: 3 `c` is dirty"), "{err}");

    // Divergent: an edited file.
    let edited = ("V2__b.sql", "-- #[route(group = \"users\")]\nINSERT INTO a VALUES (2);\n");
    let (code, out, err, verdicts) =
        check(&fleet, &fleet.project(&[FIRST, edited, outside]), "--database users_01");
    assert_eq!((code, verdicts.as_str()), (3, "users_01 drift"));
    assert_eq!(out, "0 of 1 database up to date; 1 drifted\n");
    assert!(err.contains("2 is divergent"), "{err}");

    // Not reachable, which no migration would mend.
    fleet.set_url("users_01", "sqlite:/no/such/folder/users_01.db");
    let (code, out, err, verdicts) = check(&fleet, &project, "--group users");
    assert_eq!((code, verdicts.as_str()), (5, "users_01 refused, users_02 drift"), "{out}{err}");
    assert!(err.contains("/no/such/folder"), "{err}");
}

#[test]
fn a_server_that_is_not_there_is_code_5() {
    let fleet =
        TestFleet::of_one(Engine::Postgres).toml("[databases.far]\nurl = \"postgres://app@127.0.0.1:1/x\"\n");
    let project = fleet.project(&[FIRST]);
    assert_eq!(end(&mut on(&fleet, &project, "--migrate --database default")).0, 0);
    assert_eq!(end(&mut on(&fleet, &project, "--migrate=check --database default")).0, 0);
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate=check"));
    assert_eq!(code, 5, "{out}{err}");
    assert_eq!(out, "1 of 2 databases up to date; 1 refused\n");
    assert!(err.starts_with("== far ==\n  refused: "), "{err}");
}

/// Stages and waves are those of the run that follows.
#[test]
fn a_plan_is_what_the_run_then_does() {
    let names = ["default", "users_01", "users_02", "users_03", "users_04"];
    let fleet = TestFleet::new(Engine::Sqlite, &names)
        .toml("[rollout]\ncanary = [\"users_02\"]\nwaves = [\"50%\"]\n");
    let project = fleet.project(&[
        FIRST,
        ("V2__b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE b (id int);\n"),
        ("V3__c.sql", "-- #[route(group = \"users\")]\n-- #[barrier]\nCREATE TABLE c (id int);\n"),
        (
            "V4__d.sql",
            "-- #[route(database = \"default\")]\n-- #[requires(\"users_01:3\")]\n-- #[no_transaction]\nCREATE TABLE d (id int);\n",
        ),
    ]);
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate=plan"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    insta::assert_snapshot!(out);
    let (code, out, _) = end(&mut on(&fleet, &project, "--migrate=plan --format json"));
    let plan = document(&out);
    assert_eq!(code, 0);
    let planned: Vec<Vec<&str>> = plan["stages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|stage| stage["waves"].as_array().unwrap())
        .map(|wave| {
            wave["databases"]
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part["database"].as_str().unwrap())
                .collect()
        })
        .collect();
    let (code, out, _) = end(&mut on(&fleet, &project, "--migrate --format json"));
    assert_eq!(code, 0);
    let events = crate::schema::lines(&out);
    let done: Vec<Vec<&str>> = events
        .iter()
        .filter(|event| event["event"] == "wave_started")
        .map(|wave| strings(&wave["databases"]))
        .collect();
    assert_eq!(planned, done);
    let (code, out, _) = end(&mut on(&fleet, &project, "--migrate=plan"));
    assert_eq!(
        (code, out.as_str()),
        (0, "nothing on default, users_01..users_04 (5 databases)\n\n0 pending on 0 of 5 databases\n")
    );
}

#[test]
fn a_plan_tells_what_would_be_refused_and_what_waits_in_vain() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let barrier = ("V2__b.sql", "-- #[route(everywhere)]\n-- #[barrier]\nCREATE TABLE b (id int);\n");
    let project = fleet.project(&[FIRST, barrier]);
    let words = "--database users_01,users_02";
    let (code, out, err) = end(&mut on(&fleet, &project, &format!("--migrate=plan {words}")));
    assert_eq!(code, 5, "{out}");
    assert!(
        out.ends_with(
            "4 pending on 2 of 2 databases; 2 blocked\nas it is, a run would write nothing anywhere\n"
        ),
        "{out}"
    );
    assert_eq!(
        err,
        "2 b cannot begin on users_01, users_02 (2 databases): it is a barrier, and 1 is still pending on `default`\n"
    );
    let (_, json, _) = end(&mut on(&fleet, &project, &format!("--migrate=plan --format json {words}")));
    assert_eq!(document(&json)["blocked"][0]["database"], "users_01");
    let (code, _, err) = end(&mut on(&fleet, &project, &format!("--migrate {words}")));
    assert_eq!(code, 5, "so says the run: {err}");

    end(&mut on(&fleet, &project, "--migrate"));
    let edited = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n");
    let (code, out, err) = end(&mut on(&fleet, &fleet.project(&[edited, barrier]), "--migrate=plan"));
    assert_eq!(code, 5);
    assert!(out.contains("3 refused\nas it is, a run would write nothing anywhere"), "{out}");
    assert_eq!(err.matches("1 is divergent").count(), 1, "{err}");
    assert!(err.starts_with("== default, users_01, users_02 (3 databases) ==\n"), "{err}");
}

/// What the build has read out of the SQL, where there are such locks.
#[test]
fn a_plan_has_the_locks_of_each_migration() {
    let sql = [
        "CREATE TABLE account (id int);\nCREATE TABLE note (id int);",
        "ALTER TABLE account ADD email text;\nINSERT INTO note VALUES (1);",
        "DO $$ BEGIN PERFORM 1; END $$;",
        "CREATE TABLE other (id int);",
    ];
    let files: Vec<(String, String)> = (1..)
        .zip(sql)
        .map(|(version, sql)| (format!("V{version}__m.sql"), format!("-- #[route(everywhere)]\n{sql}\n")))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let fleet = TestFleet::of_one(Engine::Postgres);
    let project = fleet.project(&files);
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate=plan"));
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("plan_with_locks", out);
    let (_, out, _) = end(&mut on(&fleet, &project, "--migrate=plan --format json"));
    let plan = document(&out);
    let pending = &plan["databases"][0]["pending"];
    let account = json!({ "table": "account", "level": "ACCESS EXCLUSIVE" });
    let note = json!({ "table": "note", "level": "ROW EXCLUSIVE" });
    assert_eq!(pending[1]["locks"], json!({ "tables": [account, note], "whole": true }));
    assert_eq!(pending[2]["locks"], json!({ "tables": [], "whole": false }));

    // The same files on SQLite, which has no such locks.
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let project = fleet.project(&files[..2]);
    let (_, out, _) = end(&mut on(&fleet, &project, "--migrate=plan --format json"));
    assert_eq!(document(&out)["databases"][0]["pending"][1]["locks"], Value::Null);
}

#[test]
fn a_step_in_rust_is_shown_as_code() {
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let step = "#[route(everywhere)]\npub async fn fill(_: &mut Context) -> Result {\n    Ok(())\n}\n";
    let project = fleet.project(&[FIRST, ("V2__fill.rs", step)]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    assert_eq!(run("migrate sql fill"), (0, step.to_owned(), String::new()));
    let (code, out, _) = run("--migrate=plan --sql");
    let as_comment: String = step.lines().map(|line| format!("-- | {line}\n")).collect();
    let expected = format!("-- 2 fill (V2__fill.rs) is code: `fill` of the application\n{as_comment}");
    assert!(code == 0 && out.contains(&expected), "{out}");
}

#[test]
fn the_text_of_a_database_has_its_variables() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project =
        fleet.project(&[FIRST, SECOND, ("V9__late.sql", "-- #[route(database = \"default\")]\nSELECT 1")]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let text = "-- #[route(group = \"users\")]\n-- #[vars(shard)]\nINSERT INTO a VALUES (2);\n";
    for words in [
        "migrate sql 2 --database users_02",
        "migrate sql b --database users_02",
        "migrate sql V2__b.sql --database users_02",
        "migrate sql migrations/V2__b.sql --database users_02",
        "--migrate=sql --migration 2 --database users_02",
    ] {
        assert_eq!(run(words), (0, text.to_owned(), String::new()), "{words}");
    }
    let (_, out, _) = run("migrate sql 2 --format json");
    let document = document(&out);
    let sql = |index: usize| &document["databases"][index]["sql"];
    assert_eq!((sql(0), sql(1)), (&text.replace("(2)", "(1)").into(), &text.into()));
    assert_eq!(
        document["databases"][1]["migration"],
        json!({ "version": 2, "name": "b", "file": "V2__b.sql" })
    );
    let (_, out, _) = run("migrate sql 2");
    insta::assert_snapshot!("sql_of_two_databases", out);
    let (_, out, _) = run("migrate sql 1");
    assert_eq!(out, FIRST.1, "it is the same everywhere");

    let (code, out, _) = run("--migrate=plan --sql");
    assert_eq!(code, 0);
    insta::assert_snapshot!("plan_with_sql", out);
    let (_, out, _) = run("--migrate=plan --sql --format json");
    let plan = crate::schema::document(&out);
    assert_eq!(plan["databases"][2]["pending"][1]["sql"], text);
    assert_eq!(fleet.contents(), "default: nothing\nusers_01: nothing\nusers_02: nothing");

    for (words, said) in [
        ("migrate sql 3", "no migration has the version 3"),
        ("migrate sql lat", "did you mean `late`?"),
        (
            "migrate sql 2 --database default",
            "no selected database gets the migration `2`: it is `V2__b.sql` (group = \"users\")",
        ),
        ("migrate sql 2 --database user_01", "did you mean `users_01`?"),
        ("migrate sql", "<MIGRATION>"),
        ("--migrate=sql", "`sql` needs a migration: `--migration 12`"),
        ("--migrate=plan --migration 2", "`--migration` is for `sql` alone"),
        ("--migrate=status --sql", "`--sql` is for `plan`, `down`, `redo` alone"),
    ] {
        let (code, out, err) = run(words);
        assert_eq!((code, out.as_str()), (2, ""), "{words}: {err}");
        assert!(err.contains(said), "{words}: {said} is not in\n{err}");
    }
}

/// `sql` asks nobody: no variable has to be set for it.
#[test]
fn the_text_needs_no_database() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[FIRST]);
    let mut command = on(&fleet, &project, "migrate sql 1 --database users_01");
    let command = fleet.databases().iter().fold(&mut command, |command, one| command.env_remove(&one.name));
    assert_eq!(end(command), (0, FIRST.1.to_owned(), String::new()));
}

/// Times, durations and names of machines, which are others each time.
fn masked(out: &str, host: &str) -> String {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mask = |word: &str| match word {
        _ if word.len() == 10 && digits(&word.replace('-', "")) => "DATE".to_owned(),
        _ if word.ends_with('Z') && digits(&word[..word.len() - 1].replace(':', "")) => "TIME".to_owned(),
        _ if digits(word) && !word.is_empty() => "0".to_owned(),
        _ if word.ends_with(host) => word.replace(host, "HOST"),
        _ => word.to_owned(),
    };
    let line = |line: &str| {
        let (head, rest) = line.split_at(line.find("  20").unwrap_or(line.len()));
        let gap = if rest.is_empty() { "" } else { "  " };
        head.trim_end().to_owned()
            + gap
            + &rest.split(' ').filter(|word| !word.is_empty()).map(mask).collect::<Vec<_>>().join(" ")
    };
    out.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_history_says_who_and_when() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let fleet = TestFleet::of_three(engine);
        let project = fleet.project(&[FIRST, SECOND]);
        let run = |words: &str| end(on(&fleet, &project, words).env("USER", "mona"));
        let (code, out, err) = run("--migrate=history --database users_01");
        assert_eq!(
            (code, out.as_str(), err.as_str()),
            (0, "== users_01 (users) ==\n  nothing applied yet\n\n0 records on 1 database\n", "")
        );
        // The younger one first, so that the order is that of time.
        assert_eq!(run("--migrate --database users_02").0, 0);
        let late = fleet.project(&[
            FIRST,
            SECOND,
            ("U0__z.sql", "-- #[route(everywhere)]\nCREATE TABLE z (id int);\n"),
        ]);
        assert_eq!(end(on(&fleet, &late, "--migrate --database users_02").env("USER", "mona")).0, 0);
        let (code, out, err) = run("--migrate=history --database users_01,users_02");
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines.len(), 8, "{out}");
        let of = |index: usize| lines[index].trim_start().split("  ").next().unwrap();
        assert_eq!([of(3), of(4), of(5)], ["1 a", "2 b", "0 z"], "{out}");
        assert_eq!(lines[7], "3 records on 2 databases");
        let (_, json, _) = run("migrate history --database users_02 --format json");
        let document = document(&json);
        let records = document["databases"][0]["records"].as_array().unwrap();
        let host = records[0]["host"].as_str().unwrap();
        assert_eq!(records[1]["name"], "b");
        assert_eq!(records[1]["applied_by"], engine.pick(json!("postgres"), json!("mona")));
        assert_eq!(records[1]["application_version"], Value::Null);
        assert!(records.is_sorted_by_key(|record| record["applied_at"].as_str().unwrap()), "{json}");
        if engine == Engine::Sqlite {
            insta::assert_snapshot!("history", masked(&out, host));
        }
    }
}

#[test]
fn a_history_that_cannot_be_read_is_told_of() {
    let mut fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[FIRST]);
    fleet.set_url("users_01", "sqlite:/no/such/folder/users_01.db");
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate=history"));
    assert_eq!(code, 4, "{out}{err}");
    assert!(out.ends_with("0 records on 3 databases; 1 unread\n"), "{out}");
    assert!(err.starts_with("== users_01 (users) ==\n  failed: "), "{err}");
    let (code, json, err) =
        end(&mut on(&fleet, &project, "--migrate=history --format json --database users_01"));
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(document(&json)["databases"][0]["error"]["help"].is_string(), "{json}");
}

#[test]
fn status_names_each_migration_where_that_is_asked_for() {
    let folder = TempDir::new().unwrap();
    end(&mut quickstart(&folder, "--migrate --to 2"));
    let (code, out, err) = end(&mut quickstart(&folder, "--migrate=status --verbosity verbose"));
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("status_verbose", out);
    let (_, out, _) = end(&mut quickstart(&folder, "--migrate=status"));
    insta::assert_snapshot!("status_of_the_quickstart", out);
    assert_eq!(files(folder.path()).len(), 5);
}
