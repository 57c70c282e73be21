//! A project of Django's, migrated by Django itself and then by us.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use sharded_migrations::record::{Recorded, Records};
use sharded_migrations::{Migrations, Tool};
use sharded_migrations_tests::django::python;
use sharded_migrations_tests::project::Project;

use crate::support::fleet::block_on;
use crate::support::{Engine, TestFleet, amended, ending, on_every_engine, why};
use crate::walk_through::{DATABASES, copy_of};

on_every_engine!(what_django_has_applied_is_adopted_and_the_next_run_goes_on_behind_it);

pub(crate) static PYTHON: LazyLock<PathBuf> =
    LazyLock::new(|| python().unwrap_or_else(|message| panic!("{message}")));

/// A command of Django's in a project for the databases of a fleet; what it prints.
fn manage(folder: &Path, fleet: &TestFleet, words: &[&str]) -> String {
    let mut command = Command::new(&*PYTHON);
    command.current_dir(folder).arg("manage.py").args(words).stdin(Stdio::null());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    for (name, variable) in DATABASES {
        command.env(variable, fleet.database(name).url());
    }
    let output = command.output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{words:?}: {}{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

/// An application, a migration of it, where it is for, and its route.
const MIGRATIONS: [(&str, &str, &str, &str); 4] = [
    ("plans", "0001_initial", "default", "database = \"default\""),
    ("plans", "0002_first_plans", "default", "database = \"default\""),
    ("accounts", "0001_initial", "users_01", "group = \"users\""),
    ("accounts", "0002_orders", "users_01", "group = \"users\""),
];

/// The files that `docs/adopting.md` has `sqlmigrate` write, with routes and without its transactions.
fn written(project: &Project, fleet: &TestFleet) -> Vec<(String, String)> {
    let one = |(app, name, database, route): &(&str, &str, &str, &str)| {
        let sql = manage(project.path(), fleet, &["sqlmigrate", app, name, "--database", database]);
        let lines = sql.lines().filter(|line| !["BEGIN;", "COMMIT;"].contains(line));
        let sql: String = lines.map(|line| format!("{line}\n")).collect();
        (format!("{app}/{name}.sql"), format!("-- #[route({route})]\n{sql}"))
    };
    MIGRATIONS.iter().map(one).collect()
}

fn set(fleet: &TestFleet, files: &[(String, String)]) -> &'static Migrations {
    let phone = "-- #[route(group = \"users\")]\nALTER TABLE accounts_account ADD phone varchar(20);\n";
    let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    let files: Vec<_> = files.chain([("accounts/0003_phone.sql", phone)]).collect();
    fleet.set(&files)
}

fn told(records: &Records) -> String {
    amended(records, |Recorded { version, name }| format!("{version} {name}"))
}

fn what_django_has_applied_is_adopted_and_the_next_run_goes_on_behind_it(engine: Engine) {
    let project = copy_of("django");
    let fleet = TestFleet::of_three(engine);
    // `users_02` is new when the fleet is adopted.
    for database in ["default", "users_01"] {
        let said = manage(project.path(), &fleet, &["migrate", "--database", database]);
        assert!(said.contains("Applying accounts.0002_orders... OK"), "{said}");
    }
    let users_01 = fleet.database("users_01");
    users_01.execute("INSERT INTO accounts_account (email) VALUES ('a@example.org')");
    let set = set(&fleet, &written(&project, &fleet));
    let kept = "SELECT * FROM django_migrations ORDER BY id";
    let (before, rows) = (fleet.fingerprint(), users_01.query(kept));

    let adopted =
        "exit 0\ndefault: 1 initial, 2 first_plans\nusers_01: 1 initial, 2 orders\nusers_02: nothing";
    let planned = block_on(fleet.migrator(set).plan_adopt(Tool::DjangoSql));
    assert_eq!(told(&planned), adopted, "{}", why(&planned));
    assert_eq!(fleet.fingerprint(), before, "it was only looked");
    // Django has all migrations in the table of every database, whatever its router lets it make there.
    assert_eq!(
        planned.databases[1].notes,
        [
            "left out: the application `contenttypes`, which has no folder of that name (2 rows)",
            "left out: the application `plans`, as far as its files are for other databases (2 rows)",
            "pending afterwards: 3 phone"
        ]
    );
    let records = block_on(fleet.migrator(set).adopt(Tool::DjangoSql));
    fleet.wait_until_unlocked();
    assert_eq!(told(&records), adopted);
    assert!(users_01.audit().contains("adopt 2 orders (django_migrations: accounts.0002_orders)"));

    assert_eq!(
        ending(&fleet.run(set)),
        "exit 0\ndefault: done, 2 before\nusers_01: done 3, 2 before\nusers_02: done 1 2 3, 0 before"
    );
    assert_eq!(users_01.query("SELECT email, phone FROM accounts_account"), "a@example.org|");
    // What `sqlmigrate` has written makes what Django makes.
    let tables = |contents: String| {
        let (tables, _) = contents.split_once(" | ").unwrap();
        tables
            .split(' ')
            .filter(|table| table.starts_with("accounts_"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(tables(fleet.database("users_02").contents()), tables(users_01.contents()));
    // Who goes back to Django finds what it left.
    assert_eq!(users_01.query(kept), rows);
    let said = manage(project.path(), &fleet, &["migrate", "--database", "users_01"]);
    assert!(said.contains("No migrations to apply."), "{said}");
}
