//! Migrations that are recorded and not run: a baseline, and what was done by hand.

use sharded_migrations::record::{Recorded, Records};
use sharded_migrations::{Migrations, Migrator, Selection, Version};

use crate::support::fleet::{block_on, run};
use crate::support::{Engine, TestFleet, amended, ending, on_every_engine, why};

on_every_engine!(
    a_baseline_begins_a_history_and_the_next_run_goes_on_behind_it,
    a_baseline_is_for_databases_without_a_history,
    a_database_that_does_not_fit_keeps_all_from_being_recorded,
    a_database_that_has_all_of_the_first_migrations_is_taken_over_and_a_new_one_is_not,
    a_database_that_has_a_part_of_the_first_migrations_is_told_what_it_lacks,
    a_late_migration_can_be_recorded_too,
    what_has_begun_is_finished_first,
    what_is_pending_can_be_recorded,
);

const A: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const B: (&str, &str) = ("V2__b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE b (id int);\n");
const LATE: (&str, &str) = ("U3__u.sql", "-- #[route(everywhere)]\nCREATE TABLE u (id int);\n");
const C: (&str, &str) = ("V4__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n");

fn version(number: i64) -> Version {
    Version::new(number).unwrap()
}

fn told(records: &Records) -> String {
    amended(records, |Recorded { version, name }| format!("{version} {name}"))
}

fn baseline(fleet: &TestFleet, set: &'static Migrations, to: i64) -> Records {
    let records = block_on(fleet.migrator(set).baseline(version(to)));
    fleet.wait_until_unlocked();
    records
}

fn fake(fleet: &TestFleet, set: &'static Migrations) -> Records {
    let records = block_on(fleet.migrator(set).fake());
    fleet.wait_until_unlocked();
    records
}

/// A fleet that another tool has made, up to the second migration.
fn made(engine: Engine) -> (TestFleet, &'static Migrations) {
    let fleet = TestFleet::of_three(engine);
    for database in fleet.databases() {
        database.execute("CREATE TABLE a (id int); INSERT INTO a VALUES (1)");
        if database.name != "default" {
            database.execute("CREATE TABLE b (id int)");
        }
    }
    let set = fleet.set(&[A, B, LATE, C]);
    (fleet, set)
}

fn a_baseline_begins_a_history_and_the_next_run_goes_on_behind_it(engine: Engine) {
    let (fleet, set) = made(engine);
    let recorded = "exit 0\ndefault: 1 a\nusers_01: 1 a, 2 b\nusers_02: 1 a, 2 b";
    let before = fleet.fingerprint();
    assert_eq!(told(&block_on(fleet.migrator(set).plan_baseline(version(2)))), recorded);
    assert_eq!(fleet.fingerprint(), before, "it was only looked");
    assert_eq!(told(&baseline(&fleet, set, 2)), recorded);
    assert_eq!(
        fleet.contents(),
        "default: a | 1 a\nusers_01: a b | 1 a, 2 b\nusers_02: a b | 1 a, 2 b",
        "only what is routed there"
    );
    let users_01 = fleet.database("users_01");
    assert_eq!(users_01.audit(), "baseline 1 a, baseline 2 b");
    let rows = "SELECT version, execution_ms, state, checksum FROM sharded_migrations_history ORDER BY 1";
    let sum = set.migrations[0].checksum;
    assert!(users_01.query(rows).starts_with(&format!("1|0|applied|{sum}\n")), "{}", users_01.query(rows));
    let times = "SELECT count(*) FROM sharded_migrations_audit x JOIN sharded_migrations_history h \
                 ON h.version = x.version AND h.host = x.host AND h.applied_by = x.who AND h.applied_at <= x.at";
    assert_eq!(users_01.query(times), "2", "the audit says who and when");
    // Once more does no harm.
    let before = fleet.fingerprint();
    assert_eq!(
        told(&baseline(&fleet, set, 2)),
        "exit 0\ndefault: nothing\nusers_01: nothing\nusers_02: nothing"
    );
    assert_eq!(fleet.fingerprint(), before);

    let run = fleet.run(set);
    let ended =
        "exit 0\ndefault: done 3 4, 1 before\nusers_01: done 3 4, 2 before\nusers_02: done 3 4, 2 before";
    assert_eq!(ending(&run), ended);
    assert_eq!(users_01.query("SELECT id FROM a"), "1");
}

