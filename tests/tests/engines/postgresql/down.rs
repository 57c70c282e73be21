//! Taking back what only PostgreSQL has.

use sharded_migrations::{Back, Event, Version};

use crate::support::fleet::block_on;
use crate::support::session::Session;
use crate::support::{Engine, Run, TestFleet, ending, error};

const A: [(&str, &str); 2] = [
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n"),
    ("V1__a.down.sql", "DROP TABLE a;\n"),
];
const INDEX: [(&str, &str); 2] = [
    ("V2__i.sql", "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY i ON a (id);\n"),
    ("V2__i.down.sql", "DROP INDEX CONCURRENTLY i;\n"),
];

fn down(fleet: &TestFleet, files: &[(&str, &str)], to: i64) -> Run {
    let back = Back::To(Version::new(to).unwrap());
    let run = block_on(fleet.migrator(fleet.set(files)).down(back));
    fleet.wait_until_unlocked();
    run
}

fn applied(files: &[(&str, &str)]) -> TestFleet {
    let fleet = TestFleet::of_one(Engine::Postgres);
    fleet.run(fleet.set(files)).unwrap();
    fleet.wait_until_unlocked();
    fleet
}

#[test]
fn an_index_is_dropped_concurrently_and_what_broke_off_is_looked_for() {
    let files = [A, INDEX].concat();
    let fleet = applied(&files);
    let default = fleet.database("default");
    let half =
        "UPDATE sharded_migrations_history SET state = 'undoing', statements_done = 0 WHERE version = 2";
    // A run that broke off before the statement, and one that did behind it: nothing tells them apart but the index.
    for is_dropped in [false, true] {
        default.execute(half);
        if is_dropped {
            default.execute("DROP INDEX i");
        }
        assert_eq!(ending(&down(&fleet, &files, 1)), "exit 0\ndefault: done back 2, 2 before");
        assert_eq!(default.query("SELECT to_regclass('i') IS NULL"), "t");
        assert_eq!(fleet.run(fleet.set(&files)).unwrap().applied(), 1);
        fleet.wait_until_unlocked();
    }
    assert_eq!(ending(&down(&fleet, &files, 0)), "exit 0\ndefault: done back 2 1, 2 before");
    assert_eq!(default.audit(), "down 2 i, down 2 i, down 2 i, down 1 a");
}

#[test]
fn what_could_not_be_resumed_is_refused_before_anything_runs() {
    let doubtful = ("V2__i.down.sql", "DROP INDEX CONCURRENTLY i;\nALTER TABLE a ADD b int;\n");
    let files = [A[0], A[1], INDEX[0], doubtful];
    let fleet = applied(&files);
    let before = fleet.fingerprint();
    let run = down(&fleet, &files, 0);
    assert_eq!(ending(&run), "exit 5\ndefault: refused not-resumable");
    assert!(error(&run).contains("whether the statement at V2__i.down.sql:2:1 was done"), "{}", error(&run));
    assert_eq!(fleet.fingerprint(), before);
}

/// An unfinished table of ours is nothing that a migration is to blame for.
#[test]
fn a_role_that_may_not_make_the_audit_is_told_what_to_do_and_nothing_is_taken_back() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let empty = [A[0], ("V1__a.down.sql", "")];
    fleet.run(fleet.set(&empty)).unwrap();
    let role = fleet.let_only_change_the_history("default");
    let before = fleet.fingerprint();
    let run = down(&fleet, &empty, 0);
    assert_eq!(ending(&run), "exit 5\ndefault: refused error");
    let text = error(&run);
    for part in ["permission denied for schema public", "GRANT CREATE", "sharded_migrations_audit"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(fleet.fingerprint(), before);
    fleet.database("default").execute(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name));
    assert_eq!(ending(&down(&fleet, &empty, 0)), "exit 0\ndefault: done back 1, 1 before");
    assert_eq!(fleet.database("default").contents(), "a | ", "an empty reverse file undoes nothing");
}

#[test]
fn a_table_that_others_use_is_waited_for_and_tried_again() {
    let held = ("V1__a.down.sql", "-- #[lock_timeout = \"50ms\"]\nDROP TABLE a;\n");
    let files = [A[0], held];
    let fleet = applied(&files);
    let default = fleet.database("default");
    let mut application = Session::new(&default.url());
    application.run("BEGIN; LOCK TABLE a IN SHARE MODE");
    let application = std::sync::Mutex::new(application);
    let migrator = fleet.migrator(fleet.set(&files)).on_event(|event| {
        if let Event::MigrationRetried { error, .. } = event {
            assert_eq!(error.sqlstate.as_deref(), Some("55P03"), "{error}");
            let mut application = application.lock().unwrap();
            application.run("COMMIT");
        }
    });
    let run = block_on(migrator.down(Back::Newest));
    assert_eq!(ending(&run), "exit 0\ndefault: done back 1, 1 before");
    assert_eq!(default.audit(), "down 1 a");
}

/// Somebody deletes a row by hand after the plan was made: nothing is taken back that is not in the history.
#[test]
fn a_plan_that_does_not_hold_any_more_is_made_again() {
    let slow = ("V1__a.down.sql", "DROP TABLE IF EXISTS a;\n");
    let b = [
        ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n"),
        ("V2__b.down.sql", "DROP TABLE IF EXISTS b;\n"),
    ];
    let files = [A[0], slow, b[0], b[1]];
    let fleet = applied(&files);
    let default = fleet.database("default");
    let somebody = std::sync::Mutex::new(Some(Session::new(&default.url())));
    let migrator = fleet.migrator(fleet.set(&files)).on_event(|event| {
        let is_planned = matches!(event, Event::DatabaseStarted { .. });
        if is_planned && let Some(mut somebody) = somebody.lock().unwrap().take() {
            somebody.run("DELETE FROM sharded_migrations_history WHERE version = 2");
        }
    });
    let run = block_on(migrator.down(Back::To(Version::new(0).unwrap())));
    assert_eq!(ending(&run), "exit 0\ndefault: done back 1, 1 before");
    assert_eq!(default.audit(), "down 1 a", "the other one was not taken back by this run");
    assert_eq!(default.query("SELECT to_regclass('b') IS NOT NULL"), "t");
}
