//! Every database's sequence of migrations is replayed on a catalog: what a statement works on is there when its turn
//! comes, on every database it goes to, and is not there twice. Behind each migration its reverse file is replayed as
//! well, and taken back.

mod replay;
mod shown;
mod undone;

use std::collections::{BTreeMap, BTreeSet};

use crate::Diagnostic;
use crate::catalog::{Creations, Finding, What};
use crate::project::Project;
use replay::{replay, sequences};
use shown::Shown;

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = project.topology.as_ref().filter(|topology| topology.is_whole) else { return };
    // What could not be read may make anything.
    if !project.is_whole {
        return;
    }
    let creations = Creations::of(&project.migrations);
    let mut merged: BTreeMap<(usize, usize, usize), (Finding, BTreeSet<usize>)> = BTreeMap::new();
    let mut differences = undone::Differences::default();
    for (sequence, databases) in sequences(project) {
        let found = replay(project, &creations, &sequence, databases[0]);
        for finding in found.findings {
            let kind = match finding.what {
                What::Missing { .. } => 0,
                What::Twice { .. } => 1,
                What::Needed { .. } => 2,
            };
            let key = (finding.file, finding.span.start, kind);
            merged.entry(key).or_insert_with(|| (finding, BTreeSet::new())).1.extend(&databases);
        }
        for (reverse, difference) in found.differences {
            differences.add(reverse, difference, &databases);
        }
    }
    let shown = Shown { project, topology: &topology.topology };
    faults.extend(merged.into_values().map(|(finding, databases)| shown.diagnostic(&finding, &databases)));
    faults.extend(differences.diagnostics(&shown));
}

#[cfg(test)]
mod tests {
    use super::super::testing::{examined, faults, faults_of};

    const USERS: &str = "-- #[route(group = \"users\")]\n";
    const CATALOG: &str = "-- #[route(group = \"catalog\")]\n";
    const EVERYWHERE: &str = "-- #[route(everywhere)]\n";

    /// Files `V2__a.sql`, `V3__a.sql`, .. of these routes and texts.
    fn of(files: &[(&str, &str)]) -> String {
        let named: Vec<(String, String)> = files
            .iter()
            .enumerate()
            .map(|(index, (route, sql))| (format!("V{}__a.sql", index + 2), format!("{route}{sql}\n")))
            .collect();
        let files: Vec<(&str, &str)> =
            named.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        faults(&files)
    }

    #[test]
    fn what_is_on_another_group() {
        insta::assert_snapshot!(of(&[
            (CATALOG, "CREATE TABLE product (id int PRIMARY KEY);"),
            (USERS, "ALTER TABLE product ADD note text;"),
            (USERS, "CREATE TABLE line (product int REFERENCES product (id));"),
            (EVERYWHERE, "CREATE VIEW shown AS SELECT * FROM product JOIN product AS other USING (id);"),
        ]));
    }

    #[test]
    fn what_is_gone_or_comes_later() {
        insta::assert_snapshot!(of(&[
            (USERS, "CREATE TABLE a (id int);\nCREATE TABLE b (id int);"),
            (USERS, "DROP TABLE a;\nALTER TABLE b RENAME TO c;"),
            (USERS, "UPDATE a SET id = 1;\nDELETE FROM b;\nINSERT INTO later VALUES (1);"),
            (USERS, "CREATE TABLE later (id int);"),
        ]));
    }

    #[test]
    fn what_is_made_twice() {
        insta::assert_snapshot!(of(&[
            (EVERYWHERE, "CREATE TABLE a (id int);\nCREATE TYPE mood AS ENUM ('ok');"),
            (USERS, "CREATE TABLE a (id int);"),
            (CATALOG, "CREATE TABLE IF NOT EXISTS a (id int);\nCREATE TYPE mood AS ENUM ('ok');"),
        ]));
    }

    #[test]
    fn a_view_keeps_its_table() {
        insta::assert_snapshot!(of(&[
            (USERS, "CREATE TABLE a (id int);\nCREATE VIEW v AS SELECT * FROM a;"),
            (USERS, "DROP TABLE a;"),
        ]));
        let cascade = of(&[
            (USERS, "CREATE TABLE a (id int);\nCREATE VIEW v AS SELECT * FROM a;"),
            (USERS, "DROP TABLE a CASCADE;\nSELECT * FROM v;"),
        ]);
        assert!(cascade.contains("`v` was dropped by V3__a.sql:2"), "{cascade}");
    }

