//! What is printed.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use serde_json::Value;
use sharded_migrations_tests::postgres::Cluster;
use tempfile::TempDir;

use crate::program::{end, files, on, quickstart};
use crate::schema::{document, lines};
use crate::support::{Engine, TestFleet};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const BROKEN: (&str, &str) = ("V2__b.sql", "-- #[route(group = \"users\")]\nSELECT 'ë', missing FROM a;\n");

#[test]
fn a_run_in_json_is_a_line_for_each_event() {
    let folder = TempDir::new().unwrap();
    let (code, out, err) = end(&mut quickstart(&folder, "--migrate --format json"));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let events = lines(&out);
    assert!(events.iter().all(|event| event["format"] == 1), "{out}");
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    let counts =
        ["database_started", "migration_started", "migration_applied", "database_finished"].map(count);
    assert_eq!(counts, [5, 26, 26, 5], "{out}");
    let last = events.last().unwrap();
    assert_eq!(last["event"], "run_finished");
    assert_eq!(
        (&last["applied"], &last["databases"], &last["exit_code"]),
        (&26.into(), &5.into(), &0.into())
    );
    let applied = events.iter().find(|event| event["migration"]["version"] == 5).unwrap();
    assert_eq!(applied["migration"]["file"], "V5__account_plan.sql");
    assert_eq!(applied["migration"]["name"], "account_plan");
}

#[test]
fn a_failure_in_json_has_its_place_and_the_code_of_the_process() {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let project = fleet.project(&[FIRST, BROKEN]);
    let (code, out, _) = end(&mut on(&fleet, &project, "--migrate --format json"));
    let events = lines(&out);
    assert_eq!((code, &events.last().unwrap()["exit_code"]), (4, &4.into()));
    let failed = |name: &str| {
        let is_it = |event: &&Value| event["event"] == "database_finished" && event["database"] == name;
        events.iter().find(is_it).unwrap_or_else(|| panic!("{name} is not in {out}"))
    };
    assert_eq!(failed("default")["outcome"], "done");
    let event = failed("users_01");
    assert_eq!((&event["outcome"], &event["group"]), (&"failed".into(), &"users".into()));
    let failure = &event["failed"];
    let place = [&failure["version"], &failure["line"], &failure["column"]];
    assert_eq!(place, [2, 2, 13]);
    assert_eq!(failure["file"], "migrations/V2__b.sql");
    assert_eq!(failure["sqlstate"], "42703");
    assert_eq!(failure["message"], "column \"missing\" does not exist");

    let project = fleet.project(&[("V1__x.sql", FIRST.1), BROKEN]);
    let (code, out, _) = end(&mut on(&fleet, &project, "--migrate --format json"));
    let events = lines(&out);
    assert_eq!((code, &events.last().unwrap()["exit_code"]), (5, &5.into()));
    let refused = events.iter().find(|event| event["outcome"] == "refused").unwrap();
    assert_eq!(refused["refused"][0]["kind"], "divergent");
    assert!(refused["refused"][0]["help"].is_string());
}

