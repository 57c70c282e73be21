//! Ctrl-C and SIGTERM, once and twice, at each place where a run may be.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use sharded_migrations_tests::wait_for;

use crate::program::{end, on};
use crate::support::session::Session;
use crate::support::{Engine, Target, TestFleet};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) =
    ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\nALTER TABLE a ADD b int;\n");
const THIRD: (&str, &str) = ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n");
const OUTSIDE: (&str, &str) = (
    "V2__b.sql",
    "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE TABLE b (id int);\nALTER TABLE a ADD b int;\n\
     INSERT INTO b VALUES (1);\n",
);
const INDEX: (&str, &str) = (
    "V2__index.sql",
    "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY a_id ON a (id);\n",
);

const ONCE: &str = "interrupted: what is in flight is finished";
const TWICE: &str = "interrupted again: the statements that run are cancelled";

/// A run that is to be interrupted.
struct Run {
    process: Child,
    errors: BufReader<ChildStderr>,
    said: String,
}

impl Run {
    fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let errors = BufReader::new(process.stderr.take().unwrap());
        Self { process, errors, said: String::new() }
    }

    /// Sends a signal, and waits until the run has said that it came.
    fn interrupt(&mut self, signal: &str, answer: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        self.wait_for(answer);
    }

    fn wait_for(&mut self, answer: &str) {
        loop {
            let mut line = String::new();
            assert!(self.errors.read_line(&mut line).unwrap() > 0, "{answer} is not in\n{}", self.said);
            self.said.push_str(&line);
            if line.contains(answer) {
                return;
            }
        }
    }

    /// The exit code, and all that was said.
    fn end(mut self) -> (Option<i32>, String) {
        self.errors.read_to_string(&mut self.said).unwrap();
        let output = self.process.wait_with_output().unwrap();
        self.said.push_str(&String::from_utf8(output.stdout).unwrap());
        (output.status.code(), self.said)
    }
}

/// The first migration is applied on all, and the files are there for the next run.
fn fleet() -> TestFleet {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let first = end(&mut on(&fleet, &fleet.project(&[FIRST]), "--migrate"));
    assert_eq!(first.0, 0, "{first:?}");
    fleet
}

/// An application in the middle of a transaction with the table.
fn hold(database: &Target) -> Session {
    let mut application = Session::new(&database.url());
    application.run("BEGIN; LOCK TABLE a IN SHARE MODE");
    application
}

/// How many of a database's sessions wait for a lock.
fn waiting(database: &Target) -> String {
    database.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
}

fn wait_until_it_waits(database: &Target) {
    wait_for("the run to wait for the table", || (waiting(database) == "1").then_some(()));
}

/// A run of these files on a fleet whose first database has its table held: the application, and the run once it
/// waits for the table.
fn held(fleet: &TestFleet, files: &[(&str, &str)], options: &str) -> (Session, Run) {
    let default = fleet.database("default");
    let application = hold(default);
    let project = fleet.project(files);
    let run = Run::start(&mut on(fleet, &project, &format!("--migrate --lock-timeout 0 {options}")));
    wait_until_it_waits(default);
    (application, run)
}

fn must_end_well(fleet: &TestFleet, files: &[(&str, &str)]) {
    let ended = end(&mut on(fleet, &fleet.project(files), "--migrate"));
    assert_eq!(ended.0, 0, "{ended:?}");
    fleet.wait_until_unlocked();
}

/// What is in flight is all that was sent to the one database.
#[test]
fn interrupted_once_it_ends_what_is_in_flight_and_starts_nothing_new() {
    for signal in ["INT", "TERM"] {
        let fleet = fleet();
        let files = [FIRST, SECOND, THIRD];
        let default = fleet.database("default");
        let (mut application, mut run) = held(&fleet, &files, "--jobs 1");
        run.interrupt(signal, ONCE);
        assert_eq!(waiting(default), "1", "it is still at it");
        application.run("COMMIT");
        let (code, said) = run.end();
        assert_eq!(code, Some(130), "{said}");
        for part in
            ["applied 2 b", "applied 3 c", "2 migrations applied on 1 of 3 databases", "; 2 not started"]
        {
            assert!(said.contains(part), "{part} is not in\n{said}");
        }
        assert_eq!(
            fleet.contents(),
            "default: a b c | 1 a, 2 b, 3 c\nusers_01: a | 1 a\nusers_02: a | 1 a",
            "{said}"
        );
        must_end_well(&fleet, &files);
        assert_eq!(fleet.database("users_02").contents(), "a b c | 1 a, 2 b, 3 c");
    }
}

/// Whoever interrupts the last thing that there was to do has stopped nothing.
#[test]
fn interrupted_at_the_last_migration_it_is_done() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    must_end_well(&fleet, &[FIRST]);
    let (mut application, mut run) = held(&fleet, &[FIRST, SECOND], "");
    run.interrupt("INT", ONCE);
    application.run("COMMIT");
    let (code, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(fleet.contents(), "default: a b | 1 a, 2 b");
}

