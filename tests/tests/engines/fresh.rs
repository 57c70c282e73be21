//! A fleet from nothing to up to date.

use futures_util::future::join_all;
use sharded_migrations::Version;

use crate::support::fleet::{block_on, run};
use crate::support::{Engine, TestFleet, ending, on_every_engine};

on_every_engine!(
    a_history_row_says_who_applied_what_and_when,
    a_second_run_writes_nothing,
    a_survey_plans_and_writes_nothing,
    each_database_gets_exactly_what_is_routed_to_it,
    each_database_has_its_own_values_of_variables,
    many_at_once_apply_each_migration_once,
    nothing_above_the_target_is_applied,
    only_what_is_new_is_applied,
    temporary_tables_and_comments_are_no_trouble,
);

/// The groups have version numbers of their own.
const FILES: [(&str, &str); 4] = [
    (
        "V1__settings.sql",
        "-- #[route(everywhere)]\nCREATE TABLE setting (name text PRIMARY KEY, value text);\n",
    ),
    (
        "users/V2__accounts.sql",
        "-- #[route(group = \"users\")]\nCREATE TABLE account (id bigint PRIMARY KEY);\n\
         CREATE INDEX account_idx ON account (id);\nINSERT INTO account VALUES (7)",
    ),
    ("default/V2__plans.sql", "-- #[route(database = \"default\")]\nCREATE TABLE plan (code text);\n"),
    (
        "catalog/V3__products.sql",
        "-- #[route(any(group = \"catalog\", database = \"users_02\"))]\nCREATE TABLE product (sku text);\n",
    ),
];

const NEWER: (&str, &str) =
    ("users/V4__notes.sql", "-- #[route(group = \"users\")]\nCREATE TABLE note (body text);\n");

fn of_four(engine: Engine) -> TestFleet {
    TestFleet::new(engine, &["default", "users_01", "users_02", "catalog_01"])
}

fn each_database_gets_exactly_what_is_routed_to_it(engine: Engine) {
    let fleet = of_four(engine);
    let result = fleet.run(fleet.set(&FILES));
    assert_eq!(
        ending(&result),
        "exit 0\n\
         default: done 1 2, 0 before\n\
         users_01: done 1 2, 0 before\n\
         users_02: done 1 2 3, 0 before\n\
         catalog_01: done 1 3, 0 before"
    );
    assert_eq!(
        fleet.contents(),
        "default: plan setting | 1 settings, 2 plans\n\
         users_01: account setting | 1 settings, 2 accounts\n\
         users_02: account product setting | 1 settings, 2 accounts, 3 products\n\
         catalog_01: product setting | 1 settings, 3 products"
    );
    assert_eq!(fleet.database("users_02").query("SELECT id FROM account"), "7");
    assert_eq!(result.unwrap().applied(), 9);
    fleet.wait_until_unlocked();
}

fn a_second_run_writes_nothing(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&FILES[..3]);
    fleet.run(set).unwrap();
    let before = fleet.fingerprint();
    let done = "exit 0\n\
                default: done, 2 before\n\
                users_01: done, 2 before\n\
                users_02: done, 2 before";
    assert_eq!(ending(&fleet.run(set)), done);
    assert_eq!(fleet.fingerprint(), before);
}

fn only_what_is_new_is_applied(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    fleet.run(fleet.set(&FILES[..3])).unwrap();
    let default = fleet.database("default").fingerprint();
    let result = fleet.run(fleet.set(&[&FILES[..3], &[NEWER]].concat()));
    assert_eq!(
        ending(&result),
        "exit 0\n\
         default: done, 2 before\n\
         users_01: done 4, 2 before\n\
         users_02: done 4, 2 before"
    );
    assert_eq!(
        fleet.contents(),
        "default: plan setting | 1 settings, 2 plans\n\
         users_01: account note setting | 1 settings, 2 accounts, 4 notes\n\
         users_02: account note setting | 1 settings, 2 accounts, 4 notes"
    );
    assert_eq!(fleet.database("default").fingerprint(), default, "nothing was pending there");
}