#[test]
fn plan_and_status_in_json_are_one_document() {
    let folder = TempDir::new().unwrap();
    end(&mut quickstart(&folder, "--migrate --to 2"));
    for verb in ["plan", "status"] {
        let (code, out, err) = end(&mut quickstart(&folder, &format!("--migrate={verb} --format json")));
        assert_eq!((code, err.as_str()), (0, ""));
        let document = document(&out);
        assert_eq!((&document["format"], &document["verb"]), (&1.into(), &verb.into()));
        let database = &document["databases"][1];
        assert_eq!((&database["database"], &database["group"]), (&"users_01".into(), &"users".into()));
        let versions = |of: &str| {
            let migrations = database[of].as_array().unwrap();
            migrations.iter().map(|migration| migration["version"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!((versions("history"), versions("pending")), (vec![1, 2], vec![3, 4, 5, 6]));
    }
}

#[test]
fn quiet_prints_nothing_when_all_is_well_and_all_that_is_not() {
    let folder = TempDir::new().unwrap();
    for words in [
        "--migrate=plan --verbosity quiet",
        "--migrate --verbosity quiet",
        "--migrate --verbosity quiet",
        "--migrate=status --verbosity quiet",
    ] {
        assert_eq!(end(&mut quickstart(&folder, words)), (0, String::new(), String::new()), "{words}");
    }
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let (code, out, err) =
        end(&mut on(&fleet, &fleet.project(&[FIRST, BROKEN]), "--migrate --verbosity quiet"));
    assert_eq!(code, 4);
    assert!(err.contains("migrations/V2__b.sql:2:13"), "{err}");
    assert_eq!(out, "");
    let project = fleet.project(&[("V1__x.sql", FIRST.1), BROKEN]);
    let (code, out, err) = end(&mut on(&fleet, &project, "--migrate --verbosity quiet"));
    assert_eq!(code, 5);
    assert_eq!(out, "");
    assert!(
        err.contains("== users_01, users_02 (users): 2 databases ==") && err.contains("1 is divergent"),
        "{err}"
    );
    assert!(err.contains("help: bring the file back"), "{err}");
}

#[test]
fn verbose_shows_each_migration_as_it_begins_and_ends() {
    let folder = TempDir::new().unwrap();
    let (_, _, err) = end(&mut quickstart(&folder, "--migrate --verbosity verbose --jobs 1"));
    for line in ["users_01: 6 pending\n", "users_01: 3 notes ..\n", "users_01: 3 notes done in "] {
        assert!(err.contains(line), "{line} is not in\n{err}");
    }
}

#[test]
fn a_failure_shows_the_line_of_the_file_once_for_all_databases_without_colours() {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let (_, out, err) = end(&mut on(&fleet, &fleet.project(&[FIRST, BROKEN]), "--migrate"));
    assert_eq!(err.matches("2 | SELECT 'ë', missing FROM a;\n").count(), 1, "{err}");
    assert_eq!(err.matches("  |             ^^^^^^^\n").count(), 1, "{err}");
    assert!(out.contains("failed 2 b at migrations/V2__b.sql:2:13"), "{out}");
    assert!(out.contains("3 migrations applied on 3 of 3 databases") && out.contains("2 failed"), "{out}");
    assert!(!format!("{out}{err}").contains('\x1b'), "{out:?}{err:?}");
}

/// `fleet --migrate | head -1`, and the same with what is said meanwhile.
#[test]
fn a_reader_that_goes_early_does_not_end_the_run() {
    for (words, goes) in [
        ("--migrate --jobs 1 --progress never", "results"),
        ("--migrate --jobs 1 --format json", "results"),
        ("--migrate --jobs 1 --verbosity verbose", "asides"),
    ] {
        let folder = TempDir::new().unwrap();
        let mut process =
            quickstart(&folder, words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (results, asides) = (process.stdout.take().unwrap(), process.stderr.take().unwrap());
        let (early, mut late): (Box<dyn Read>, Box<dyn Read>) = match goes {
            "results" => (Box::new(results), Box::new(asides)),
            _ => (Box::new(asides), Box::new(results)),
        };
        let mut early = BufReader::new(early);
        let mut line = String::new();
        early.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        drop(early);
        let mut said = String::new();
        late.read_to_string(&mut said).unwrap();
        assert_eq!(process.wait().unwrap().code(), Some(0), "{words}: {said}");
        assert!(goes == "asides" || said.is_empty(), "{words}: {said}");
        let (_, out, _) = end(&mut quickstart(&folder, "--migrate=plan"));
        assert!(out.contains("0 pending on 0 of 5 databases"), "{out}");
    }
    // Nobody reads from the start.
    for words in ["--migrate --progress never", "--migrate=plan", "--migrate=status --format json"] {
        let folder = TempDir::new().unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut process = quickstart(&folder, words).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut errors = String::new();
        process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!((process.wait().unwrap().code(), errors.as_str()), (Some(0), ""), "{words}");
        assert_eq!(files(folder.path()).len(), if words.contains("=") { 0 } else { 5 });
    }
}

/// Nor in any form that it may take on the way.
#[test]
fn no_password_is_printed() {
    let cluster = Cluster::shared();
    let mut fleet = TestFleet::of_one(Engine::Postgres).toml("[databases.one]\nurl = \"${ONE}\"\n");
    let role = cluster.create_role("app").name;
    let (port, database) = (cluster.port(), fleet.database("default").postgres().name().to_owned());
    let secret = "p@hunter/2hunter:3hunter%4hunter&?#hunter";
    let encoded = "p%40hunter%2F2hunter%3A3hunter%254hunter%26%3F%23hunter";
    let toml = |at: &str| format!("[databases.broken]\nurl = \"postgres://{role}:${{PASSWORD}}@{at}\"\n");
    let places = [
        format!("127.0.0.1:{port}/{database}"),
        format!("127.0.0.1:{port}/none"),
        format!("127.0.0.1:1/{database}"),
        format!("127.0.0.1:99999/{database}"),
        format!("127.0.0.1:{port}/{database}?sslmode=verify-full"),
    ];
    fleet.set_url("default", "unused");
    for place in &places {
        for password in [secret, encoded] {
            for words in [
                "--migrate --verbosity verbose",
                "--migrate --format json",
                "--migrate=plan",
                "--migrate=status --format json",
            ] {
                let project = TestFleet::new(Engine::Postgres, &[]).toml(&toml(place)).project(&[FIRST]);
                let mut command = on(&fleet, &project, words);
                let (code, out, err) = end(command.env("PASSWORD", password).env("RUST_BACKTRACE", "1"));
                assert_eq!(code, 5, "{out}{err}");
                let all = format!("{out}{err}");
                assert!(all.contains("broken"), "{all}");
                assert!(!all.to_lowercase().contains("hunter"), "{place} {words}:\n{all}");
            }
        }
    }
}
