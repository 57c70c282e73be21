//! Processes that are killed inside a migration that is written in Rust (`tests/steps`). A step stands at a row that the
//! test holds, so that the process is where it is meant to be when it is struck.

use std::process::{Child, Command, Stdio};

use sharded_migrations_tests::wait_for;

use crate::program::{end, program};
use crate::support::session::Session;
use crate::support::{Engine, Target, TestFleet};

fn steps(default: &Target, words: &str) -> Command {
    let mut command = program(words);
    command.env("FLEET_STEPS", "1").env("default", default.url());
    command
}

fn must_end_well(default: &Target, words: &str) {
    let ended = end(&mut steps(default, words));
    assert_eq!(ended.0, 0, "{ended:?}");
}

/// One database, up to a version.
fn migrated_to(version: i64) -> TestFleet {
    let fleet = TestFleet::of_one(Engine::Postgres);
    must_end_well(fleet.database("default"), &format!("--migrate --to {version}"));
    fleet.wait_until_unlocked();
    fleet
}

/// Somebody who has the row at which a step stands.
fn hold(default: &Target, row: &str) -> Session {
    let mut somebody = Session::new(&default.url());
    somebody.run(&format!("BEGIN; SELECT FROM {row} FOR UPDATE"));
    somebody
}

/// The server's processes that wait for a row, by their numbers; the test's own wait for none.
fn waiting(default: &Target) -> String {
    default.query(
        "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
}

/// A run that waits where it is held, and alone.
fn standing(default: &Target) -> Child {
    let before = waiting(default);
    let mut command = steps(default, "--migrate --lock-timeout 0 --progress never");
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for("the step to stand at the gate", || {
        assert!(process.try_wait().unwrap().is_none(), "the run has ended");
        let now = waiting(default);
        (!now.is_empty() && (before.is_empty() || !now.contains(&before))).then_some(())
    });
    process
}

/// With SIGKILL: it writes nothing any more, and takes leave of nobody.
fn kill(mut process: Child) {
    process.kill().unwrap();
    assert_eq!(process.wait().unwrap().code(), None, "it has not ended by itself");
}

/// What the steps have done, a line for each: how many rows, how many of them are others, and how often each gate was passed.
fn done(default: &Target) -> String {
    let rows = default
        .query("SELECT step, count(*), count(DISTINCT id) FROM account GROUP BY step ORDER BY step DESC");
    let gates = default.query("SELECT string_agg(passed::text, '' ORDER BY number) FROM gate");
    format!("{rows}\n{gates}")
}

const ALL: &str = "whole|2|2\nparts|9|9\n1111";
const APPLIED: &str = "account gate whole | 1 account, 2 whole, 3 parts";

#[test]
fn in_a_transaction_nothing_remains_and_the_next_run_applies_it() {
    // The server notices that the process is gone; or the step is let through, and nobody goes on with it.
    for is_let_through in [false, true] {
        let fleet = migrated_to(1);
        let default = fleet.database("default");
        let mut somebody = hold(default, "gate WHERE number = 2");
        kill(standing(default));
        if is_let_through {
            somebody.run("COMMIT");
        }
        fleet.wait_until_unlocked();
        assert_eq!(default.contents(), "account gate | 1 account");
        assert_eq!(done(default), "\n0000");
        drop(somebody);
        must_end_well(default, "--migrate");
        assert_eq!((default.contents(), done(default)), (APPLIED.into(), ALL.into()));
    }
}

/// What the dead process has left on the server is waited for as for one that lives; then the next run stands there.
#[test]
fn the_next_run_waits_until_the_server_has_noticed() {
    let fleet = migrated_to(1);
    let default = fleet.database("default");
    let mut somebody = hold(default, "gate WHERE number = 2");
    kill(standing(default));
    let next = standing(default);
    somebody.run("COMMIT");
    let output = next.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((default.contents(), done(default)), (APPLIED.into(), ALL.into()));
}

fn checkpoint(default: &Target) -> String {
    default.query("SELECT state, checkpoint FROM sharded_migrations_history WHERE version = 3")
}

#[test]
fn outside_a_transaction_the_next_run_goes_on_from_the_checkpoint() {
    let fleet = migrated_to(2);
    let default = fleet.database("default");
    // In the second part: the first one is there, with its checkpoint.
    let mut somebody = hold(default, "gate WHERE number = 36");
    kill(standing(default));
    somebody.run("COMMIT");
    fleet.wait_until_unlocked();
    assert_eq!(checkpoint(default), "started|3");
    assert_eq!(done(default), "whole|2|2\nparts|3|3\n1100", "what was open is undone");
    let sessions = "SELECT count(DISTINCT session) FROM account WHERE step = 'parts'";
    assert_eq!(default.query(sessions), "1");
    must_end_well(default, "--migrate");
    assert_eq!((default.contents(), done(default)), (APPLIED.into(), ALL.into()));
    assert_eq!(default.query(sessions), "2", "the first part is the first run's");
    must_end_well(default, "--migrate=check");
}

/// Whether the part was committed nobody knows who was killed there. The checkpoint does.
#[test]
fn outside_a_transaction_a_part_is_there_with_its_checkpoint_or_not_at_all() {
    let fleet = migrated_to(2);
    let default = fleet.database("default");
    let mut somebody = hold(default, "gate WHERE number = 33");
    let process = standing(default);
    let mut another = hold(default, "sharded_migrations_history WHERE version = 3");
    somebody.run("COMMIT");
    let commits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND query LIKE '%SET checkpoint%'";
    wait_for("the part to be committed", || (default.query(commits) == "1").then_some(()));
    kill(process);
    another.run("COMMIT");
    fleet.wait_until_unlocked();
    let parts = match checkpoint(default).as_str() {
        "started|" => "",
        "started|3" => "\nparts|3|3",
        other => panic!("{other}"),
    };
    let passed = if parts.is_empty() { 0 } else { 1 };
    assert_eq!(done(default), format!("whole|2|2{parts}\n1{passed}00"));
    must_end_well(default, "--migrate");
    assert_eq!((default.contents(), done(default)), (APPLIED.into(), ALL.into()));
}