fn a_survey_plans_and_writes_nothing(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&[&FILES[..3], &[NEWER]].concat());
    let planned = |expected: &str| {
        let before = fleet.fingerprint();
        let survey = block_on(fleet.migrator(set).survey());
        let line = |surveyed: &sharded_migrations::Surveyed<'_>| {
            let plan = surveyed.standing.as_ref().unwrap();
            let versions = |of: &[&sharded_migrations::Migration]| {
                of.iter().map(|migration| migration.version.to_string()).collect::<Vec<_>>().join(" ")
            };
            let steps: Vec<_> = plan.steps.iter().map(|step| step.migration).collect();
            format!("{}: {} | {}", surveyed.database.name, versions(&plan.applied), versions(&steps))
        };
        let lines: Vec<_> = survey.databases.iter().map(line).collect();
        assert_eq!(lines.join("\n"), expected);
        assert!(survey.is_clear());
        assert_eq!(fleet.fingerprint(), before);
        survey.pending()
    };
    assert_eq!(planned("default:  | 1 2\nusers_01:  | 1 2 4\nusers_02:  | 1 2 4"), 8);
    assert_eq!(fleet.contents(), "default: nothing\nusers_01: nothing\nusers_02: nothing");
    fleet.run(fleet.set(&FILES[..3])).unwrap();
    assert_eq!(planned("default: 1 2 | \nusers_01: 1 2 | 4\nusers_02: 1 2 | 4"), 2);
}

/// As when the containers of an application start together.
fn many_at_once_apply_each_migration_once(engine: Engine) {
    let index = (
        "users/V5__index.sql",
        "-- #[route(group = \"users\")]\n-- #[no_transaction]\nCREATE INDEX note_idx ON note (body);\n\
         CREATE TABLE indexed (at text);",
    );
    let files = [&FILES[..3], &[NEWER, index]].concat();
    for migrators in [2, 8] {
        let fleet = TestFleet::of_three(engine);
        let set = fleet.set(&files);
        let results = block_on(async {
            // As tasks of their own, which an application may want as well.
            let spawned = (0..migrators).map(|_| {
                let migrator = fleet.migrator(set);
                tokio::spawn(async move { migrator.run().await })
            });
            join_all(spawned.collect::<Vec<_>>()).await
        });
        let mut applied = 0;
        for report in results.into_iter().map(|result| result.unwrap().unwrap()) {
            applied += report.applied();
            let routed = |database: &sharded_migrations::DatabaseReport| {
                database.applied.len() + database.applied_before
            };
            assert_eq!(report.databases.iter().map(routed).collect::<Vec<_>>(), [2, 4, 4]);
        }
        assert_eq!(applied, 10, "with {migrators} at once");
        assert_eq!(
            fleet.contents(),
            "default: plan setting | 1 settings, 2 plans\n\
             users_01: account indexed note setting | 1 settings, 2 accounts, 4 notes, 5 index\n\
             users_02: account indexed note setting | 1 settings, 2 accounts, 4 notes, 5 index"
        );
        assert_eq!(fleet.database("users_01").query("SELECT count(*) FROM account"), "1");
        fleet.wait_until_unlocked();
    }
}

fn each_database_has_its_own_values_of_variables(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let file = "-- #[route(group = \"users\")]\n-- #[vars(shard)]\nCREATE TABLE shard (id bigint, text text);\n\
                INSERT INTO shard VALUES (${shard}, '${shard}/${other}');";
    let set = fleet.set(&[("V1__shard.sql", file), FILES[2]]);
    fleet.run(set).unwrap();
    for (name, row) in [("users_01", "1|1/${other}"), ("users_02", "2|2/${other}")] {
        assert_eq!(fleet.database(name).query("SELECT * FROM shard"), row);
    }
    assert_eq!(ending(&fleet.run(set)).lines().nth(2), Some("users_01: done, 1 before"));
}