    #[test]
    fn a_trigger_keeps_its_function() {
        let made = "CREATE TABLE a (id int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';\n\
                    CREATE TRIGGER g AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();";
        let dropped = |sql: &str| of(&[(USERS, made), (USERS, sql)]);
        let kept = dropped("DROP FUNCTION f();");
        assert!(
            kept.contains("the trigger `g` needs `f` on group `users`") && kept.contains("V3__a.sql:2:15"),
            "{kept}"
        );
        for sound in [
            "DROP TRIGGER g ON a;\nDROP FUNCTION f();",
            "DROP TABLE a;\nDROP FUNCTION f;",
            "DROP FUNCTION f() CASCADE;",
            "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';",
        ] {
            assert_eq!(dropped(sound), "", "{sound}");
        }
    }

    /// What is missing in the second statement, as the note that says why.
    fn missing(made: &str, dropped: &str, used: &str) {
        let found = of(&[(USERS, made), (USERS, dropped), (USERS, used)]);
        assert!(
            found.contains("missing-object") && found.contains("V4__a.sql:2"),
            "{made}\n{dropped}\n{used}\n{found}"
        );
        assert_eq!(found.matches("error:").count(), 1, "{found}");
        let sound = of(&[(USERS, made), (USERS, "SELECT 1;"), (USERS, used)]);
        assert_eq!(sound, "", "{made}\n{used}");
    }

    #[test]
    fn objects_of_every_class() {
        let t = "CREATE TABLE t (id serial, a int);";
        let cases = [
            (t, "DROP TABLE t;", "SELECT nextval('t_id_seq');"),
            (
                "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY);",
                "DROP TABLE t;",
                "ALTER SEQUENCE t_id_seq RESTART;",
            ),
            (
                "CREATE SEQUENCE s;",
                "DROP SEQUENCE s;",
                "CREATE TABLE u (id int DEFAULT nextval('s'::regclass));",
            ),
            ("CREATE TYPE m AS ENUM ('a');", "DROP TYPE m;", "CREATE TABLE u (m m[]);"),
            ("CREATE DOMAIN d AS text;", "DROP DOMAIN d;", "ALTER DOMAIN d SET NOT NULL;"),
            ("CREATE VIEW v AS SELECT 1;", "DROP VIEW v;", "SELECT * FROM v;"),
            (
                "CREATE MATERIALIZED VIEW v AS SELECT 1;",
                "DROP MATERIALIZED VIEW v;",
                "REFRESH MATERIALIZED VIEW v;",
            ),
            (
                "CREATE TABLE t (a int);\nCREATE INDEX i ON t (a);",
                "DROP INDEX i;",
                "ALTER INDEX i RENAME TO j;",
            ),
            (
                "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'select 1';",
                "DROP FUNCTION f(int);",
                "SELECT public.f(1);",
            ),
            ("CREATE PROCEDURE p() LANGUAGE sql AS 'select 1';", "DROP PROCEDURE p;", "CALL p();"),
            (
                "CREATE TABLE t (a int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';",
                "DROP FUNCTION f();",
                "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
            ),
            ("CREATE SCHEMA s;", "DROP SCHEMA s;", "GRANT USAGE ON SCHEMA s TO x;"),
            ("CREATE EXTENSION e;", "DROP EXTENSION e;", "ALTER EXTENSION e UPDATE;"),
            (
                "CREATE TABLE t (a int);\nCREATE POLICY p ON t USING (true);",
                "DROP POLICY p ON t;",
                "ALTER POLICY p ON t RENAME TO q;",
            ),
            (
                "CREATE TABLE t (a int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';\n\
                 CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
                "DROP TRIGGER g ON t;",
                "ALTER TRIGGER g ON t RENAME TO h;",
            ),
            ("CREATE TABLE s.\"T\" (a int);", "ALTER TABLE s.\"T\" RENAME TO u;", "TRUNCATE s.\"T\";"),
            (t, "ALTER TABLE t SET SCHEMA s;", "SET search_path = public;INSERT INTO t VALUES (1);"),
            (t, "DROP TABLE t;", "DO $$ BEGIN UPDATE t SET a = 1; END $$;"),
            (t, "DROP TABLE t;", "COMMENT ON COLUMN t.a IS 'x';"),
            (t, "DROP TABLE t;", "WITH x AS (SELECT * FROM t) SELECT * FROM x;"),
            (t, "DROP TABLE t;", "WITH t AS (SELECT * FROM t) SELECT * FROM t;"),
        ];
        for (made, dropped, used) in cases {
            missing(made, dropped, used);
        }
    }

