//! What the safety lints say of locks and rewritten tables, held against a server that does it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::path::Path;

use sharded_migrations_core::Diagnostic;
use sharded_migrations_core::compile::examine;
use sharded_migrations_core::diagnostic::Style;
use sharded_migrations_core::lint::Lint;
use sharded_migrations_core::project::Sources;
use sharded_migrations_tests::postgres::{Cluster, TestDatabase};

/// Tables with a few rows, and what the statements work on.
const SETUP: &str = "
CREATE TABLE u (id bigint PRIMARY KEY);
CREATE DOMAIN d AS int;
CREATE TABLE t (id bigint, a int NOT NULL, r int4range, v varchar(10), n int, x d);
INSERT INTO u VALUES (1);
INSERT INTO t SELECT 1, i, int4range(i, i + 1), 'v', i, i FROM generate_series(1, 10) AS i;
CREATE INDEX i ON t (a);
CREATE UNIQUE INDEX unique_a ON t (a);
ALTER TABLE t ADD CONSTRAINT known CHECK (n IS NOT NULL);
CREATE VIEW w AS SELECT a FROM t;
CREATE TABLE p (day int) PARTITION BY RANGE (day);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2);
CREATE TABLE s (a int);
CREATE INDEX s_i ON s (a);
";

/// What is found in a text.
fn found(sql: &str) -> Vec<Diagnostic> {
    let text = format!("-- #[route(everywhere)]\n{sql};\n");
    let sources = Sources {
        folder: String::new(),
        files: vec![("V1__a.sql".to_owned(), text.into_bytes())],
        databases: "databases.toml".into(),
        databases_bytes: b"[databases.a]\nurl = \"postgres://localhost/a\"\n".to_vec(),
        lock: None,
    };
    examine(&sources).diagnostics
}

fn finds(sql: &str, lint: Lint) -> Diagnostic {
    let [found]: [Diagnostic; 1] = found(sql).try_into().unwrap_or_else(|found| panic!("{sql}: {found:#?}"));
    assert_eq!(found.check, lint.name(), "{sql}");
    found
}

#[test]
fn the_reference_set_has_nothing_that_is_warned_about() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let show = |path: &Path| path.display().to_string();
    let sources = Sources::read(&root.join("migrations"), &root.join("databases.toml"), show).unwrap();
    let said: Vec<String> =
        examine(&sources).diagnostics.iter().map(|said| said.render(Style::Plain)).collect();
    assert_eq!(said, [""; 0], "{}", said.join("\n\n"));
}

/// The strongest lock on a table that a statement holds when it is done, as `pg_locks` names it, and whether it wrote
/// the table anew.
fn locked(database: &TestDatabase, sql: &str, table: &str) -> (String, bool) {
    let said = database.psql(&format!(
        "BEGIN;
         SELECT '{table}'::regclass::oid AS oid \\gset
         SELECT coalesce(pg_relation_filenode(:oid), 0) AS before \\gset
         {sql};
         SELECT mode FROM pg_locks
         WHERE pid = pg_backend_pid() AND relation = :oid AND mode <> 'AccessShareLock'
         ORDER BY array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock',
             'ShareUpdateExclusiveLock', 'RowExclusiveLock', 'RowShareLock'], mode) LIMIT 1;
         SELECT coalesce(pg_relation_filenode(:oid), 0) <> :before;
         ROLLBACK;"
    ));
    let (mode, rewritten) = said.rsplit_once('\n').unwrap();
    (mode.trim().to_owned(), rewritten == "t")
}

/// `AccessExclusiveLock` as people write it: `ACCESS EXCLUSIVE`.
fn spelled(mode: &str) -> String {
    let mut words = String::new();
    for c in mode.trim_end_matches("Lock").chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_uppercase());
    }
    words
}

#[test]
fn a_statement_takes_the_lock_that_its_lint_names() {
    let database = Cluster::shared().create_database("lints");
    database.psql(SETUP);
    let cases = [
        ("CREATE INDEX j ON t (n)", Lint::IndexNotConcurrent, "t", "SHARE"),
        ("DROP INDEX i", Lint::IndexDropNotConcurrent, "t", "ACCESS EXCLUSIVE"),
        ("REINDEX TABLE t", Lint::ReindexNotConcurrent, "t", "SHARE"),
        ("REINDEX INDEX i", Lint::ReindexNotConcurrent, "i", "ACCESS EXCLUSIVE"),
        ("ALTER TABLE p DETACH PARTITION p1", Lint::DetachNotConcurrent, "p", "ACCESS EXCLUSIVE"),
        (
            "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u",
            Lint::ForeignKeyWithoutNotValid,
            "t",
            "SHARE ROW EXCLUSIVE",
        ),
        (
            "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u",
            Lint::ForeignKeyWithoutNotValid,
            "u",
            "SHARE ROW EXCLUSIVE",
        ),
        ("ALTER TABLE t ADD CHECK (a > 0)", Lint::CheckWithoutNotValid, "t", "ACCESS EXCLUSIVE"),
        (
            "ALTER TABLE t ADD EXCLUDE USING gist (r WITH &&)",
            Lint::ExclusionConstraint,
            "t",
            "ACCESS EXCLUSIVE",
        ),
        ("ALTER TABLE t ADD UNIQUE (a)", Lint::UniqueWithoutIndex, "t", "ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD COLUMN y int UNIQUE", Lint::UniqueWithoutIndex, "t", "ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ADD PRIMARY KEY (a)", Lint::PrimaryKeyWithoutIndex, "t", "ACCESS EXCLUSIVE"),
        ("ALTER TABLE t ALTER COLUMN n SET NOT NULL", Lint::SetNotNull, "t", "ACCESS EXCLUSIVE"),
        ("ALTER DOMAIN d ADD CHECK (VALUE > 0)", Lint::DomainConstraint, "t", "SHARE"),
    ];
    for (sql, lint, table, mode) in cases {
        let (held, _) = locked(&database, sql, table);
        assert_eq!(spelled(&held), mode, "{sql} on {table}");
        assert!(finds(sql, lint).render(Style::Plain).contains(mode), "{sql}");
    }
}

