//! Applications that start at once.

use std::process::Stdio;

use crate::program::on;
use crate::support::{Engine, TestFleet, on_every_engine};

on_every_engine!(applications_that_start_at_once_apply_each_migration_once);

fn applications_that_start_at_once_apply_each_migration_once(engine: Engine) {
    let files = [
        ("V1__account.sql", "-- #[route(everywhere)]\nCREATE TABLE account (id int);\n"),
        (
            "V2__rows.sql",
            "-- #[route(everywhere)]\n-- #[no_transaction]\nINSERT INTO account VALUES (2);\n\
             INSERT INTO account VALUES (3);\n",
        ),
        ("V3__more.sql", "-- #[route(group = \"users\")]\nINSERT INTO account VALUES (4);\n"),
    ];
    let fleet = TestFleet::of_three(engine);
    let project = fleet.project(&files);
    let start =
        |_| on(&fleet, &project, "--migrate").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let processes: Vec<_> = (0..16).map(start).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&said));
    }
    assert_eq!(
        fleet.contents(),
        "default: account | 1 account, 2 rows\n\
         users_01: account | 1 account, 2 rows, 3 more\n\
         users_02: account | 1 account, 2 rows, 3 more"
    );
    assert_eq!(fleet.database("users_02").query("SELECT id FROM account ORDER BY 1"), "2\n3\n4");
    fleet.wait_until_unlocked();
}
