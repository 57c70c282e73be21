//! The feature `tracing`: what happens, as spans and events of that crate.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::support::fleet::run;
use crate::support::{Engine, TestFleet};

/// Takes what a subscriber writes.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_run_is_spans_of_databases_and_migrations() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let first = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
    let broken = ("V2__b.sql", "-- #[route(database = \"users_02\")]\nSELECT missing FROM a;\n");
    let migrator = fleet.migrator(fleet.set(&[first, broken])).concurrency(1);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .finish();
    let result = tracing::subscriber::with_default(subscriber, || run(&migrator));
    assert!(result.is_err());
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    // How long it took is another thing each time.
    let without_times = |line: &str| line.split(" elapsed=").next().unwrap().trim().to_owned();
    let lines: Vec<_> = text.lines().map(without_times).collect();
    assert_eq!(
        lines,
        [
            "INFO planned direction=\"up\" databases=3 of=3 migrations=4",
            "INFO a wave begins wave=1 waves=1 databases=3",
            "INFO database{database=\"default\"}: started pending=1",
            "INFO database{database=\"default\"}:migration{version=1 migration=\"a\"}: applied",
            "INFO database{database=\"default\" outcome=\"done\"}: finished applied=1 taken_back=0 outcome=\"done\"",
            "INFO database{database=\"users_01\" group=\"users\"}: started pending=1",
            "INFO database{database=\"users_01\" group=\"users\"}:migration{version=1 migration=\"a\"}: applied",
            "INFO database{database=\"users_01\" group=\"users\" outcome=\"done\"}: finished applied=1 taken_back=0 outcome=\"done\"",
            "INFO database{database=\"users_02\" group=\"users\"}: started pending=2",
            "INFO database{database=\"users_02\" group=\"users\"}:migration{version=1 migration=\"a\"}: applied",
            "ERROR nothing new is started why=a database failed",
            "ERROR database{database=\"users_02\" group=\"users\" outcome=\"failed\"}:migration{version=2 migration=\"b\"}: \
             failed applied=1 taken_back=0 outcome=\"failed\" error=no such column: missing",
            "INFO finished applied=3 taken_back=0 databases=3",
        ]
    );
}