    /// `uuidv7()` is the server's from version 18 on, and an extension's or one's own before.
    #[test]
    fn a_call_may_mean_a_function_of_the_server() {
        let made = "CREATE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql AS 'select 1';";
        let catalog = format!("{CATALOG}{made}");
        let users = |sql: &str| {
            let sql = format!("{USERS}{sql}");
            examined(&[("V2__a.sql", &catalog), ("V3__b.sql", &sql)])
        };
        let table = "CREATE TABLE t (id uuid DEFAULT uuidv7());";
        insta::assert_snapshot!(users(table));
        assert_eq!(of(&[(CATALOG, made), (USERS, table)]), "");
        assert_eq!(users("CREATE TABLE t (id uuid DEFAULT pg_catalog.uuidv7());"), "");
        for certain in ["SELECT public.uuidv7();", "ALTER FUNCTION uuidv7() STABLE;", "CALL uuidv7();"] {
            assert!(users(certain).contains("error: the function `"), "{certain}");
        }
        let trigger = "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION uuidv7();";
        assert!(users(trigger).contains("error: the function `uuidv7`"));
    }

    #[test]
    fn what_a_block_touches_can_be_declared() {
        let block = "-- #[touches(product)]\nDO $$ BEGIN EXECUTE 'TRUNCATE ' || 'prod' || 'uct'; END $$;";
        let made = (CATALOG, "CREATE TABLE product (id int);");
        assert_eq!(of(&[made, (CATALOG, block)]), "");
        let found = of(&[made, (USERS, block)]);
        assert!(found.contains("V3__a.sql:2:14") && found.contains("only on group `catalog`"), "{found}");
    }

    #[test]
    fn what_is_written_in_rust_is_a_block_that_nobody_can_read() {
        let made = ("V2__a.sql", "-- #[route(group = \"catalog\")]\nCREATE TABLE product (id int);\n");
        let step = |attributes: &str| {
            format!(
                "{attributes}\n#[route(group = \"users\")]\npub async fn a(context: &mut Context) -> Result {{ context.batch(\"UPDATE product SET id = 1\").await }}\n"
            )
        };
        assert_eq!(faults(&[made, ("V3__a.rs", &step(""))]), "");
        let found = faults(&[made, ("V3__a.rs", &step("#[touches(product)]"))]);
        assert!(found.contains("V3__a.rs:1:11") && found.contains("only on group `catalog`"), "{found}");
        let behind = ("V4__b.sql", "-- #[route(group = \"users\")]\nALTER TABLE product ADD note text;\n");
        assert_eq!(faults(&[made, ("V3__a.rs", &step("")), behind]), "", "it may have made it");
        assert!(!faults(&[made, ("V3__a.rs", &step("#[touches(x)]")), behind]).is_empty());
    }

