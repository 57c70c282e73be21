//! The safety lints: what they found, as `[lints]` and each file's `allow(..)` want it told.

use super::allowed;
use crate::allow::Allowed;
use crate::diagnostic::Severity;
use crate::lint::{Finding, Level};
use crate::project::{MigrationFile, Project};
use crate::topology::read::TopologyFile;
use crate::{Diagnostic, EngineKind};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = &project.topology else { return };
    if cfg!(feature = "lint") {
        for file in project.migrations.iter().filter(|file| topology.lints.looks_at(file.name.version)) {
            of_file(file, topology, faults);
        }
    } else if let Some(denial) = topology.lints.denial() {
        faults.push(
            Diagnostic::new("lint-feature", "a lint is denied, and the lints are not in this build")
                .at(&topology.source, denial.span.clone(), "nothing looks for it")
                .help("switch them on: `sharded-migrations = { version = \"..\", features = [\"lint\"] }`"),
        );
    }
}

fn of_file(file: &MigrationFile, topology: &TopologyFile, faults: &mut Vec<Diagnostic>) {
    // The linter knows PostgreSQL alone.
    let is_linted =
        |index: &usize| topology.topology.databases[*index].declared_engine() != Some(EngineKind::Sqlite);
    let is_read = file.readings.iter().flat_map(|reading| &reading.databases).any(is_linted)
        && file.readings.iter().all(|reading| reading.faults.is_empty());
    let mut findings: Vec<&Finding> = Vec::new();
    for reading in &file.readings {
        match &reading.findings {
            Ok(found) => findings.extend(found),
            Err(reason) => {
                let fault =
                    Diagnostic::new("lint-failed", format!("the lints gave up on this file: {reason}"));
                let help =
                    "please report it to sharded-migrations with the file; nothing else depends on them";
                faults.push(fault.severity(Severity::Warning).in_file(&file.source).help(help));
                return;
            }
        }
    }
    // Texts that differ in a value are of one place.
    findings.sort_by_key(|finding| (finding.span.start, finding.lint));
    findings.dedup_by_key(|finding| (finding.span.clone(), finding.lint));
    let allows = || {
        file.header.allow.iter().filter_map(|allow| match allow.value {
            Allowed::Lint(lint) => Some((lint, &allow.span)),
            Allowed::Check(_) => None,
        })
    };
    for finding in &findings {
        let severity = match topology.lints.of(finding.lint) {
            Level::Deny => Severity::Error,
            Level::Warn => Severity::Warning,
            Level::Allow => continue,
        };
        if allows().all(|(lint, _)| lint != finding.lint) {
            faults.push(diagnostic(file, finding, severity));
        }
    }
    let unused = allows().filter(|(lint, _)| is_read && findings.iter().all(|finding| finding.lint != *lint));
    faults.extend(unused.map(|(lint, span)| allowed::unused(lint.name(), file, span)));
}

fn diagnostic(file: &MigrationFile, finding: &Finding, severity: Severity) -> Diagnostic {
    let Finding { span, lint, subject } = finding;
    Diagnostic::new(lint.name(), lint.message(subject.as_deref()))
        .severity(severity)
        .at(&file.source, span.clone(), lint.label())
        .help(lint.help())
        .note(format!("this is the lint `{lint}`; where it does no harm, write `-- #[allow({lint})]` at the top of the file"))
}

#[cfg(all(test, not(feature = "lint")))]
mod without_the_feature {
    use super::super::testing::{EVERYWHERE, FLEET, diagnostics_of};

    #[test]
    fn what_is_denied_is_not_let_pass() {
        let denied = "[lints]\nall = \"warn\"\ndrop-view = \"deny\"\ndrop-table = \"deny\"\n";
        insta::assert_snapshot!(diagnostics_of(&format!("{FLEET}{denied}"), &[EVERYWHERE]));
    }

    #[test]
    fn what_is_allowed_needs_no_linter() {
        let drop = ("V2__a.sql", "-- #[route(everywhere)]\n-- #[allow(drop-table)]\nDROP TABLE orders;\n");
        let lints = "[lints]\ndrop-view = \"warn\"\n";
        assert_eq!(diagnostics_of(&format!("{FLEET}{lints}"), &[EVERYWHERE, drop]), "");
    }
}

