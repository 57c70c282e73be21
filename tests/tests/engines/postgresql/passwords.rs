//! A password is shown nowhere, whatever goes wrong.

use std::fmt::Debug;

use sharded_migrations::Selection;
use sharded_migrations_tests::postgres::Cluster;

use crate::support::fleet::{block_on, run};
use crate::support::{Engine, TestFleet};

/// Stands in every password here, in each part of it that a wrong reading could take for something else.
const SECRET: &str = "hunter";

/// URLs that lead nowhere, or are none.
fn bad_urls(database: &str, role: &str) -> Vec<String> {
    let port = Cluster::shared().port();
    vec![
        // Right as URLs.
        format!("postgres://{role}:hunter2@127.0.0.1:{port}/{database}"),
        format!("postgres://{role}:p%40hunter2%2Fhunter3%3Ahunter4@127.0.0.1:{port}/{database}"),
        format!("postgres://nobody:hunter2@127.0.0.1:{port}/{database}"),
        format!("postgres://{role}:hunter2@127.0.0.1:{port}/none"),
        format!("postgres://{role}:hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:hunter2@no-such-host.invalid/{database}"),
        format!("postgres://{role}@127.0.0.1:{port}/{database}?password=hunter2"),
        format!("postgres://{role}:hunter2@127.0.0.1:{port}/{database}?sslmode=require"),
        // Passwords that somebody forgot to encode.
        format!("postgres://{role}:p@hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p@hunter2/hunter3@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p/hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p@hunter2:1/hunter3@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p?hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p#hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p:hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p%hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p@hunter2?hunter3=hunter4@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p&hunter2@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p[hunter2]@127.0.0.1:1/{database}"),
        format!("postgres://{role}:p@[hunter2]/x@127.0.0.1:1/{database}"),
        // Other things.
        format!("postgres://{role}:hunter2@127.0.0.1:port/{database}"),
        format!("postgres://{role}:hunter2@127.0.0.1:99999/{database}"),
        format!("postgres://{role}:hunter2@127.0.0.1,127.0.0.1:1,/{database}"),
        format!("postgres://{role}:hunter2@127.0.0.1:1/{database}?unknown=1"),
        format!("postgres://{role}:hunter2@127.0.0.1:1/{database}?connect_timeout=hunter3"),
        format!("postgres://{role}:hunter2"),
        format!("postgres:{role}:hunter2@127.0.0.1/{database}"),
        format!("postgres:/{role}:hunter2@127.0.0.1/{database}"),
        format!("mysql://{role}:hunter2@127.0.0.1/{database}"),
        format!("hunter2://{role}:x@127.0.0.1/{database}"),
        format!("host=127.0.0.1 user={role} password=hunter2 dbname={database}"),
        "hunter2".into(),
        " postgres://x:hunter2@127.0.0.1/x".into(),
        "postgres://x:hunter2@/x".into(),
    ]
}

#[test]
fn no_password_is_in_any_message_or_debug_output() {
    let mut fleet = TestFleet::of_one(Engine::Postgres);
    let role = Cluster::shared().create_role("app").name;
    let database = fleet.database("default").postgres().name().to_owned();
    let mut shown = Vec::new();
    for url in bad_urls(&database, &role) {
        fleet.set_url("default", &url);
        let set = fleet.set(&[("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")]);
        let texts = match fleet.try_fleet(set, &Selection::default()) {
            Err(fault) => both(&fault, fault.to_string()),
            Ok(chosen) => {
                let debug = format!("{chosen:?} {chosen:#?}");
                let migrator = sharded_migrations::Migrator::new(set, chosen);
                let survey = block_on(migrator.survey());
                let result = run(&migrator);
                let error = result.as_ref().expect_err(&url);
                assert_eq!(error.report.exit_code(), 5, "{url}");
                let mut texts = both(&survey, debug);
                texts.extend(both(&result, error.to_string()));
                texts
            }
        };
        if texts.iter().any(|text| text.to_lowercase().contains(SECRET)) {
            shown.push(format!("{url}\n{}", texts.last().unwrap()));
        }
    }
    assert!(shown.is_empty(), "a part of the password is shown:\n{}", shown.join("\n\n"));
    assert_eq!(fleet.contents(), "default: nothing");
}

fn both(value: &impl Debug, text: String) -> Vec<String> {
    vec![format!("{value:?}"), format!("{value:#?}"), text]
}
