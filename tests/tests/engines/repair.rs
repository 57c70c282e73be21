//! Dirty migrations: somebody has looked, and says what was done.

use sharded_migrations::repair::{Next, Repairs, Settled};
use sharded_migrations::{Migrations, OnFailure, Repair, Rollout, Version};

use crate::lock;
use crate::support::fleet::block_on;
use crate::support::{Engine, Target, TestFleet, amended, ending, error, on_every_engine, why};

on_every_engine!(
    a_database_that_cannot_be_asked_keeps_all_from_being_repaired_unless_the_others_are_to_go_on,
    a_divergent_migration_is_accepted_as_its_file_is_now,
    a_file_that_has_a_transaction_now_is_another_one,
    a_file_that_is_another_one_is_applied_from_its_start_or_recorded,
    a_migration_of_other_databases_is_abandoned,
    a_migration_that_is_gone_for_good_is_forgotten,
    a_migration_that_this_binary_does_not_have_is_forgotten_or_kept_as_it_is,
    behind_the_last_statement_the_next_run_only_records_it,
    nothing_above_the_target_is_settled,
    the_next_run_begins_with_the_statement_in_doubt_or_behind_it,
    what_another_process_is_in_the_middle_of_is_left_alone,
    what_is_not_dirty_is_left_alone,
);

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) = (
    "V2__b.sql",
    "-- #[route(everywhere)] #[no_transaction]\nINSERT INTO a VALUES (1);\n\
     CREATE TABLE b (id int);\nINSERT INTO a VALUES (9);\n",
);
const LAST: (&str, &str) = ("V3__last.sql", "-- #[route(everywhere)]\nCREATE TABLE last (id int);\n");

const VALUES: &str = "SELECT id FROM a ORDER BY id";

/// The row that a killed process leaves, so many statements behind the start of a migration.
fn break_off(database: &Target, version: i64, name: &str, checksum: &str, done: usize) {
    database.add_history_row(version, name, checksum, "started");
    database.execute(&format!(
        "UPDATE sharded_migrations_history SET statements_done = {done} WHERE version = {version}"
    ));
}

fn checksum(set: &Migrations, version: i64) -> String {
    let mut all = set.migrations.iter();
    all.find(|migration| migration.version.get() == version).unwrap().checksum.to_string()
}

/// A fleet of one, where the first statement of the second migration is done and the next one is in doubt.
fn dirty(engine: Engine) -> (TestFleet, &'static Migrations) {
    let fleet = TestFleet::of_one(engine);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let set = fleet.set(&[FIRST, SECOND, LAST]);
    let default = fleet.database("default");
    default.execute("INSERT INTO a VALUES (1)");
    break_off(default, 2, "b", &checksum(set, 2), 1);
    (fleet, set)
}

pub(crate) fn repair(fleet: &TestFleet, set: &'static Migrations, repair: Repair) -> Repairs {
    let repairs = block_on(fleet.migrator(set).repair(repair));
    fleet.wait_until_unlocked();
    repairs
}

/// As in `default: 2 b statement V2__b.sql:3:1`.
pub(crate) fn told(repairs: &Repairs) -> String {
    amended(repairs, |Settled { version, name, next }| match next {
        Next::Statement(place) => format!("{version} {name} statement {place}"),
        other => format!("{version} {name} {}", other.kind()),
    })
}

fn the_next_run_begins_with_the_statement_in_doubt_or_behind_it(engine: Engine) {
    for (how, is_done, place, state) in [
        (Repair::Retry, false, "V2__b.sql:3:1", "paused, 1 done"),
        (Repair::Applied, true, "V2__b.sql:4:1", "paused, 2 done"),
    ] {
        let (fleet, set) = dirty(engine);
        let default = fleet.database("default");
        let run = fleet.run(set);
        assert_eq!(ending(&run), "exit 5\ndefault: refused dirty");
        let message = error(&run);
        assert!(message.contains("at V2__b.sql:3:1"), "{message}");
        for flag in ["--retry", "--applied"] {
            let command = format!("`--migrate=repair {flag} --database default`");
            assert!(message.contains(&command), "{message}");
        }
        if is_done {
            default.execute("CREATE TABLE b (id int)");
        }
        let settled = format!("exit 0\ndefault: 2 b statement {place}");
        let before = fleet.fingerprint();
        assert_eq!(told(&block_on(fleet.migrator(set).plan_repair(how))), settled);
        assert_eq!(fleet.fingerprint(), before, "it was only looked");
        assert_eq!(told(&repair(&fleet, set, how)), settled);
        let tables = if is_done { "a b" } else { "a" };
        assert_eq!(default.contents(), format!("{tables} | 1 a, 2 b ({state})"));
        let word = if is_done { "applied" } else { "retry" };
        assert_eq!(default.audit(), format!("{word} 2 b (the next statement is the one at {place})"));
        // Once more does no harm.
        let before = fleet.fingerprint();
        assert_eq!(told(&repair(&fleet, set, how)), "exit 0\ndefault: nothing");
        assert_eq!(fleet.fingerprint(), before);

        assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2 3, 1 before");
        assert_eq!(default.contents(), "a b last | 1 a, 2 b, 3 last");
        assert_eq!(default.query(VALUES), "1\n9");
    }
}

