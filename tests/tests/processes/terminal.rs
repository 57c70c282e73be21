//! What a run looks like on a terminal, and in the log of a service for continuous integration.

use std::process::Command;

use sharded_migrations_tests::project::Project;
use sharded_migrations_tests::sqlite::SqliteFolder;
use sharded_migrations_tests::terminal::Terminal;

use crate::masked::masked;
use crate::program::{end, on, program};
use crate::support::session::Session;
use crate::support::{Engine, TestFleet};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) = ("V2__b.sql", "-- #[route(everywhere)]\nALTER TABLE a ADD b int;\n");
const BROKEN: (&str, &str) = ("V3__c.sql", "-- #[route(group = \"users\")]\nALTER TABLE a ADD b int;\n");

/// 400 SQLite databases in a folder, and files for them.
fn four_hundred(folder: &SqliteFolder, files: &[(&str, &str)]) -> Project {
    let url = folder.url("x").replace("/x.db", "/users_{001..399}.db");
    let databases = format!(
        "[groups.users]\n[databases.default]\nurl = \"{}\"\n[databases.\"users_{{001..399}}\"]\ngroup = \"users\"\nurl = \"{url}\"\n",
        folder.url("default")
    );
    let project = Project::new().databases_toml(&databases);
    files.iter().fold(project, |project, (path, text)| project.file(path, text))
}

fn on_four_hundred(project: &Project, words: &str) -> Command {
    let mut command = program(words);
    command.env("FLEET_PROJECT", project.path());
    command
}

/// A fleet whose first migration is applied, and an application that has the table of `users_01`.
fn held() -> (TestFleet, Session) {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let first = end(&mut on(&fleet, &fleet.project(&[FIRST]), "--migrate"));
    assert_eq!(first.0, 0, "{first:?}");
    let mut application = Session::new(&fleet.database("users_01").url());
    application.run("SET application_name = 'application'");
    application.run("BEGIN; LOCK TABLE a IN SHARE MODE");
    (fleet, application)
}

#[test]
fn a_terminal_shows_where_a_run_stands_and_then_only_what_it_did() {
    let (fleet, mut application) = held();
    let pid = format!("pid {}", application.run("SELECT pg_backend_pid()"));
    let project = fleet.project(&[FIRST, SECOND]);
    let terminal = Terminal::start(on(&fleet, &project, "--migrate --lock-timeout 0"), 24, 120);
    let screen = terminal.wait_until("the two others to be done, and the third one to wait", |screen| {
        screen.contains("2/3 databases") && screen.contains("waits for pid")
    });
    insta::assert_snapshot!(masked(&screen.replace(&pid, "<pid>")));
    application.run("COMMIT");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0));
    insta::assert_snapshot!(masked(&ended.lines.replace(&pid, "<pid>")));
}

#[test]
fn a_terminal_that_is_made_narrow_is_drawn_anew() {
    let (fleet, mut application) = held();
    let project = fleet.project(&[FIRST, SECOND]);
    let terminal = Terminal::start(on(&fleet, &project, "--migrate --lock-timeout 0"), 24, 160);
    terminal.wait_until("the others to be done", |screen| screen.contains("2/3 databases"));
    terminal.resize(24, 40);
    let screen = terminal.wait_until("the narrow bar", |screen| {
        screen.lines().any(|line| line.starts_with("[======>   ]  66%"))
            && screen.lines().last().is_some_and(|line| line.contains("users_01"))
    });
    assert!(screen.lines().all(|line| line.chars().count() < 40), "{screen}");
    application.run("COMMIT");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0));
}

