//! `adopt` as somebody types it.

use serde_json::json;

use crate::program::{end, on};
use crate::schema::document;
use crate::support::{Engine, TestFleet};

const SETTING: (&str, &str) =
    ("V1__setting.sql", "-- #[route(database = \"default\")]\nCREATE TABLE setting (id int);\n");
const A: (&str, &str) = ("users/V1__a.sql", "-- #[route(group = \"users\")]\nCREATE TABLE a (id int);\n");
const B: (&str, &str) = ("users/V2__b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE b (id int);\n");

/// A fleet where diesel has applied the first migration of each database.
fn fleet() -> TestFleet {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    for database in fleet.databases() {
        database.execute(
            "CREATE TABLE a (id int); CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP); \
             INSERT INTO __diesel_schema_migrations (version) VALUES ('1')",
        );
    }
    fleet
}

#[test]
fn a_fleet_goes_on_where_another_tool_has_stopped() {
    let fleet = fleet();
    let project = fleet.project(&[SETTING, A, B]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let before = fleet.fingerprint();
    let (code, out, err) = run("--migrate=adopt --from diesel --dry-run");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        out,
        "== default ==\n  would adopt 1 setting\n  nothing is pending afterwards\n\
         == users_01, users_02 (2 databases) ==\n  would adopt 1 a\n  pending afterwards: 2 b\n\n\
         3 migrations to adopt on 3 of 3 databases\n"
    );
    assert_eq!(fleet.fingerprint(), before);
    let (code, out, err) = run("migrate adopt --from diesel --yes --format json --database users_01");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_eq!(
        document(&out),
        json!({
            "format": 1, "verb": "adopt", "action": "adopt", "dry_run": false, "exit_code": 0,
            "databases": [{
                "database": "users_01", "group": "users", "outcome": "done",
                "changes": [{ "version": 1, "name": "a" }], "notes": ["pending afterwards: 2 b"],
            }],
        })
    );
    let (code, out, err) = run("--migrate=adopt --from diesel --yes");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.ends_with("\n2 migrations adopted on 2 of 3 databases\n"), "{out}");
    let (code, out, _) = run("--migrate");
    assert_eq!(code, 0, "{out}");
    assert_eq!(fleet.database("users_02").contents(), "__diesel_schema_migrations a b | 1 a, 2 b");
}

#[test]
fn what_does_not_fit_names_the_file_and_the_databases() {
    let fleet = fleet();
    let project = fleet.project(&[SETTING, A, B]);
    fleet.database("default").execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('2')");
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let before = fleet.fingerprint();
    let (code, out, err) = run("--migrate=adopt --from diesel --yes");
    assert_eq!(code, 5, "{out}{err}");
    assert_eq!(
        err,
        "== default ==\n  refused: 2 is misrouted: diesel has applied it here, and the route of `users/V2__b.sql` is \
         `group = \"users\"`, which does not select this database\n    help: let `users/V2__b.sql` be routed to this \
         database too; or, where it should not have been applied here, undo it with diesel\n"
    );
    let (code, out, err) = run("--migrate=adopt --from django-sql --yes --format json");
    assert_eq!((code, err.as_str()), (5, ""), "{out}");
    assert_eq!(document(&out)["databases"][0]["refused"][0]["kind"], "no-table");
    let (code, _, err) = run("--migrate=adopt --from diesel --table history --yes");
    assert_eq!(code, 5, "{err}");
    let message = "== default, users_01, users_02 (3 databases) ==\n  refused: there is no table `history` here, but there are others";
    assert!(err.starts_with(message), "{err}");
    assert_eq!(fleet.fingerprint(), before);
}

#[test]
fn a_table_of_another_name_is_given_with_the_tool() {
    let fleet = fleet();
    let project = fleet.project(&[SETTING, A, B]);
    for database in fleet.databases() {
        database.execute("ALTER TABLE __diesel_schema_migrations RENAME TO history");
    }
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let (code, out, err) = run("--migrate=adopt --from diesel --table history --yes");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.ends_with("\n3 migrations adopted on 3 of 3 databases\n"), "{out}");
}

#[test]
fn a_command_line_that_says_too_little_or_too_much_is_refused() {
    let fleet = fleet();
    let project = fleet.project(&[SETTING, A, B]);
    let run = |words: &str| end(&mut on(&fleet, &project, words));
    let before = fleet.fingerprint();
    for (words, message) in [
        (
            "--migrate=adopt --yes",
            "error: `adopt` needs a tool: `--from refinery|sqlx|diesel|flyway|django-sql`\n",
        ),
        ("--migrate=adopt --from diesel", "error: `adopt` asks on a terminal before it changes anything"),
        ("--migrate=adopt --from diesel --to 1 --yes", "error: `--to` is for "),
        ("--migrate=plan --from diesel", "error: `--from` is for `adopt` alone\n"),
        ("--migrate=plan --table history", "error: `--table` is for `adopt` alone\n"),
        ("--migrate=adopt --table history --yes", "error: `adopt` needs a tool: "),
        (
            "--migrate=adopt --from diesel --table a.b.c --yes",
            "error: `--table`: `a.b.c` is not the name of a table: write it as in `history` or `audit.history`, without quotes\n",
        ),
        ("--migrate=adopt --from rails --yes", "error: invalid value 'rails' for '--from <TOOL>'"),
    ] {
        let (code, out, err) = run(words);
        assert_eq!((code, out.as_str()), (2, ""), "{words}: {err}");
        assert!(err.starts_with(message), "{words}: {err}");
    }
    assert_eq!(fleet.fingerprint(), before);
}
