//! Migrations that are taken back, with their reverse files.

use std::sync::Barrier;

use sharded_migrations::{Back, Event, Migrations, Migrator, Selection, Version};

use crate::support::fleet::block_on;
use crate::support::outcome::Run;
use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_failure_takes_back_what_came_before_it_and_is_told_of_in_the_reverse_file,
    a_history_that_does_not_fit_is_refused,
    a_migration_without_a_reverse_file_keeps_all_from_being_taken_back,
    outside_a_transaction_it_goes_on_where_it_stopped,
    the_newest_of_each_database_is_taken_back,
    two_at_once_take_everything_back_once,
    what_another_database_requires_stays,
    what_is_above_the_target_is_taken_back_and_can_be_applied_again,
);

const A: [(&str, &str); 2] = [
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n"),
    ("V1__a.down.sql", "DROP TABLE a;\n"),
];
const B: [(&str, &str); 2] = [
    ("V2__b.sql", "-- #[route(group = \"users\")] #[vars(shard)]\nCREATE TABLE b_${shard} (id int);\n"),
    ("V2__b.down.sql", "-- #[vars(shard)]\nDROP TABLE b_${shard};\nINSERT INTO a VALUES (${shard});\n"),
];
/// Undoes nothing.
const C: [(&str, &str); 2] = [
    ("V3__c.sql", "-- #[route(everywhere)]\nINSERT INTO a VALUES (3);\n"),
    ("V3__c.down.sql", "-- What is there may stay.\n"),
];
const D: [(&str, &str); 2] = [
    ("V4__d.sql", "-- #[route(everywhere)]\nCREATE TABLE d (id int);\n"),
    ("V4__d.down.sql", "DROP TABLE d"),
];

fn to(version: i64) -> Back {
    Back::To(Version::new(version).unwrap())
}

fn down(migrator: &Migrator<'_>, back: Back) -> Run {
    block_on(migrator.down(back))
}

fn applied(engine: Engine, files: &[[(&str, &str); 2]]) -> (TestFleet, &'static Migrations) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&files.concat());
    fleet.run(set).unwrap();
    fleet.wait_until_unlocked();
    (fleet, set)
}

fn what_is_above_the_target_is_taken_back_and_can_be_applied_again(engine: Engine) {
    let (fleet, set) = applied(engine, &[A, B, C, D]);
    let before = fleet.fingerprint();
    let plan = block_on(fleet.migrator(set).plan_down(to(1)));
    assert_eq!((plan.exit_code(), plan.survey.pending()), (0, 2 + 3 + 3));
    assert_eq!(fleet.fingerprint(), before, "it was only looked");

    let taken_back = "exit 0\n\
                      default: done back 4 3, 3 before\n\
                      users_01: done back 4 3 2, 4 before\n\
                      users_02: done back 4 3 2, 4 before";
    let result = down(&fleet.migrator(set), to(1));
    assert_eq!(ending(&result), taken_back);
    let report = result.unwrap();
    assert_eq!((report.applied(), report.taken_back()), (0, 8));
    let pending: Vec<_> = report.databases.iter().map(|database| database.pending.clone().unwrap()).collect();
    let versions = |numbers: &[i64]| numbers.iter().map(|n| Version::new(*n).unwrap()).collect::<Vec<_>>();
    assert_eq!(pending, [versions(&[3, 4]), versions(&[2, 3, 4]), versions(&[2, 3, 4])]);
    assert_eq!(fleet.contents(), "default: a | 1 a\nusers_01: a | 1 a\nusers_02: a | 1 a");
    let users_02 = fleet.database("users_02");
    assert_eq!(users_02.query("SELECT id FROM a ORDER BY id"), "2\n3", "the variable is filled in there too");
    assert_eq!(users_02.audit(), "down 4 d, down 3 c, down 2 b");
    assert_eq!(
        users_02.query("SELECT count(DISTINCT who) FROM sharded_migrations_audit WHERE host <> ''"),
        "1"
    );

    // There is nothing left to take back, and that writes nothing.
    let before = fleet.fingerprint();
    fleet.wait_until_unlocked();
    let idle = "exit 0\ndefault: done, 1 before\nusers_01: done, 1 before\nusers_02: done, 1 before";
    assert_eq!(ending(&down(&fleet.migrator(set), to(1))), idle);
    assert_eq!(fleet.fingerprint(), before);

    assert_eq!(fleet.run(set).unwrap().applied(), 8);
    assert_eq!(users_02.contents(), "a b_2 d | 1 a, 2 b, 3 c, 4 d");
    fleet.wait_until_unlocked();
    assert_eq!(down(&fleet.migrator(set), to(0)).unwrap().taken_back(), 11);
    assert!(users_02.contents().trim_start().starts_with('|'), "{}", users_02.contents());
    assert_eq!(users_02.audit().matches("down").count(), 3 + 4);
}

