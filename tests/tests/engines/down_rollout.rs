//! In which order a fleet takes migrations back, what waits for what, and what stops it.

use sharded_migrations::{Back, Migrations, Migrator, OnFailure, Rollout, Selection, Share, Version};

use crate::rollout::{NAMES, rollout, watched_as};
use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_canary_that_fails_keeps_the_fleet_as_it_was_and_the_rest_goes_on_after_the_fix,
    what_a_database_that_fails_requires_stays_until_it_is_mended,
    a_failure_need_not_stop_the_others,
    behind_a_barrier_the_whole_fleet_waits_for_it_to_go,
    what_requires_goes_before_what_is_required_across_databases,
    waves_are_taken_back_one_after_another,
    what_came_before_a_barrier_stays_unless_that_goes_first,
);

const A: [(&str, &str); 2] = [
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n"),
    ("V1__a.down.sql", "DROP TABLE a;\n"),
];
/// Cannot be taken back where somebody has dropped the table.
const B: [(&str, &str); 2] = [
    ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n"),
    ("V2__b.down.sql", "DROP TABLE b;\n"),
];
const C: [(&str, &str); 2] = [
    ("V4__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n"),
    ("V4__c.down.sql", "DROP TABLE c;\n"),
];
const BARRIER: [(&str, &str); 2] = [
    (
        "V3__barrier.sql",
        "-- #[route(database = \"default\")]\n-- #[barrier]\nCREATE TABLE barrier (id int);\n",
    ),
    ("V3__barrier.down.sql", "DROP TABLE barrier;\n"),
];

fn to(version: i64) -> Back {
    Back::To(Version::new(version).unwrap())
}

/// How it ended, and what happened on the way.
fn back(migrator: Migrator<'static>, back: Back) -> (String, Vec<String>) {
    watched_as(migrator, |migrator| block_on(migrator.down(back)))
}

fn applied(engine: Engine, names: &[&str], files: &[[(&str, &str); 2]]) -> (TestFleet, &'static Migrations) {
    let fleet = TestFleet::new(engine, names);
    let set = fleet.set(&files.concat());
    fleet.run(set).unwrap();
    fleet.wait_until_unlocked();
    (fleet, set)
}

