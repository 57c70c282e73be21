//! What a migration leaves behind in its session, and what it meets there.

use std::time::Duration;

use sharded_migrations_tests::postgres::Cluster;

use crate::support::fleet::run;
use crate::support::{Engine, TestFleet, ending, error};

/// Each is followed by a migration that would notice.
#[test]
fn what_a_migration_leaves_in_its_session_disturbs_neither_the_next_one_nor_the_history() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let default = fleet.database("default");
    let role = Cluster::shared().create_role("weak").name;
    default.execute(&format!("CREATE SCHEMA other; GRANT USAGE, CREATE ON SCHEMA other TO {role}"));
    let leftovers = [
        "SET search_path = other; CREATE TABLE there (id int)".to_owned(),
        "SET LOCAL search_path = ''".to_owned(),
        format!("SET ROLE {role}; CREATE TABLE other.of_role (id int)"),
        format!("SET LOCAL ROLE {role}"),
        format!("SET SESSION AUTHORIZATION {role}"),
        "SET lock_timeout = '1ms'; SET statement_timeout = '1h'".to_owned(),
        "CREATE TEMP TABLE seen (x int); CREATE TEMP TABLE sharded_migrations_history (x int)".to_owned(),
        "SET standard_conforming_strings = off; SET default_transaction_read_only = on".to_owned(),
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY".to_owned(),
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM seen".to_owned(),
        "PREPARE seen AS SELECT 1".to_owned(),
        "SET bytea_output = 'escape'; SET datestyle = 'German'; SET timezone = 'Asia/Tokyo'".to_owned(),
    ];
    let check = "INSERT INTO seen SELECT current_user = session_user, current_schema(), \
                 current_setting('lock_timeout'), current_setting('statement_timeout'), \
                 current_setting('default_transaction_read_only'); PREPARE seen AS SELECT 2";
    let make = "CREATE TABLE seen (own bool, schema text, lock text, statement text, read_only text)";
    let mut texts = vec![make.to_owned(), check.to_owned()];
    // Within a transaction and outside of one.
    for header in ["", "-- #[no_transaction]\n"] {
        for leftover in &leftovers {
            // The build refuses there what would keep the history from being written on the way.
            let refused = ["SET ROLE", "SET SESSION", "SET standard_conforming_strings = off; SET default"];
            if !header.is_empty() && refused.iter().any(|start| leftover.starts_with(start)) {
                continue;
            }
            let again = leftover.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS");
            texts.extend([format!("{header}{again}"), check.to_owned()]);
        }
    }
    let files = texts.iter().enumerate().map(|(index, text)| {
        (format!("V{}__{index}_it.sql", index + 1), format!("-- #[route(everywhere)]\n{text};\n"))
    });
    let files: Vec<_> = files.collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let result = fleet.run(fleet.set(&files));
    assert!(result.is_ok(), "{}", error(&result));
    assert_eq!(default.query("SELECT DISTINCT * FROM seen ORDER BY 1, 2, 3, 4, 5"), "t|public|5s|0|off");
    let rows =
        default.query("SELECT count(*), min(applied_by), max(applied_by) FROM sharded_migrations_history");
    assert_eq!(rows, format!("{}|postgres|postgres", files.len()));
    assert_eq!(default.query("SELECT count(*) FROM seen"), (files.len() / 2).to_string());
}

#[test]
fn the_limits_of_a_header_are_its_own() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let note =
        "INSERT INTO seen SELECT current_setting('lock_timeout'), current_setting('statement_timeout')";
    let limits = "-- #[lock_timeout = \"2s\"] #[statement_timeout = \"15min\"]\n";
    let texts = [
        "CREATE TABLE seen (lock text, statement text)".to_owned(),
        format!("{limits}{note}"),
        note.to_owned(),
        format!("{limits}-- #[no_transaction]\n{note}"),
        note.to_owned(),
        format!("-- #[no_transaction]\n{note}"),
    ];
    let files = texts.iter().enumerate().map(|(index, text)| {
        (format!("V{}__it.sql", index + 1), format!("-- #[route(everywhere)]\n{text};\n"))
    });
    let files: Vec<_> = files.collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    fleet.run(fleet.set(&files)).unwrap();
    let seen = fleet.database("default").query("SELECT * FROM seen ORDER BY ctid");
    assert_eq!(seen, "2s|15min\n5s|0\n2s|15min\n5s|0\n5s|0", "a lock is waited for 5 s unless it is said");
}

#[test]
fn a_limit_that_is_exceeded_is_a_failure_at_its_statement() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let first = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
    let alter = "ALTER TABLE a ADD COLUMN b int;\n";
    let second = format!("-- #[route(everywhere)]\n-- #[lock_timeout = \"1ms\"]\nSELECT 1;\n{alter}");
    fleet.run(fleet.set(&[first])).unwrap();
    let mut application = crate::support::session::Session::new(&fleet.database("default").url());
    application.run("BEGIN; SELECT * FROM a");
    let set = fleet.set(&[first, ("V2__b.sql", &second)]);
    let result = run(&fleet.migrator(set).retry_for(Duration::ZERO));
    assert_eq!(ending(&result), "exit 1\ndefault: failed at migrations/V2__b.sql:4:1, applied, 1 before");
    assert!(error(&result).contains("canceling statement due to lock timeout"), "{}", error(&result));
    application.run("COMMIT");
    fleet.run(set).unwrap();
}