fn the_newest_of_each_database_is_taken_back(engine: Engine) {
    let (fleet, set) = applied(engine, &[A, B]);
    let result = down(&fleet.migrator(set), Back::Newest);
    let ended = "exit 0\n\
                 default: done back 1, 1 before\n\
                 users_01: done back 2, 2 before\n\
                 users_02: done back 2, 2 before";
    assert_eq!(ending(&result), ended);
    assert_eq!(fleet.database("users_01").contents(), "a | 1 a");
}

fn a_migration_without_a_reverse_file_keeps_all_from_being_taken_back(engine: Engine) {
    let (fleet, _) = applied(engine, &[A, B, C, D]);
    let set = fleet.set(&[A[0], B[0], C[0], C[1], D[0], D[1]]);
    let before = fleet.fingerprint();
    let result = down(&fleet.migrator(set), to(1));
    let refused = "exit 5\ndefault: not started\nusers_01: refused no-reverse\nusers_02: refused no-reverse";
    assert_eq!(ending(&result), refused);
    let text = error(&result);
    assert!(text.contains("users_01: 2 cannot be taken back: `V2__b.sql` has no reverse file"), "{text}");
    assert!(text.contains("write what takes it back into `V2__b.down.sql`"), "{text}");
    assert_eq!(fleet.fingerprint(), before);
    // What stays needs none.
    assert_eq!(down(&fleet.migrator(set), to(2)).unwrap().taken_back(), 6);
}

fn a_history_that_does_not_fit_is_refused(engine: Engine) {
    let (fleet, _) = applied(engine, &[A, B]);
    let edited = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n");
    let moved = ("V2__b.sql", "-- #[route(database = \"default\")]\nCREATE TABLE b (id int);\n");
    let users = fleet.database("users_01");
    users.add_history_row(9, "gone", &"a".repeat(64), "applied");
    let set = fleet.set(&[edited, A[1], moved, ("V2__b.down.sql", "DROP TABLE b;\n")]);
    let before = fleet.fingerprint();
    let refused = "exit 5\n\
                   default: refused divergent\n\
                   users_01: refused divergent missing missing\n\
                   users_02: refused divergent missing";
    assert_eq!(ending(&down(&fleet.migrator(set), to(0))), refused);
    assert_eq!(fleet.fingerprint(), before);
}

fn a_failure_takes_back_what_came_before_it_and_is_told_of_in_the_reverse_file(engine: Engine) {
    let broken =
        ("V2__b.down.sql", "-- #[vars(shard)]\n\nDROP TABLE b_${shard};\nINSERT INTO keeps VALUES (1);\n");
    let (fleet, set) = applied(engine, &[A, [B[0], broken], C, D]);
    let users_01 = fleet.database("users_01");
    fleet.database("users_02").execute("CREATE TABLE keeps (id int)");
    let selection = Selection { databases: vec!["users_01".into()], groups: Vec::new() };
    let one = || Migrator::new(set, fleet.try_fleet(set, &selection).unwrap());
    let result = down(&one(), to(0));
    let column = engine.pick(13, 1);
    assert_eq!(
        ending(&result),
        format!(
            "exit 1\nusers_01: failed at migrations/V2__b.down.sql:4:{column}, back 4 3 applied, 4 before"
        )
    );
    assert_eq!(users_01.contents(), "a b_1 | 1 a, 2 b", "the drop before it is rolled back");
    assert_eq!(users_01.audit(), "down 4 d, down 3 c");
    assert_eq!(result.unwrap_err().report.databases[0].pending.as_ref().unwrap().len(), 2);
    users_01.execute("CREATE TABLE keeps (id int)");
    fleet.wait_until_unlocked();
    assert_eq!(ending(&down(&one(), to(0))), "exit 0\nusers_01: done back 2 1, 2 before");
    assert_eq!(users_01.contents(), "keeps | ");
}

const OUTSIDE: [(&str, &str); 2] = [
    ("V2__o.sql", "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE TABLE IF NOT EXISTS o (id int);\n"),
    (
        "V2__o.down.sql",
        "CREATE TABLE IF NOT EXISTS first (id int);\nCREATE INDEX IF NOT EXISTS i ON later (id);\n\
         DROP TABLE IF EXISTS o;\n",
    ),
];

