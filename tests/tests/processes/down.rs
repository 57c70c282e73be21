//! `down` and `redo`, as somebody types them.

use serde_json::json;
use sharded_migrations_tests::terminal::Terminal;

use crate::program::{end, on};
use crate::schema::{document, lines};
use crate::support::{Engine, TestFleet};

const A: [(&str, &str); 2] = [
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n"),
    ("V1__a.down.sql", "DROP TABLE a;\n"),
];
const B: [(&str, &str); 2] = [
    ("V2__b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE b (id int);\n"),
    ("V2__b.down.sql", "DROP TABLE b;\n"),
];
const C: [(&str, &str); 2] = [
    ("V3__c.sql", "-- #[route(everywhere)]\nALTER TABLE a ADD c int;\n"),
    ("V3__c.down.sql", "ALTER TABLE a DROP COLUMN c;\n"),
];

#[test]
fn a_fleet_goes_back_to_a_version() {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let project = fleet.project(&[A, B, C].concat());
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    assert_eq!(run("--migrate").0, 0);
    let before = fleet.fingerprint();
    let (code, out, err) = run("--migrate=down --to 1 --dry-run");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        "1 migration to take back on default, users_01, users_02 (3 databases)\n  3 c  [everywhere]\n    \
         ACCESS EXCLUSIVE on a; perhaps others\n1 migration to take back on users_01, users_02 (2 databases)\n  \
         2 b  [group = \"users\"]\n    ACCESS EXCLUSIVE on b; perhaps others\n\n5 to take back on 3 of 3 databases\n"
    );
    let (_, json, _) = run("migrate down --to 1 --dry-run --format json --database users_01");
    let plan = document(&json);
    assert_eq!((&plan["verb"], &plan["exit_code"]), (&json!("down"), &json!(0)));
    let pending = plan["databases"][0]["pending"].as_array().unwrap();
    let files: Vec<_> = pending.iter().map(|step| step["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["V3__c.down.sql", "V2__b.down.sql"]);
    assert_eq!(fleet.fingerprint(), before);

    let (code, out, err) = run("--migrate=down --to 1 --yes");
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("== default ==\n  taken back 3 c ("), "{out}");
    let users = "== users_01, users_02 (users): 2 databases ==\n  taken back 3 c (";
    let users_alike = "== users_01..users_02 (users): 2 databases ==\n  taken back 3 c (";
    assert!(out.contains(users) || out.contains(users_alike), "{out}");
    assert!(out.contains("\n5 migrations taken back on 3 of 3 databases in "), "{out}");
    assert!(!out.contains("applied "), "{out}");
    let (_, history, _) = run("--migrate=history");
    assert!(history.contains("1 a") && !history.contains("2 b"), "{history}");
    assert_eq!(fleet.database("users_02").audit(), "down 3 c, down 2 b");

    let (code, out, _) = run("--migrate=down --to 1 --yes");
    assert_eq!(code, 0);
    assert!(out.contains("nothing to take back (1 applied before)"), "{out}");
    assert_eq!(run("--migrate").0, 0);
    let (code, out, err) = run("--migrate=down --to 2 --yes --format json");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let events = lines(&out);
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).collect::<Vec<_>>();
    assert_eq!(of("run_planned")[0]["direction"], "down");
    assert_eq!(of("migration_taken_back").len(), 3);
    assert_eq!(of("migration_applied").len(), 0);
    let finished = of("run_finished")[0];
    assert_eq!((&finished["applied"], &finished["taken_back"]), (&json!(0), &json!(3)));
    assert_eq!(run("--migrate=down --to 0 --yes").0, 0);
    assert!(fleet.contents().lines().all(|line| line.trim_end().ends_with(":  |")), "{}", fleet.contents());
}

#[test]
fn the_page_of_a_run_tells_what_was_taken_back_from_what_is_applied() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[A, B, C].concat());
    assert_eq!(end(&mut on(&fleet, &project, "--migrate --database default,users_01")).0, 0);
    let page = project.path().join("down.html");
    let words = format!("--migrate=down --to 2 --yes --report {}", page.display());
    assert_eq!(end(&mut on(&fleet, &project, &words)).0, 0);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("2 migrations taken back on 2 of 3 databases"), "{page}");
    let has = |cell: &str| page.contains(&format!("<td class=\"{cell}\""));
    let cells = ["before", "taken-back", "pending", "elsewhere", "applied"].map(has);
    assert_eq!(cells, [true, true, true, true, false], "{page}");
    assert!(!page.contains("applied now"), "{page}");
}

#[test]
fn what_has_no_reverse_file_is_refused_before_anything_is_asked() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[A[0], A[1], B[0], C[0], C[1]]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    assert_eq!(run("--migrate").0, 0);
    let before = fleet.fingerprint();
    for words in ["--migrate=down --to 1 --dry-run", "--migrate=down --to 1 --yes"] {
        let (code, out, err) = run(words);
        assert_eq!(code, 5, "{out}{err}");
        let shown = format!("{out}{err}");
        assert!(
            shown.contains("refused: 2 cannot be taken back: `V2__b.sql` has no reverse file"),
            "{shown}"
        );
        assert!(shown.contains("users_01"), "{shown}");
        assert_eq!(fleet.fingerprint(), before);
    }
}