fn behind_the_last_statement_the_next_run_only_records_it(engine: Engine) {
    let (fleet, set) = dirty(engine);
    let default = fleet.database("default");
    default.execute(
        "CREATE TABLE b (id int); INSERT INTO a VALUES (9); \
         UPDATE sharded_migrations_history SET statements_done = 2 WHERE version = 2",
    );
    assert_eq!(told(&repair(&fleet, set, Repair::Applied)), "exit 0\ndefault: 2 b record");
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2 3, 1 before");
    assert_eq!(default.query(VALUES), "1\n9");
}

fn a_file_that_is_another_one_is_applied_from_its_start_or_recorded(engine: Engine) {
    for (how, next) in [(Repair::Retry, "start"), (Repair::Applied, "applied")] {
        let (fleet, _) = dirty(engine);
        let default = fleet.database("default");
        let set = fleet.set(&[FIRST, ("V2__it's.sql", SECOND.1), LAST]);
        assert_eq!(ending(&fleet.run(set)), "exit 5\ndefault: refused dirty");
        if how == Repair::Retry {
            default.execute("DELETE FROM a");
        } else {
            default.execute("CREATE TABLE b (id int); INSERT INTO a VALUES (9)");
        }
        assert_eq!(told(&repair(&fleet, set, how)), format!("exit 0\ndefault: 2 b {next}"));
        let (history, applied) = match how {
            Repair::Retry => ("a | 1 a", "exit 0\ndefault: done 2 3, 1 before"),
            _ => ("a b | 1 a, 2 it's", "exit 0\ndefault: done 3, 2 before"),
        };
        assert_eq!(default.contents(), history);
        assert_eq!(ending(&fleet.run(set)), applied);
        assert_eq!(default.contents(), "a b last | 1 a, 2 it's, 3 last");
        assert_eq!(default.query(VALUES), "1\n9");
        let done = "SELECT statements_done FROM sharded_migrations_history WHERE version = 2";
        assert_eq!(default.query(done), "3");
    }
}

/// Attributes are no part of a checksum.
fn a_file_that_has_a_transaction_now_is_another_one(engine: Engine) {
    let (fleet, _) = dirty(engine);
    fleet.database("default").execute(
        "UPDATE sharded_migrations_history SET state = 'paused', statements_done = 0 WHERE version = 2",
    );
    let text = SECOND.1.replace(" #[no_transaction]", "");
    let set = fleet.set(&[FIRST, (SECOND.0, &text), LAST]);
    assert_eq!(ending(&fleet.run(set)), "exit 5\ndefault: refused dirty");
    fleet.database("default").execute("DELETE FROM a");
    assert_eq!(told(&repair(&fleet, set, Repair::Retry)), "exit 0\ndefault: 2 b start");
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2 3, 1 before");
    assert_eq!(fleet.database("default").query(VALUES), "1\n9");
}

fn a_migration_that_this_binary_does_not_have_is_forgotten_or_kept_as_it_is(engine: Engine) {
    for (how, next, history, ended) in [
        (Repair::Retry, "forgotten", "a | 1 a", "exit 0\ndefault: done, 1 before"),
        (Repair::Applied, "refused", "a | 1 a, 2 b", "exit 5\ndefault: refused missing"),
    ] {
        let (fleet, newer) = dirty(engine);
        let set = fleet.set(&[FIRST]);
        assert_eq!(told(&repair(&fleet, set, how)), format!("exit 0\ndefault: 2 b {next}"));
        assert_eq!(fleet.database("default").contents(), history);
        assert_eq!(ending(&fleet.run(set)), ended);
        if how == Repair::Applied {
            assert_eq!(ending(&fleet.run(newer)), "exit 0\ndefault: done 3, 2 before");
        }
    }
}

pub(crate) fn version(number: i64) -> Version {
    Version::new(number).unwrap()
}