fn a_baseline_is_for_databases_without_a_history(engine: Engine) {
    let (fleet, set) = made(engine);
    assert_eq!(baseline(&fleet, set, 1).exit_code(), 0);
    fleet.database("users_02").execute("DELETE FROM sharded_migrations_history");
    let before = fleet.fingerprint();
    let records = baseline(&fleet, set, 2);
    assert_eq!(told(&records), "exit 5\ndefault: nothing\nusers_01: refused error\nusers_02: not started");
    let why = why(&records);
    assert!(why.contains("it has a history already, of 1 migration, and 2 b is not in it"), "{why}");
    assert!(why.contains("`--migrate --fake --to 2`"), "{why}");
    assert_eq!(fleet.fingerprint(), before);
}

fn what_is_pending_can_be_recorded(engine: Engine) {
    let (fleet, set) = made(engine);
    assert_eq!(baseline(&fleet, set, 1).exit_code(), 0);
    let records = block_on(fleet.migrator(set).to(version(3)).fake());
    assert_eq!(told(&records), "exit 0\ndefault: 3 u\nusers_01: 2 b, 3 u\nusers_02: 2 b, 3 u");
    assert_eq!(fleet.database("users_01").audit(), "baseline 1 a, fake 2 b, fake 3 u");
    let planned = block_on(fleet.migrator(set).plan_fake());
    assert_eq!(told(&planned), "exit 0\ndefault: 4 c\nusers_01: 4 c\nusers_02: 4 c");
    assert_eq!(fleet.database("default").contents(), "a | 1 a, 3 u");
}