#[test]
fn failures_are_told_above_the_bar_once_and_then_with_their_lines() {
    let (fleet, mut application) = held();
    let project = fleet.project(&[FIRST, SECOND, BROKEN]);
    let words = "--migrate --lock-timeout 0 --on-failure continue";
    let terminal = Terminal::start(on(&fleet, &project, words), 24, 100);
    terminal.wait_until("the one that fails, above the bar", |screen| {
        let told = "users_02 failed at 3 c: column \"b\" of relation \"a\" already exists\n";
        screen.find(told).is_some_and(|start| screen[start..].contains("2/3 databases, 1 failed"))
    });
    application.run("COMMIT");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(4));
    assert_eq!(ended.lines.matches("users_02 failed at").count(), 1, "{}", ended.lines);
    assert!(!ended.lines.contains("users_01 failed at"), "it failed alike: {}", ended.lines);
    assert!(!ended.lines.contains("databases, "), "the bar is gone: {}", ended.lines);
    let results = &ended.lines[ended.lines.find("==").unwrap()..];
    insta::assert_snapshot!(masked(results));
}

#[test]
fn whoever_waits_for_another_run_says_for_whom() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let mut other = Session::new(&fleet.database("default").url());
    other.run("SET application_name = 'other'");
    other.run("SELECT pg_advisory_lock(hashtextextended('public.sharded_migrations_history', 0))");
    let project = fleet.project(&[FIRST]);
    let terminal = Terminal::start(on(&fleet, &project, "--migrate"), 24, 80);
    let screen = terminal.wait_until("what it waits for", |screen| screen.contains("  default "));
    let pid = other.run("SELECT pg_backend_pid()");
    assert!(
        screen.starts_with(&format!("default waits for the migration lock held by pid {pid} (other)\n[>")),
        "{screen}"
    );
    assert!(
        screen.contains(&format!("waits for the migration lock held by pid {pid} (other)\n")),
        "{screen}"
    );
    drop(other);
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "{}", ended.lines);
    assert_eq!(ended.lines.matches("waits for").count(), 1, "{}", ended.lines);
}

/// Outside a transaction as in one; and once the lock is given, the line says what runs.
#[test]
fn whoever_waits_for_a_table_says_for_whom() {
    const INDEX: (&str, &str) = (
        "V2__i.sql",
        "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
    );
    for file in [SECOND, INDEX] {
        let (fleet, mut application) = held();
        let pid = application.run("SELECT pg_backend_pid()");
        let project = fleet.project(&[FIRST, file]);
        let mut command = on(&fleet, &project, "--migrate --lock-timeout 0 --format json");
        let mut process = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut events = std::io::BufRead::lines(std::io::BufReader::new(process.stdout.take().unwrap()));
        let told =
            events.find(|line| line.as_ref().unwrap().contains("table_lock_waiting")).unwrap().unwrap();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["database"], &told["migration"]["version"]), (&"users_01".into(), &2.into()));
        assert_eq!(told["holder"], format!("pid {pid} (application, idle in a transaction)"));
        application.run("COMMIT");
        assert!(process.wait().unwrap().success());
    }
}

#[test]
fn ctrl_c_is_answered_above_the_bar() {
    let (fleet, mut application) = held();
    let project = fleet.project(&[FIRST, SECOND]);
    let terminal = Terminal::start(on(&fleet, &project, "--migrate --lock-timeout 0"), 24, 80);
    terminal.wait_until("the others to be done", |screen| screen.contains("2/3 databases"));
    terminal.type_in("\x03");
    terminal.wait_until("the answer", |screen| {
        screen.contains("interrupted: what is in flight is finished")
            && screen.contains("2/3 databases, nothing new is started")
    });
    application.run("COMMIT");
    let ended = terminal.end();
    assert_eq!(ended.code, Some(0), "all there was to do was in flight: {}", ended.lines);
    assert!(!ended.lines.contains('['), "{}", ended.lines);
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[FIRST]);
    let has_colours = |bytes: &[u8]| bytes.windows(4).any(|bytes| bytes == b"\x1b[1m" || bytes == b"\x1b[2m");
    for (variable, is_coloured) in
        [(None, true), (Some(("NO_COLOR", "1")), false), (Some(("CLICOLOR", "0")), false)]
    {
        let mut command = on(&fleet, &project, "--migrate");
        command.envs(variable);
        let ended = Terminal::start(command, 24, 80).end();
        assert_eq!(ended.code, Some(0));
        assert_eq!(has_colours(&ended.bytes), is_coloured, "{variable:?}: {}", ended.lines);
    }
    let (_, out, _) = end(on(&fleet, &project, "--migrate").env("CLICOLOR_FORCE", "1"));
    assert!(has_colours(out.as_bytes()), "{out}");
}