fn outside_a_transaction_it_goes_on_where_it_stopped(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    let set = fleet.set(&[A, OUTSIDE, C].concat());
    fleet.run(set).unwrap();
    fleet.wait_until_unlocked();
    let result = down(&fleet.migrator(set), to(1));
    assert!(
        ending(&result).starts_with("exit 1\ndefault: failed at migrations/V2__o.down.sql:2:"),
        "{}",
        ending(&result)
    );
    assert_eq!(default.contents(), "a first o | 1 a, 2 o (undoing, 1 done)", "3 c is taken back before it");
    assert_eq!(default.audit(), "down 3 c");
    fleet.wait_until_unlocked();
    // Neither is it applied, nor may it stay in between.
    let run = fleet.run(set);
    assert_eq!(ending(&run), "exit 5\ndefault: refused undoing");
    assert!(error(&run).contains("`--migrate=down --database default --to`"), "{}", error(&run));
    assert_eq!(ending(&down(&fleet.migrator(set), to(2))), "exit 5\ndefault: refused undoing");

    default.execute("CREATE TABLE later (id int); DROP TABLE first");
    assert_eq!(ending(&down(&fleet.migrator(set), to(0))), "exit 0\ndefault: done back 2 1, 2 before");
    assert_eq!(default.contents(), "later | ", "the first statement was not run again");
    assert_eq!(default.audit(), "down 3 c, down 2 o, down 1 a");
    fleet.wait_until_unlocked();
    assert_eq!(fleet.run(set).unwrap().applied(), 3);
}

fn what_another_database_requires_stays(engine: Engine) {
    let base = [
        ("V1__base.sql", "-- #[route(database = \"default\")]\nCREATE TABLE base (id int);\n"),
        ("V1__base.down.sql", "DROP TABLE base;\n"),
    ];
    let over = [
        (
            "V2__over.sql",
            "-- #[route(group = \"users\")]\n-- #[requires(\"default:1\")]\nCREATE TABLE over_it (id int);\n",
        ),
        ("V2__over.down.sql", "DROP TABLE over_it;\n"),
    ];
    let (fleet, set) = applied(engine, &[base, over]);
    let selected = |names: &[&str]| {
        let databases = names.iter().map(|name| (*name).to_owned()).collect();
        fleet.try_fleet(set, &Selection { databases, groups: Vec::new() }).unwrap()
    };
    let before = fleet.fingerprint();
    for names in [&["default"][..], &["default", "users_01"]] {
        let result = down(&Migrator::new(set, selected(names)), to(0));
        assert!(ending(&result).starts_with("exit 5\ndefault: refused waits"), "{}", ending(&result));
        let text = error(&result);
        let first = if names.len() == 1 { "users_01" } else { "users_02" };
        assert!(
            text.contains(&format!("2 on `{first}` requires 1, and is not taken back before it")),
            "{text}"
        );
        assert_eq!(fleet.fingerprint(), before);
    }
    // All together: the users first.
    let order = std::sync::Mutex::new(Vec::new());
    let migrator = fleet.migrator(set).on_event(|event| {
        if let Event::MigrationTakenBack { database, migration, .. } = event {
            order.lock().unwrap().push(format!("{database} {migration}"));
        }
    });
    assert_eq!(down(&migrator, to(0)).unwrap().taken_back(), 3);
    drop(migrator);
    assert_eq!(order.into_inner().unwrap().last().unwrap(), "default 1 base");
}

/// Whoever comes second waits for the lock, and finds everything done.
fn two_at_once_take_everything_back_once(engine: Engine) {
    let (fleet, set) = applied(engine, &[A, B, C, D]);
    let fleets = [fleet.fleet(set), fleet.fleet(set)];
    let start = Barrier::new(2);
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let start = &start;
        let threads = fleets.map(|fleet| {
            scope.spawn(move || {
                start.wait();
                down(&Migrator::new(set, fleet), to(0)).unwrap().taken_back()
            })
        });
        threads.map(|thread| thread.join().unwrap()).to_vec()
    });
    assert_eq!(counts.iter().sum::<usize>(), 11, "{counts:?}");
    for database in fleet.databases() {
        let expected = if database.name == "default" {
            "down 4 d, down 3 c, down 1 a"
        } else {
            "down 4 d, down 3 c, down 2 b, down 1 a"
        };
        assert_eq!(database.audit(), expected, "{}", database.name);
    }
}
