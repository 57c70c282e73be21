//! A migration that is tried again: what the first try left in its session is gone.

use std::sync::Mutex;
use std::time::Duration;

use sharded_migrations::Event;

use crate::support::fleet::run;
use crate::support::session::Session;
use crate::support::{Engine, TestFleet, ending, error};

const START: (&str, &str) = (
    "V1__start.sql",
    "-- #[route(everywhere)]\nCREATE SCHEMA app;\nCREATE TABLE app.a (id int);\nCREATE TABLE a (id int);\n",
);

/// Runs a second migration while somebody has the table `app.a`, who lets it go at the first retry.
fn retried(text: &str) -> TestFleet {
    let fleet = TestFleet::of_one(Engine::Postgres);
    fleet.run(fleet.set(&[START])).unwrap();
    let mut application = Session::new(&fleet.database("default").url());
    application.run("BEGIN; SELECT * FROM app.a");
    let retries = Mutex::new((application, 0));
    let set = fleet.set(&[START, ("V2__add.sql", text)]);
    let migrator = fleet.migrator(set).lock_timeout(Duration::from_millis(50)).on_event(|event| {
        if let Event::MigrationRetried { .. } = event {
            let (application, count) = &mut *retries.lock().unwrap();
            application.run("COMMIT");
            *count += 1;
        }
    });
    let result = run(&migrator);
    assert!(result.is_ok(), "{}", error(&result));
    assert_eq!(ending(&result), "exit 0\ndefault: done 2, 1 before");
    drop(migrator);
    assert_eq!(retries.into_inner().unwrap().1, 1);
    fleet
}

fn columns(fleet: &TestFleet) -> String {
    fleet.database("default").query(
        "SELECT attrelid::regclass FROM pg_attribute WHERE attname = 'b' AND attrelid IN \
         ('app.a'::regclass, 'public.a'::regclass)",
    )
}

/// A statement that has a lock to wait for is tried again in a new session, with the settings that the file
/// made before it.
#[test]
fn outside_a_transaction_the_settings_of_the_file_are_made_again() {
    let fleet = retried(
        "-- #[route(everywhere)]\n-- #[no_transaction]\n-- #[lock_timeout = \"50ms\"]\n\
         SET search_path = app;\nALTER TABLE a ADD COLUMN IF NOT EXISTS b int;\n",
    );
    assert_eq!(columns(&fleet), "app.a");
}

/// A prepared statement outlives the transaction that made it.
#[test]
fn in_a_transaction_a_prepared_statement_is_made_again() {
    let fleet = retried(
        "-- #[route(everywhere)]\nPREPARE note AS SELECT 1;\nEXECUTE note;\nALTER TABLE app.a ADD b int;\n",
    );
    assert_eq!(columns(&fleet), "app.a");
}