    #[test]
    fn what_is_never_reported() {
        let elsewhere = (
            CATALOG,
            "CREATE TABLE x (id int);\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1';\nCREATE TYPE m AS ENUM ('a');",
        );
        for sql in [
            "SELECT * FROM made_by_hand;",
            "WITH x AS (SELECT 1) SELECT * FROM x;",
            "WITH RECURSIVE x AS (SELECT 1 UNION SELECT * FROM x) SELECT * FROM x UNION SELECT * FROM x;",
            "CREATE TEMP TABLE x (id int);\nINSERT INTO x VALUES (1);\nDROP TABLE x;",
            "DROP TABLE IF EXISTS x;\nALTER TABLE IF EXISTS x ADD b int;",
            "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$ SELECT id FROM x $$;",
            "DO $$ BEGIN IF true THEN UPDATE x SET id = 1; END IF; END $$;",
            "DO $$ BEGIN EXECUTE 'CREATE TABLE x (id int)'; END $$;\nSELECT * FROM x;",
            "SELECT x.id FROM other AS x;",
            "SELECT 1 AS x;",
            "CREATE TABLE y (x int, m text, f int);\nSELECT x, m, f FROM y;",
            "SELECT * FROM s.x;",
            "CREATE TABLE z (id int, parent int REFERENCES z (id));",
        ] {
            assert_eq!(of(&[elsewhere, (USERS, sql)]), "", "{sql}");
        }
        let again =
            "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$;";
        assert_eq!(of(&[(USERS, again), (USERS, again)]), "");
        let forms = "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'select 1';\nCREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'select 1';";
        assert_eq!(of(&[(USERS, forms), (USERS, "DROP FUNCTION f(int);\nSELECT f('');")]), "");
        let index = "CREATE TABLE c (a int, b int, d int GENERATED ALWAYS AS IDENTITY);\nCREATE INDEX c_idx ON c (a);";
        for goes in [
            "ALTER TABLE c DROP COLUMN a;\nCREATE INDEX c_idx ON c (b);",
            "ALTER TABLE c RENAME a TO e;\nALTER TABLE c DROP e;\nCREATE INDEX c_idx ON c (b);",
            "ALTER TABLE c ADD CONSTRAINT x UNIQUE USING INDEX c_idx;\nCREATE INDEX c_idx ON c (b);",
            "ALTER TABLE c ALTER d DROP IDENTITY;\nCREATE SEQUENCE c_d_seq;",
        ] {
            assert_eq!(of(&[(USERS, index), (USERS, goes)]), "", "{goes}");
        }
        let attached = "CREATE TABLE p2 (id int);\nALTER TABLE p ATTACH PARTITION p2 DEFAULT;\nDROP TABLE p;\nCREATE TABLE p2 (id int);";
        let parent = "CREATE TABLE p (id int) PARTITION BY LIST (id);";
        assert_eq!(of(&[(USERS, parent), (USERS, attached)]), "");
        let partition =
            "CREATE TABLE p (id int) PARTITION BY LIST (id);\nCREATE TABLE p1 PARTITION OF p DEFAULT;";
        assert_eq!(of(&[(USERS, partition), (USERS, "DROP TABLE p;\nCREATE TABLE p1 (id int);")]), "");
    }
    #[test]
    fn sqlite_is_replayed_as_well() {
        let fleet = "[groups.a]\n[groups.b]\n[databases.a]\ngroup = \"a\"\nurl = \"sqlite:a.db\"\n\
                     [databases.b]\ngroup = \"b\"\nurl = \"sqlite:b.db\"\n";
        let of = |a: &str, b: &str| {
            let a = format!("-- #[route(group = \"a\")]\n{a}");
            let b = format!("-- #[route(group = \"b\")]\nSELECT 1;\n{b}");
            faults_of(fleet, &[("V1__a.sql", &a), ("V2__b.sql", &b)])
        };
        let made = "CREATE TABLE Orders (id INTEGER PRIMARY KEY AUTOINCREMENT);\nCREATE VIEW v AS SELECT * FROM orders;";
        for used in [
            "ALTER TABLE orders ADD x;",
            "INSERT INTO \"ORDERS\" VALUES (1);",
            "CREATE INDEX i ON [orders] (x);",
            "CREATE TRIGGER t AFTER INSERT ON orders BEGIN SELECT 1; END;",
            "DROP VIEW v;",
        ] {
            let found = of(made, used);
            assert!(found.contains("V2__b.sql:3:") && found.contains("only on group `a`"), "{used}: {found}");
        }
        let again = of(&format!("{made}\nCREATE TABLE orders (id);"), "SELECT 1;");
        assert!(again.contains("[duplicate-object]") && again.contains("V1__a.sql:4:14"), "{again}");
        // What is looked up only when it is used, and what SQLite allows.
        for sound in [
            "CREATE TABLE x (o REFERENCES orders (id));\nCREATE VIEW w AS SELECT * FROM orders;",
            "CREATE TABLE t (x);\nCREATE VIEW w AS SELECT * FROM t;\nDROP TABLE t;\nDROP VIEW w;",
            "CREATE TABLE n (x);\nCREATE INDEX i ON n (x);\nCREATE TABLE m (x);\nDROP TABLE n;\nALTER TABLE m RENAME TO n;\nCREATE INDEX i ON n (x);",
            "CREATE TEMP TABLE orders (x);\nINSERT INTO orders VALUES (1);\nDROP TABLE orders;",
        ] {
            assert_eq!(of(made, sound), "", "{sound}");
        }
    }
}
