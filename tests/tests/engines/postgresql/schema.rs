//! In which schema the history is, and what a role may do there.

use sharded_migrations_tests::postgres::Cluster;

use crate::support::{Engine, TestFleet, ending, error};

const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
const SECOND: (&str, &str) = ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n");

const WHERE: &str = "SELECT relnamespace::regnamespace, relname FROM pg_class \
                     WHERE relkind = 'r' AND oid >= 16384 ORDER BY relnamespace::regnamespace::text, relname";

/// Has later connections to a database find another `search_path`.
fn set_search_path(fleet: &TestFleet, name: &str, path: &str) {
    let database = fleet.database(name).postgres();
    database.psql(&format!("ALTER DATABASE {} SET search_path = {path}", database.name()));
}

#[test]
fn a_history_that_is_on_the_search_path_is_used_although_it_is_not_first() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let default = fleet.database("default");
    default.execute("CREATE SCHEMA app");
    set_search_path(&fleet, "default", "app, public");
    assert_eq!(ending(&fleet.run(fleet.set(&[FIRST]))), "exit 0\ndefault: done, 1 before");
    assert_eq!(ending(&fleet.run(fleet.set(&[FIRST, SECOND]))), "exit 0\ndefault: done 2, 1 before");
    assert_eq!(default.query(WHERE), "app|b\npublic|a\npublic|sharded_migrations_history");
    assert_eq!(default.query("SELECT count(*) FROM sharded_migrations_history"), "2");
}

#[test]
fn a_schema_may_have_any_name() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let default = fleet.database("default");
    default.execute("CREATE SCHEMA \"it's \"\"My\"\" Schema\\\"");
    set_search_path(&fleet, "default", "\"it's \"\"My\"\" Schema\\\"");
    let concurrent = (
        "V2__i.sql",
        "-- #[route(everywhere)]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY i ON a (id);\n",
    );
    assert_eq!(ending(&fleet.run(fleet.set(&[FIRST, concurrent]))), "exit 0\ndefault: done 1 2, 0 before");
    assert_eq!(ending(&fleet.run(fleet.set(&[FIRST, concurrent]))), "exit 0\ndefault: done, 2 before");
    assert_eq!(default.contents(), "a | 1 a, 2 i");
}

/// Tenants that have a schema each.
#[test]
fn two_schemas_of_one_database_are_two_databases() {
    let mut fleet = TestFleet::new(Engine::Postgres, &["tenants_01", "tenants_02"]);
    let url = fleet.database("tenants_01").url();
    fleet.database("tenants_01").execute("CREATE SCHEMA one; CREATE SCHEMA two");
    for (name, schema) in [("tenants_01", "one"), ("tenants_02", "two")] {
        fleet.set_url(name, format!("{url}?options=-csearch_path%3D{schema}"));
    }
    let set = fleet.set(&[FIRST, SECOND]);
    let result = fleet.run(set);
    assert_eq!(ending(&result), "exit 0\ntenants_01: done 1 2, 0 before\ntenants_02: done 1 2, 0 before");
    let here = "a b sharded_migrations_history";
    let expected =
        |schema: &str| here.split(' ').map(|table| format!("{schema}|{table}")).collect::<Vec<_>>();
    let found = fleet.database("tenants_01").query(WHERE);
    assert_eq!(found.lines().collect::<Vec<_>>(), [expected("one"), expected("two")].concat());
    assert_eq!(fleet.run(set).unwrap().applied(), 0);
}

#[test]
fn a_search_path_without_a_schema_is_refused_before_anything_is_written() {
    let fleet = TestFleet::of_three(Engine::Postgres);
    set_search_path(&fleet, "users_01", "nowhere");
    let result = fleet.run(fleet.set(&[FIRST]));
    let message = error(&result);
    for part in
        ["users_01: no schema of the connection's `search_path` exists", "ALTER ROLE .. SET search_path"]
    {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
    assert_eq!(
        ending(&result),
        "exit 5\ndefault: not started\nusers_01: refused error\nusers_02: not started"
    );
    assert_eq!(fleet.database("default").contents(), "nothing");
}

#[test]
fn a_role_that_may_make_no_table_is_told_what_to_do() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let role = Cluster::shared().create_role("weak");
    let url = fleet.database("default").postgres().url_with_user(&role.name, &role.password);
    fleet.set_url("default", url);
    let set = fleet.set(&[FIRST]);
    let before = fleet.fingerprint();
    let result = fleet.run(set);
    assert_eq!(ending(&result), "exit 5\ndefault: refused error");
    let message = error(&result);
    for part in [
        "default: the role of the URL may create nothing in the schema `public`",
        "GRANT CREATE",
        "`migrate_url` in databases.toml",
    ] {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
    assert_eq!(fleet.fingerprint(), before);
    fleet.wait_until_unlocked();
    fleet.database("default").execute(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name));
    fleet.run(set).unwrap();
}

/// One role owns the history, another one's application starts: it sees that nothing is pending.
#[test]
fn a_role_that_may_only_read_the_history_can_see_that_nothing_is_pending() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    let role = Cluster::shared().create_role("reader");
    let database = fleet.database("default").postgres();
    let url = database.url_with_user(&role.name, &role.password);
    fleet.set_url("default", url);

    let result = fleet.run(fleet.set(&[FIRST]));
    assert_eq!(ending(&result), "exit 5\ndefault: refused error");
    assert!(
        error(&result).contains("permission denied for table sharded_migrations_history"),
        "{}",
        error(&result)
    );
    let grant = format!("GRANT SELECT ON sharded_migrations_history TO {}", role.name);
    fleet.database("default").execute(&grant);
    assert_eq!(ending(&fleet.run(fleet.set(&[FIRST]))), "exit 0\ndefault: done, 1 before");
}

/// A row that is refused for ever is not somebody else's work.
#[test]
fn a_history_that_takes_no_row_is_told_of() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    fleet.run(fleet.set(&[FIRST])).unwrap();
    fleet.database("default").execute(
        "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name = NULL; RETURN NEW; END $$;
         CREATE TRIGGER lose BEFORE INSERT ON sharded_migrations_history FOR EACH ROW EXECUTE FUNCTION lose()",
    );
    let result = fleet.run(fleet.set(&[FIRST, SECOND]));
    assert_eq!(ending(&result), "exit 5\ndefault: refused error");
    assert!(error(&result).contains("although nothing in it has changed"), "{}", error(&result));
    assert_eq!(fleet.database("default").contents(), "a | 1 a");
}
