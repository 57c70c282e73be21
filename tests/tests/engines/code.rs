//! Migrations that are written in Rust.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use sharded_migrations::step::{Context, Result, StepFunction};
use sharded_migrations::{Code, Event, Migration, Migrations};

use crate::support::fleet::{block_on, run};
use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_checkpoint_is_there_with_its_part_or_not_at_all,
    a_failure_leaves_nothing,
    a_history_of_before_gets_a_place_for_checkpoints,
    a_mended_step_goes_on_from_its_checkpoint,
    a_panic_is_the_failure_of_one_database,
    a_step_cannot_end_its_transaction,
    a_step_has_what_belongs_to_its_database,
    a_step_that_is_dropped_goes_on_from_its_checkpoint,
    progress_is_told,
    sql_before_and_behind_it_is_applied_in_order,
    values_go_there_and_back,
    without_its_function_a_step_is_not_run,
);

const FIRST: (&str, &str) =
    ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint, note text);\n");
const LAST: (&str, &str) = ("V3__last.sql", "-- #[route(everywhere)]\nCREATE TABLE last (id int);\n");
const STEP: (&str, &str) =
    ("V2__step.rs", "#[route(everywhere)]\npub async fn step(context: &mut Context) -> Result {}\n");
const IN_PARTS: (&str, &str) = (
    "V2__step.rs",
    "#[route(everywhere)]\n#[no_transaction]\npub async fn step(context: &mut Context) -> Result {}\n",
);

/// A set whose step, which is read from a file, runs this function, as an embedded one does.
pub(crate) fn with_step(
    fleet: &TestFleet,
    files: &[(&str, &str)],
    step: &'static StepFunction,
) -> &'static Migrations {
    let mut set = fleet.set(files).clone();
    let linked = |mut migration: Migration| {
        if let Some(code) = &migration.code {
            migration.code = Some(Code::linked(code.function.clone(), step));
        }
        migration
    };
    set.migrations = set.migrations.iter().cloned().map(linked).collect();
    Box::leak(Box::new(set))
}

fn rows(fleet: &TestFleet) -> String {
    fleet.database("default").query("SELECT id, note FROM a ORDER BY id").replace('\n', " ")
}

