//! The migrations of these tests: twenty in transactions, then five outside of them.

use std::fmt::Write as _;

use sharded_migrations_tests::project::Project;

/// Two databases of their own and two shards.
pub(crate) const NAMES: [&str; 4] = ["default", "reports", "users_01", "users_02"];

/// The last one in a transaction.
pub(crate) const LAST_IN_A_TRANSACTION: &str = "20";

const EVERYWHERE: &str = "everywhere";
const DEFAULT: &str = "database = \"default\"";
const REPORTS: &str = "database = \"reports\"";
const USERS: &str = "group = \"users\"";

/// Each that could be repeated by mistake leaves a trace: a second row in `log`. No identity column and no
/// sequence gives a number: what a transaction took from one is not given back.
const IN_TRANSACTIONS: [(&str, &str); 20] = [
    (EVERYWHERE, "CREATE TABLE log (line text NOT NULL);\nINSERT INTO log VALUES ('made');"),
    (DEFAULT, "CREATE TABLE plan (id int PRIMARY KEY, name text NOT NULL);"),
    (DEFAULT, "INSERT INTO plan VALUES (1, 'small'), (2, 'large');\nINSERT INTO log VALUES ('plans');"),
    (USERS, "CREATE TABLE account (id bigint PRIMARY KEY, name text NOT NULL);"),
    (
        USERS,
        "INSERT INTO account SELECT i, 'n' || i FROM generate_series(1, 9) i;\nALTER TABLE account ADD plan int;",
    ),
    (
        REPORTS,
        "CREATE TYPE size AS ENUM ('small', 'large');\nCREATE TABLE report (id int PRIMARY KEY, size size NOT NULL);",
    ),
    (REPORTS, "INSERT INTO report VALUES (1, 'small');\nINSERT INTO log VALUES ('reports');"),
    (USERS, "UPDATE account SET plan = 1;\nALTER TABLE account ALTER plan SET NOT NULL;"),
    (USERS, "CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql AS $$ SELECT upper($1); $$;"),
    (DEFAULT, "ALTER TABLE plan ADD price numeric CHECK (price > 0);"),
    (EVERYWHERE, "ALTER TABLE log ADD at int DEFAULT 1;\nINSERT INTO log VALUES ('at', 2);"),
    (USERS, "UPDATE account SET name = shout(name);\nINSERT INTO log VALUES ('shouted', 3);"),
    (REPORTS, "CREATE VIEW small_report AS SELECT id FROM report WHERE size = 'small';"),
    (REPORTS, "CREATE INDEX report_size ON report (size);\nUPDATE report SET size = 'large';"),
    (DEFAULT, "DELETE FROM plan WHERE id = 2;\nINSERT INTO log VALUES ('less', 4);"),
    (USERS, "CREATE UNIQUE INDEX account_name ON account (name);"),
    (DEFAULT, "SET lock_timeout = '7s';\nALTER TABLE plan RENAME name TO title;"),
    (REPORTS, "ALTER TABLE report ADD note text;\nCOMMENT ON TABLE report IS 'a; b';"),
    (USERS, "DROP INDEX account_name;\nCREATE TABLE old (id int);\nDROP TABLE old;"),
    (EVERYWHERE, "UPDATE log SET at = at + 1;\nCREATE INDEX log_line ON log (line);"),
];

/// All of them can be begun again, which a run that finds one half done does by itself.
const OUTSIDE: [(&str, &str); 5] = [
    (EVERYWHERE, "CREATE INDEX CONCURRENTLY log_at ON log (at);"),
    (EVERYWHERE, "CREATE INDEX CONCURRENTLY IF NOT EXISTS log_both ON log (at, line);"),
    (EVERYWHERE, "DROP INDEX CONCURRENTLY IF EXISTS log_line;"),
    (REPORTS, "ALTER TYPE size ADD VALUE IF NOT EXISTS 'medium';"),
    (EVERYWHERE, "VACUUM log;\nANALYZE log;"),
];

/// The last of those that can be taken back are above this one.
pub(crate) const REMAINS: &str = "16";
/// And this is the newest of them; it runs outside a transaction, both ways.
pub(crate) const NEWEST_TO_GO: &str = "21";

/// The reverse files of the versions behind [`REMAINS`]. Each that could be run twice leaves a trace, or fails.
const BACK: [&str; 5] = [
    "ALTER TABLE plan RENAME title TO name;",
    "ALTER TABLE report DROP note;\nCOMMENT ON TABLE report IS NULL;",
    "CREATE UNIQUE INDEX account_name ON account (name);",
    "DROP INDEX log_line;\nUPDATE log SET at = at - 1;",
    "DROP INDEX CONCURRENTLY log_at;",
];

/// The files of the set, and the databases, whose URLs are the variables of their names.
pub(crate) fn project() -> Project {
    let mut databases = String::from("[groups.users]\n");
    for name in NAMES {
        let _ = writeln!(databases, "[databases.{name}]\nurl = \"${{{name}}}\"");
        if name.starts_with("users") {
            databases.push_str("group = \"users\"\n");
        }
    }
    let inside = IN_TRANSACTIONS.map(|(route, sql)| (route, "", sql));
    let outside = OUTSIDE.map(|(route, sql)| (route, "-- #[no_transaction]\n", sql));
    let all = inside.into_iter().chain(outside).zip(1..);
    let project = Project::new().databases_toml(&databases);
    let project = BACK.into_iter().zip(17..).fold(project, |project, (sql, version)| {
        project.file(&format!("V{version}__m.down.sql"), format!("{sql}\n"))
    });
    all.fold(project, |project, ((route, more, sql), version)| {
        project.file(&format!("V{version}__m.sql"), format!("-- #[route({route})]\n{more}{sql}\n"))
    })
}
