//! Migrations in the place of others: `replaces(..)`.

use sharded_migrations::{Back, Migrations, Repair};

use crate::repair::{repair, told, version};
use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, ending, error, on_every_engine, why};

on_every_engine!(
    a_database_with_a_part_is_refused_and_the_older_release_finishes_it,
    an_older_release_works_where_all_was_there_before,
    one_of_which_all_was_made_by_hand_is_recorded,
    only_where_it_was_run_is_it_taken_back,
    what_replaces_a_squash_counts_on_both_kinds_of_databases,
    where_all_is_there_it_counts_and_where_nothing_is_it_runs,
);

const OLD: [(&str, &str); 3] = [
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n"),
    ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n"),
    ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n"),
];
const SQUASH: [(&str, &str); 2] = [
    (
        "V3__squash.sql",
        "-- #[route(everywhere)]\n-- #[replaces(1, 2, 3)]\n\
         CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nCREATE TABLE c (id int);\n",
    ),
    ("V3__squash.down.sql", "DROP TABLE c;\nDROP TABLE b;\nDROP TABLE a;\n"),
];
const NEXT: (&str, &str) = ("V4__d.sql", "-- #[route(everywhere)]\nCREATE TABLE d (id int);\n");
const NEXT_BACK: (&str, &str) = ("V4__d.down.sql", "DROP TABLE d;\n");

const OF_OLD: &str = "a b c d | 1 a, 2 b, 3 c, 4 d";
const OF_SQUASH: &str = "a b c d | 3 squash, 4 d";

/// Three databases: `default` has all of the old migrations, `users_01` one of them, `users_02` none.
fn half_way(engine: Engine) -> (TestFleet, &'static Migrations) {
    let fleet = TestFleet::of_three(engine);
    let old = fleet.set(&OLD);
    apply(&fleet, old, "default", 3);
    apply(&fleet, old, "users_01", 1);
    let set = fleet.set(&[&SQUASH[..], &[NEXT, NEXT_BACK]].concat());
    (fleet, set)
}

/// Applies a set on one database, up to a version.
fn apply(fleet: &TestFleet, set: &'static Migrations, name: &str, to: i64) {
    let selection = sharded_migrations::Selection { databases: vec![name.into()], groups: Vec::new() };
    let only = fleet.try_fleet(set, &selection).unwrap();
    block_on(sharded_migrations::Migrator::new(set, only).to(version(to)).run()).unwrap();
    fleet.wait_until_unlocked();
}

fn a_database_with_a_part_is_refused_and_the_older_release_finishes_it(engine: Engine) {
    let (fleet, set) = half_way(engine);
    let before = fleet.fingerprint();
    let run = fleet.run(set);
    assert_eq!(ending(&run).matches("refused half-replaced").count(), 1, "{}", ending(&run));
    let said = error(&run);
    assert!(said.contains("1 of the migrations that `V3__squash.sql` replaces is applied here"), "{said}");
    assert!(said.contains("and 2, 3 are not") && said.contains("`--migrate --to 3`"), "{said}");
    assert_eq!(fleet.fingerprint(), before, "nothing was written anywhere");

    apply(&fleet, fleet.set(&OLD), "users_01", 3);
    assert_eq!(
        ending(&fleet.run(set)),
        "exit 0\ndefault: done 4, 1 before\nusers_01: done 4, 1 before\nusers_02: done 3 4, 0 before"
    );
}

fn where_all_is_there_it_counts_and_where_nothing_is_it_runs(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    apply(&fleet, fleet.set(&OLD), "default", 3);
    let set = fleet.set(&[&SQUASH[..], &[NEXT]].concat());
    let check = block_on(fleet.migrator(set).check());
    assert_eq!(check.exit_code(), 3);
    fleet.run(set).unwrap();
    assert_eq!(fleet.database("default").contents(), OF_OLD, "its rows stay as they were");
    assert_eq!(fleet.database("users_01").contents(), OF_SQUASH);
    assert_eq!(fleet.database("users_02").contents(), OF_SQUASH);
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
    assert_eq!(block_on(fleet.migrator(set).check()).exit_code(), 0);
    // Nothing is lacking anywhere, so there is nothing to record.
    assert_eq!(block_on(fleet.migrator(set).fake()).exit_code(), 0);
    assert_eq!(fleet.database("default").contents(), OF_OLD);
}