#[test]
fn redo_takes_the_newest_back_and_applies_it_again() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[A, B].concat());
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    assert_eq!(run("--migrate").0, 0);
    fleet.database("users_01").execute("INSERT INTO b VALUES (1)");
    let (code, out, err) = run("--migrate=redo --database users_01,users_02 --yes");
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("taken back 2 b") && out.contains("applied 2 b"), "{out}");
    let users_01 = fleet.database("users_01");
    assert_eq!((users_01.contents().as_str(), users_01.audit().as_str()), ("a b | 1 a, 2 b", "down 2 b"));
    assert_eq!(users_01.query("SELECT count(*) FROM b"), "0");
    let (code, out, _) = run("migrate redo --to 0 --yes");
    assert_eq!(code, 0, "{out}");
    assert_eq!(fleet.database("default").audit(), "down 1 a");
    assert_eq!(fleet.database("users_02").contents(), "a b | 1 a, 2 b");
}

#[test]
fn somebody_on_a_terminal_is_asked() {
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let project = fleet.project(&A);
    assert_eq!(end(&mut on(&fleet, &project, "--migrate")).0, 0);
    for (answer, code, left) in [("n\n", 5, "a | 1 a"), ("y\n", 0, "")] {
        let terminal = Terminal::start(on(&fleet, &project, "--migrate=down --to 0"), 24, 100);
        let screen = terminal.wait_until("the question", |screen| screen.contains("[y/N]"));
        assert!(
            screen.contains("1 a  [everywhere]") && screen.contains("What they made is lost"),
            "{screen}"
        );
        terminal.type_in(answer);
        assert_eq!(terminal.end().code, Some(code));
        assert_eq!(fleet.database("default").contents().trim_end_matches([' ', '|']), left);
    }
}

/// With the variables of each database, as each would get it; and nothing is run.
#[test]
fn the_text_that_would_be_run_can_be_seen_before() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let shard = ("V2__b.down.sql", "-- #[vars(shard)]\nINSERT INTO a VALUES (${shard});\nDROP TABLE b;\n");
    let nothing = ("V3__c.down.sql", "-- What is there may stay.\n");
    let project = fleet.project(&[A[0], A[1], B[0], shard, C[0], nothing]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    assert_eq!(run("--migrate").0, 0);
    let before = fleet.fingerprint();
    let of_c = "-- 3 c (V3__c.down.sql)\n-- What is there may stay.\n\n";
    let of_b = |shard: &str| format!("-- 2 b (V2__b.down.sql)\n{}\n", shard_text(shard));
    let (code, out, err) = run("--migrate=down --to 1 --dry-run --sql");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let expected = format!(
        "-- == default ==\n{of_c}-- == users_01 ==\n{of_c}{}-- == users_02 ==\n{of_c}{}",
        of_b("1"),
        of_b("2")
    );
    assert_eq!(out, expected);
    let (code, out, err) = run("migrate redo --dry-run --sql --database users_02 --format json");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let step = &document(&out)["databases"][0]["pending"][0];
    assert_eq!((&step["file"], &step["sql"]), (&json!("V3__c.down.sql"), &json!(nothing.1)));

    // One file alone, without a database.
    for file in ["V2__b.down.sql", "migrations/V2__b.down.sql"] {
        let printed = run(&format!("migrate sql {file} --database users_02"));
        assert_eq!(printed, (0, shard_text("2"), String::new()));
    }
    let (_, out, _) = run("migrate sql V2__b.down.sql --format json");
    let texts = document(&out);
    let migration = json!({ "version": 2, "name": "b", "file": "V2__b.down.sql" });
    assert_eq!(
        texts["databases"][0],
        json!({ "database": "users_01", "group": "users", "migration": migration, "sql": shard_text("1") })
    );
    let (code, _, err) = run("migrate sql V2__b.down.sql --database default");
    assert!(code == 2 && err.contains("it is `V2__b.down.sql` (group = \"users\")"), "{err}");
    assert_eq!(fleet.fingerprint(), before);

    // On a terminal it is shown before the question.
    let terminal = Terminal::start(on(&fleet, &project, "--migrate=down --to 1 --sql"), 40, 100);
    let screen = terminal.wait_until("the question", |screen| screen.contains("[y/N]"));
    assert!(
        screen.contains("INSERT INTO a VALUES (2);") && screen.contains("What they made is lost"),
        "{screen}"
    );
    terminal.type_in("n\n");
    assert_eq!(terminal.end().code, Some(5));
    assert_eq!(fleet.fingerprint(), before);
}

fn shard_text(shard: &str) -> String {
    format!("-- #[vars(shard)]\nINSERT INTO a VALUES ({shard});\nDROP TABLE b;\n")
}

/// Of what broke off, the rest.
#[test]
fn what_is_left_to_take_back_can_be_seen() {
    let fleet = TestFleet::of_one(Engine::Sqlite);
    let outside = [
        ("V2__o.sql", "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE IF NOT EXISTS o (id int);\n"),
        ("V2__o.down.sql", "DROP TABLE IF EXISTS o;\nDROP TABLE IF EXISTS p;\n"),
    ];
    let project = fleet.project(&[A, outside].concat());
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    assert_eq!(run("--migrate").0, 0);
    let half =
        "UPDATE sharded_migrations_history SET state = 'undoing', statements_done = 1 WHERE version = 2";
    fleet.database("default").execute(half);
    let (code, out, err) = run("--migrate=down --to 1 --dry-run --sql");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let rest = "-- 2 o (V2__o.down.sql), behind 1 statement already done\nDROP TABLE IF EXISTS p;\n\n";
    assert_eq!(out, format!("-- == default ==\n{rest}"));
}
