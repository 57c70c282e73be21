//! The migration lock among the server's other locks.

use std::sync::mpsc::channel;
use std::time::Duration;

use sharded_migrations::Event;
use sharded_migrations_tests::wait_for;

use crate::support::fleet::{block_on, run};
use crate::support::session::Session;
use crate::support::{Engine, TestFleet, ending, error};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) =
    ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\nINSERT INTO a VALUES (1);\n");

/// The key must stay what it is: an older release of an application has to keep out a newer one.
const KEY: &str = "hashtextextended('public.sharded_migrations_history', 0)";

#[test]
fn somebody_elses_lock_is_waited_for_and_its_holder_is_named() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let set = fleet.set(&[FIRST]);
    let mut operator =
        Session::new(&format!("{}?application_name=an%20operator", fleet.database("default").url()));
    let pid = operator.run(&format!("SELECT pg_advisory_lock({KEY}) IS NULL; SELECT pg_backend_pid()"));
    let holder = format!("pid {} (an operator)", pid.lines().last().unwrap());

    let result = run(&fleet.migrator(set).lock_wait(Duration::ZERO));
    assert_eq!(ending(&result), "exit 5\ndefault: refused error");
    assert!(error(&result).contains(&format!("{holder} has it")), "{}", error(&result));
    assert_eq!(fleet.contents(), "default: nothing");

    let (tell, told) = channel();
    let migrator = fleet.migrator(set).on_event(move |event| {
        if let Event::LockWaiting { holder, .. } = event {
            tell.send(holder.map(str::to_owned)).unwrap();
        }
    });
    let thread = std::thread::spawn(move || run(&migrator));
    assert_eq!(told.recv().unwrap(), Some(holder));
    operator.run(&format!("SELECT pg_advisory_unlock({KEY})"));
    assert_eq!(ending(&thread.join().unwrap()), "exit 0\ndefault: done 1, 0 before");
}

/// It is the database's: the same key in another one is another lock.
#[test]
fn a_lock_of_another_database_is_no_trouble() {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let mut other = Session::new(&sharded_migrations_tests::postgres::Cluster::shared().url());
    other.run(&format!("SELECT pg_advisory_lock({KEY})"));
    let result = run(&fleet.migrator(fleet.set(&[FIRST])).lock_wait(Duration::ZERO));
    assert!(ending(&result).starts_with("exit 0\n"), "{result:?}");
}

/// `CREATE INDEX CONCURRENTLY` waits for every transaction that was there before it, also for one
/// that does nothing but wait for a lock.
#[test]
fn an_index_is_built_concurrently_while_others_wait_for_the_lock() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let index = (
        "V2__index.sql",
        "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY a_idx ON a (id);\n",
    );
    let set = fleet.set(&[FIRST, index]);
    let (reached, is_reached) = channel();
    let (go_on, may_go_on) = channel::<()>();
    let may_go_on = std::sync::Mutex::new(may_go_on);
    let first = fleet.migrator(set).on_event(move |event| {
        if let Event::MigrationStarted { migration, .. } = event
            && migration.version.get() == 2
        {
            reached.send(()).unwrap();
            let _ = may_go_on.lock().unwrap().recv();
        }
    });
    let first = std::thread::spawn(move || run(&first));
    is_reached.recv().unwrap();
    let waiting = [0, 1].map(|_| {
        let (tell, told) = channel();
        let migrator = fleet.migrator(set).on_event(move |event| {
            if let Event::LockWaiting { .. } = event {
                tell.send(()).unwrap();
            }
        });
        let thread = std::thread::spawn(move || run(&migrator));
        told.recv().unwrap();
        thread
    });
    drop(go_on);
    assert_eq!(ending(&first.join().unwrap()), "exit 0\ndefault: done 1 2, 0 before");
    for thread in waiting {
        assert_eq!(ending(&thread.join().unwrap()), "exit 0\ndefault: done, 2 before");
    }
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_idx'::regclass";
    assert_eq!(fleet.database("default").query(valid), "t");
}

/// The application holds a table that the migration waits for, and whoever runs the migration gives
/// up. If the server went on waiting, everybody behind it in the table's queue would wait as well.
#[test]
fn a_run_that_is_dropped_while_the_server_works_stops_the_server() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let url = fleet.database("default").url();
    fleet.set_url("default", format!("{url}?application_name=dropped"));
    let default = fleet.database("default");
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let mut application = Session::new(&url);
    application.run("BEGIN; LOCK TABLE a");

    let set = fleet.set(&[FIRST, SECOND]);
    let migrator = fleet.migrator(set);
    let (stop, is_stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        block_on(async {
            tokio::select! {
                _ = is_stopped => {}
                result = migrator.run() => panic!("it is over: {result:?}"),
            }
        });
    });
    let of_it = "FROM pg_stat_activity WHERE application_name = 'dropped'";
    let waits = format!("SELECT count(*) {of_it} AND wait_event_type = 'Lock'");
    wait_for("the migration to wait for the table", || (default.query(&waits) == "1").then_some(()));
    stop.send(()).unwrap();
    thread.join().unwrap();
    wait_for("the server to stop what nobody waits for", || {
        (default.query(&format!("SELECT count(*) {of_it}")) == "0").then_some(())
    });
    application.run("COMMIT");
    assert_eq!(default.contents(), "a | 1 a");
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2, 1 before");
}
