//! The migration lock: who waits for it, and that it is let go.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use sharded_migrations::{Event, Migrations, Migrator};
use sharded_migrations_tests::wait_for;
use tokio::sync::Notify;

use crate::support::fleet::{block_on, run};
use crate::support::{Engine, Run, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_run_that_is_dropped_in_the_middle_lets_go_and_can_be_run_again,
    a_run_that_panics_lets_go_and_can_be_run_again,
    a_survey_does_not_wait_for_the_lock,
    what_another_process_did_between_the_survey_and_the_lock_counts,
    what_another_process_is_in_the_middle_of_is_waited_for,
    what_another_process_did_meanwhile_counts,
    who_waits_long_enough_goes_on,
    who_waits_too_long_is_refused_and_told_who_has_the_lock,
);

/// Outside a transaction, so that the lock is held from the first one to the end.
pub(crate) const FILES: [(&str, &str); 2] = [
    ("V1__a.sql", "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE a (id int);\n"),
    ("V2__b.sql", "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE b (id int);\n"),
];

/// A run that stops in the middle, after it took the lock of its one database unless something else
/// is said, until it is told to go on.
pub(crate) struct Paused {
    go_on: Sender<()>,
    thread: JoinHandle<Run>,
}

pub(crate) fn pause(migrator: Migrator<'static>) -> Paused {
    pause_at(migrator, |event| matches!(event, Event::MigrationStarted { .. }))
}

fn pause_at(migrator: Migrator<'static>, is_it: fn(&Event<'_>) -> bool) -> Paused {
    let (reached, is_reached) = channel();
    let (go_on, may_go_on) = channel();
    let may_go_on = Mutex::new(may_go_on);
    let migrator = migrator.on_event(move |event| {
        if is_it(event) {
            let _ = reached.send(());
            // An error once the other end is gone: then it need not stop any more.
            let _ = may_go_on.lock().unwrap().recv();
        }
    });
    let thread = std::thread::spawn(move || run(&migrator));
    is_reached.recv().unwrap();
    Paused { go_on, thread }
}

impl Paused {
    pub(crate) fn finish(self) -> Run {
        drop(self.go_on);
        self.thread.join().unwrap()
    }
}

/// A fleet of one, whose connections are called `first` on PostgreSQL, and a set for it.
pub(crate) fn fleet(engine: Engine) -> (TestFleet, &'static Migrations) {
    let mut fleet = TestFleet::of_one(engine);
    let url = fleet.database("default").url();
    fleet.set_url("default", engine.pick(format!("{url}?application_name=first"), url));
    let set = fleet.set(&FILES);
    (fleet, set)
}

/// `pid 123 (first)`, where the database can tell.
pub(crate) fn is_first(engine: Engine, holder: Option<&str>) -> bool {
    let pid = |holder: &str| {
        let pid = holder.strip_prefix("pid ")?.strip_suffix(" (first)")?;
        pid.parse::<u32>().ok()
    };
    match engine {
        Engine::Postgres => holder.and_then(pid).is_some(),
        Engine::Sqlite => holder.is_none(),
    }
}

fn who_waits_too_long_is_refused_and_told_who_has_the_lock(engine: Engine) {
    let (fleet, set) = fleet(engine);
    let first = pause(fleet.migrator(set));
    let before = fleet.fingerprint();
    let result = run(&fleet.migrator(set).lock_wait(Duration::ZERO));
    assert_eq!(ending(&result), "exit 5\ndefault: refused error");
    let message = error(&result);
    let (_, holder) = message.split_once("the migration lock was not free within 0ns: ").unwrap();
    let (holder, help) = holder.split_once(" has it").unwrap();
    let is_named = engine.pick(is_first(engine, Some(holder)), holder == "another process");
    assert!(is_named && help.contains("let it finish, or stop it"), "{message}");
    assert_eq!(fleet.fingerprint(), before);

    assert_eq!(ending(&first.finish()), "exit 0\ndefault: done 1 2, 0 before");
    fleet.wait_until_unlocked();
}

fn who_waits_long_enough_goes_on(engine: Engine) {
    let (fleet, set) = fleet(engine);
    let first = pause(fleet.migrator(set));
    let (tell, told) = channel();
    let second = fleet.migrator(set).on_event(move |event| {
        if let Event::LockWaiting { database, holder } = event {
            tell.send((database.to_string(), holder.map(str::to_owned))).unwrap();
        }
    });
    let second = std::thread::spawn(move || run(&second));
    let (database, holder) = told.recv().unwrap();
    assert_eq!(database, "default");
    assert!(is_first(engine, holder.as_deref()), "{holder:?}");

    assert_eq!(ending(&first.finish()), "exit 0\ndefault: done 1 2, 0 before");
    assert_eq!(ending(&second.join().unwrap()), "exit 0\ndefault: done, 2 before");
    assert_eq!(told.try_iter().count(), 0, "it is said once");
    assert_eq!(fleet.contents(), "default: a b | 1 a, 2 b");
    fleet.wait_until_unlocked();
}

