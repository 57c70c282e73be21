//! Servers that cannot be reached, and ones that can with an odd password.

use std::net::TcpListener;

use sharded_migrations_tests::postgres::{Cluster, url};
use sharded_migrations_tests::wait_for;

use crate::support::fleet::run;
use crate::support::session::Session;
use crate::support::{Engine, TestFleet, ending, error};

const FILES: [(&str, &str); 1] = [("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")];

#[test]
fn a_server_that_cannot_be_reached_is_named_and_nothing_is_written_elsewhere() {
    let mut fleet = TestFleet::new(Engine::Postgres, &["default", "users_01"]);
    let cluster = Cluster::shared();
    let port = cluster.port();
    let name = fleet.database("users_01").postgres().name().to_owned();
    let role = cluster.create_role("app");
    let own = fleet.database("users_01").url();
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    let cases = [
        (
            url("app", "secret", 1, &name),
            "the server 127.0.0.1:1 cannot be reached",
            "Connection refused",
            "is the server up",
        ),
        (
            format!("postgres://app@no-such-host.invalid/{name}"),
            "the server no-such-host.invalid:5432 cannot be reached",
            "",
            "are host and port in the URL right",
        ),
        (
            url(&role.name, "wrong", port, &name),
            &format!("the server 127.0.0.1:{port} refused the connection"),
            "password authentication failed",
            "check the user and the password",
        ),
        (
            url("nobody_of_that_name", "secret", port, &name),
            &format!("the server 127.0.0.1:{port} refused the connection"),
            "nobody_of_that_name",
            "check the user",
        ),
        (
            url(&role.name, &role.password, port, "no_such_database"),
            &format!("the server 127.0.0.1:{port} refused the connection"),
            "database \"no_such_database\" does not exist",
            "create the database first",
        ),
        (
            format!("{}?connect_timeout=1", url("app", "secret", silent, &name)),
            &format!("the server 127.0.0.1:{silent} did not answer within 1s"),
            "",
            "is the server up",
        ),
        (
            format!("{own}?sslmode=require"),
            &format!("the server 127.0.0.1:{port} speaks no TLS"),
            "`sslmode=require` insists on it",
            "no connection is made in the clear",
        ),
    ];
    let before = fleet.fingerprint();
    for (url, what, why, help) in cases {
        fleet.set_url("users_01", url);
        let result = fleet.run(fleet.set(&FILES));
        assert_eq!(ending(&result), "exit 5\ndefault: not started\nusers_01: refused error");
        let message = error(&result);
        for part in ["users_01: ", what, why, help] {
            assert!(message.contains(part), "{part} is not in:\n{message}");
        }
        assert_eq!(fleet.fingerprint(), before);
    }
}

#[test]
fn a_password_with_any_character_connects() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let database = fleet.database("default").postgres();
    let (name, port) = (database.name().to_owned(), Cluster::shared().port());
    for password in ["p@ss/w:rd%&?#", "ünï cödé", "100%", "a'b\"c\\d", "${NOT_A_VARIABLE}", "+ ;=[]{}"] {
        let role = Cluster::shared().create_role("odd");
        let quoted = password.replace('\'', "''");
        fleet.database("default").execute(&format!(
            "ALTER ROLE {} PASSWORD '{quoted}'; GRANT CREATE ON SCHEMA public TO {};",
            role.name, role.name
        ));
        fleet.set_url("PASSWORD", password);
        // Inside a URL, where it is encoded as need be, and in one that is encoded as a whole.
        let parts = format!("postgres://{}:${{PASSWORD}}@127.0.0.1:{port}/{name}", role.name);
        let toml = format!("[databases.parts]\nurl = \"{parts}\"\n");
        fleet.set_url("default", url(&role.name, password, port, &name));
        let fleet_of = |database: &str| {
            let with_parts = TestFleet::new(Engine::Postgres, &[])
                .toml(&toml)
                .toml(&format!("[databases.whole]\nurl = \"{}\"\n", url(&role.name, password, port, &name)));
            let set = with_parts.set(&FILES);
            let selection =
                sharded_migrations::Selection { databases: vec![database.into()], groups: Vec::new() };
            let chosen = sharded_migrations::Fleet::select_with(set, &selection, |name| fleet.variable(name));
            run(&sharded_migrations::Migrator::new(set, chosen.unwrap()))
        };
        assert_eq!(ending(&fleet_of("parts")), "exit 0\nparts: done 1, 0 before", "{password}");
        assert_eq!(ending(&fleet_of("whole")), "exit 0\nwhole: done, 1 before", "{password}");
        fleet.database("default").execute("DROP TABLE a, sharded_migrations_history");
    }
}

#[test]
fn a_connection_that_is_cut_is_a_failure_and_the_next_run_goes_on() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let url = fleet.database("default").url();
    fleet.set_url("default", format!("{url}?application_name=cut"));
    let first = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
    let second =
        ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\nINSERT INTO a VALUES (1);\n");
    fleet.run(fleet.set(&[first])).unwrap();
    let mut application = Session::new(&url);
    application.run("BEGIN; LOCK TABLE a");
    let migrator = fleet.migrator(fleet.set(&[first, second]));
    let thread = std::thread::spawn(move || run(&migrator));
    let default = fleet.database("default");
    // Once it waits for the table, it is in the middle of its migration.
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'cut' AND wait_event_type = 'Lock'";
    wait_for("the migration to be cut", || (default.query(cut) == "t").then_some(()));
    let result = thread.join().unwrap();
    assert!(ending(&result).starts_with("exit 1\ndefault: failed at migrations/V2__b.sql"), "{result:?}");
    let message = error(&result);
    assert!(message.contains("terminating connection due to administrator command"), "{message}");
    assert_eq!(default.contents(), "a | 1 a");
    drop(application);
    let result = fleet.run(fleet.set(&[first, second]));
    assert_eq!(ending(&result), "exit 0\ndefault: done 2, 1 before");
}
