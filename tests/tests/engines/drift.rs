//! Databases whose history does not fit the set, or fits although it looks odd.

use sharded_migrations_core::Rerouted;

use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_checkout_on_windows_is_the_same_migration,
    a_database_that_does_not_fit_keeps_all_from_being_written,
    a_late_u_migration_is_applied,
    a_new_route_does_not_make_a_migration_divergent,
    a_row_changed_by_hand_is_told_apart,
    what_comes_late_is_applied_where_the_file_says_so,
    what_is_declared_of_a_new_route_is_let_pass,
);

const USERS: &str = "-- #[route(group = \"users\")]\n";

fn base() -> Vec<(&'static str, &'static str)> {
    vec![
        ("V1__settings.sql", "-- #[route(everywhere)]\nCREATE TABLE setting (name text);\n"),
        ("V4__accounts.sql", "-- #[route(group = \"users\")]\nCREATE TABLE account (id int);\n"),
    ]
}

/// A file that all databases would get if the one that does not fit were not there.
const PENDING: (&str, &str) = ("V9__new.sql", "-- #[route(everywhere)]\nCREATE TABLE new (id int);\n");

fn a_database_that_does_not_fit_keeps_all_from_being_written(engine: Engine) {
    let edited = ("V4__accounts.sql", "-- #[route(group = \"users\")]\nCREATE TABLE account (id bigint);\n");
    let renamed = ("V4__people.sql", base()[1].1);
    let moved =
        ("V4__accounts.sql", "-- #[route(database = \"users_02\")]\nCREATE TABLE account (id int);\n");
    let late = ("V3__late.sql", "-- #[route(group = \"users\")]\nCREATE TABLE late (id int);\n");
    let settings = base()[0];
    let cases = [
        ("divergent", vec![settings, edited], "4 is divergent: `V4__accounts.sql` is not what was applied"),
        ("divergent", vec![settings, renamed], "it was called `accounts` and is called `people` now"),
        ("missing", vec![settings], "4 `accounts` is missing"),
        ("misrouted", vec![settings, moved], "its route is `database = \"users_02\"`"),
        ("out-of-order", vec![settings, base()[1], late], "`V3__late.sql` is pending, but the newer 4"),
        ("out-of-order divergent", vec![settings, late, edited], "4 is divergent"),
        ("missing out-of-order", vec![late, base()[1]], "1 `settings` is missing"),
    ];
    let fleet = TestFleet::of_three(engine);
    // Only the first shard has it all: the others would take anything.
    let base = fleet.set(&base());
    let only = sharded_migrations::Selection { databases: vec!["users_01".into()], groups: Vec::new() };
    let migrator = sharded_migrations::Migrator::new(base, fleet.try_fleet(base, &only).unwrap());
    crate::support::fleet::run(&migrator).unwrap();
    let before = fleet.fingerprint();
    for (kinds, files, said) in cases {
        let result = fleet.run(fleet.set(&[&files[..], &[PENDING]].concat()));
        assert_eq!(
            ending(&result),
            format!("exit 5\ndefault: not started\nusers_01: refused {kinds}\nusers_02: not started")
        );
        let message = error(&result);
        assert!(message.contains(said), "{said} is not in {message}");
        assert!(message.contains("users_01: "), "{message}");
        assert_eq!(message.matches("help: ").count(), kinds.split(' ').count(), "{message}");
        assert_eq!(fleet.fingerprint(), before, "{kinds}");
        fleet.wait_until_unlocked();
    }

    // Dirty is what a crash leaves; together with the others it is one more reason.
    let sum = "0".repeat(64);
    fleet.database("users_01").add_history_row(2, "half", &sum, "started");
    let before = fleet.fingerprint();
    let result = fleet.run(fleet.set(&[settings, late, edited, PENDING]));
    assert_eq!(
        ending(&result),
        "exit 5\ndefault: not started\nusers_01: refused dirty out-of-order divergent\nusers_02: not started"
    );
    assert_eq!(fleet.fingerprint(), before);
}

fn a_row_changed_by_hand_is_told_apart(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&base());
    fleet.run(set).unwrap();
    fleet.database("users_02").add_history_row(3, "x", "no checksum", "applied");
    let before = fleet.fingerprint();
    let result = fleet.run(fleet.set(&[&base()[..], &[PENDING]].concat()));
    assert_eq!(
        ending(&result),
        "exit 5\ndefault: not started\nusers_01: not started\nusers_02: refused error"
    );
    let message = error(&result);
    assert!(message.contains("users_02: the row of version 3"), "{message}");
    assert!(message.contains("no valid checksum"), "{message}");
    assert_eq!(fleet.fingerprint(), before);
}

fn a_new_route_does_not_make_a_migration_divergent(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    fleet.run(fleet.set(&base())).unwrap();
    let wider = base()[1].1.replace(USERS, "-- #[route(any(group = \"users\", database = \"default\"))]\n");
    let result = fleet.run(fleet.set(&[base()[0], ("V4__accounts.sql", &wider)]));
    assert_eq!(
        ending(&result),
        "exit 0\ndefault: done 4, 1 before\nusers_01: done, 2 before\nusers_02: done, 2 before"
    );
    assert_eq!(fleet.database("default").contents(), "account setting | 1 settings, 4 accounts");
}