fn sql_before_and_behind_it_is_applied_in_order(engine: Engine) {
    static STEP_FUNCTION: StepFunction = StepFunction(|context| Box::pin(step(context)));
    async fn step(context: &mut Context) -> Result {
        let changed = context.execute("INSERT INTO a VALUES ($1, $2)", &[&1, &"it's"]).await?;
        assert_eq!(changed, 1);
        context.batch("INSERT INTO a VALUES (2, 'b'); UPDATE a SET note = note || '!'").await?;
        let rows = context.query("SELECT id, note FROM a WHERE id < $1 ORDER BY id", &[&9]).await?;
        let notes: Vec<String> =
            rows.iter().map(|row| row.get("note")).collect::<std::result::Result<_, _>>()?;
        assert_eq!(notes, ["it's!", "b!"]);
        Ok(())
    }
    let fleet = TestFleet::of_three(engine);
    let set = with_step(&fleet, &[FIRST, STEP, LAST], &STEP_FUNCTION);
    let done = "exit 0\ndefault: done 1 2 3, 0 before\nusers_01: done 1 2 3, 0 before\nusers_02: done 1 2 3, 0 before";
    assert_eq!(ending(&fleet.run(set)), done);
    assert_eq!(rows(&fleet), "1|it's! 2|b!");
    assert_eq!(fleet.database("users_02").contents(), "a last | 1 a, 2 step, 3 last");
    fleet.wait_until_unlocked();
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

fn values_go_there_and_back(engine: Engine) {
    static STEP_FUNCTION: StepFunction = StepFunction(|context| Box::pin(step(context)));
    async fn step(context: &mut Context) -> Result {
        let (text, bytes) = ("a\\'\"$1; é", vec![0_u8, 92, 255]);
        let sql = "INSERT INTO v VALUES ($2, $1, $3, $4, $5, $6)";
        context.execute(sql, &[&text, &i64::MIN, &1.5, &true, &bytes, &None::<i64>]).await?;
        let rows = context.query("SELECT * FROM v", &[]).await?;
        let [row] = rows.as_slice() else { return Err("one row".into()) };
        assert_eq!(row.get::<i64>("i")?, i64::MIN);
        assert_eq!(row.get::<String>("t")?, text);
        assert_eq!(row.get::<f64>("f")?, 1.5);
        assert!(row.get::<bool>("b")?);
        assert_eq!(row.get::<Vec<u8>>("x")?, bytes);
        assert_eq!(row.get::<Option<i64>>("n")?, None);
        assert!(row.get::<i64>("n").is_err() && row.get::<i64>("unknown").is_err());
        Ok(())
    }
    let fleet = TestFleet::of_one(engine);
    let bytes = engine.pick("bytea", "blob");
    let table = format!(
        "-- #[route(everywhere)]\nCREATE TABLE v (i bigint, t text, f double precision, b boolean, x {bytes}, n int);\n"
    );
    let set = with_step(&fleet, &[("V1__v.sql", &table), STEP], &STEP_FUNCTION);
    let done = fleet.run(set);
    assert_eq!(ending(&done), "exit 0\ndefault: done 1 2, 0 before", "{done:?}");
}

fn a_step_has_what_belongs_to_its_database(engine: Engine) {
    static STEP_FUNCTION: StepFunction = StepFunction(|context| Box::pin(step(context)));
    async fn step(context: &mut Context) -> Result {
        assert_eq!(context.group().map(|group| group.as_str()), Some("users"));
        assert!(context.labels().is_empty() && context.checkpoint().is_none());
        let undeclared = context.var("other").unwrap_err();
        assert!(undeclared.message.contains("does not declare the variable `other`"), "{undeclared}");
        let note = format!("{} {}", context.database(), context.var("shard")?);
        context.execute("INSERT INTO a VALUES (1, $1)", &[&note]).await?;
        Ok(())
    }
    let fleet = TestFleet::of_three(engine);
    let file = "#[route(group = \"users\")]\n#[vars(shard)]\npub async fn step(context: &mut Context) -> Result {}\n";
    let set = with_step(&fleet, &[FIRST, ("V2__step.rs", file)], &STEP_FUNCTION);
    fleet.run(set).unwrap();
    assert_eq!(fleet.database("users_02").query("SELECT note FROM a"), "users_02 2");
    assert_eq!(fleet.database("default").query("SELECT note FROM a"), "");
}

fn a_failure_leaves_nothing(engine: Engine) {
    static ITS_OWN: StepFunction = StepFunction(|context| Box::pin(its_own(context)));
    async fn its_own(context: &mut Context) -> Result {
        context.batch("CREATE TABLE b (id int); INSERT INTO a VALUES (1, 'x')").await?;
        Err("no tariff for account 7".into())
    }
    static OF_SQL: StepFunction = StepFunction(|context| Box::pin(of_sql(context)));
    async fn of_sql(context: &mut Context) -> Result {
        context.batch("CREATE TABLE b (id int)").await?;
        context.execute("INSERT INTO missing VALUES ($1)", &[&1]).await?;
        Ok(())
    }
    static PASSED_OVER: StepFunction = StepFunction(|context| Box::pin(passed_over(context)));
    async fn passed_over(context: &mut Context) -> Result {
        let _ = context.execute("INSERT INTO missing VALUES (1)", &[]).await;
        context.execute("INSERT INTO missing VALUES (2)", &[]).await.map_err(|_| "other words")?;
        Ok(())
    }
    let fleet = TestFleet::of_one(engine);
    let failed = "exit 1\ndefault: failed at migrations/V2__step.rs, 1 applied, 0 before";
    for (step, parts) in [
        (&ITS_OWN, vec!["no tariff for account 7", "V2__step.rs"]),
        (
            &OF_SQL,
            vec![
                "missing",
                engine.pick("42P01", "no such table"),
                "in the statement: INSERT INTO missing VALUES ($1)",
            ],
        ),
        (&PASSED_OVER, vec!["other words", "the database had said: "]),
    ] {
        let set = with_step(&fleet, &[FIRST, STEP, LAST], step);
        let result = fleet.run(set);
        let expected =
            if fleet.database("default").contents() == "a | 1 a" && parts[0] != "no tariff for account 7" {
                failed.replace(" 1 applied, 0 before", " applied, 1 before")
            } else {
                failed.to_owned()
            };
        assert_eq!(ending(&result), expected);
        for part in parts {
            assert!(error(&result).contains(part), "{part}: {}", error(&result));
        }
        assert_eq!(fleet.database("default").contents(), "a | 1 a");
        fleet.wait_until_unlocked();
    }
}

fn a_panic_is_the_failure_of_one_database(engine: Engine) {
    static STEP_FUNCTION: StepFunction = StepFunction(|context| Box::pin(step(context)));
    async fn step(context: &mut Context) -> Result {
        context.batch("CREATE TABLE b (id int)").await?;
        assert_ne!(context.database().as_str(), "default", "not here");
        Ok(())
    }
    let fleet = TestFleet::of_three(engine).toml("[rollout]\non_failure = \"continue\"\n");
    let set = with_step(&fleet, &[FIRST, STEP], &STEP_FUNCTION);
    let result = fleet.run(set);
    let lines = "exit 4\ndefault: failed at migrations/V2__step.rs, 1 applied, 0 before\n\
                 users_01: done 1 2, 0 before\nusers_02: done 1 2, 0 before";
    assert_eq!(ending(&result), lines);
    assert!(error(&result).contains("the step panicked: ") && error(&result).contains("not here"));
    assert_eq!(fleet.database("default").contents(), "a | 1 a");
    fleet.wait_until_unlocked();
}

fn a_step_cannot_end_its_transaction(engine: Engine) {
    static STEP_FUNCTION: StepFunction = StepFunction(|context| Box::pin(step(context)));
    async fn step(context: &mut Context) -> Result {
        context.batch("INSERT INTO a VALUES (1, 'x')").await?;
        for sql in ["COMMIT", "/* x */ rollback; begin", "SAVEPOINT a"] {
            let refused = context.batch(sql).await.unwrap_err();
            assert!(refused.message.contains("cannot begin or end transactions"), "{sql}: {refused}");
            assert!(context.execute(sql, &[]).await.is_err() && context.query(sql, &[]).await.is_err());
        }
        let several = context.execute("DELETE FROM a; DELETE FROM a", &[]).await.unwrap_err();
        assert!(several.message.contains("several statements"), "{several}");
        for whole in [context.save("1").await, context.transaction().await.map(|_| ())] {
            assert!(whole.unwrap_err().message.contains("the step is one transaction"));
        }
        Err("enough".into())
    }
    let fleet = TestFleet::of_one(engine);
    let set = with_step(&fleet, &[FIRST, STEP], &STEP_FUNCTION);
    let result = fleet.run(set);
    assert!(error(&result).contains("enough"), "{}", error(&result));
    assert_eq!((fleet.database("default").contents(), rows(&fleet)), ("a | 1 a".into(), String::new()));
}

fn progress_is_told(engine: Engine) {
    static STEP_FUNCTION: StepFunction = StepFunction(|context| Box::pin(step(context)));
    async fn step(context: &mut Context) -> Result {
        for done in 1..=3 {
            context.progress(done, 3);
            context.execute("INSERT INTO a VALUES ($1, NULL)", &[&i64::try_from(done)?]).await?;
        }
        Ok(())
    }
    let fleet = TestFleet::of_one(engine);
    let set = with_step(&fleet, &[FIRST, STEP], &STEP_FUNCTION);
    let told = Mutex::new(Vec::new());
    let migrator = fleet.migrator(set).on_event(|event| {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::MigrationStarted { migration, .. } => told.push(format!("{migration} starts")),
            Event::MigrationProgress { migration, done, of, .. } => {
                told.push(format!("{migration} {done}/{of}"))
            }
            Event::MigrationApplied { migration, .. } => told.push(format!("{migration} ends")),
            _ => {}
        }
    });
    block_on(migrator.run()).unwrap();
    drop(migrator);
    let all =
        ["1 a starts", "1 a ends", "2 step starts", "2 step 1/3", "2 step 2/3", "2 step 3/3", "2 step ends"];
    assert_eq!(told.into_inner().unwrap(), all);
}