/// One database at a time, so that what is told is in order.
fn in_order(fleet: &TestFleet, set: &'static Migrations) -> Migrator<'static> {
    fleet.migrator(set).rollout(rollout(&[], &[]))
}

fn only(fleet: &TestFleet, set: &'static Migrations, names: &[&str]) -> Migrator<'static> {
    let databases = names.iter().map(|name| (*name).to_owned()).collect();
    Migrator::new(set, fleet.try_fleet(set, &Selection { databases, groups: Vec::new() }).unwrap())
        .rollout(rollout(&[], &[]))
}

fn waves_are_taken_back_one_after_another(engine: Engine) {
    let (fleet, set) = applied(engine, &NAMES, &[A, B]);
    let waves = rollout(&["users_02"], &[Share::Databases(2), Share::Percent(60)]);
    let plan = block_on(fleet.migrator(set).rollout(waves.clone()).plan_down(to(1)));
    let planned: Vec<Vec<_>> = plan.stages[0]
        .waves
        .iter()
        .map(|wave| wave.iter().map(|part| part.database.as_str()).collect())
        .collect();
    let in_waves = [&["users_02"][..], &["default"], &["users_01"], &["users_03", "users_04"]];
    assert_eq!(planned, in_waves);
    let pausing = Rollout { pause: std::time::Duration::from_millis(1), ..waves };
    let (ended, told) = back(fleet.migrator(set).rollout(pausing), to(1));
    let done = NAMES.map(|name| format!("\n{name}: done back 2, 2 before"));
    assert_eq!(ended, format!("exit 0{}", done.concat()));
    assert_eq!(
        told,
        [
            "wave 1/4: users_02",
            "users_02 2",
            "pause",
            "wave 2/4: default",
            "default 2",
            "pause",
            "wave 3/4: users_01",
            "users_01 2",
            "pause",
            "wave 4/4: users_03 users_04",
            "users_03 2",
            "users_04 2",
        ]
    );
    assert_eq!(back(fleet.migrator(set), to(1)).1, [""; 0], "there is nobody to wait for");
}

fn a_canary_that_fails_keeps_the_fleet_as_it_was_and_the_rest_goes_on_after_the_fix(engine: Engine) {
    let (fleet, set) = applied(engine, &NAMES, &[A, B, C]);
    fleet.database("users_03").execute("DROP TABLE b");
    let everybody_else = || {
        let mut all = fleet.fingerprint();
        all.remove(3);
        all
    };
    let before = everybody_else();
    // Even where failures are to stop nobody.
    let canary = || Rollout { on_failure: OnFailure::Continue, ..rollout(&["users_03"], &[]) };
    let (ended, told) = back(fleet.migrator(set).rollout(canary()), to(1));
    assert_eq!(
        ended,
        "exit 4\ndefault: not started\nusers_01: not started\nusers_02: not started\n\
             users_03: failed at migrations/V2__b.down.sql:1:1, back 4 applied, 3 before\nusers_04: not started"
    );
    assert_eq!(told, ["wave 1/2: users_03", "users_03 4", "stop: the canary `users_03` failed"]);
    assert_eq!(everybody_else(), before, "nothing else was written");

    fleet.wait_until_unlocked();
    fleet.database("users_03").execute("CREATE TABLE b (id int)");
    let (ended, told) = back(fleet.migrator(set).rollout(canary()), to(1));
    assert_eq!(
        ended,
        "exit 0\ndefault: done back 4 2, 3 before\nusers_01: done back 4 2, 3 before\n\
         users_02: done back 4 2, 3 before\nusers_03: done back 2, 2 before\nusers_04: done back 4 2, 3 before"
    );
    assert_eq!(
        told[..3],
        ["wave 1/2: users_03", "users_03 2", "wave 2/2: default users_01 users_02 users_04"]
    );
}

fn a_failure_need_not_stop_the_others(engine: Engine) {
    for (on_failure, expected) in [
        (OnFailure::StopAbove(0), "done failed not not not"),
        (OnFailure::StopAbove(1), "done failed failed not not"),
        (OnFailure::Continue, "done failed failed done done"),
    ] {
        let (fleet, set) = applied(engine, &NAMES, &[A, B]);
        for name in ["users_01", "users_02"] {
            fleet.database(name).execute("DROP TABLE b");
        }
        let migrator = fleet.migrator(set).rollout(Rollout { on_failure, ..rollout(&[], &[]) });
        let (ended, _) = back(migrator, to(1));
        let words = ended.lines().skip(1).map(|line| line.split([',', ' ']).nth(1).unwrap());
        assert_eq!(words.collect::<Vec<_>>().join(" "), expected, "{ended}");
    }
}

/// It came when all databases had what is before it, so it goes before any of these.
fn behind_a_barrier_the_whole_fleet_waits_for_it_to_go(engine: Engine) {
    let (fleet, set) = applied(engine, &NAMES[..3], &[A, B, BARRIER, C]);
    let (ended, told) = back(in_order(&fleet, set), to(1));
    assert_eq!(
        ended,
        "exit 0\ndefault: done back 4 3 2, 4 before\nusers_01: done back 4 2, 3 before\n\
         users_02: done back 4 2, 3 before"
    );
    assert_eq!(
        told,
        [
            "stage 1 wave 1/1: default users_01 users_02",
            "default 4",
            "default 3",
            "default 2",
            "users_01 4",
            "users_02 4",
            "stage 2 wave 1/1: users_01 users_02",
            "users_01 2",
            "users_02 2",
        ]
    );
    // The other way round, as it came.
    fleet.wait_until_unlocked();
    assert_eq!(fleet.run(set).unwrap().applied(), 3 + 2 + 2);
}

fn what_came_before_a_barrier_stays_unless_that_goes_first(engine: Engine) {
    let (fleet, set) = applied(engine, &NAMES[..3], &[A, B, BARRIER, C]);
    let before = fleet.fingerprint();
    let refused = block_on(only(&fleet, set, &["users_01"]).down(to(1)));
    assert_eq!(ending(&refused), "exit 5\nusers_01: refused waits");
    let text = error(&refused);
    assert!(text.contains("3 on `default` is a barrier behind 2, and is not taken back before it"), "{text}");
    assert_eq!(fleet.fingerprint(), before);
    // What came behind the barrier has nothing to do with it.
    assert_eq!(back(only(&fleet, set, &["users_01"]), to(2)).0, "exit 0\nusers_01: done back 4, 3 before");
    fleet.wait_until_unlocked();
    assert_eq!(back(only(&fleet, set, &["default"]), to(2)).0, "exit 0\ndefault: done back 4 3, 4 before");
    fleet.wait_until_unlocked();
    assert_eq!(back(only(&fleet, set, &["users_01"]), to(1)).0, "exit 0\nusers_01: done back 2, 2 before");
}

/// `default:1`, which the users' 2 require, of which `default:3` requires that of the first.
const CHAIN: [[(&str, &str); 2]; 3] = [
    [
        ("V1__base.sql", "-- #[route(database = \"default\")]\nCREATE TABLE base (id int);\n"),
        ("V1__base.down.sql", "DROP TABLE base;\n"),
    ],
    [
        (
            "V2__b.sql",
            "-- #[route(group = \"users\")]\n-- #[requires(\"default:1\")]\nCREATE TABLE b (id int);\n",
        ),
        ("V2__b.down.sql", "DROP TABLE b;\n"),
    ],
    [
        (
            "V3__top.sql",
            "-- #[route(database = \"default\")]\n-- #[requires(\"users_01:2\")]\nCREATE TABLE top (id int);\n",
        ),
        ("V3__top.down.sql", "DROP TABLE top;\n"),
    ],
];

fn what_requires_goes_before_what_is_required_across_databases(engine: Engine) {
    let (fleet, set) = applied(engine, &NAMES[..3], &CHAIN);
    let plan = block_on(in_order(&fleet, set).plan_down(to(0)));
    assert_eq!((plan.stages.len(), plan.blocked.len()), (3, 0));
    let (ended, told) = back(in_order(&fleet, set), to(0));
    let each = "exit 0\ndefault: done back 3 1, 2 before\nusers_01: done back 2, 1 before\nusers_02: done back 2, 1 before";
    assert_eq!(ended, each);
    assert_eq!(
        told,
        [
            "stage 1 wave 1/1: default users_02",
            "default 3",
            "users_02 2",
            "stage 2 wave 1/1: users_01",
            "users_01 2",
            "stage 3 wave 1/1: default",
            "default 1",
        ]
    );
    fleet.wait_until_unlocked();
    assert_eq!(fleet.run(set).unwrap().applied(), 4);
}

fn what_a_database_that_fails_requires_stays_until_it_is_mended(engine: Engine) {
    let (fleet, set) = applied(engine, &NAMES[..3], &CHAIN);
    fleet.database("users_02").execute("DROP TABLE b");
    let going_on = || Rollout { on_failure: OnFailure::Continue, ..rollout(&[], &[]) };
    let (ended, _) = back(fleet.migrator(set).rollout(going_on()), to(0));
    assert_eq!(
        ended,
        "exit 4\ndefault: waits, back 3 applied: 2 on `users_02` requires 1, and is not taken back before it\n\
             users_01: done back 2, 1 before\n\
             users_02: failed at migrations/V2__b.down.sql:1:1, applied, 1 before"
    );
    assert_eq!(fleet.contents(), "default: base | 1 base\nusers_01:  | \nusers_02:  | 2 b");
    fleet.wait_until_unlocked();
    fleet.database("users_02").execute("CREATE TABLE b (id int)");
    let (ended, told) = back(in_order(&fleet, set), to(0));
    assert_eq!(
        ended,
        "exit 0\ndefault: done back 1, 1 before\nusers_01: done, 0 before\nusers_02: done back 2, 1 before"
    );
    assert_eq!(told, ["stage 1 wave 1/1: users_02", "users_02 2", "stage 2 wave 1/1: default", "default 1"]);
}
