//! Histories that are changed by hand, where PostgreSQL has schemas and roles.

use sharded_migrations::Version;

use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, amended, ending, why};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) = ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n");

fn version(number: i64) -> Version {
    Version::new(number).unwrap()
}

#[test]
fn the_audit_is_beside_the_history_in_a_schema_of_any_name() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let default = fleet.database("default");
    default.execute("CREATE SCHEMA \"it's \"\"My\"\" Schema\\\"");
    let database = default.postgres();
    database
        .psql(&format!("ALTER DATABASE {} SET search_path = \"it's \"\"My\"\" Schema\\\"", database.name()));
    let set = fleet.set(&[FIRST, SECOND]);
    let migrator = fleet.migrator(set).application_version("1.0 'beta' \\");
    assert_eq!(block_on(migrator.baseline(version(1))).exit_code(), 0);
    let rows = "SELECT x.application_version, h.application_version, x.who = h.applied_by, x.at >= h.applied_at \
                FROM sharded_migrations_audit x JOIN sharded_migrations_history h USING (version)";
    assert_eq!(default.query(rows), "1.0 'beta' \\|1.0 'beta' \\|t|t");
    let schemas =
        "SELECT count(DISTINCT relnamespace) FROM pg_class WHERE relname LIKE 'sharded_migrations_%'";
    assert_eq!(default.query(schemas), "1");
    let audits = block_on(fleet.migrator(set).audit());
    let records = audits.databases[0].records.as_ref().unwrap();
    assert_eq!(records[0].application_version.as_deref(), Some("1.0 'beta' \\"));
    fleet.wait_until_unlocked();
    assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done 2, 1 before");
}

/// The history is there, and the audit is not yet.
#[test]
fn a_role_that_may_not_make_the_audit_is_told_what_to_do_and_nothing_is_changed() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let role = fleet.let_only_change_the_history("default");
    let set = fleet.set(&[FIRST, SECOND]);
    let before = fleet.fingerprint();
    let records = block_on(fleet.migrator(set).fake());
    assert_eq!(records.exit_code(), 1);
    let why = why(&records);
    for part in
        ["permission denied for schema public", "GRANT CREATE", "sharded_migrations_audit", "`migrate_url`"]
    {
        assert!(why.contains(part), "{part} is not in:\n{why}");
    }
    assert_eq!(fleet.fingerprint(), before);
    fleet.wait_until_unlocked();
    let default = fleet.database("default");
    default.execute(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name));
    assert_eq!(block_on(fleet.migrator(set).fake()).exit_code(), 0);
    fleet.wait_until_unlocked();
    // Once it is there, the right to make it is not asked for.
    let third =
        fleet.set(&[FIRST, SECOND, ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n")]);
    default.execute(&format!("REVOKE CREATE ON SCHEMA public FROM {}", role.name));
    assert_eq!(block_on(fleet.migrator(third).fake()).exit_code(), 0);
    assert_eq!(default.audit(), "fake 2 b, fake 3 c");
    // The audit of a fleet may be kept from those who write it.
    let owner = default.query("SELECT current_user");
    default.execute(&format!(
        "ALTER TABLE sharded_migrations_audit OWNER TO {owner}; REVOKE ALL ON sharded_migrations_audit FROM {}",
        role.name
    ));
    let audits = block_on(fleet.migrator(third).audit());
    let error = audits.databases[0].records.as_ref().unwrap_err();
    assert_eq!(error.message, "permission denied for table sharded_migrations_audit");
    let help = "GRANT SELECT on sharded_migrations_audit to the role of the URL";
    assert_eq!(error.help.as_deref(), Some(help));
}

/// A table of the same name in another schema is another table.
#[test]
fn what_is_there_is_looked_for_in_its_schema() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let default = fleet.database("default");
    let shop = "-- #[route(everywhere)]\nCREATE SCHEMA shop;\nCREATE TABLE shop.\"Or.der\" (id int);\n";
    let set = fleet.set(&[("V1__shop.sql", shop), ("V2__a.sql", FIRST.1)]);
    let initial = || {
        let records = block_on(fleet.migrator(set).plan_fake_initial(version(2)));
        (amended(&records, |one| format!("{} {}", one.version, one.name)), why(&records))
    };
    assert_eq!(initial().0, "exit 0\ndefault: nothing");
    default.execute(
        "CREATE SCHEMA other; CREATE TABLE other.a (id int); CREATE TABLE other.\"Or.der\" (id int)",
    );
    assert_eq!(initial().0, "exit 0\ndefault: nothing", "these are others");
    default.execute("CREATE TABLE a (id int)");
    assert!(initial().1.contains("it lacks the table `shop.Or.der`\n"), "{}", initial().1);
    default.execute("CREATE SCHEMA shop; CREATE TABLE shop.\"Or.der\" (id int) PARTITION BY RANGE (id)");
    assert_eq!(initial().0, "exit 0\ndefault: 1 shop, 2 a");
}