fn a_divergent_migration_is_accepted_as_its_file_is_now(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    fleet.run(fleet.set(&[FIRST, LAST])).unwrap();
    let applied_at = "SELECT applied_at, execution_ms FROM sharded_migrations_history WHERE version = 1";
    let before = fleet.database("default").query(applied_at);
    // One of them has it already: it was applied there after the file was edited.
    let edited = ("V1__it's.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int); -- edited\n");
    let set = fleet.set(&[edited, LAST]);
    let users_02 = fleet.database("users_02");
    users_02.execute(&format!(
        "UPDATE sharded_migrations_history SET name = 'it''s', checksum = '{}' WHERE version = 1",
        checksum(set, 1)
    ));
    let run = fleet.run(set);
    assert_eq!(ending(&run).matches("refused divergent").count(), 2);
    assert!(error(&run).contains("`--migrate=repair --accept 1`"), "{}", error(&run));

    let accepted = "exit 0\ndefault: 1 a accepted\nusers_01: 1 a accepted\nusers_02: nothing";
    let repairs = block_on(fleet.migrator(set).plan_repair(Repair::Accept(version(1))));
    assert_eq!(told(&repairs), accepted);
    let Next::Accepted(difference) = &repairs.databases[0].outcome.changes()[0].next else { panic!() };
    let sums = [checksum(fleet.set(&[FIRST]), 1), checksum(set, 1)];
    let said = format!(
        "it was called `a` and is called `it's` now; its checksum was {} and is {} now",
        sums[0], sums[1]
    );
    assert_eq!(difference.to_string(), said);
    assert_eq!(told(&repair(&fleet, set, Repair::Accept(version(3)))).matches("nothing").count(), 3);
    assert_eq!(told(&repair(&fleet, set, Repair::Accept(version(1)))), accepted);
    let default = fleet.database("default");
    assert_eq!(default.contents(), "a last | 1 it's, 3 last");
    assert_eq!(default.audit(), format!("accept 1 it's ({said})"));
    assert_eq!(default.query(applied_at), before, "it was applied when it was applied");
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

fn a_migration_that_is_gone_for_good_is_forgotten(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let gone = ("V2__gone.sql", "-- #[route(group = \"users\")]\nCREATE TABLE gone (id int);\n");
    let newer = fleet.set(&[FIRST, gone]);
    fleet.run(newer).unwrap();
    let set = fleet.set(&[FIRST]);
    let run = fleet.run(set);
    assert_eq!(ending(&run).matches("refused missing").count(), 2);
    assert!(error(&run).contains("`--migrate=repair --forget 2`"), "{}", error(&run));
    let none = "exit 0\ndefault: nothing\nusers_01: nothing\nusers_02: nothing";
    for other in [Repair::Accept(version(2)), Repair::Abandon(version(2)), Repair::Forget(version(1))] {
        assert_eq!(told(&repair(&fleet, set, other)), none, "{other:?}");
    }
    let forgotten = "exit 0\ndefault: nothing\nusers_01: 2 gone forgotten\nusers_02: 2 gone forgotten";
    assert_eq!(told(&repair(&fleet, set, Repair::Forget(version(2)))), forgotten);
    let users_01 = fleet.database("users_01");
    assert_eq!(users_01.contents(), "a gone | 1 a", "what it made stays");
    assert_eq!(users_01.audit(), format!("forget 2 gone (its row had the checksum {})", checksum(newer, 2)));
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

fn a_migration_of_other_databases_is_abandoned(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let [wide, narrow] = ["everywhere", "group = \"users\""]
        .map(|route| format!("-- #[route({route})]\nCREATE TABLE moved (id int);\n"));
    fleet.run(fleet.set(&[FIRST, ("V2__moved.sql", &wide)])).unwrap();
    let set = fleet.set(&[FIRST, ("V2__moved.sql", &narrow)]);
    let run = fleet.run(set);
    let misrouted = "exit 5\ndefault: refused misrouted\nusers_01: done, 2 before\nusers_02: done, 2 before";
    assert_eq!(ending(&run), misrouted);
    assert!(error(&run).contains("`--migrate=repair --abandon 2`"), "{}", error(&run));
    let none = "exit 0\ndefault: nothing\nusers_01: nothing\nusers_02: nothing";
    assert_eq!(told(&repair(&fleet, set, Repair::Forget(version(2)))), none);
    let abandoned = "exit 0\ndefault: 2 moved abandoned\nusers_01: nothing\nusers_02: nothing";
    assert_eq!(told(&repair(&fleet, set, Repair::Abandon(version(2)))), abandoned);
    let default = fleet.database("default");
    assert_eq!(default.contents(), "a moved | 1 a");
    assert_eq!(default.audit(), format!("abandon 2 moved (its row had the checksum {})", checksum(set, 2)));
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

fn what_is_not_dirty_is_left_alone(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let set = fleet.set(&[FIRST, SECOND]);
    let edited =
        fleet.set(&[("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n"), SECOND]);
    break_off(fleet.database("users_01"), 2, "b", &checksum(set, 2), 0);
    // It stopped between two statements, and goes on by itself.
    break_off(fleet.database("users_02"), 2, "b", &checksum(set, 2), 3);
    let before = fleet.fingerprint();
    let repairs = repair(&fleet, edited, Repair::Retry);
    assert_eq!(
        told(&repairs),
        "exit 0\ndefault: nothing\nusers_01: 2 b statement V2__b.sql:2:1\nusers_02: nothing"
    );
    let after = fleet.fingerprint();
    assert_eq!((&before[0], &before[2]), (&after[0], &after[2]));
    assert_eq!(
        fleet.database("users_01").contents(),
        "a | 1 a, 2 b (paused, 0 done)",
        "that the first one was edited is another matter"
    );
}

fn a_database_that_cannot_be_asked_keeps_all_from_being_repaired_unless_the_others_are_to_go_on(
    engine: Engine,
) {
    let (mut fleet, _) = dirty(engine);
    fleet = fleet.toml("[databases.gone]\nurl = \"${GONE}\"\n");
    fleet.set_url("GONE", engine.pick("postgres://app@127.0.0.1:1/gone", "sqlite:/no/such/folder/gone.db"));
    let set = fleet.set(&[FIRST, SECOND, LAST]);
    let default = fleet.database("default");
    let before = default.fingerprint();
    assert_eq!(
        told(&repair(&fleet, set, Repair::Retry)),
        "exit 5\ndefault: not started\ngone: refused error"
    );
    assert_eq!(default.fingerprint(), before);
    let goes_on = Rollout { on_failure: OnFailure::Continue, ..Rollout::DEFAULT };
    let repairs = block_on(fleet.migrator(set).rollout(goes_on).repair(Repair::Retry));
    assert_eq!(told(&repairs), "exit 4\ndefault: 2 b statement V2__b.sql:3:1\ngone: refused error");
    assert_eq!(default.contents(), "a | 1 a, 2 b (paused, 1 done)");
}

fn nothing_above_the_target_is_settled(engine: Engine) {
    let (fleet, set) = dirty(engine);
    let default = fleet.database("default");
    break_off(default, 7, "other", &"0".repeat(64), 0);
    let up_to = |version| {
        let migrator = fleet.migrator(set).to(Version::new(version).unwrap());
        told(&block_on(migrator.repair(Repair::Retry)))
    };
    assert_eq!(up_to(1), "exit 0\ndefault: nothing");
    assert_eq!(up_to(2), "exit 0\ndefault: 2 b statement V2__b.sql:3:1");
    assert_eq!(default.contents(), "a | 1 a, 2 b (paused, 1 done), 7 other (started, 0 done)");
    assert_eq!(told(&repair(&fleet, set, Repair::Retry)), "exit 0\ndefault: 7 other forgotten");
    assert_eq!(default.contents(), "a | 1 a, 2 b (paused, 1 done)");
}

/// It holds the lock, and may be about to finish it.
fn what_another_process_is_in_the_middle_of_is_left_alone(engine: Engine) {
    let (fleet, set) = lock::fleet(engine);
    fleet.run(fleet.set(&lock::FILES[..1])).unwrap();
    let first = lock::pause(fleet.migrator(set));
    let default = fleet.database("default");
    break_off(default, 2, "b", &checksum(set, 2), 0);
    let before = fleet.fingerprint();
    let repairs = block_on(fleet.migrator(set).repair(Repair::Retry));
    assert_eq!(repairs.exit_code(), 1);
    let error = why(&repairs);
    let (_, holder) = error.split_once("the migration lock is not free: ").unwrap();
    let (holder, _) = holder.split_once(" has it").unwrap();
    assert!(engine.pick(lock::is_first(engine, Some(holder)), holder == "another process"), "{error}");
    assert_eq!(fleet.fingerprint(), before);
    default.execute("DELETE FROM sharded_migrations_history WHERE version = 2");
    assert_eq!(ending(&first.finish()), "exit 0\ndefault: done 2, 1 before");
}
