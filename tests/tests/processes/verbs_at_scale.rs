//! The verbs that show, as somebody reads them at night: four hundred databases, two hundred migrations, three
//! databases that lag in different ways, in eighty columns.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use sharded_migrations_tests::project::Project;
use tempfile::TempDir;

use crate::program::{end, program};
use crate::schema::document;

const DATABASES: usize = 400;
const MIGRATIONS: usize = 200;
const COLUMNS: usize = 80;

/// SQLite files, and a set for them.
struct Fleet {
    folder: TempDir,
    project: Project,
}

const TOML: &str = "\
[groups.users]

[databases.default]
url = \"sqlite:${FOLDER}/default.db\"

[databases.\"users_{001..400}\"]
group = \"users\"
url = \"sqlite:${FOLDER}/users_{001..400}.db\"
vars = { shard = \"{1..400}\" }

[rollout]
canary = [\"users_400\"]
waves = [\"10%\"]
";

impl Fleet {
    /// All up to date, with little in them. Two databases are migrated, and the others are copies: to migrate each would take minutes.
    fn new() -> Self {
        let mut project = Project::new().databases_toml(TOML);
        for version in 1..=MIGRATIONS {
            let sql = match version {
                150 => "-- #[no_transaction]\nCREATE TABLE slow (id int);\n".to_owned(),
                200 => "-- #[vars(shard)]\nSELECT ${shard};\n".to_owned(),
                _ => format!("SELECT {version};\n"),
            };
            let text = format!("-- #[route(group = \"users\")]\n{sql}");
            project = project.file(&format!("V{version}__change_{version}.sql"), text);
        }
        for version in 1..=9 {
            let text = format!("-- #[route(database = \"default\")]\nSELECT {version};\n");
            project = project.file(&format!("V{version}__setting_{version}.sql"), text);
        }
        let fleet = Self { folder: TempDir::new().unwrap(), project };
        let (code, out, err) = fleet.run("--migrate --progress never --database default,users_001");
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        for number in 2..=DATABASES {
            std::fs::copy(fleet.file("users_001"), fleet.file(&format!("users_{number:03}"))).unwrap();
        }
        fleet
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{name}.db"))
    }

    fn execute(&self, name: &str, sql: &str) {
        Connection::open(self.file(name)).unwrap().execute_batch(sql).unwrap();
    }

    /// With the name of the temporary folder masked.
    fn run(&self, words: &str) -> (i32, String, String) {
        let mut command = program(words);
        command.env("FLEET_PROJECT", self.project.path()).env("FOLDER", self.folder.path());
        let (code, out, err) = end(&mut command);
        let masked = |text: String| text.replace(&shown(self.folder.path()), "FOLDER");
        (code, masked(out), masked(err))
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Both streams, one below the other, as a terminal has them.
fn screen((code, out, err): (i32, String, String)) -> String {
    for line in out.lines() {
        assert!(line.chars().count() <= COLUMNS, "more than {COLUMNS} columns:\n{line}");
    }
    let mut screen = out;
    let _ = write!(screen, "---- standard error\n{err}---- exit code {code}\n");
    screen
}

#[test]
fn four_hundred_databases_of_which_some_lag() {
    let fleet = Fleet::new();
    insta::assert_snapshot!("status_up_to_date", screen(fleet.run("--migrate=status")));
    insta::assert_snapshot!("check_up_to_date", screen(fleet.run("--migrate=check")));

    // The newest two, a middle one that was restored from an older copy, a run that was killed, and a file that an
    // operator has edited.
    fleet.execute("users_117", "DELETE FROM sharded_migrations_history WHERE version > 198");
    fleet.execute("users_118", "DELETE FROM sharded_migrations_history WHERE version > 198");
    fleet.execute(
        "users_203",
        "DELETE FROM sharded_migrations_history WHERE version > 150; \
         UPDATE sharded_migrations_history SET state = 'started', statements_done = 0 WHERE version = 150",
    );
    fleet.execute(
        "users_311",
        "UPDATE sharded_migrations_history SET checksum = replace(checksum, 'a', 'b') WHERE version = 12",
    );
    insta::assert_snapshot!("status", screen(fleet.run("--migrate=status")));
    insta::assert_snapshot!("plan", screen(fleet.run("--migrate=plan")));
    insta::assert_snapshot!("check", screen(fleet.run("--migrate=check")));
    for verb in ["status", "plan", "check"] {
        let (_, out, _) = fleet.run(&format!("--migrate={verb} --format json"));
        assert_eq!(document(&out)["databases"].as_array().unwrap().len(), DATABASES + 1);
    }

    // Nobody answers on half of them: one reason, said once.
    for number in 201..=DATABASES {
        std::fs::write(fleet.file(&format!("users_{number:03}")), "not a database, ".repeat(99)).unwrap();
    }
    insta::assert_snapshot!("status_half_gone", screen(fleet.run("--migrate=status")));
}

#[test]
fn four_hundred_databases_with_all_to_come() {
    let fleet = Fleet::new();
    for number in (1..=DATABASES).filter(|number| *number != 7) {
        fleet.execute(
            &format!("users_{number:03}"),
            "DELETE FROM sharded_migrations_history WHERE version > 190",
        );
    }
    insta::assert_snapshot!("plan_in_waves", screen(fleet.run("--migrate=plan")));
    let (code, out, err) = fleet.run("--migrate=plan --sql --database users_001,users_002");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.contains("-- == users_001 ==\n") && out.contains("-- == users_002 ==\n"),
        "they differ: {out}"
    );
    let (_, out, _) = fleet.run("--migrate=plan --sql --to 199");
    assert_eq!(out.matches("-- == ").count(), 1, "they are alike: {out}");
    assert!(
        out.starts_with("-- == users_001..users_006, users_008..users_400 (399 databases) ==\n"),
        "{out}"
    );
}
