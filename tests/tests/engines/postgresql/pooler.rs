//! PgBouncer between a run and its server.

use sharded_migrations::step::{Context, Result, StepFunction};
use sharded_migrations::{Back, Migrator, Repair, Selection, Version};
use sharded_migrations_tests::pgbouncer::{PgBouncer, PoolMode};
use sharded_migrations_tests::postgres::Cluster;

use crate::code::with_step;
use crate::support::fleet::{block_on, run};
use crate::support::{Engine, TestFleet, ending, error, why};

const FIRST: (&str, &str) =
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\n");
const SECOND: (&str, &str) = ("V2__b.sql", "-- #[route(group = \"users\")]\nALTER TABLE a ADD b int;\n");
const OUTSIDE: (&str, &str) = (
    "V3__index.sql",
    "-- #[route(group = \"users\")]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY a_id ON a (id);\n\
     INSERT INTO a VALUES (2);\n",
);

const NAMES: [&str; 3] = ["default", "users_01", "users_02"];

/// Databases whose URLs lead to the pooler.
fn behind(pooler: &PgBouncer) -> TestFleet {
    let mut fleet = TestFleet::new(Engine::Postgres, &NAMES);
    for name in NAMES {
        let url = pooler.url(fleet.database(name).postgres());
        fleet.set_url(name, url);
    }
    fleet
}

/// In both modes, and a pooler that lends its connections to others afterwards lends no lock with them.
#[test]
fn transactions_are_applied_through_a_pooler() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let pooler = PgBouncer::start(Cluster::shared(), mode);
        let fleet = behind(&pooler);
        let set = fleet.set(&[FIRST, SECOND]);
        let first = fleet.run(set);
        assert_eq!(
            ending(&first),
            "exit 0\ndefault: done 1, 0 before\nusers_01: done 1 2, 0 before\nusers_02: done 1 2, 0 before",
            "{mode:?}: {first:?}"
        );
        let second = fleet.run(set);
        assert!(ending(&second).starts_with("exit 0\ndefault: done, 1 before\n"), "{mode:?}: {second:?}");
        fleet.wait_until_unlocked();
        assert_eq!(fleet.database("users_02").query("SELECT id, b FROM a"), "1|");
    }
}

const FIRST_BACK: (&str, &str) = ("V1__a.down.sql", "DROP TABLE a;\n");
const SECOND_BACK: (&str, &str) = ("V2__b.down.sql", "ALTER TABLE a DROP COLUMN b;\n");
const OUTSIDE_BACK: (&str, &str) = ("V3__index.down.sql", "DROP INDEX CONCURRENTLY IF EXISTS a_id;\n");

fn to(version: i64) -> Back {
    Back::To(Version::new(version).unwrap())
}

#[test]
fn transactions_are_taken_back_through_a_pooler() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let pooler = PgBouncer::start(Cluster::shared(), mode);
        let fleet = behind(&pooler);
        let set = fleet.set(&[FIRST, FIRST_BACK, SECOND, SECOND_BACK]);
        fleet.run(set).unwrap();
        fleet.wait_until_unlocked();
        // Several at once: each is taken back once.
        let migrators = [0; 4].map(|_| fleet.migrator(set));
        let results = std::thread::scope(|scope| {
            let threads = migrators.each_ref().map(|one| scope.spawn(|| block_on(one.down(to(0)))));
            threads.map(|thread| thread.join().unwrap())
        });
        let taken_back: usize = results
            .iter()
            .map(|result| result.as_ref().map_or_else(|e| panic!("{mode:?}: {e}"), |r| r.taken_back()))
            .sum();
        assert_eq!(taken_back, 5, "{mode:?}: {results:?}");
        fleet.wait_until_unlocked();
        assert_eq!(fleet.contents(), "default:  | \nusers_01:  | \nusers_02:  | ", "{mode:?}");
        assert_eq!(fleet.database("users_02").audit(), "down 2 b, down 1 a", "{mode:?}");
        assert_eq!(fleet.run(set).unwrap().applied(), 5, "{mode:?}");
        fleet.wait_until_unlocked();
    }
}

