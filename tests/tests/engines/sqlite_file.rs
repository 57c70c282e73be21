//! What only SQLite has: a database is a file, and writers take turns.

use std::fs;
use std::sync::mpsc::channel;

use rusqlite::Connection;
use sharded_migrations::record::{Recorded, Records};
use sharded_migrations::{Event, Repair, Tool, Version};

use crate::support::fleet::{block_on, run};
use crate::support::{Engine, TestFleet, amended, ending, error, why};

const FILES: [(&str, &str); 1] = [("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")];

#[test]
fn a_file_that_cannot_be_one_is_named_and_nothing_is_written_elsewhere() {
    let mut fleet = TestFleet::new(Engine::Sqlite, &["default", "users_01"]);
    let folder = fleet.database("default").folder().path("x").parent().unwrap().to_owned();
    let shown = folder.display();
    fs::write(folder.join("text.db"), "no database, but long enough to be read as one. ".repeat(100))
        .unwrap();
    let cases = [
        (format!("sqlite:{shown}/none/x.db"), "none/x.db cannot be read", "create the folder first"),
        (
            format!("sqlite:{shown}/text.db"),
            "file is not a database",
            "names a file that is no SQLite database",
        ),
        (format!("sqlite:{shown}"), "cannot be opened", "may this user write there?"),
        (format!("sqlite:{shown}/x.db?mode=rwc"), "takes no parameters", "write the path alone"),
        ("sqlite::memory:".into(), "names no file", "write `sqlite:path/to/file.db`"),
        ("sqlite:".into(), "names no file", "write `sqlite:path/to/file.db`"),
    ];
    for (url, what, help) in cases {
        fleet.set_url("users_01", &url);
        let result = fleet.run(fleet.set(&FILES));
        assert_eq!(ending(&result), "exit 5\ndefault: not started\nusers_01: refused error", "{url}");
        let message = error(&result);
        for part in ["users_01: ", what, help] {
            assert!(message.contains(part), "{part} is not in:\n{message}");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "the text alone");
    }
}

/// Its path may be a slip: what is recorded of it would be made with it, and nothing of what is recorded.
#[test]
fn a_file_that_does_not_exist_gets_no_history_by_hand() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let default = fleet.database("default");
    default.execute("CREATE TABLE a (id int)");
    let folder = default.folder().path("x").parent().unwrap().to_owned();
    let files = || fs::read_dir(&folder).unwrap().count();
    let (set, one) = (fleet.set(&FILES), Version::new(1).unwrap());
    let migrator = fleet.migrator(set);
    let told = |records: &Records| amended(records, |row: &Recorded| row.name.clone());
    let refused = "exit 5\ndefault: not started\nusers_01: refused error\nusers_02: refused error";
    for records in [block_on(migrator.baseline(one)), block_on(migrator.fake())] {
        assert_eq!(told(&records), refused, "{}", records.action);
        let (message, path) = (why(&records), default.folder().path("users_01"));
        for part in [
            &format!("there is no database `{}`", path.display()),
            "is the path right",
            "`--migrate` makes it",
        ] {
            assert!(message.contains(part), "{part} is not in:\n{message}");
        }
    }
    let planned = [block_on(migrator.plan_baseline(one)), block_on(migrator.plan_fake())];
    let refused = refused.replace("default: not started", "default: a");
    assert!(planned.iter().all(|records| told(records) == refused));
    // These have nothing to say of it: there is no row to settle, no other tool's table, and nothing that is there.
    let nothing = "exit 0\ndefault: nothing\nusers_01: nothing\nusers_02: nothing";
    let repairs = block_on(migrator.repair(Repair::Accept(one)));
    assert_eq!(amended(&repairs, |settled| settled.name.clone()), nothing);
    let records = block_on(migrator.plan_fake_initial(one));
    assert_eq!(told(&records), "exit 0\ndefault: a\nusers_01: nothing\nusers_02: nothing");
    default.execute("DROP TABLE a");
    assert_eq!(told(&block_on(migrator.adopt(Tool::Sqlx))), nothing);
    assert_eq!(files(), 1, "no file was made");
    assert!(fleet.run(set).is_ok());
    assert!(files() >= 3, "but by what applies everything");
}

#[test]
fn an_application_that_writes_is_waited_for() {
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let path = fleet.database("default").folder().path("default");
    for journal in ["delete", "wal"] {
        let application = Connection::open(&path).unwrap();
        application
            .execute_batch(&format!("PRAGMA journal_mode = {journal}; CREATE TABLE '{journal}' (id int)"))
            .unwrap();
        application.execute_batch(&format!("BEGIN IMMEDIATE; INSERT INTO '{journal}' VALUES (1)")).unwrap();
        let (tell, told) = channel();
        let migrator = fleet.migrator(fleet.set(&FILES)).on_event(move |event| {
            if let Event::DatabaseStarted { .. } = event {
                tell.send(()).unwrap();
            }
        });
        let thread = std::thread::spawn(move || run(&migrator));
        told.recv().unwrap();
        application.execute_batch("COMMIT").unwrap();
        assert_eq!(ending(&thread.join().unwrap()), "exit 0\ndefault: done 1, 0 before");
        fleet.database("default").execute("DROP TABLE a; DROP TABLE sharded_migrations_history");
    }
}

#[test]
fn what_a_migration_leaves_in_its_session_does_not_disturb_the_next_one() {
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let leftovers = [
        "CREATE TEMP TABLE seen (x int); CREATE TEMP TABLE sharded_migrations_history (x int)",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA busy_timeout = 0",
        "ATTACH ':memory:' AS other; CREATE TABLE other.seen (x int)",
    ];
    let check = "INSERT INTO seen SELECT foreign_keys, timeout FROM pragma_foreign_keys, pragma_busy_timeout; \
                 CREATE TEMP TABLE mine (x int); ATTACH ':memory:' AS other";
    let make = "CREATE TABLE seen (foreign_keys int, busy_timeout int)";
    let mut texts = vec![make, check];
    for leftover in leftovers {
        texts.extend([leftover, check]);
    }
    let files = texts.iter().enumerate().map(|(index, text)| {
        (
            format!("V{}__it.sql", index + 1),
            format!("-- #[route(everywhere)]\n-- #[no_transaction]\n{text};\n"),
        )
    });
    let files: Vec<_> = files.collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let result = fleet.run(fleet.set(&files));
    assert!(result.is_ok(), "{}", error(&result));
    assert_eq!(fleet.database("default").query("SELECT DISTINCT * FROM seen"), "1|30000");
}
