//! Which databases a run is about.

use sharded_migrations::{Migrations, Migrator, Selection};

use crate::support::fleet::run;
use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_name_that_cannot_be_selected_lists_what_exists,
    a_replica_is_never_touched,
    a_run_is_about_what_is_selected,
    a_variable_that_is_not_set_is_named_with_its_database,
    two_names_of_one_database_are_refused,
);

const FILES: [(&str, &str); 1] = [("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")];

const REPLICA: &str =
    "[databases.users_01_replica]\nreplica_of = \"users_01\"\nurl = \"${users_01_replica}\"\n";

fn selection(databases: &[&str], groups: &[&str]) -> Selection {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Selection { databases: owned(databases), groups: owned(groups) }
}

fn a_run_is_about_what_is_selected(engine: Engine) {
    let cases: [(&[&str], &[&str], &[&str]); 5] = [
        (&["users_02"], &[], &["users_02"]),
        (&[], &["users"], &["users_01", "users_02"]),
        (&["default", "users_01"], &[], &["default", "users_01"]),
        (&["all"], &[], &["default", "users_01", "users_02"]),
        (&[], &[], &["default", "users_01", "users_02"]),
    ];
    let fleet = TestFleet::of_three(engine).toml(REPLICA);
    let set = fleet.set(&FILES);
    let mut done: Vec<&str> = Vec::new();
    for (databases, groups, selected) in cases {
        let chosen = fleet.try_fleet(set, &selection(databases, groups)).unwrap();
        let result = run(&Migrator::new(set, chosen));
        let mut expected = "exit 0".to_owned();
        for name in selected {
            expected += &match done.contains(name) {
                true => format!("\n{name}: done, 1 before"),
                false => format!("\n{name}: done 1, 0 before"),
            };
        }
        assert_eq!(ending(&result), expected);
        done.extend(selected);
        for database in fleet.databases() {
            let touched = done.contains(&database.name.as_str());
            assert_eq!(database.contents(), if touched { "a | 1 a" } else { "nothing" }, "{}", database.name);
        }
    }
}

/// It is not even asked: its URL leads nowhere.
fn a_replica_is_never_touched(engine: Engine) {
    let nowhere = engine.pick("postgres://nobody@127.0.0.1:1/x", "sqlite:/no/such/folder/x.db");
    let fleet = TestFleet::of_three(engine).toml(REPLICA).url("users_01_replica", nowhere);
    fleet.run(fleet.set(&FILES)).unwrap();
    // Nor has its variable to be set.
    let fleet = TestFleet::of_three(engine).toml(REPLICA);
    fleet.run(fleet.set(&FILES)).unwrap();
}

fn a_name_that_cannot_be_selected_lists_what_exists(engine: Engine) {
    let fleet = TestFleet::new(engine, &["default", "users_01", "users_02"]).toml(REPLICA);
    let set = fleet.set(&FILES);
    let cases: [(&[&str], &[&str], &str); 4] = [
        (
            &["users_01_replica"],
            &[],
            "`users_01_replica` is a replica of `users_01`, and replicas are never migrated; \
             did you mean `users_01`? databases: default, users_01, users_02",
        ),
        (&["nothing"], &[], "no database is called `nothing`; databases: default, users_01, users_02"),
        (&[], &["user"], "no shard group is called `user`; did you mean `users`? groups: users"),
        (
            &["all", "user_01"],
            &["x"],
            "no database is called `user_01`; did you mean `users_01`? databases: default, users_01, users_02\n\
             no shard group is called `x`; groups: users",
        ),
    ];
    for (databases, groups, expected) in cases {
        let fault = fleet.try_fleet(set, &selection(databases, groups)).unwrap_err().to_string();
        // How near is near enough to be proposed is a matter of taste.
        let without = |text: &str| text.replace("did you mean `users_01`? ", "");
        assert_eq!(without(&fault), without(expected));
    }
}

fn a_variable_that_is_not_set_is_named_with_its_database(engine: Engine) {
    let fleet = TestFleet::of_three(engine).toml(
        "[databases.one]\nurl = \"postgres://app:${ONE_PASSWORD}@${ONE_HOST}/x\"\n\
         [databases.two]\nurl = \"sqlite:${TWO_FOLDER:-/tmp}/${TWO_NAME}.db\"\n",
    );
    let set: &Migrations = fleet.set(&FILES);
    let fault = fleet.try_fleet(set, &Selection::default()).unwrap_err().to_string();
    let lines: Vec<_> = fault.lines().collect();
    assert_eq!(lines.len(), 2, "{fault}");
    for (line, parts) in
        lines.iter().zip([["`one`", "`ONE_PASSWORD` and `ONE_HOST`"], ["`two`", "`TWO_NAME`"]])
    {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        assert!(line.contains("(databases.toml:") && !line.contains("TWO_FOLDER"), "{line}");
    }
    // Who selects others need not set it.
    let users = fleet.try_fleet(set, &selection(&[], &["users"])).unwrap();
    assert_eq!(run(&Migrator::new(set, users)).unwrap().applied(), 2);
}

/// However different the names look.
fn two_names_of_one_database_are_refused(engine: Engine) {
    let mut fleet = TestFleet::of_three(engine);
    let url = fleet.database("users_01").url();
    match engine {
        Engine::Postgres => fleet.set_url("users_02", url.replace("127.0.0.1", "localhost")),
        Engine::Sqlite => {
            let file = fleet.database("users_01").folder().path("users_01");
            let link = file.with_file_name("link");
            std::os::unix::fs::symlink(file.parent().unwrap(), &link).unwrap();
            fleet.set_url("users_02", format!("sqlite:{}/users_01.db", link.display()));
        }
    }
    let set = fleet.set(&FILES);
    let result = fleet.run(set);
    assert_eq!(
        ending(&result),
        "exit 5\ndefault: not started\nusers_01: not started\nusers_02: refused same-database"
    );
    assert!(error(&result).contains("users_02: it is the same database as `users_01`"), "{}", error(&result));
    assert_eq!(fleet.contents(), "default: nothing\nusers_01: nothing\nusers_02: nothing");
}