/// A lock for several statements takes one session here, too.
#[test]
fn outside_a_transaction_nothing_is_taken_back_through_a_pool_of_transactions() {
    let files = [FIRST, FIRST_BACK, SECOND, SECOND_BACK, OUTSIDE, OUTSIDE_BACK];
    let direct = TestFleet::new(Engine::Postgres, &NAMES);
    direct.run(direct.set(&files)).unwrap();
    direct.wait_until_unlocked();
    let before = direct.fingerprint();
    let pooled = |mode| {
        let pooler = PgBouncer::start(Cluster::shared(), mode);
        let mut fleet = TestFleet::new(Engine::Postgres, &[]).toml(&direct.databases_toml());
        for name in NAMES {
            fleet.set_url(name, pooler.url(direct.database(name).postgres()));
        }
        (pooler, fleet)
    };
    let (_pooler, fleet) = pooled(PoolMode::Transaction);
    let set = fleet.set(&files);
    for back in [to(0), to(2), Back::Newest] {
        let result = block_on(fleet.migrator(set).down(back));
        let ended = ending(&result);
        let users = "users_01: refused error\nusers_02: refused error";
        assert!(ended.starts_with("exit 5\ndefault: ") && ended.ends_with(users), "{ended}");
        let message = error(&result);
        assert!(message.contains("a pooler that gives each transaction another connection"), "{message}");
        assert!(message.contains("`migrate_url` in databases.toml"), "{message}");
        assert_eq!(direct.fingerprint(), before);
    }
    direct.wait_until_unlocked();
    // A pool of sessions is as good as the server.
    let (_pooler, fleet) = pooled(PoolMode::Session);
    let result = block_on(fleet.migrator(set).down(to(1)));
    let ended = "exit 0\ndefault: done, 1 before\nusers_01: done back 3 2, 3 before\nusers_02: done back 3 2, 3 before";
    assert_eq!(ending(&result), ended, "{result:?}");
    direct.wait_until_unlocked();
    assert_eq!(direct.database("users_02").contents(), "a | 1 a");
}

/// Values go with their statement, and nothing of it is left in a connection that others get.
#[test]
fn steps_in_rust_are_applied_through_a_pooler() {
    static STEP: StepFunction = StepFunction(|context| Box::pin(step(context)));
    async fn step(context: &mut Context) -> Result {
        for id in 10..20_i64 {
            context.execute("INSERT INTO a VALUES ($1)", &[&id]).await?;
        }
        let rows = context.query("SELECT count(*) AS n FROM a WHERE id >= $1", &[&10]).await?;
        let is_all = [10, 20].contains(&rows[0].get::<i64>("n")?);
        assert!(is_all, "the second step adds as many");
        Ok(())
    }
    let file = |header: &str| format!("{header}\npub async fn step(context: &mut Context) -> Result {{}}\n");
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let pooler = PgBouncer::start(Cluster::shared(), mode);
        let fleet = behind(&pooler);
        let set = with_step(&fleet, &[FIRST, ("V4__step.rs", &file("#[route(everywhere)]"))], &STEP);
        let migrators = [0; 4].map(|_| fleet.migrator(set));
        let results = std::thread::scope(|scope| {
            let threads = migrators.each_ref().map(|one| scope.spawn(|| run(one)));
            threads.map(|thread| thread.join().unwrap())
        });
        let applied: usize = results.into_iter().map(|result| result.unwrap().applied()).sum();
        assert_eq!(applied, 6, "{mode:?}");
        fleet.wait_until_unlocked();
        let users = fleet.database("users_02");
        assert_eq!(users.query("SELECT count(*), count(DISTINCT id) FROM a"), "11|11", "{mode:?}");
        let parts = file("#[route(group = \"users\")]\n#[no_transaction]");
        let set = with_step(
            &fleet,
            &[FIRST, ("V4__step.rs", &file("#[route(everywhere)]")), ("V5__parts.rs", &parts)],
            &STEP,
        );
        let result = fleet.run(set);
        match mode {
            PoolMode::Session => assert!(ending(&result).starts_with("exit 0\n"), "{result:?}"),
            PoolMode::Transaction => assert!(error(&result).contains("cannot keep its lock"), "{result:?}"),
        }
    }
}

