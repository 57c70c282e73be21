//! How many rows a migration changed, as the report and the events say.

use std::sync::Mutex;

use sharded_migrations::{Event, Report};

use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, on_every_engine};

on_every_engine!(
    a_retry_counts_once,
    outside_a_transaction_each_statement_counts,
    what_changes_rows_is_counted_and_what_reads_them_is_not,
    what_cannot_be_known_is_not_guessed,
);

const TABLE: (&str, &str) = (
    "V1__a.sql",
    "-- #[route(everywhere)]\nCREATE TABLE a (id int PRIMARY KEY, n int);\nCREATE TABLE log (id int);\n",
);

/// The rows of each migration, as reported and as told of meanwhile.
fn rows(report: &Report) -> Vec<Option<u64>> {
    report.databases[0].applied.iter().map(|step| step.rows).collect()
}

fn applied(engine: Engine, files: &[(&str, &str)]) -> Vec<Option<u64>> {
    let fleet = TestFleet::of_one(engine);
    let set = fleet.set(files);
    let told = Mutex::new(Vec::new());
    let migrator = fleet.migrator(set).on_event(|event| {
        if let Event::MigrationApplied { rows, .. } = event {
            told.lock().unwrap().push(*rows);
        }
    });
    let report = block_on(migrator.run()).unwrap();
    drop(migrator);
    assert_eq!(told.into_inner().unwrap(), rows(&report));
    rows(&report)
}

fn what_changes_rows_is_counted_and_what_reads_them_is_not(engine: Engine) {
    let fill = "-- #[route(everywhere)]\n/* three */ INSERT INTO a VALUES (1, 1), (2, 1), (3, 1);\nSELECT * FROM a;\n\
                -- two\nUPDATE a SET n = 2 WHERE id > 1;\nCREATE TABLE copy AS SELECT * FROM a;\n";
    let none = "-- #[route(everywhere)]\nDELETE FROM a WHERE id > 7;\nSELECT * FROM a;\n";
    let again = "-- #[route(everywhere)]\nDELETE FROM a;\nINSERT INTO log SELECT id FROM copy;\n";
    let files = [TABLE, ("V2__fill.sql", fill), ("V3__none.sql", none), ("V4__again.sql", again)];
    assert_eq!(applied(engine, &files), [None, Some(5), Some(0), Some(6)]);
}

fn what_cannot_be_known_is_not_guessed(engine: Engine) {
    let with = "-- #[route(everywhere)]\nINSERT INTO a VALUES (1, 1);\n\
                WITH b AS (SELECT 2 AS id) INSERT INTO a SELECT id, 1 FROM b;\n";
    // SQLite has no statement that changes rows and does not count them; of this nobody can tell.
    let hidden = engine.pick(
        "INSERT INTO log VALUES (1);\nWITH b AS (DELETE FROM log RETURNING id) INSERT INTO a SELECT 7, id FROM b;\n",
        "INSERT INTO log VALUES (1);\nEXPLAIN DELETE FROM log;\n",
    );
    let hidden = format!("-- #[route(everywhere)]\n{hidden}");
    let block = engine.pick("DO $$ BEGIN DELETE FROM log; END $$;\n", "EXPLAIN SELECT 1;\n");
    let block = format!("-- #[route(everywhere)] #[touches(log)]\nINSERT INTO log VALUES (1);\n{block}");
    let trigger = engine.pick(
        "CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (new.id), (new.id); \
         RETURN new; END $$;\nCREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION logs();\n",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO log VALUES (new.id), (new.id); END;\n",
    );
    let trigger = format!("-- #[route(everywhere)]\n{trigger}INSERT INTO a VALUES (3, 1) RETURNING id;\n");
    let files = [
        TABLE,
        ("V2__with.sql", with),
        ("V3__hidden.sql", &hidden),
        ("V4__block.sql", &block),
        ("V5__trigger.sql", &trigger),
    ];
    let rows = [None, Some(2), None, None, Some(1)];
    assert_eq!(applied(engine, &files), rows, "a trigger's rows are not the statement's");
}

fn outside_a_transaction_each_statement_counts(engine: Engine) {
    let outside = "-- #[route(everywhere)]\n-- #[no_transaction]\nINSERT INTO a VALUES (1, 1), (2, 1);\nDELETE FROM a;\n";
    let nothing = "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE INDEX a_n ON a (n);\n";
    let files = [TABLE, ("V2__outside.sql", outside), ("V3__index.sql", nothing)];
    assert_eq!(applied(engine, &files), [None, Some(4), None]);
}

/// What was rolled back is not counted, and what is resumed is not known as a whole.
fn a_retry_counts_once(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let failing = "-- #[route(everywhere)]\n-- #[no_transaction]\nINSERT INTO a VALUES (1, 1);\nINSERT INTO gone VALUES (1);\n";
    let inside = "-- #[route(everywhere)]\nINSERT INTO a VALUES (7, 1);\nINSERT INTO missing VALUES (1);\n";
    let set = fleet.set(&[TABLE, ("V2__inside.sql", inside), ("V3__outside.sql", failing)]);
    block_on(fleet.migrator(set).run()).unwrap_err();
    fleet.wait_until_unlocked();
    let database = fleet.database("default");
    database.execute("CREATE TABLE missing (id int)");
    block_on(fleet.migrator(set).run()).unwrap_err();
    fleet.wait_until_unlocked();
    database.execute("CREATE TABLE gone (id int)");
    let report = block_on(fleet.migrator(set).run()).unwrap();
    assert_eq!(rows(&report), [None], "the first statement was an earlier run's");
}