#[cfg(all(test, feature = "lint"))]
mod tests {
    use std::collections::BTreeSet;

    use super::super::testing::{EVERYWHERE, FLEET, diagnostics_of, sources};
    use super::*;
    use crate::compile::examine;
    use crate::lint::Lint;

    /// What is found in a file: check, line and column.
    fn found(header: &str, sql: &str) -> Vec<String> {
        let text = format!("-- #[route(everywhere)]{header}\n{sql}\n");
        let diagnostics = examine(&sources(FLEET, &[("V2__a.sql", &text)])).diagnostics;
        let position = |found: &Diagnostic| found.position().and_then(|(_, position)| position);
        // The files here begin with what others would have made.
        diagnostics
            .iter()
            .filter(|found| !["missing-object", "not-resumable"].contains(&found.check))
            .map(|found| match position(found) {
                Some(position) => format!("{} {position}", found.check),
                None => found.check.to_owned(),
            })
            .collect()
    }

    /// For each lint a statement that it finds, and the safe way to the same end, or what looks like the statement and is none.
    const EXAMPLES: [(Lint, &str, &str); 26] = [
        (
            Lint::IndexNotConcurrent,
            "CREATE INDEX i ON t (a);",
            "CREATE TABLE t (a int); CREATE INDEX i ON t (a);",
        ),
        (
            Lint::IndexDropNotConcurrent,
            "DROP INDEX i;",
            "CREATE TABLE t (a int); CREATE INDEX i ON t (a); DROP INDEX i;",
        ),
        (
            Lint::ReindexNotConcurrent,
            "REINDEX TABLE t;",
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1); REINDEX TABLE t;",
        ),
        (
            Lint::DetachNotConcurrent,
            "ALTER TABLE t DETACH PARTITION p;",
            "ALTER TABLE t ATTACH PARTITION p DEFAULT;",
        ),
        (
            Lint::ForeignKeyWithoutNotValid,
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id);",
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id) NOT VALID;",
        ),
        (
            Lint::CheckWithoutNotValid,
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;",
        ),
        (
            Lint::ValidateInOneTransaction,
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c;",
            "ALTER TABLE t VALIDATE CONSTRAINT c;",
        ),
        (
            Lint::ExclusionConstraint,
            "ALTER TABLE t ADD CONSTRAINT c EXCLUDE USING gist (a WITH &&);",
            "CREATE TABLE t (a int4range); ALTER TABLE t ADD CONSTRAINT c EXCLUDE USING gist (a WITH &&);",
        ),
        (
            Lint::UniqueWithoutIndex,
            "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a);",
            "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i;",
        ),
        (
            Lint::PrimaryKeyWithoutIndex,
            "ALTER TABLE t ADD PRIMARY KEY (a);",
            "ALTER TABLE t ADD CONSTRAINT c PRIMARY KEY USING INDEX i;",
        ),
        (
            Lint::VolatileDefault,
            "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();",
            "ALTER TABLE t ADD COLUMN a timestamptz DEFAULT now();",
        ),
        (
            Lint::GeneratedColumn,
            "ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a * 2) STORED;",
            "ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a * 2) VIRTUAL;",
        ),
        (
            Lint::RequiredColumn,
            "ALTER TABLE t ADD COLUMN a int NOT NULL;",
            "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0;",
        ),
        (
            Lint::SetNotNull,
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
            "ALTER TABLE t VALIDATE CONSTRAINT a_known; ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
        ),
        (
            Lint::ColumnType,
            "ALTER TABLE t ALTER COLUMN a TYPE bigint;",
            "CREATE TABLE t (a int); ALTER TABLE t ALTER COLUMN a TYPE bigint;",
        ),
        (
            Lint::DomainConstraint,
            "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0);",
            "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID;",
        ),
        (Lint::TableRewrite, "CLUSTER t USING i;", "ALTER TABLE t CLUSTER ON i;"),
        (Lint::TruncateCascade, "TRUNCATE t CASCADE;", "TRUNCATE t;"),
        (
            Lint::RenameTable,
            "ALTER TABLE t RENAME TO u;",
            "ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u;",
        ),
        (
            Lint::RenameColumn,
            "ALTER TABLE t RENAME COLUMN a TO b;",
            "ALTER TABLE t RENAME CONSTRAINT a TO b;",
        ),
        (Lint::RenameEnumValue, "ALTER TYPE e RENAME VALUE 'a' TO 'b';", "ALTER TYPE e ADD VALUE 'b';"),
        (
            Lint::MoveTable,
            "ALTER TABLE t SET SCHEMA s;",
            "ALTER TABLE public.t SET SCHEMA s; CREATE VIEW public.t AS SELECT * FROM s.t;",
        ),
        (
            Lint::DropTable,
            "DROP TABLE t;",
            "CREATE TABLE new AS SELECT * FROM t; DROP TABLE t; ALTER TABLE new RENAME TO t;",
        ),
        (Lint::DropView, "DROP VIEW v;", "DROP VIEW v; CREATE VIEW v AS SELECT 1;"),
        (
            Lint::DropColumn,
            "ALTER TABLE t DROP COLUMN a;",
            "ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN a bigint;",
        ),
        (Lint::DropSchema, "DROP SCHEMA s CASCADE;", "CREATE SCHEMA s; DROP SCHEMA s;"),
    ];

    #[test]
    fn each_lint_finds_what_it_is_about_and_not_the_safe_way() {
        let covered: BTreeSet<Lint> = EXAMPLES.iter().map(|(lint, ..)| *lint).collect();
        assert_eq!(covered.len(), Lint::ALL.len());
        for (lint, dangerous, safe) in EXAMPLES {
            let checks: Vec<String> = found("", dangerous);
            assert!(
                checks.len() == 1 && checks[0].starts_with(&format!("{lint} 2:")),
                "{dangerous}: {checks:?}"
            );
            assert_eq!(found("", safe), [""; 0], "{safe}");
        }
    }

    #[test]
    fn each_is_accepted_by_name() {
        for (lint, dangerous, _) in EXAMPLES {
            assert_eq!(found(&format!(" #[allow({lint})]"), dangerous), [""; 0], "{dangerous}");
        }
    }

    #[test]
    fn other_forms_are_found_too() {
        let cases = [
            ("CREATE UNIQUE INDEX IF NOT EXISTS i ON s.t (a);", "index-not-concurrent"),
            ("ALTER TABLE t ADD COLUMN a int DEFAULT 1 REFERENCES u;", "foreign-key-without-not-valid"),
            ("ALTER TABLE t ADD COLUMN a int UNIQUE;", "unique-without-index"),
            ("ALTER TABLE t ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY;", "generated-column"),
            ("ALTER TABLE t ADD COLUMN a float DEFAULT (1 + random());", "volatile-default"),
            ("ALTER TABLE t ADD COLUMN a int DEFAULT my.next_one();", "volatile-default"),
            (
                "ALTER TABLE t ADD COLUMN a timestamptz DEFAULT clock_timestamp() AT TIME ZONE 'UTC';",
                "volatile-default",
            ),
            ("ALTER TABLE t ADD COLUMN a bigint DEFAULT nextval('q');", "volatile-default"),
            ("ALTER VIEW v RENAME TO w;", "rename-table"),
            ("ALTER MATERIALIZED VIEW v RENAME TO w;", "rename-table"),
            ("DROP MATERIALIZED VIEW v;", "drop-view"),
            ("DROP TABLE t, u; CREATE TABLE t (a int);", "drop-table"),
            ("CREATE TEMP TABLE t2 (a int); DROP TABLE t; CREATE TEMP TABLE t (a int);", "drop-table"),
        ];
        for (sql, lint) in cases {
            let checks = found("", sql);
            assert!(checks.len() == 1 && checks[0].starts_with(&format!("{lint} ")), "{sql}: {checks:?}");
        }
        let vacuum = found(" #[no_transaction]", "VACUUM FULL t;");
        assert_eq!(vacuum, ["table-rewrite 2:1"]);
    }

    #[test]
    fn what_does_no_harm_is_not_found() {
        for sql in [
            "CREATE TABLE IF NOT EXISTS t (a int); CREATE INDEX i ON t (a);",
            "CREATE TABLE public.t (a int); CREATE INDEX i ON t (a);",
            "CREATE TABLE \"T\" AS SELECT 1 AS a; CREATE INDEX i ON \"T\" (a);",
            "CREATE TABLE a (x int); ALTER TABLE a RENAME TO b; CREATE INDEX i ON b (x); ALTER TABLE b DROP COLUMN x;",
            "CREATE MATERIALIZED VIEW v AS SELECT 1 AS a; CREATE UNIQUE INDEX i ON v (a);",
            "DO $$ BEGIN CREATE TABLE t (a int); END $$; CREATE INDEX i ON t (a);",
            "CREATE TABLE t (a int REFERENCES u, b int UNIQUE, c uuid DEFAULT gen_random_uuid(), CHECK (a > 0));",
            "ALTER TABLE t ADD COLUMN a int REFERENCES u (id);",
            "ALTER TABLE t ADD COLUMN a bigserial NOT NULL;",
            "ALTER TABLE t ADD COLUMN a int DEFAULT -1;",
            "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT (0);",
            "ALTER TABLE t ADD COLUMN a date DEFAULT CURRENT_DATE;",
            "ALTER TABLE t ADD COLUMN a text DEFAULT current_user;",
            "ALTER TABLE t ADD COLUMN a timestamp DEFAULT (now() AT TIME ZONE 'utc');",
            "ALTER TABLE t ADD COLUMN a timestamp DEFAULT pg_catalog.timezone('utc', Now());",
            "ALTER TABLE t ADD COLUMN a jsonb DEFAULT jsonb_build_object('a', 1)::jsonb;",
            "ALTER TABLE t ADD COLUMN a int[] DEFAULT '{}'::int[];",
            "ALTER TABLE t ALTER COLUMN a SET DEFAULT gen_random_uuid();",
            "ALTER TABLE t ADD COLUMN b int; UPDATE t SET b = a; ALTER TABLE t DROP COLUMN a, ADD COLUMN a text;",
            "ALTER TABLE t ADD COLUMN b int; ALTER TABLE t RENAME COLUMN b TO c;",
            "ALTER TABLE t DROP COLUMN a; ALTER TABLE t RENAME COLUMN new_a TO a; ALTER TABLE t ADD COLUMN new_a int;",
            "CREATE TEMP TABLE seen (a int); DROP TABLE seen;",
            "SELECT 1; INSERT INTO t VALUES (1); UPDATE t SET a = 1; DELETE FROM t;",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION f();",
            "SET lock_timeout = '1s'; CREATE TYPE e AS ENUM ('a'); ALTER TYPE e RENAME VALUE 'a' TO 'b';",
            "-- squawk-ignore ban-drop-table\nDROP TABLE t;",
        ] {
            assert_eq!(found("", sql), [""; 0], "{sql}");
        }
    }

    /// What counts in one transaction does not count from one to the next.
    #[test]
    fn outside_a_transaction_each_statement_is_seen_by_itself() {
        let outside = |sql| found(" #[no_transaction]", sql);
        assert_eq!(outside("CREATE INDEX CONCURRENTLY i ON t (a);"), [""; 0]);
        assert_eq!(outside("DROP INDEX CONCURRENTLY i;"), [""; 0]);
        assert_eq!(outside("REINDEX TABLE CONCURRENTLY t;"), [""; 0]);
        assert_eq!(outside("ALTER TABLE t DETACH PARTITION p CONCURRENTLY;"), [""; 0]);
        let validated =
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c;";
        assert_eq!(outside(validated), [""; 0]);
        assert_eq!(outside("DROP VIEW v; CREATE VIEW v AS SELECT 1;"), ["drop-view 2:1"]);
        assert_eq!(outside("CREATE TABLE t (a int); CREATE INDEX i ON t (a);"), [""; 0]);
    }

    #[test]
    fn a_finding_looks_like_any_other_diagnostic() {
        let lints = "[lints]\nindex-not-concurrent = \"deny\"\ndrop-view = \"allow\"\n";
        let sql = "-- #[route(everywhere)]\nALTER TABLE shop.orders\n    ADD COLUMN paid bool NOT NULL;\nDROP VIEW v;\n\
                   CREATE INDEX orders_paid ON shop.orders (paid);\n";
        insta::assert_snapshot!(diagnostics_of(
            &format!("{FLEET}{lints}"),
            &[EVERYWHERE, ("V2__a.sql", sql)]
        ));
    }

    #[test]
    fn an_allow_that_allows_nothing_is_told() {
        let unused = "-- #[route(everywhere)]\n-- #[allow(drop-table, drop-view)]\nDROP TABLE t;\n";
        insta::assert_snapshot!(diagnostics_of(FLEET, &[EVERYWHERE, ("V2__a.sql", unused)]));
        // What nobody looked at cannot be told.
        let broken = "-- #[route(everywhere)]\n-- #[allow(drop-view)]\nDROP TABL t;\n";
        assert!(!diagnostics_of(FLEET, &[EVERYWHERE, ("V2__a.sql", broken)]).contains("unused-allow"));
        let sqlite = "[databases.a]\nurl = \"sqlite:a.db\"\n";
        assert_eq!(diagnostics_of(sqlite, &[("V2__a.sql", unused)]), "");
        // The level of the whole fleet may change, and this file need not.
        let lints = format!("{FLEET}[lints]\ndrop-table = \"allow\"\n");
        let used = "-- #[route(everywhere)]\n-- #[allow(drop-table)]\nDROP TABLE t;\n";
        assert_eq!(diagnostics_of(&lints, &[EVERYWHERE, ("V2__a.sql", used)]), "");
    }

    #[test]
    fn a_line_of_its_own_counts_more_than_all() {
        let lints = "[lints]\nall = \"deny\"\ndrop-table = \"warn\"\n";
        let sql = "-- #[route(everywhere)]\nDROP TABLE t;\nDROP VIEW v;\n";
        let said = diagnostics_of(&format!("{FLEET}{lints}"), &[EVERYWHERE, ("V2__a.sql", sql)]);
        assert!(said.contains("[drop-table] warning: ") && said.contains("[drop-view] error: "), "{said}");
    }

    #[test]
    fn what_ran_long_ago_is_not_looked_at() {
        let lints = format!("{FLEET}[lints]\nsince = 3\n");
        let old = ("V2__a.sql", "-- #[route(everywhere)]\n-- #[allow(drop-view)]\nDROP TABLE t;\n");
        let new = ("V3__a.sql", "-- #[route(everywhere)]\nDROP TABLE u;\n");
        let said = diagnostics_of(&lints, &[EVERYWHERE, old, new]);
        assert!(said.contains("V3__a.sql:2:1") && !said.contains("V2__a.sql"), "{said}");
    }

    #[test]
    fn one_finding_is_told_once_however_many_texts_a_variable_makes() {
        let toml = "[databases.\"a_{1..3}\"]\nurl = \"postgres://h/a_{1..3}\"\nvars = { part = \"p{1..3}\", fill = \"{1..3}\" }\n";
        let sql = "-- #[route(everywhere)] #[vars(part, fill)]\nCREATE INDEX i ON ${part}_t (a) WITH (fillfactor = ${fill});\n";
        let said = diagnostics_of(toml, &[("V2__a.sql", sql)]);
        assert_eq!(said.matches("[index-not-concurrent]").count(), 1, "{said}");
        assert!(said.contains("V2__a.sql:2:1"), "{said}");
        // A value may be what is found.
        let toml = "[databases.a]\nurl = \"postgres://h/a\"\nvars = { f = \"0\" }\n\
                    [databases.b]\nurl = \"postgres://h/b\"\nvars = { f = \"random()\" }\n";
        let sql = "-- #[route(everywhere)] #[vars(f)]\nALTER TABLE t ADD COLUMN a float DEFAULT ${f};\n";
        let said = diagnostics_of(toml, &[("V2__a.sql", sql)]);
        assert!(said.contains("[volatile-default] warning"), "{said}");
    }

    #[test]
    fn a_reverse_file_is_not_looked_at() {
        let up = ("V2__a.sql", "-- #[route(everywhere)]\nCREATE TABLE t (a int);\n");
        assert_eq!(diagnostics_of(FLEET, &[EVERYWHERE, up, ("V2__a.down.sql", "DROP TABLE t;\n")]), "");
    }
}