#[test]
fn runs_at_once_through_a_pooler_apply_each_migration_once() {
    for mode in [PoolMode::Session, PoolMode::Transaction] {
        let pooler = PgBouncer::start(Cluster::shared(), mode);
        let fleet = behind(&pooler);
        let set = fleet.set(&[FIRST, SECOND]);
        let migrators = [0; 4].map(|_| fleet.migrator(set));
        let results = std::thread::scope(|scope| {
            let threads = migrators.each_ref().map(|one| scope.spawn(|| run(one)));
            threads.map(|thread| thread.join().unwrap())
        });
        let applied: usize = results
            .iter()
            .map(|result| result.as_ref().map_or_else(|e| panic!("{mode:?}: {e}"), |r| r.applied()))
            .sum();
        assert_eq!(applied, 5, "{mode:?}: {results:?}");
        fleet.wait_until_unlocked();
        for name in NAMES {
            assert_eq!(fleet.database(name).query("SELECT id FROM a"), "1", "{mode:?}");
        }
    }
}

#[test]
fn outside_a_transaction_a_pool_of_sessions_is_as_good_as_the_server() {
    let pooler = PgBouncer::start(Cluster::shared(), PoolMode::Session);
    let fleet = behind(&pooler);
    let result = fleet.run(fleet.set(&[FIRST, SECOND, OUTSIDE]));
    assert!(ending(&result).starts_with("exit 0\n"), "{result:?}");
    assert_eq!(fleet.database("users_02").query("SELECT id FROM a ORDER BY 1"), "1\n2");
    fleet.wait_until_unlocked();
}

/// One lock for several statements takes one session for them.
#[test]
fn outside_a_transaction_a_pool_of_transactions_is_refused_before_anything_is_written() {
    let pooler = PgBouncer::start(Cluster::shared(), PoolMode::Transaction);
    let fleet = behind(&pooler);
    let before = fleet.fingerprint();
    let result = fleet.run(fleet.set(&[FIRST, SECOND, OUTSIDE]));
    assert_eq!(
        ending(&result),
        "exit 5\ndefault: not started\nusers_01: refused error\nusers_02: refused error",
        "{result:?}"
    );
    let message = error(&result);
    assert!(message.contains("a pooler that gives each transaction another connection"), "{message}");
    assert!(message.contains("`migrate_url` in databases.toml"), "{message}");
    assert_eq!(fleet.fingerprint(), before);
    fleet.wait_until_unlocked();

    // The same with the URL of the last one's server besides.
    let direct = fleet.database("users_02").url();
    let fleet = fleet.toml("migrate_url = \"${DIRECT}\"\n").url("DIRECT", direct);
    let set = fleet.set(&[FIRST, SECOND, OUTSIDE]);
    let selection = Selection { databases: vec!["users_02".into()], groups: Vec::new() };
    let migrator = Migrator::new(set, fleet.try_fleet(set, &selection).unwrap());
    assert_eq!(ending(&run(&migrator)), "exit 0\nusers_02: done 1 2 3, 0 before");
    assert_eq!(fleet.database("users_02").query("SELECT id FROM a ORDER BY 1"), "1\n2");
}

/// Nobody could tell there whether another process is in the middle of the migration.
#[test]
fn nothing_is_repaired_where_no_lock_can_be_kept() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let half = ("V2__b.sql", "-- #[route(everywhere)] #[no_transaction]\nCREATE TABLE b (id int);\n");
    let set = fleet.set(&[FIRST, half]);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let default = fleet.database("default");
    default.add_history_row(2, "b", &set.migrations[1].checksum.to_string(), "started");
    let before = fleet.fingerprint();
    let pooler = PgBouncer::start(Cluster::shared(), PoolMode::Transaction);
    let url = pooler.url(fleet.database("default").postgres());
    fleet.set_url("default", url);
    let repairs = block_on(fleet.migrator(set).repair(Repair::Retry));
    let error = why(&repairs);
    assert_eq!(repairs.exit_code(), 5);
    assert!(error.contains("a pooler that gives each transaction another connection"), "{error}");
    assert_eq!(fleet.fingerprint(), before);
}