fn a_checkout_on_windows_is_the_same_migration(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    fleet.run(fleet.set(&base())).unwrap();
    let windows =
        base().into_iter().map(|(path, text)| (path, format!("\u{feff}{}", text.replace('\n', "\r\n"))));
    let windows: Vec<_> = windows.collect();
    let files: Vec<_> = windows.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let before = fleet.fingerprint();
    assert_eq!(fleet.run(fleet.set(&files)).unwrap().applied(), 0);
    assert_eq!(fleet.fingerprint(), before);
}

fn a_late_u_migration_is_applied(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    fleet.run(fleet.set(&base())).unwrap();
    let hotfix = ("U2__hotfix.sql", "-- #[route(group = \"users\")]\nCREATE TABLE hotfix (id int);\n");
    let set = fleet.set(&[&base()[..], &[hotfix]].concat());
    assert_eq!(
        ending(&fleet.run(set)),
        "exit 0\ndefault: done, 1 before\nusers_01: done 2, 2 before\nusers_02: done 2, 2 before"
    );
    assert_eq!(
        fleet.database("users_01").contents(),
        "account hotfix setting | 1 settings, 2 hotfix, 4 accounts"
    );
    // Nor does one make others late.
    let ahead = ("U8__ahead.sql", "-- #[route(group = \"users\")]\nCREATE TABLE ahead (id int);\n");
    fleet.run(fleet.set(&[&base()[..], &[hotfix, ahead]].concat())).unwrap();
    let five = ("V5__five.sql", "-- #[route(group = \"users\")]\nCREATE TABLE five (id int);\n");
    let set = fleet.set(&[&base()[..], &[hotfix, ahead, five]].concat());
    assert_eq!(ending(&fleet.run(set)).lines().nth(2), Some("users_01: done 5, 4 before"));
}

fn what_comes_late_is_applied_where_the_file_says_so(engine: Engine) {
    let fleet = TestFleet::of_three(engine).first_line("out_of_order = \"apply\"\n");
    fleet.run(fleet.set(&base())).unwrap();
    fleet.wait_until_unlocked();
    let late = ("V3__late.sql", "-- #[route(group = \"users\")]\nCREATE TABLE late (id int);\n");
    assert_eq!(
        ending(&fleet.run(fleet.set(&[&base()[..], &[late, PENDING]].concat()))),
        "exit 0\n\
        default: done 9, 1 before\nusers_01: done 3 9, 2 before\nusers_02: done 3 9, 2 before"
    );
}

/// A migration that was for all is for the shards alone, and one of the shards is for all.
fn what_is_declared_of_a_new_route_is_let_pass(engine: Engine) {
    let file = |route: &str, table: &str| format!("-- #[route({route})]\nCREATE TABLE {table} (id int);\n");
    let [all, users] = ["everywhere", "group = \"users\""];
    let (first, last) = (file(all, "a"), file(all, "d"));
    let set = |b: &str, c: &str| -> Vec<(&'static str, String)> {
        let (first, last) = (first.clone(), last.clone());
        vec![
            ("V1__a.sql", first),
            ("V2__b.sql", file(b, "b")),
            ("V3__c.sql", file(c, "c")),
            ("V4__d.sql", last),
        ]
    };
    let (before, after) = (set(all, users), set(users, all));
    let files = |set: &'_ [(&'static str, String)]| -> Vec<(&'static str, &'static str)> {
        set.iter().map(|(name, text)| (*name, &*Box::leak(text.clone().into_boxed_str()))).collect()
    };
    let (before, after) = (files(&before), files(&after));
    let fleet = TestFleet::of_three(engine);
    fleet.run(fleet.set(&before)).unwrap();
    let up_to_date = "\nusers_01: done, 4 before\nusers_02: done, 4 before";
    let refused = fleet.run(fleet.set(&after));
    assert_eq!(ending(&refused), format!("exit 5\ndefault: refused misrouted out-of-order{up_to_date}"));
    for word in ["lock --rerouted 2=abandon`", "lock --rerouted 3=backfill`"] {
        assert!(error(&refused).contains(word), "{}", error(&refused));
    }
    for (declared, kind) in [((2, Rerouted::ABANDON), "out-of-order"), ((3, Rerouted::BACKFILL), "misrouted")]
    {
        let run = fleet.run(fleet.set_rerouted(&after, &[declared]));
        assert_eq!(ending(&run), format!("exit 5\ndefault: refused {kind}{up_to_date}"));
    }
    let set = fleet.set_rerouted(&after, &[(2, Rerouted::ABANDON), (3, Rerouted::BACKFILL)]);
    assert_eq!(ending(&fleet.run(set)), format!("exit 0\ndefault: done 3, 2 before{up_to_date}"));
    let default = fleet.database("default");
    assert_eq!(default.contents(), "a b c d | 1 a, 2 b, 3 c, 4 d", "the row stays, and what it made");
    assert_eq!(ending(&fleet.run(set)), format!("exit 0\ndefault: done, 3 before{up_to_date}"));
}
