//! What another tool has applied: what keeps it from being adopted, where there is nothing to adopt, and the tables of tools
//! that the suite `adoption` does not build.

use sharded_migrations::record::{Recorded, Records};
use sharded_migrations::{Migrations, Migrator, Selection, Tool, ToolTable};

use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, amended, ending, on_every_engine, why};

on_every_engine!(
    a_database_without_the_table_is_refused_unless_it_is_new,
    a_history_that_says_something_else_is_refused,
    a_table_of_another_name_is_read_where_it_is_named,
    a_table_of_another_shape_is_an_error,
    djangos_table_is_read,
    flyways_table_is_read,
    what_has_no_file_here_is_refused,
    what_is_pending_below_it_is_said,
    what_the_tool_did_not_finish_is_refused,
);

fn adopt(fleet: &TestFleet, set: &'static Migrations, from: impl Into<ToolTable>) -> Records {
    let records = block_on(fleet.migrator(set).adopt(from));
    fleet.wait_until_unlocked();
    records
}

fn told(records: &Records) -> String {
    amended(records, |Recorded { version, name }| format!("{version} {name}"))
}

const DEFAULT: (&str, &str) =
    ("V1__setting.sql", "-- #[route(database = \"default\")]\nCREATE TABLE setting (id int);\n");
const A: (&str, &str) = ("users/V1__a.sql", "-- #[route(group = \"users\")]\nCREATE TABLE a (id int);\n");
const B: (&str, &str) = ("users/V2__b.sql", "-- #[route(group = \"users\")]\nCREATE TABLE b (id int);\n");

/// diesel's table, which is the smallest: it says what was applied and no more.
fn diesel(versions: &[i64]) -> String {
    let rows: Vec<String> =
        versions.iter().map(|version| format!("('{version}', '2026-01-31 12:00:00')")).collect();
    format!(
        "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
         run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP); \
         INSERT INTO __diesel_schema_migrations VALUES {}",
        rows.join(", ")
    )
}

/// A fleet whose databases have had the first migration applied.
fn fleet_of_diesel(engine: Engine) -> (TestFleet, &'static Migrations) {
    let fleet = TestFleet::of_three(engine);
    for database in fleet.databases() {
        let table = if database.name == "default" { "setting" } else { "a" };
        database.execute(&format!("CREATE TABLE {table} (id int); {}", diesel(&[1])));
    }
    let set = fleet.set(&[DEFAULT, A, B]);
    (fleet, set)
}