fn a_late_migration_can_be_recorded_too(engine: Engine) {
    let (fleet, _) = made(engine);
    fleet.databases().iter().for_each(|database| database.execute("DROP TABLE a"));
    fleet.run(fleet.set(&[A, C])).unwrap();
    let set = fleet.set(&[A, B, C]);
    assert_eq!(fleet.run(set).unwrap_err().report.exit_code(), 5, "2 b comes late");
    assert_eq!(told(&fake(&fleet, set)), "exit 0\ndefault: nothing\nusers_01: 2 b\nusers_02: 2 b");
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

fn a_database_that_does_not_fit_keeps_all_from_being_recorded(engine: Engine) {
    let (fleet, set) = made(engine);
    assert_eq!(baseline(&fleet, set, 1).exit_code(), 0);
    let edited = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n");
    fleet.database("users_01").execute("UPDATE sharded_migrations_history SET name = 'old'");
    let before = fleet.fingerprint();
    assert_eq!(
        told(&fake(&fleet, set)),
        "exit 5\ndefault: not started\nusers_01: refused divergent\nusers_02: not started"
    );
    let all = "exit 5\ndefault: refused divergent\nusers_01: refused divergent\nusers_02: refused divergent";
    let other = fleet.set(&[edited, B, LATE, C]);
    assert_eq!(told(&fake(&fleet, other)), all);
    assert_eq!(told(&baseline(&fleet, other, 4)), all);
    assert_eq!(fleet.fingerprint(), before);
}

/// Its row says how far it came.
fn what_has_begun_is_finished_first(engine: Engine) {
    let outside = (
        "V5__d.sql",
        "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE d (id int);\nDROP TABLE IF EXISTS e;\n",
    );
    let fleet = TestFleet::of_one(engine);
    let set = fleet.set(&[A, outside]);
    fleet.run(fleet.set(&[A])).unwrap();
    let default = fleet.database("default");
    default.add_history_row(5, "d", &set.migrations[1].checksum.to_string(), "paused");
    let before = fleet.fingerprint();
    let records = fake(&fleet, set);
    assert_eq!(told(&records), "exit 5\ndefault: refused error");
    let why = why(&records);
    assert!(why.contains("5 `d` has begun: 0 of its statements are done"), "{why}");
    default.execute("UPDATE sharded_migrations_history SET state = 'started' WHERE version = 5");
    let begun = fleet.fingerprint();
    assert_eq!(told(&fake(&fleet, set)), "exit 5\ndefault: refused dirty");
    assert_eq!(fleet.fingerprint(), begun);
    assert_ne!(begun, before);
}

/// Tables that change on their way, up to the fourth of five migrations.
const GROWN: [(&str, &str); 5] = [
    (
        "V1__a.sql",
        "-- #[route(everywhere)]\nCREATE TABLE a (id int, \"old Name\" text, gone int);\nCREATE TABLE t (id int);\n",
    ),
    (
        "V2__grow.sql",
        "-- #[route(everywhere)]\nALTER TABLE a ADD COLUMN added int;\nALTER TABLE a RENAME COLUMN \"old Name\" TO name;\n",
    ),
    (
        "V3__users.sql",
        "-- #[route(group = \"users\")]\nCREATE TABLE account (id int);\nALTER TABLE account RENAME TO person;\n",
    ),
    ("V4__drop.sql", "-- #[route(everywhere)]\nALTER TABLE a DROP COLUMN gone;\nDROP TABLE t;\n"),
    ("V5__e.sql", "-- #[route(everywhere)]\nCREATE TABLE e (id int);\n"),
];

fn fake_initial(fleet: &TestFleet, set: &'static Migrations, to: i64) -> Records {
    let records = block_on(fleet.migrator(set).fake_initial(version(to)));
    fleet.wait_until_unlocked();
    records
}

fn a_database_that_has_all_of_the_first_migrations_is_taken_over_and_a_new_one_is_not(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&GROWN);
    // One was made by another tool, one is new, and one is migrated.
    fleet
        .database("default")
        .execute("CREATE TABLE a (added int, id int, name text, other int); CREATE TABLE z (id int)");
    let third = Selection { databases: vec!["users_02".into()], groups: Vec::new() };
    let migrator = Migrator::new(set, fleet.try_fleet(set, &third).unwrap()).to(version(1));
    run(&migrator).unwrap();
    fleet.wait_until_unlocked();
    let before = fleet.fingerprint();
    let recorded = "exit 0\ndefault: 1 a, 2 grow, 4 drop\nusers_01: nothing\nusers_02: nothing";
    assert_eq!(told(&block_on(fleet.migrator(set).plan_fake_initial(version(4)))), recorded);
    assert_eq!(fleet.fingerprint(), before, "it was only looked");
    assert_eq!(told(&fake_initial(&fleet, set, 4)), recorded);
    assert_eq!(
        fleet.database("default").audit(),
        "fake-initial 1 a, fake-initial 2 grow, fake-initial 4 drop"
    );
    assert_eq!(fleet.fingerprint()[1..], before[1..]);
    let run = fleet.run(set);
    let ended = "exit 0\ndefault: done 5, 3 before\nusers_01: done 1 2 3 4 5, 0 before\nusers_02: done 2 3 4 5, 1 before";
    assert_eq!(ending(&run), ended);
    let none = "exit 0\ndefault: nothing\nusers_01: nothing\nusers_02: nothing";
    assert_eq!(told(&fake_initial(&fleet, set, 4)), none, "all have a history");
}

fn a_database_that_has_a_part_of_the_first_migrations_is_told_what_it_lacks(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let set = fleet.set(&GROWN);
    let [default, users_01] = ["default", "users_01"].map(|name| fleet.database(name));
    default.execute("CREATE TABLE a (added int, id int, name text)");
    users_01.execute("CREATE TABLE a (id int, \"old Name\" text, gone int)");
    let before = fleet.fingerprint();
    let records = fake_initial(&fleet, set, 4);
    assert_eq!(told(&records), "exit 5\ndefault: not started\nusers_01: refused error\nusers_02: nothing");
    let why = why(&records);
    let lacks = "it lacks the column `added` of `a`, the column `name` of `a`, the table `person`\n";
    assert!(why.contains(lacks), "{why}");
    assert!(why.contains("the migrations up to 4") && why.contains("`--migrate=baseline --to 4`"), "{why}");
    assert_eq!(fleet.fingerprint(), before);
    users_01.execute("CREATE TABLE t (id int)");
    let recorded = "exit 0\ndefault: nothing\nusers_01: 1 a\nusers_02: nothing";
    default.execute("DROP TABLE a");
    assert_eq!(told(&fake_initial(&fleet, set, 1)), recorded, "it is as the first one leaves it");
}