#[test]
fn interrupted_twice_it_cancels_what_runs_and_loses_nothing() {
    for [first, second] in [["INT", "INT"], ["TERM", "TERM"], ["TERM", "INT"]] {
        let fleet = fleet();
        let files = [FIRST, SECOND, THIRD];
        let default = fleet.database("default");
        let (mut application, mut run) = held(&fleet, &files, "--jobs 1");
        run.interrupt(first, ONCE);
        run.interrupt(second, TWICE);
        // While the application still has the table.
        let (code, said) = run.end();
        assert_eq!(code, Some(130), "{said}");
        for part in ["0 migrations applied on 0 of 3 databases", "; 2 not started; 1 interrupted"] {
            assert!(said.contains(part), "{part} is not in\n{said}");
        }
        assert!(!said.contains("failed"), "{said}");
        assert_eq!(waiting(default), "0");
        assert_eq!(fleet.contents(), "default: a | 1 a\nusers_01: a | 1 a\nusers_02: a | 1 a");
        application.run("COMMIT");
        must_end_well(&fleet, &files);
    }
}

#[test]
fn interrupted_twice_a_long_statement_is_over_and_what_was_before_it_is_kept() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let sleep = ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\nSELECT pg_sleep(600);\n");
    let project = fleet.project(&[FIRST, sleep, THIRD]);
    let mut run = Run::start(&mut on(&fleet, &project, "--migrate"));
    let default = fleet.database("default");
    let sleeps =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    wait_for("the run to sleep", || (default.query(sleeps) == "1").then_some(()));
    run.interrupt("INT", ONCE);
    run.interrupt("INT", TWICE);
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("applied 1 a"), "{said}");
    assert!(said.contains("interrupted: the rest is still pending"), "{said}");
    assert_eq!(default.query(sleeps), "0");
    assert_eq!(fleet.contents(), "default: a | 1 a");
    must_end_well(&fleet, &[FIRST, SECOND, THIRD]);
}

#[test]
fn outside_a_transaction_it_stops_between_two_statements_and_goes_on_there() {
    for times in [1, 2] {
        let fleet = TestFleet::of_one(Engine::Postgres);
        let files = [FIRST, OUTSIDE, THIRD];
        must_end_well(&fleet, &[FIRST]);
        let default = fleet.database("default");
        let (mut application, mut run) = held(&fleet, &files, "");
        run.interrupt("INT", ONCE);
        if times == 2 {
            run.interrupt("INT", TWICE);
        } else {
            application.run("COMMIT");
        }
        let (code, said) = run.end();
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("; 1 interrupted"), "{said}");
        // Once: the statement that ran is done. Twice: it was cancelled.
        let done = 3 - times;
        assert_eq!(fleet.contents(), format!("default: a b | 1 a, 2 b (paused, {done} done)"), "{said}");
        assert_eq!(default.query("SELECT count(*) FROM b"), "0");
        if times == 2 {
            application.run("COMMIT");
        }
        must_end_well(&fleet, &files);
        assert_eq!(fleet.contents(), "default: a b c | 1 a, 2 b, 3 c");
        assert_eq!(default.query("SELECT count(*) FROM b"), "1");
    }
}

#[test]
fn an_index_that_was_being_built_is_built_again() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    must_end_well(&fleet, &[FIRST]);
    let default = fleet.database("default");
    // The index waits for everybody who has written to the table.
    let mut application = Session::new(&default.url());
    application.run("BEGIN; INSERT INTO a VALUES (1)");
    let project = fleet.project(&[FIRST, INDEX]);
    let mut run = Run::start(&mut on(&fleet, &project, "--migrate"));
    wait_until_it_waits(default);
    run.interrupt("INT", ONCE);
    run.interrupt("TERM", TWICE);
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('a_id')";
    assert_eq!(default.query(valid), "f", "{said}");
    application.run("COMMIT");
    must_end_well(&fleet, &[FIRST, INDEX]);
    assert_eq!(default.query(valid), "t");
    assert_eq!(fleet.contents(), "default: a | 1 a, 2 index");
}

#[test]
fn whoever_waits_for_the_migration_lock_ends_at_once() {
    let fleet = fleet();
    let default = fleet.database("default");
    let mut other = Session::new(&default.url());
    other.run("SELECT pg_advisory_lock(hashtextextended('public.sharded_migrations_history', 0))");
    for files in [[FIRST, SECOND], [FIRST, OUTSIDE]] {
        let project = fleet.project(&files);
        let mut run = Run::start(&mut on(&fleet, &project, "--migrate --jobs 1"));
        run.wait_for("default waits for the migration lock held by pid");
        run.interrupt("INT", ONCE);
        let (code, said) = run.end();
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("; 3 not started"), "{said}");
        assert_eq!(fleet.contents(), "default: a | 1 a\nusers_01: a | 1 a\nusers_02: a | 1 a");
    }
    drop(other);
    must_end_well(&fleet, &[FIRST, SECOND]);
}

#[test]
fn a_survey_that_is_stuck_is_left() {
    let fleet = fleet();
    let default = fleet.database("default");
    let mut other = Session::new(&default.url());
    other.run("BEGIN; LOCK TABLE sharded_migrations_history");
    let project = fleet.project(&[FIRST, SECOND]);
    let mut run = Run::start(&mut on(&fleet, &project, "--migrate"));
    wait_until_it_waits(default);
    run.interrupt("TERM", ONCE);
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("; 3 not started"), "{said}");
    other.run("COMMIT");
    assert_eq!(fleet.contents(), "default: a | 1 a\nusers_01: a | 1 a\nusers_02: a | 1 a");
    must_end_well(&fleet, &[FIRST, SECOND]);
}