/// Copies numbers from its checkpoint up to nine, three at a time, and adds up what it has done.
async fn copies(context: &mut Context, until: i64) -> Result {
    let mut last: i64 = context.checkpoint().unwrap_or("0").parse()?;
    while last < 9 {
        let mut part = context.transaction().await?;
        for id in last + 1..=last + 3 {
            part.execute("INSERT INTO a VALUES ($1, 'x')", &[&id]).await?;
        }
        if last >= until {
            return Err("stopped".into());
        }
        last += 3;
        part.commit(last.to_string()).await?;
    }
    Ok(())
}

fn a_checkpoint_is_there_with_its_part_or_not_at_all(engine: Engine) {
    static FAILS: StepFunction = StepFunction(|context| Box::pin(async move { copies(context, 3).await }));
    static WHOLE: StepFunction = StepFunction(|context| Box::pin(async move { copies(context, 99).await }));
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    let checkpoint = || default.query("SELECT checkpoint FROM sharded_migrations_history WHERE version = 2");
    let set = with_step(&fleet, &[FIRST, IN_PARTS, LAST], &FAILS);
    let result = fleet.run(set);
    assert_eq!(ending(&result), "exit 1\ndefault: failed at migrations/V2__step.rs, 1 applied, 0 before");
    assert_eq!(default.contents(), "a | 1 a, 2 step (paused, 0 done)");
    assert_eq!((rows(&fleet), checkpoint()), ("1|x 2|x 3|x".into(), "3".into()), "what was open is undone");
    fleet.wait_until_unlocked();
    let set = with_step(&fleet, &[FIRST, IN_PARTS, LAST], &WHOLE);
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2 3, 1 before");
    assert_eq!(default.query("SELECT count(*), count(DISTINCT id), max(id) FROM a"), "9|9|9");
    assert_eq!(default.contents(), "a last | 1 a, 2 step, 3 last");
}