/// What is searched is whole.
#[test]
fn reasons_go_on_below_themselves_on_a_terminal_and_are_a_line_each_in_a_log() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    end(&mut on(&fleet, &fleet.project(&[FIRST]), "--migrate"));
    let edited = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n");
    let project = fleet.project(&[edited]);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for verb in ["--migrate", "--migrate=status", "--migrate=check"] {
        let command = || on(&fleet, &project, &format!("{verb} --verbosity quiet"));
        let (_, _, log) = end(&mut command());
        let reason = log.lines().find(|line| line.contains("refused: ")).unwrap();
        assert!(reason.len() > 100, "{log}");
        let mut on_terminal = command();
        on_terminal.env("NO_COLOR", "1");
        let ended = Terminal::start(on_terminal, 24, 60).end();
        let text = String::from_utf8(ended.bytes).unwrap();
        assert_eq!(words(&text), words(&log));
        let fits = |line: &str| line.chars().count() <= 60 || line.split_whitespace().count() == 1;
        assert!(text.lines().all(fits), "{text}");
    }
}

/// No cursor is moved where the terminal cannot, where a service keeps what is printed, and where nobody wants it.
#[test]
fn a_terminal_has_plain_lines_where_a_bar_is_out_of_place() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[FIRST]);
    end(&mut on(&fleet, &project, "--migrate"));
    let project = fleet.project(&[FIRST, SECOND]);
    for (name, value, words, has_lines) in [
        ("CI", "true", "--migrate --to 1", false),
        ("CI", "true", "--migrate --database default", true),
        ("X", "", "--migrate --progress never --database users_01", false),
        ("TERM", "dumb", "--migrate --database users_02", true),
        ("X", "", "--migrate --verbosity verbose --to 1", false),
    ] {
        let mut command = on(&fleet, &project, words);
        command.env(name, value).env("NO_COLOR", "1");
        let ended = Terminal::start(command, 24, 80).end();
        assert_eq!(ended.code, Some(0), "{}", ended.lines);
        assert!(!ended.bytes.contains(&0x1b), "{name} {words}: {}", ended.lines);
        assert_eq!(ended.lines.contains("[1/1] "), has_lines, "{name} {words}: {}", ended.lines);
    }
}

#[test]
fn a_log_has_a_line_for_each_of_400_databases_and_one_block_for_all() {
    let folder = SqliteFolder::new();
    let project = four_hundred(&folder, &[FIRST, SECOND]);
    let (code, out, err) = end(on_four_hundred(&project, "--migrate").env("CI", "true"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(err.lines().count(), 400, "{err}");
    for (index, line) in err.lines().enumerate() {
        assert!(line.starts_with(&format!("[{:>3}/400] ", index + 1)), "{line}");
        assert!(line.contains(": 2 applied in "), "{line}");
    }
    assert_eq!(
        masked(&out),
        "== default ==\n  applied 1 a (<time>)\n  applied 2 b (<time>)\n\
         == users_001..users_399 (users): 399 databases ==\n  applied 1 a (<time>)\n  applied 2 b (<time>)\n\n\
         800 migrations applied on 400 of 400 databases in <time>\n"
    );
    // Nothing to do is nothing to say but that.
    let (code, out, err) = end(&mut on_four_hundred(&project, "--migrate"));
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(
        masked(&out),
        "== default ==\n  up to date (2 applied before)\n\
         == users_001..users_399 (users): 399 databases ==\n  up to date (2 applied before)\n\n\
         0 migrations applied on 0 of 400 databases in <time>\n"
    );
}