fn what_has_no_file_here_is_refused(engine: Engine) {
    let (fleet, set) = fleet_of_diesel(engine);
    let insert = |name: &str, version: u32| {
        fleet
            .database(name)
            .execute(&format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"));
    };
    insert("default", 2);
    insert("users_02", 3);
    let before = fleet.fingerprint();
    let records = adopt(&fleet, set, Tool::Diesel);
    assert_eq!(
        told(&records),
        "exit 5\ndefault: refused misrouted\nusers_01: not started\nusers_02: refused missing"
    );
    let message = why(&records);
    for part in [
        "2 is misrouted: diesel has applied it here, and the route of `users/V2__b.sql` is `group = \"users\"`",
        "3 is missing: diesel has applied it here",
        "delete its row from `__diesel_schema_migrations`",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(fleet.fingerprint(), before);
}

fn what_the_tool_did_not_finish_is_refused(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let bytes = engine.pick("BYTEA", "BLOB");
    let sum = "00".repeat(48);
    let sum = engine.pick(format!("'\\x{sum}'"), format!("x'{sum}'"));
    fleet.database("default").execute(&format!(
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
         installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
         checksum {bytes} NOT NULL, execution_time BIGINT NOT NULL); \
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (1, 'setting', false, {sum}, -1)"
    ));
    let records = adopt(&fleet, fleet.set(&[DEFAULT]), Tool::Sqlx);
    assert_eq!(told(&records), "exit 5\ndefault: refused unfinished");
    let message = why(&records);
    assert!(message.starts_with("1 setting is unfinished: sqlx began it"), "{message}");
}

fn a_history_that_says_something_else_is_refused(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let edited = (A.0, "-- #[route(group = \"users\")]\nCREATE TABLE a (id bigint);\n");
    let only = Selection { databases: vec!["users_01".into()], ..Selection::default() };
    let other = fleet.set(&[DEFAULT, edited]);
    let one = fleet.try_fleet(other, &only).unwrap();
    assert!(block_on(Migrator::new(other, one).run()).is_ok());
    for database in fleet.databases() {
        database.execute(&diesel(&[1]));
    }
    let set = fleet.set(&[DEFAULT, A, B]);
    let before = fleet.fingerprint();
    let records = adopt(&fleet, set, Tool::Diesel);
    assert_eq!(
        told(&records),
        "exit 5\ndefault: not started\nusers_01: refused divergent\nusers_02: not started"
    );
    assert_eq!(fleet.fingerprint(), before);
}

fn a_database_without_the_table_is_refused_unless_it_is_new(engine: Engine) {
    let (fleet, set) = fleet_of_diesel(engine);
    let (users_01, users_02) = (fleet.database("users_01"), fleet.database("users_02"));
    users_02.execute("DROP TABLE __diesel_schema_migrations");
    let records = adopt(&fleet, set, Tool::Diesel);
    assert_eq!(
        told(&records),
        "exit 5\ndefault: not started\nusers_01: not started\nusers_02: refused no-table"
    );
    let message = why(&records);
    assert!(
        message.contains("no table `__diesel_schema_migrations` here, but there are others"),
        "{message}"
    );
    // The wrong tool is told from a new database too.
    let records = adopt(&fleet, set, Tool::Refinery);
    assert_eq!(
        told(&records),
        "exit 5\ndefault: refused no-table\nusers_01: refused no-table\nusers_02: refused no-table"
    );

    users_02.execute("DROP TABLE a");
    let records = adopt(&fleet, set, Tool::Diesel);
    assert_eq!(told(&records), "exit 0\ndefault: 1 setting\nusers_01: 1 a\nusers_02: nothing");
    assert_eq!(
        records.databases[2].notes,
        [
            "there is no table `__diesel_schema_migrations` here, nor any other: the database is new",
            "pending afterwards: 1 a, 2 b"
        ]
    );
    assert_eq!(
        ending(&fleet.run(set)),
        "exit 0\ndefault: done, 1 before\nusers_01: done 2, 1 before\nusers_02: done 1 2, 0 before"
    );
    // A shard that came later has a history of ours.
    users_01.execute("DROP TABLE __diesel_schema_migrations");
    let records = adopt(&fleet, set, Tool::Diesel);
    assert_eq!(told(&records), "exit 0\ndefault: nothing\nusers_01: nothing\nusers_02: nothing");
    assert_eq!(
        records.databases[2].notes[0],
        "there is no table `__diesel_schema_migrations` here, and there is a history already"
    );
}

fn a_table_of_another_name_is_read_where_it_is_named(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    let moved = engine.pick("CREATE SCHEMA audit; ALTER TABLE \"Applied\" SET SCHEMA audit", "");
    for database in fleet.databases() {
        let table = if database.name == "default" { "setting" } else { "a" };
        let renamed = "ALTER TABLE __diesel_schema_migrations RENAME TO \"Applied\"";
        database.execute(&format!("CREATE TABLE {table} (id int); {}; {renamed}; {moved}", diesel(&[1])));
    }
    let set = fleet.set(&[DEFAULT, A, B]);
    let named = |name: &str| ToolTable::named(Tool::Diesel, name).unwrap();
    let other = engine.pick("Applied", "Applied_2");
    for (from, name) in [(Tool::Diesel.into(), Tool::Diesel.table()), (named(other), other)] {
        let message = why(&adopt(&fleet, set, from));
        let expected = format!("there is no table `{name}` here, but there are others");
        assert!(message.contains(&expected) && message.contains("(`--table`)"), "{message}");
    }
    let message = why(&adopt(&fleet, set, named("elsewhere.Applied")));
    let expected = engine.pick(
        "there is no table `elsewhere.Applied` here, but there are others",
        "there is no table elsewhere.Applied here: SQLite has no schema `elsewhere`",
    );
    assert!(message.contains(expected), "{message}");

    let table = engine.pick("audit.Applied", "applied");
    let records = adopt(&fleet, set, named(table));
    assert_eq!(told(&records), "exit 0\ndefault: 1 setting\nusers_01: 1 a\nusers_02: 1 a");
    let audit = fleet.database("users_02").audit();
    assert!(audit.contains(&format!("adopt 1 a ({table}: 1)")), "{audit}");
}

fn what_is_pending_below_it_is_said(engine: Engine) {
    let fleet = TestFleet::of_three(engine);
    for database in fleet.databases() {
        let version = if database.name == "default" { 1 } else { 2 };
        database.execute(&diesel(&[version]));
    }
    let set = fleet.set(&[DEFAULT, A, B]);
    let records = adopt(&fleet, set, Tool::Diesel);
    assert_eq!(told(&records), "exit 0\ndefault: 1 setting\nusers_01: 2 b\nusers_02: 2 b");
    let note = &records.databases[1].notes[0];
    assert!(
        note.starts_with("the next run will be refused: 1 is out of order: `users/V1__a.sql` is pending"),
        "{note}"
    );
    assert_eq!(
        ending(&fleet.run(set)),
        "exit 5\ndefault: done, 1 before\nusers_01: refused out-of-order\nusers_02: refused out-of-order"
    );
}

fn a_table_of_another_shape_is_an_error(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    fleet.database("default").execute("CREATE TABLE refinery_schema_history (number int)");
    let records = adopt(&fleet, fleet.set(&[DEFAULT]), Tool::Refinery);
    assert_eq!(told(&records), "exit 5\ndefault: refused error");
    let message = why(&records);
    assert!(message.starts_with("the table refinery_schema_history cannot be read: "), "{message}");
}

const ACCOUNT: &str = "CREATE TABLE account (id int);\nCREATE INDEX account_id ON account (id);\n";
const EMAIL: &str = "ALTER TABLE account ADD email varchar(80);\n";
/// What Python's `zlib.crc32` says of the lines of each, one behind the other, as a number of Java's.
const SUMS: [i32; 2] = [-1_340_113_556, 455_393_430];

fn everywhere(sql: &str) -> String {
    format!("-- #[route(everywhere)]\n{sql}")
}

fn flyways_table_is_read(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let default = fleet.database("default");
    // As Flyway 11 makes it on each.
    let table = engine.pick(
        "CREATE TABLE flyway_schema_history (installed_rank INT NOT NULL PRIMARY KEY, version VARCHAR(50), \
         description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, checksum INTEGER, \
         installed_by VARCHAR(100) NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT now(), \
         execution_time INTEGER NOT NULL, success BOOLEAN NOT NULL)",
        "CREATE TABLE \"flyway_schema_history\" (\"installed_rank\" INT NOT NULL PRIMARY KEY, \"version\" VARCHAR(50), \
         \"description\" VARCHAR(200) NOT NULL, \"type\" VARCHAR(20) NOT NULL, \"script\" VARCHAR(1000) NOT NULL, \
         \"checksum\" INT, \"installed_by\" VARCHAR(100) NOT NULL, \
         \"installed_on\" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')), \"execution_time\" INT NOT NULL, \
         \"success\" BOOLEAN NOT NULL)",
    );
    let [account, email] = SUMS;
    default.execute(&format!(
        "{ACCOUNT} {EMAIL} {table}; INSERT INTO flyway_schema_history \
         (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success) VALUES \
         (1, '1', 'account', 'SQL', 'V1__account.sql', {account}, 'app', 5, true), \
         (2, '1.1', 'add email', 'SQL', 'V1_1__add_email.sql', {email}, 'app', 5, true), \
         (3, NULL, 'views', 'SQL', 'R__views.sql', 12345, 'app', 5, true)"
    ));
    let (account, email) = (everywhere(ACCOUNT), everywhere(EMAIL));
    let set = fleet.set(&[("V1__account.sql", &account), ("V2__add_email.sql", &email)]);
    let records = adopt(&fleet, set, Tool::Flyway);
    assert_eq!(told(&records), "exit 0\ndefault: 1 account, 2 add_email");
    assert_eq!(
        records.databases[0].notes,
        [
            "left out: `R__views.sql`, which Flyway runs again whenever it changes",
            "nothing is pending afterwards"
        ]
    );
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done, 2 before");
}

fn djangos_table_is_read(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    // As Django 5.2 makes it on each.
    let table = engine.pick(
        "CREATE TABLE django_migrations (id bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, \
         app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamp with time zone NOT NULL)",
        "CREATE TABLE \"django_migrations\" (\"id\" integer NOT NULL PRIMARY KEY AUTOINCREMENT, \
         \"app\" varchar(255) NOT NULL, \"name\" varchar(255) NOT NULL, \"applied\" datetime NOT NULL)",
    );
    fleet.database("default").execute(&format!(
        "{ACCOUNT} {EMAIL} {table}; INSERT INTO django_migrations (app, name, applied) VALUES \
         ('auth', '0001_initial', '2026-01-31 12:00:00.123456'), ('shop', '0001_initial', '2026-01-31 12:00:00.123456'), \
         ('shop', '0002_account_email', '2026-01-31 12:00:00.123456')"
    ));
    let (account, email) = (everywhere(ACCOUNT), everywhere(EMAIL));
    let set = fleet.set(&[("shop/0001_initial.sql", &account), ("shop/0002_account_email.sql", &email)]);
    let records = adopt(&fleet, set, Tool::DjangoSql);
    assert_eq!(told(&records), "exit 0\ndefault: 1 initial, 2 account_email");
    assert_eq!(
        records.databases[0].notes[0],
        "left out: the application `auth`, which has no folder of that name (1 row)"
    );
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done, 2 before");
}