fn nothing_above_the_target_is_applied(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&[&FILES[..3], &[NEWER]].concat());
    let to = |version| run(&fleet.migrator(set).to(Version::new(version).unwrap()));
    assert_eq!(
        ending(&to(2)),
        "exit 0\ndefault: done 1 2, 0 before\nusers_01: done 1 2, 0 before\nusers_02: done 1 2, 0 before"
    );
    assert_eq!(
        fleet.database("users_01").contents(),
        "account setting | 1 settings, 2 accounts",
        "4 is still pending"
    );
    let before = fleet.fingerprint();
    assert_eq!(
        ending(&to(1)),
        "exit 0\ndefault: done, 2 before\nusers_01: done, 2 before\nusers_02: done, 2 before"
    );
    assert_eq!(fleet.fingerprint(), before, "a target below what is applied takes nothing back");
    assert_eq!(fleet.run(set).unwrap().applied(), 2);
}

fn a_history_row_says_who_applied_what_and_when(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let set = fleet.set(&[FILES[2]]);
    run(&fleet.migrator(set).application_version("3.1's")).unwrap();
    let row = |columns: &str| {
        fleet.database("default").query(&format!("SELECT {columns} FROM sharded_migrations_history"))
    };
    assert_eq!(
        row("version, name, checksum, state, statements_done, application_version"),
        format!("2|plans|{}|applied|1|3.1's", set.migrations[0].checksum)
    );
    let age = engine.pick(
        "extract(epoch from now() - applied_at)::int",
        "CAST((julianday('now') - julianday(applied_at)) * 86400 AS INTEGER)",
    );
    let age: i64 = row(age).parse().unwrap();
    assert!((0..60).contains(&age), "applied {age} seconds ago");
    let user = engine.pick(Some("postgres".to_owned()), std::env::var("USER").ok());
    assert_eq!(row("applied_by"), user.unwrap_or("unknown".into()));
    let host = std::process::Command::new("uname").arg("-n").output().unwrap();
    assert_eq!(row("host"), String::from_utf8(host.stdout).unwrap().trim());
    let milliseconds: i64 = row("execution_ms").parse().unwrap();
    assert!((0..60_000).contains(&milliseconds), "{milliseconds} ms");
}

/// Texts that could swallow what is put behind them.
fn temporary_tables_and_comments_are_no_trouble(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let files = [
        "-- #[route(everywhere)]\nCREATE TABLE a (id int) -- no semicolon, no new line",
        "-- #[route(everywhere)]\nCREATE TABLE b (id int); /* the end */",
        "-- #[route(everywhere)]\n;;CREATE TABLE c (id int);;\n;",
        "-- #[route(everywhere)]\nCREATE TEMP TABLE t (id int); INSERT INTO t VALUES (3); CREATE TABLE d AS SELECT id FROM t;",
        "-- #[route(everywhere)]\nCREATE TEMP TABLE t2 AS SELECT 'it''s; -- no comment' AS text; CREATE TABLE e AS SELECT text FROM t2;",
        "-- #[route(everywhere)]\nSELECT id FROM d; SELECT 1 / 1",
    ];
    let names: Vec<_> = (1..=files.len()).map(|number| format!("V{number}__x.sql")).collect();
    let files: Vec<_> = names.iter().map(String::as_str).zip(files).collect();
    assert_eq!(ending(&fleet.run(fleet.set(&files))), "exit 0\ndefault: done 1 2 3 4 5 6, 0 before");
    let default = fleet.database("default");
    assert_eq!(default.contents(), "a b c d e | 1 x, 2 x, 3 x, 4 x, 5 x, 6 x");
    assert_eq!(default.query("SELECT text FROM e"), "it's; -- no comment");
}