/// As when its process is killed: nobody writes anything any more.
fn a_step_that_is_dropped_goes_on_from_its_checkpoint(engine: Engine) {
    static AT: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
    static STOPS: [StepFunction; 2] = [
        StepFunction(|context| Box::pin(async move { stops(context, &AT[0]).await })),
        StepFunction(|context| Box::pin(async move { stops(context, &AT[1]).await })),
    ];
    async fn stops(context: &mut Context, at: &AtomicUsize) -> Result {
        let mut part = context.transaction().await?;
        part.execute("INSERT INTO a VALUES (1, 'x'), (2, 'x'), (3, 'x')", &[]).await?;
        part.commit("3").await?;
        let mut part = context.transaction().await?;
        part.execute("INSERT INTO a VALUES (4, 'x')", &[]).await?;
        at.store(1, Ordering::SeqCst);
        std::future::pending::<()>().await;
        Ok(())
    }
    static WHOLE: StepFunction = StepFunction(|context| Box::pin(async move { copies(context, 99).await }));
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    let index = engine.pick(0, 1);
    let migrator = fleet.migrator(with_step(&fleet, &[FIRST, IN_PARTS], &STOPS[index]));
    block_on(async {
        let run = migrator.run();
        let is_there = async {
            while AT[index].load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            ended = run => panic!("{ended:?}"),
            () = is_there => {}
        }
    });
    drop(migrator);
    fleet.wait_until_unlocked();
    assert_eq!(default.contents(), "a | 1 a, 2 step (started, 0 done)");
    let set = with_step(&fleet, &[FIRST, IN_PARTS], &WHOLE);
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2, 1 before");
    assert_eq!(default.query("SELECT count(*), count(DISTINCT id), max(id) FROM a"), "9|9|9");
}

fn a_mended_step_goes_on_from_its_checkpoint(engine: Engine) {
    static FAILS: StepFunction = StepFunction(|context| Box::pin(async move { copies(context, 6).await }));
    static WHOLE: StepFunction = StepFunction(|context| Box::pin(async move { copies(context, 99).await }));
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    fleet.run(with_step(&fleet, &[FIRST, IN_PARTS], &FAILS)).unwrap_err();
    fleet.wait_until_unlocked();
    let mended = format!("{}// mended\n", IN_PARTS.1);
    let set = with_step(&fleet, &[FIRST, (IN_PARTS.0, &mended)], &WHOLE);
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2, 1 before");
    assert_eq!(default.query("SELECT count(*), count(DISTINCT id) FROM a"), "9|9");
    fleet.wait_until_unlocked();
    assert_eq!(fleet.run(set).unwrap().applied(), 0, "the history has its new checksum");
    let before = with_step(&fleet, &[FIRST, IN_PARTS], &FAILS);
    assert_eq!(ending(&fleet.run(before)), "exit 5\ndefault: refused divergent");
}

fn a_history_of_before_gets_a_place_for_checkpoints(engine: Engine) {
    static WHOLE: StepFunction = StepFunction(|context| Box::pin(async move { copies(context, 99).await }));
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    fleet.run(fleet.set(&[FIRST])).unwrap();
    fleet.wait_until_unlocked();
    default.execute("ALTER TABLE sharded_migrations_history DROP COLUMN checkpoint");
    let set = with_step(&fleet, &[FIRST, IN_PARTS, LAST], &WHOLE);
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2 3, 1 before");
    assert_eq!(default.query("SELECT checkpoint FROM sharded_migrations_history WHERE version = 2"), "9");
}

fn without_its_function_a_step_is_not_run(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let result = run(&fleet.migrator(fleet.set(&[FIRST, STEP])));
    assert_eq!(ending(&result), "exit 1\ndefault: failed at migrations/V2__step.rs, 1 applied, 0 before");
    assert!(error(&result).contains("was not built with it"), "{}", error(&result));
    assert_eq!(fleet.database("default").contents(), "a | 1 a");
}
