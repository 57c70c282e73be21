//! Tables that others use while they are to be changed.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use sharded_migrations::{Event, Migrator};
use sharded_migrations_tests::wait_for;

use crate::support::fleet::run;
use crate::support::session::Session;
use crate::support::{Engine, Target, TestFleet, ending, error};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) = ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n");
const ALTER: (&str, &str) = ("V3__alter.sql", "-- #[route(everywhere)]\nALTER TABLE a ADD b int;\n");
const LAST: (&str, &str) = ("V4__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n");

/// With the first migration applied.
fn fleet() -> TestFleet {
    let fleet = TestFleet::of_one(Engine::Postgres);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    fleet
}

/// An application that has the table, in a transaction that does not end by itself.
fn application(database: &Target) -> Session {
    let mut application = Session::new(&database.url());
    application.run("BEGIN; SELECT * FROM a");
    application
}

/// Tells of each retry: the version and the SQLSTATE.
fn telling(migrator: Migrator<'static>, tell: Sender<String>) -> Migrator<'static> {
    migrator.on_event(move |event| {
        if let Event::MigrationRetried { migration, error, .. } = event {
            let _ = tell.send(format!("{} {}", migration.version, error.sqlstate.as_deref().unwrap_or("")));
        }
    })
}

fn all(told: &Receiver<String>) -> Vec<String> {
    told.try_iter().collect()
}

#[test]
fn a_table_that_is_not_given_in_time_fails_and_loses_nothing() {
    let fleet = fleet();
    let set = fleet.set(&[FIRST, SECOND, ALTER, LAST]);
    let mut application = application(fleet.database("default"));
    let (tell, told) = channel();
    let limited =
        fleet.migrator(set).lock_timeout(Duration::from_millis(50)).retry_for(Duration::from_millis(300));
    let result = run(&telling(limited, tell));
    let retries = all(&told);
    assert!(!retries.is_empty() && retries.iter().all(|retry| retry == "3 55P03"), "{retries:?}");
    assert_eq!(
        ending(&result),
        "exit 1\ndefault: failed at migrations/V3__alter.sql:2:1, 2 applied, 1 before"
    );
    let message = error(&result);
    for part in
        ["canceling statement due to lock timeout", "SQLSTATE 55P03", "pg_blocking_pids", "--retry-for"]
    {
        assert!(message.contains(part), "{part} is not in\n{message}");
    }
    assert_eq!(fleet.contents(), "default: a b | 1 a, 2 b");
    fleet.wait_until_unlocked();

    application.run("COMMIT");
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 3 4, 2 before");
}

#[test]
fn a_table_that_is_let_go_in_time_is_changed() {
    let fleet = fleet();
    let set = fleet.set(&[FIRST, SECOND, ALTER, LAST]);
    let application = Mutex::new(application(fleet.database("default")));
    let migrator = fleet.migrator(set).lock_timeout(Duration::from_millis(50)).on_event(move |event| {
        if let Event::MigrationRetried { .. } = event {
            application.lock().unwrap().run("COMMIT");
        }
    });
    assert_eq!(ending(&run(&migrator)), "exit 0\ndefault: done 2 3 4, 1 before");
}

/// Whoever comes behind the migration is let in when a try is over, and not when the application has ended.
#[test]
fn whoever_queues_behind_a_migration_waits_for_one_try_of_it() {
    let mut fleet = fleet();
    let url = fleet.database("default").url();
    fleet.set_url("default", format!("{url}?application_name=migration"));
    let set = fleet.set(&[FIRST, ALTER]);
    let default = fleet.database("default");
    let mut application = application(default);
    let migrator =
        fleet.migrator(set).lock_timeout(Duration::from_secs(1)).retry_for(Duration::from_secs(3600));
    let thread = std::thread::spawn(move || run(&migrator));
    let waits = |who: &str| {
        let count = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{who}' AND wait_event_type = 'Lock' \
             AND datname = current_database()"
        );
        default.query(&count) == "1"
    };
    let mut reader = Session::new(&format!("{url}?application_name=reader"));
    // A try may end before the reader has come: then the next one will do.
    wait_for("a reader to queue behind the migration", || {
        wait_for("the migration to wait for the table", || waits("migration").then_some(()));
        let mut has_waited = false;
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| assert_eq!(reader.run("SELECT count(*) FROM a"), "0"));
            while !reading.is_finished() {
                has_waited |= waits("reader");
            }
        });
        has_waited.then_some(())
    });
    // It was let in, and the application still has the table.
    assert_eq!(application.run("SELECT count(*) FROM a"), "0");
    application.run("COMMIT");
    assert_eq!(ending(&thread.join().unwrap()), "exit 0\ndefault: done 3, 1 before");
}

/// Each has what the other one wants, and the server chooses the migration.
#[test]
fn a_deadlock_is_tried_again() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let url = fleet.database("default").url();
    fleet.set_url("default", format!("{url}?options=-cdeadlock_timeout%3D10ms"));
    fleet.run(fleet.set(&[FIRST, SECOND])).unwrap();
    let both = (
        "V3__both.sql",
        "-- #[route(everywhere)]\nLOCK TABLE b;\n\
         -- Until the application waits for it, or is gone.\n\
         DO $$ BEGIN\n\
         WHILE EXISTS (SELECT FROM pg_locks WHERE granted AND relation = 'a'::regclass)\n\
         AND NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'b'::regclass) LOOP\n\
         PERFORM pg_sleep(0.005);\nEND LOOP;\nEND $$;\n\
         LOCK TABLE a;\n",
    );
    let set = fleet.set(&[FIRST, SECOND, both]);
    let default = fleet.database("default");
    let mut application = Session::new(&url);
    application.run("SET deadlock_timeout = '1h'; BEGIN; LOCK TABLE a");
    let (tell, told) = channel();
    let migrator = telling(fleet.migrator(set), tell);
    let thread = std::thread::spawn(move || run(&migrator));
    let locked = "SELECT count(*) FROM pg_locks WHERE granted AND relation = 'b'::regclass";
    wait_for("the migration to have its first table", || (default.query(locked) == "1").then_some(()));
    application.run("LOCK TABLE b; COMMIT");
    assert_eq!(ending(&thread.join().unwrap()), "exit 0\ndefault: done 3, 2 before");
    assert_eq!(all(&told)[0], "3 40P01");
}

/// The migrations of one message are told of as they begin, not when all of it is done.
#[test]
fn a_migration_is_told_of_while_it_waits() {
    let fleet = fleet();
    let set = fleet.set(&[FIRST, SECOND, ALTER, LAST]);
    let mut application = application(fleet.database("default"));
    let (tell, told) = channel();
    let migrator = fleet.migrator(set).lock_timeout(Duration::ZERO).on_event(move |event| {
        if let Event::MigrationStarted { migration, .. } = event {
            tell.send(migration.version.get()).unwrap();
        }
    });
    let thread = std::thread::spawn(move || run(&migrator));
    assert_eq!([told.recv().unwrap(), told.recv().unwrap()], [2, 3]);
    // The last one begins when this one has its table.
    assert_eq!(told.try_recv().ok(), None);
    application.run("COMMIT");
    assert_eq!(ending(&thread.join().unwrap()), "exit 0\ndefault: done 2 3 4, 1 before");
    assert_eq!(told.recv().unwrap(), 4);
}
