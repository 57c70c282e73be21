//! A migration that was taken back in part: somebody has looked, and says which way it went.

use sharded_migrations::{Back, Migrations, Repair};

use crate::repair::{repair, told, version};
use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_binary_that_does_not_have_it_can_settle_it_as_well,
    nothing_else_is_settled,
    what_is_put_back_is_applied_as_before,
    what_is_put_back_of_an_edited_file_is_divergent,
    what_is_undone_by_hand_is_taken_back,
);

const A: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const O: [(&str, &str); 2] = [
    ("V2__o.sql", "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE TABLE IF NOT EXISTS o (id int);\n"),
    ("V2__o.down.sql", "DROP TABLE IF EXISTS o;\nCREATE INDEX IF NOT EXISTS i ON later (id);\n"),
];
const C: (&str, &str) = ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n");

/// A fleet of one, where the first of two statements that take the second migration back is done and the other one fails.
fn half_back(engine: Engine) -> (TestFleet, &'static Migrations) {
    let fleet = TestFleet::of_one(engine);
    fleet.run(fleet.set(&[A, O[0], O[1]])).unwrap();
    fleet.wait_until_unlocked();
    let set = fleet.set(&[A, O[0], O[1], C]);
    let failed = ending(&block_on(fleet.migrator(set).down(Back::To(version(1)))));
    assert!(failed.starts_with("exit 1\ndefault: failed at migrations/V2__o.down.sql:2:"), "{failed}");
    fleet.wait_until_unlocked();
    assert_eq!(fleet.database("default").contents(), "a | 1 a, 2 o (undoing, 1 done)");
    (fleet, set)
}

fn what_is_undone_by_hand_is_taken_back(engine: Engine) {
    let (fleet, set) = half_back(engine);
    let default = fleet.database("default");
    let run = fleet.run(set);
    assert_eq!(ending(&run), "exit 5\ndefault: refused undoing");
    for command in ["down --database default --to", "repair --taken-back 2", "repair --restored 2"] {
        assert!(error(&run).contains(&format!("`--migrate={command}")), "{}", error(&run));
    }
    let settled = "exit 0\ndefault: 2 o start";
    let before = fleet.fingerprint();
    assert_eq!(told(&block_on(fleet.migrator(set).plan_repair(Repair::TakenBack(version(2))))), settled);
    assert_eq!(fleet.fingerprint(), before, "it was only looked");
    let checksum = default.query("SELECT checksum FROM sharded_migrations_history WHERE version = 2");
    assert_eq!(told(&repair(&fleet, set, Repair::TakenBack(version(2)))), settled);
    assert_eq!(default.contents(), "a | 1 a");
    assert_eq!(default.audit(), format!("taken-back 2 o (its row had the checksum {checksum})"));
    // Once more does no harm.
    let before = fleet.fingerprint();
    assert_eq!(told(&repair(&fleet, set, Repair::TakenBack(version(2)))), "exit 0\ndefault: nothing");
    assert_eq!(fleet.fingerprint(), before);
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2 3, 1 before");
    assert_eq!(default.contents(), "a c o | 1 a, 2 o, 3 c");
}

fn what_is_put_back_is_applied_as_before(engine: Engine) {
    let (fleet, set) = half_back(engine);
    let default = fleet.database("default");
    let applied_at = "SELECT applied_at FROM sharded_migrations_history WHERE version = 2";
    let before = default.query(applied_at);
    default.execute("CREATE TABLE o (id int)");
    assert_eq!(told(&repair(&fleet, set, Repair::Restored(version(2)))), "exit 0\ndefault: 2 o applied");
    assert_eq!(default.contents(), "a o | 1 a, 2 o");
    assert_eq!(default.audit(), "restored 2 o (statements of its reverse file that were done: 1)");
    assert_eq!(default.query(applied_at), before, "it was applied when it was applied");
    let done = "SELECT statements_done FROM sharded_migrations_history WHERE version = 2";
    assert_eq!(default.query(done), "1", "the file has one");
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 3, 2 before");
    fleet.wait_until_unlocked();
    // Its reverse file is run from the start again.
    default.execute("CREATE TABLE later (id int)");
    let set = fleet.set(&[A, O[0], O[1], C, ("V3__c.down.sql", "DROP TABLE c;\n")]);
    let back = block_on(fleet.migrator(set).down(Back::To(version(1))));
    assert_eq!(ending(&back), "exit 0\ndefault: done back 3 2, 3 before");
    assert_eq!(default.contents(), "a later | 1 a");
}

/// What was put back is what was applied, and no other file.
fn what_is_put_back_of_an_edited_file_is_divergent(engine: Engine) {
    let (fleet, _) = half_back(engine);
    let edited = O[0].1.replace("(id int)", "(id bigint)");
    let set = fleet.set(&[A, (O[0].0, &edited), O[1]]);
    fleet.database("default").execute("CREATE TABLE o (id int)");
    assert_eq!(told(&repair(&fleet, set, Repair::Restored(version(2)))), "exit 0\ndefault: 2 o divergent");
    assert_eq!(ending(&fleet.run(set)), "exit 5\ndefault: refused divergent");
}

fn a_binary_that_does_not_have_it_can_settle_it_as_well(engine: Engine) {
    for (how, next, history, ended) in [
        (Repair::TakenBack(version(2)), "forgotten", "a | 1 a", "exit 0\ndefault: done, 1 before"),
        (Repair::Restored(version(2)), "refused", "a | 1 a, 2 o", "exit 5\ndefault: refused missing"),
    ] {
        let (fleet, newer) = half_back(engine);
        let set = fleet.set(&[A]);
        assert_eq!(ending(&fleet.run(set)), "exit 5\ndefault: refused undoing");
        assert_eq!(told(&repair(&fleet, set, how)), format!("exit 0\ndefault: 2 o {next}"));
        assert_eq!(fleet.database("default").contents(), history);
        assert_eq!(ending(&fleet.run(set)), ended);
        fleet.wait_until_unlocked();
        fleet.run(newer).unwrap();
    }
}

fn nothing_else_is_settled(engine: Engine) {
    let (fleet, set) = half_back(engine);
    let before = fleet.fingerprint();
    let nothing = "exit 0\ndefault: nothing";
    for other in [Repair::Retry, Repair::Applied, Repair::Accept(version(2)), Repair::Forget(version(2))] {
        assert_eq!(told(&repair(&fleet, set, other)), nothing, "{other:?}");
    }
    for number in [1, 3, 9] {
        for other in [Repair::TakenBack(version(number)), Repair::Restored(version(number))] {
            assert_eq!(told(&repair(&fleet, set, other)), nothing, "{other:?}");
        }
    }
    let below = fleet.migrator(set).to(version(1));
    assert_eq!(told(&block_on(below.repair(Repair::TakenBack(version(2))))), nothing);
    assert_eq!(fleet.fingerprint(), before);
}