#[test]
fn an_error_that_comes_at_the_commit_takes_everything_back() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let text = "-- #[route(everywhere)]\nCREATE TABLE a (id int PRIMARY KEY);\n\
                CREATE TABLE b (a_id int CONSTRAINT b_a_fk REFERENCES a DEFERRABLE INITIALLY DEFERRED);\n\
                INSERT INTO b VALUES (1);\n";
    let last = ("V2__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n");
    let result = fleet.run(fleet.set(&[("V1__ab.sql", text), last]));
    assert!(ending(&result).starts_with("exit 1\ndefault: failed at migrations/V1__ab.sql"), "{result:?}");
    let message = error(&result);
    for part in ["SQLSTATE 23503", "constraint: b_a_fk", "Key (a_id)=(1) is not present in table \"a\""] {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
    assert_eq!(fleet.database("default").contents(), " | ");
    fleet.run(fleet.set(&[("V1__ab.sql", &text.replace("INSERT", "-- INSERT")), last])).unwrap();
}

/// A deferred trigger runs before the session is given back its start, not behind that.
#[test]
fn what_a_deferred_trigger_leaves_in_the_session_does_not_disturb_the_next_migration() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let first = "-- #[route(everywhere)]\nCREATE SCHEMA other;\nCREATE TABLE a (id int);\n\
                 CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n\
                 PERFORM set_config('search_path', 'other', false); RETURN NULL; END $$;\n\
                 CREATE CONSTRAINT TRIGGER late AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED\n\
                 FOR EACH ROW EXECUTE FUNCTION leave();\n\
                 INSERT INTO a VALUES (1);\n";
    let second = "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n";
    fleet.run(fleet.set(&[("V1__a.sql", first), ("V2__b.sql", second)])).unwrap();
    assert_eq!(fleet.database("default").query("SELECT 'public.b'::regclass"), "b");
}

/// The file's own choice for its statements is none for the history.
#[test]
fn outside_a_transaction_the_history_waits_for_the_disk_whatever_the_file_says() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let first = "-- #[route(everywhere)]\nCREATE TABLE seen (state text, setting text);\n\
                 CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n\
                 INSERT INTO public.seen VALUES (new.state, current_setting('synchronous_commit'));\n\
                 RETURN new; END $$;\n\
                 CREATE TRIGGER note BEFORE UPDATE ON sharded_migrations_history\n\
                 FOR EACH ROW EXECUTE FUNCTION note();\n";
    let second =
        "-- #[route(everywhere)]\n-- #[no_transaction]\nSET synchronous_commit = off;\nANALYZE seen;\n";
    fleet.run(fleet.set(&[("V1__a.sql", first), ("V2__b.sql", second)])).unwrap();
    let seen = fleet.database("default").query("SELECT * FROM seen ORDER BY ctid");
    assert_eq!(seen, "started|on\nstarted|on\napplied|on");
}

#[test]
fn all_that_the_server_says_of_an_error_is_shown() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let cases = [
        ("SELECT lenght('x')", vec!["function lenght(unknown) does not exist", "SQLSTATE 42883", "hint: "]),
        (
            "DO $$ BEGIN RAISE 'no' USING DETAIL = 'the detail', HINT = 'the hint', ERRCODE = 'P4242'; END $$",
            vec!["no", "SQLSTATE P4242", "detail: the detail", "hint: the hint", "context: PL/pgSQL"],
        ),
        (
            "DO $$ BEGIN EXECUTE 'SELECT missing'; END $$",
            vec!["column \"missing\" does not exist", "in the query: SELECT missing"],
        ),
        (
            // The build cannot know that the table is a partitioned one.
            "CREATE TABLE p (a int) PARTITION BY LIST (a); REINDEX TABLE p",
            vec!["cannot run inside a transaction block", "#[no_transaction]"],
        ),
        (
            "DO $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '53100'; END $$",
            vec!["could not extend file", "SQLSTATE 53100", "make room on the server's disk"],
        ),
        (
            "SET TRANSACTION READ ONLY; CREATE TABLE x (id int)",
            vec!["in a read-only transaction", "SQLSTATE 25006", "lead to the primary"],
        ),
    ];
    for (statement, parts) in cases {
        let file = format!("-- #[route(everywhere)]\nSELECT 1;\n  {statement};\n");
        let result = fleet.run(fleet.set(&[("V1__x.sql", &file)]));
        let message = error(&result);
        for part in parts {
            assert!(message.contains(part), "{part} is not in:\n{message}");
        }
        assert!(message.contains("migrations/V1__x.sql:3:"), "{message}");
        assert!(!message.contains("db error"), "{message}");
    }
}