#[test]
fn what_is_said_to_write_a_table_anew_does_and_what_is_let_pass_does_not() {
    let database = Cluster::shared().create_database("lints");
    database.psql(SETUP);
    let rewriting = [
        ("ALTER TABLE t ADD COLUMN y float DEFAULT random()", Lint::VolatileDefault),
        ("ALTER TABLE t ADD COLUMN y timestamptz DEFAULT (clock_timestamp())", Lint::VolatileDefault),
        ("ALTER TABLE t ADD COLUMN y int GENERATED ALWAYS AS (a * 2) STORED", Lint::GeneratedColumn),
        ("ALTER TABLE t ADD COLUMN y bigint GENERATED ALWAYS AS IDENTITY", Lint::GeneratedColumn),
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint", Lint::ColumnType),
        ("CLUSTER t USING i", Lint::TableRewrite),
    ];
    for (sql, lint) in rewriting {
        let setup = "DROP VIEW w";
        assert_eq!(
            locked(&database, &format!("{setup};{sql}"), "t"),
            ("AccessExclusiveLock".into(), true),
            "{sql}"
        );
        finds(sql, lint);
    }
    let harmless = [
        "ALTER TABLE t ADD COLUMN y int",
        "ALTER TABLE t ADD COLUMN y int NOT NULL DEFAULT (-1)",
        "ALTER TABLE t ADD COLUMN y timestamptz NOT NULL DEFAULT now()",
        "ALTER TABLE t ADD COLUMN y timestamp DEFAULT (now() AT TIME ZONE 'utc')",
        "ALTER TABLE t ADD COLUMN y date DEFAULT CURRENT_DATE",
        "ALTER TABLE t ADD COLUMN y jsonb DEFAULT jsonb_build_object('a', 1)",
        "ALTER TABLE t ADD COLUMN y text DEFAULT lower(current_user)",
    ];
    for sql in harmless {
        assert!(!locked(&database, sql, "t").1, "{sql}");
        assert_eq!(found(sql), [], "{sql}");
    }
}

/// What the server says at its most talkative shows which rows it looks at.
#[test]
fn what_is_said_to_check_every_row_does_and_what_is_let_pass_does_not() {
    let database = Cluster::shared().create_database("lints");
    database.psql(SETUP);
    let checks = |sql: &str| {
        let script = format!(
            "SET client_min_messages = debug1;\nBEGIN;\n{sql};\nDO $$ BEGIN RAISE EXCEPTION 'end'; END $$;\n"
        );
        let said = database.try_psql(&script).unwrap_err();
        assert!(said.contains("ERROR:  end"), "{said}");
        ["verifying table", "validating foreign key"].iter().any(|words| said.contains(words))
    };
    let checked = [
        ("ALTER TABLE t ADD CHECK (a > 0)", Lint::CheckWithoutNotValid),
        ("ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u", Lint::ForeignKeyWithoutNotValid),
        ("ALTER TABLE t ADD COLUMN y bigint DEFAULT 1 REFERENCES u", Lint::ForeignKeyWithoutNotValid),
        ("ALTER TABLE t ALTER COLUMN id SET NOT NULL", Lint::SetNotNull),
    ];
    for (sql, lint) in checked {
        assert!(checks(sql), "{sql}");
        finds(sql, lint);
    }
    let not_checked = [
        "ALTER TABLE t ADD CHECK (a > 0) NOT VALID",
        "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u NOT VALID",
        "ALTER TABLE t ADD COLUMN y bigint REFERENCES u",
        "ALTER TABLE t VALIDATE CONSTRAINT known; ALTER TABLE t ALTER COLUMN n SET NOT NULL",
    ];
    for sql in not_checked {
        assert!(!checks(sql), "{sql}");
        assert_eq!(found(sql), [], "{sql}");
    }
}