fn an_older_release_works_where_all_was_there_before(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let old = fleet.set(&[&OLD[..], &[NEXT]].concat());
    fleet.run(fleet.set(&OLD)).unwrap();
    fleet.run(fleet.set(&[&SQUASH[..], &[NEXT]].concat())).unwrap();
    assert_eq!(fleet.run(old).unwrap().applied(), 0);
    assert_eq!(fleet.database("default").contents(), OF_OLD);
}

fn only_where_it_was_run_is_it_taken_back(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    apply(&fleet, fleet.set(&OLD), "default", 3);
    let set = fleet.set(&[&SQUASH[..], &[NEXT, NEXT_BACK]].concat());
    fleet.run(set).unwrap();
    fleet.wait_until_unlocked();
    let before = fleet.fingerprint();
    let run = block_on(fleet.migrator(set).down(Back::To(version(0))));
    assert_eq!(ending(&run).matches("refused replaced").count(), 1, "{}", ending(&run));
    assert_eq!(fleet.fingerprint(), before);
    block_on(fleet.migrator(set).down(Back::To(version(3)))).unwrap();
    assert_eq!(fleet.database("default").contents(), "a b c | 1 a, 2 b, 3 c");
    fleet.wait_until_unlocked();
    let group = sharded_migrations::Selection { databases: Vec::new(), groups: vec!["users".into()] };
    let users = fleet.try_fleet(set, &group).unwrap();
    block_on(sharded_migrations::Migrator::new(set, users).down(Back::To(version(0)))).unwrap();
    assert_eq!(fleet.database("users_01").contents(), " | ");
}

fn one_of_which_all_was_made_by_hand_is_recorded(engine: Engine) {
    let (fleet, set) = half_way(engine);
    let users_01 = fleet.database("users_01");
    users_01.execute("CREATE TABLE b (id int)");
    users_01.execute("CREATE TABLE c (id int)");
    let said = why(&block_on(fleet.migrator(set).fake()));
    assert!(said.contains("3 is half there"), "{said}");

    let accepted = "exit 0\ndefault: nothing\nusers_01: 1 a replaced, 3 squash applied\nusers_02: nothing";
    let accept = Repair::Accept(version(3));
    assert_eq!(told(&block_on(fleet.migrator(set).plan_repair(accept))), accepted);
    assert_eq!(told(&repair(&fleet, set, accept)), accepted);
    assert_eq!(users_01.contents(), "a b c | 3 squash");
    fleet.run(set).unwrap();
    assert_eq!(users_01.contents(), OF_SQUASH);

    // The last of them has the squash's own version.
    let fleet = TestFleet::of_one(engine);
    fleet.run(fleet.set(&OLD)).unwrap();
    let default = fleet.database("default");
    default.execute("DELETE FROM sharded_migrations_history WHERE version = 2");
    let set = fleet.set(&SQUASH);
    let accepted = "exit 0\ndefault: 1 a replaced, 3 c applied";
    assert_eq!(told(&repair(&fleet, set, accept)), accepted);
    assert_eq!(default.contents(), "a b c | 3 squash");
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

/// Each list is one way in which a database may have come there.
fn what_replaces_a_squash_counts_on_both_kinds_of_databases(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    apply(&fleet, fleet.set(&OLD), "default", 3);
    fleet.run(fleet.set(&[&SQUASH[..], &[NEXT]].concat())).unwrap();
    // What the first of them has all of is the first list, what the others have is the second.
    let again = (
        "V4__again.sql",
        "-- #[route(everywhere)]\n-- #[replaces(1, 2, 3, 4)]\n-- #[replaces(3, 4)]\nCREATE TABLE a (id int);\n",
    );
    let set = fleet.set(&[again]);
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
    fleet.database("default").execute("DELETE FROM sharded_migrations_history WHERE version = 2");
    let run = fleet.run(set);
    assert_eq!(ending(&run).matches("refused half-replaced").count(), 1, "{}", ending(&run));
}