/// Also where it did not end well.
fn what_another_process_did_meanwhile_counts(engine: Engine) {
    let (fleet, _) = fleet(engine);
    let old = fleet.set(&[FILES[0], ("V2__old.sql", "-- #[route(everywhere)]\nSELECT missing;\n")]);
    let new = fleet.set(&FILES);
    let divergent = fleet.set(&[("V1__other.sql", FILES[0].1), FILES[1]]);
    let first = pause(fleet.migrator(old));
    let (tell, told) = channel();
    let wait = |set| {
        let tell = tell.clone();
        let migrator = fleet.migrator(set).on_event(move |event| {
            if let Event::LockWaiting { .. } = event {
                tell.send(()).unwrap();
            }
        });
        std::thread::spawn(move || run(&migrator))
    };
    let waiting = [wait(new), wait(divergent)];
    waiting.iter().for_each(|_| told.recv().unwrap());
    assert_eq!(
        ending(&first.finish()),
        "exit 1\ndefault: failed at migrations/V2__old.sql:2:8, 1 applied, 0 before"
    );
    let [new, divergent] = waiting.map(|thread| ending(&thread.join().unwrap()));
    assert_eq!(new, "exit 0\ndefault: done 2, 1 before");
    assert_eq!(divergent, "exit 5\ndefault: refused divergent");
    assert_eq!(fleet.contents(), "default: a b | 1 a, 2 b");
}

/// Its connection has seen a database without a history.
fn what_another_process_did_between_the_survey_and_the_lock_counts(engine: Engine) {
    let (fleet, set) = fleet(engine);
    let default = fleet.database("default");
    default.execute("CREATE TABLE here_before (id int)");
    let second = pause_at(fleet.migrator(set), |event| matches!(event, Event::DatabaseStarted { .. }));
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 1 2, 0 before");
    assert_eq!(ending(&second.finish()), "exit 0\ndefault: done, 2 before");
    assert_eq!(default.contents(), "a b here_before | 1 a, 2 b");
}

/// An index that takes an hour to build is recorded as started all that time. An application that
/// starts meanwhile must not take it for one that broke off: the lock tells.
fn what_another_process_is_in_the_middle_of_is_waited_for(engine: Engine) {
    let (fleet, set) = fleet(engine);
    fleet.run(fleet.set(&FILES[..1])).unwrap();
    let first = pause(fleet.migrator(set));
    // The first statement of the migration has not ended yet.
    let default = fleet.database("default");
    default.add_history_row(2, "b", &set.migrations[1].checksum.to_string(), "started");
    let (tell, told) = channel();
    let second = fleet.migrator(set).on_event(move |event| match event {
        Event::LockWaiting { .. } => tell.send("waits").unwrap(),
        Event::RunFinished(_) => tell.send("is over").unwrap(),
        _ => {}
    });
    let second = std::thread::spawn(move || run(&second));
    let said = told.recv().unwrap();
    default.execute("DELETE FROM sharded_migrations_history WHERE version = 2");
    first.finish().unwrap();
    let second = second.join().unwrap();
    assert_eq!(said, "waits", "{second:?}");
    assert_eq!(ending(&second), "exit 0\ndefault: done, 2 before");
}

fn a_survey_does_not_wait_for_the_lock(engine: Engine) {
    let (fleet, set) = fleet(engine);
    let first = pause(fleet.migrator(set));
    let survey = block_on(fleet.migrator(set).survey());
    assert_eq!(survey.pending(), 2);
    first.finish().unwrap();
}

fn a_run_that_is_dropped_in_the_middle_lets_go_and_can_be_run_again(engine: Engine) {
    let file = |version| {
        let text = format!("-- #[route(everywhere)]\nCREATE TABLE t{version:02} (id int);\n");
        (format!("V{version}__t.sql"), text)
    };
    let files: Vec<_> = (1..=50).map(file).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let fleet = TestFleet::of_one(engine);
    let set = fleet.set(&files);
    let default = fleet.database("default");
    let up_to = |last: usize| {
        let tables: Vec<_> = (1..=last).map(|version| format!("t{version:02}")).collect();
        let rows: Vec<_> = (1..=last).map(|version| format!("{version} t")).collect();
        format!("{} | {}", tables.join(" "), rows.join(", "))
    };
    for stop_after in [1, 2, 3, 17] {
        let reached = Arc::new(Notify::new());
        let notify = Arc::clone(&reached);
        let migrator = fleet.migrator(set).on_event(move |event| match event {
            Event::MigrationStarted { migration, .. } if migration.version.get() > stop_after => {
                notify.notify_one();
            }
            _ => {}
        });
        block_on(async {
            tokio::select! {
                biased;
                () = reached.notified() => {}
                result = migrator.run() => panic!("it is over: {result:?}"),
            }
        });
        fleet.wait_until_unlocked();
        if engine == Engine::Postgres {
            // The server has all of it already, and goes on until it notices that nobody listens.
            let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                          AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
            wait_for("the server to end what was dropped", || (default.query(others) == "0").then_some(()));
        }
        // What is recorded is there, and what is there is recorded.
        let count: usize = default.query("SELECT count(*) FROM sharded_migrations_history").parse().unwrap();
        assert!(count <= 50);
        assert_eq!(default.contents(), up_to(count));
    }
    fleet.run(set).unwrap();
    assert_eq!(default.contents(), up_to(50));
}

/// It is the application's closure that does, in the middle of the work.
fn a_run_that_panics_lets_go_and_can_be_run_again(engine: Engine) {
    let (fleet, set) = fleet(engine);
    let migrator = fleet.migrator(set).on_event(|event| {
        if let Event::MigrationStarted { migration, .. } = event {
            assert_eq!(migration.version.get(), 1, "the application gives up");
        }
    });
    assert!(std::thread::spawn(move || run(&migrator)).join().is_err());
    fleet.wait_until_unlocked();
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2, 1 before");
}
