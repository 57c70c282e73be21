//! The kinds of faults, and the statements that are at fault.

use fastrand::Rng;

use crate::seeds::{Seeded, Set, pick};

/// A way to put a fault into a set; `None` where the set has nothing for it.
pub(crate) type Kind = (&'static str, fn(&Set, &mut Rng) -> Option<Seeded>);

pub(crate) const KINDS: &[Kind] = &[
    ("a statement on a table of another group", |set, rng| set.elsewhere(rng, "TABLE", ON_TABLE)),
    ("a foreign key to another group", |set, rng| set.elsewhere(rng, "TABLE", FOREIGN_KEY)),
    ("a view on another group", |set, rng| set.elsewhere(rng, "TABLE", VIEW)),
    ("a DO body that works on another group", |set, rng| set.elsewhere(rng, "TABLE", BODY)),
    ("a type or domain of another group", |set, rng| {
        set.elsewhere(rng, "TYPE", ON_TYPE).or_else(|| set.elsewhere(rng, "DOMAIN", ON_TYPE))
    }),
    ("a function of another group", |set, rng| {
        set.made_elsewhere(
            rng,
            "CREATE FUNCTION fresh() RETURNS trigger LANGUAGE plpgsql AS 'begin end';",
            ON_FUNCTION,
        )
    }),
    ("an index of another group", |set, rng| set.elsewhere(rng, "INDEX", ON_INDEX)),
    ("a table that a later version makes", |set, rng| set.too_early(rng, ON_TABLE)),
    ("a table that was dropped", |set, rng| set.after(rng, &["DROP TABLE {} CASCADE;"], ON_TABLE)),
    ("a table that was renamed", |set, rng| {
        set.after(rng, &["ALTER TABLE {} RENAME TO renamed_{n};"], ON_TABLE)
    }),
    ("a table in another schema now", |set, rng| {
        set.after(rng, &["CREATE SCHEMA put_away;\nALTER TABLE {} SET SCHEMA put_away;"], IN_PUBLIC)
    }),
    ("a view that went with its table", |set, rng| {
        set.after(
            rng,
            &["CREATE VIEW seen AS SELECT * FROM {};\nDROP TABLE {} CASCADE;"],
            &["SELECT * FROM seen;", "DROP VIEW seen;"],
        )
    }),
    ("a table that a view needs", |set, rng| {
        set.after(
            rng,
            &["CREATE VIEW seen AS SELECT * FROM {};", "CREATE MATERIALIZED VIEW seen AS SELECT * FROM {};"],
            &["DROP TABLE {};"],
        )
    }),
    ("a function that a trigger needs", |set, rng| {
        set.after(
            rng,
            &["CREATE FUNCTION fresh() RETURNS trigger LANGUAGE plpgsql AS 'begin end';\nCREATE TRIGGER rings BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION fresh();"],
            &["DROP FUNCTION fresh();", "DROP FUNCTION IF EXISTS fresh;", "DROP ROUTINE fresh();"],
        )
    }),
    ("a trigger of a table that is gone", |set, rng| {
        set.after(
            rng,
            &["CREATE TRIGGER rings BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();\nDROP TRIGGER rings ON {};"],
            &["DROP TRIGGER rings ON {};", "ALTER TRIGGER rings ON {} RENAME TO sings;"],
        )
    }),
    ("a table twice", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["CREATE TABLE {} (id int);", "CREATE VIEW {} AS SELECT 1;", "CREATE SEQUENCE {};"],
        )
    }),
    ("a new object twice", |set, rng| {
        let (made, _) = *pick(rng, OBJECTS)?;
        set.after(rng, &[made], &[made])
    }),
    ("an object that is dropped twice", |set, rng| {
        let (made, dropped) = *pick(rng, OBJECTS)?;
        set.after(rng, &[&format!("{made}\n{dropped}")], &[dropped])
    }),
    ("a word that is misspelt", |set, rng| set.misspelt(rng)),
    ("a parenthesis that is missing", |set, rng| set.unbalanced(rng)),
    ("a `;` that is missing", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["SELECT * FROM {}\nCREATE TABLE cut_off (id int);", "COMMENT ON TABLE {} IS 'x'\nTRUNCATE {};"],
        )
    }),
    ("a comma too many", |set, rng| {
        set.after(rng, &["SELECT 1;"], &["CREATE TABLE listed (id int, of int,);", "SELECT 1, FROM {};"])
    }),
    ("a command of psql", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["\\i more.sql", "\\set ON_ERROR_STOP on", "COPY {} FROM stdin;\n1\tx\n\\."],
        )
    }),
    ("a statement that needs to be outside a transaction", |set, rng| {
        set.after(rng, &["SELECT 1;"], OUTSIDE)
    }),
    ("transaction control", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["BEGIN;", "COMMIT;", "ROLLBACK;", "SAVEPOINT a;", "START TRANSACTION;"],
        )
    }),
    ("a reverse file on a table of another group", |set, rng| {
        set.in_reverse(rng, "CREATE TABLE fresh (id int);", ON_TABLE, "DROP TABLE fresh;")
    }),
    ("a reverse file that drops what is not there", |set, rng| {
        let (made, dropped) = *pick(rng, OBJECTS)?;
        set.undone_twice(rng, made, dropped)
    }),
    ("what is never closed", |set, rng| {
        set.after(rng, &["SELECT 1;"], &["SELECT 'x;", "/* and so on", "DO $$ BEGIN", "SELECT \"x;"])
    }),
];

/// What may be meant so, and is told of.
pub(crate) const WARNINGS: &[Kind] = &[
    ("a call of a function of another group", |set, rng| {
        set.made_elsewhere(
            rng,
            "CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS 'select 1';",
            &[
                "SELECT {}();",
                "CREATE TABLE called (a int DEFAULT {}());",
                "INSERT INTO made_by_hand SELECT {}();",
            ],
        )
    }),
    ("a reverse file that leaves an object", |set, rng| {
        let (made, _) = *pick(rng, OBJECTS)?;
        set.not_undone(rng, made)
    }),
    ("a reverse file that does not bring an object back", |set, rng| {
        let gone = *pick(rng, &["DROP TABLE {} CASCADE;", "ALTER TABLE {} RENAME TO renamed;"])?;
        set.not_undone(rng, gone)
    }),
    ("a statement outside a transaction that cannot be resumed", |set, rng| set.not_resumable(rng, UNKNOWN)),
];

const ON_TABLE: &[&str] = &[
    "ALTER TABLE {} ADD COLUMN more int;",
    "ALTER TABLE ONLY {} DROP COLUMN less;",
    "INSERT INTO {} DEFAULT VALUES;",
    "UPDATE {} SET a = 1;",
    "DELETE FROM {} WHERE true;",
    "TRUNCATE {};",
    "SELECT count(*) FROM {} AS x;",
    "WITH q AS (SELECT * FROM {}) SELECT * FROM q;",
    "CREATE INDEX ON {} ((1));",
    "COMMENT ON TABLE {} IS 'x';",
    "COMMENT ON COLUMN {}.a IS 'x';",
    "GRANT SELECT ON {} TO PUBLIC;",
    "LOCK TABLE {} IN SHARE MODE;",
    "DROP TABLE {};",
    "ALTER TABLE {} RENAME TO other_name;",
    "CREATE TABLE copied (LIKE {});",
    "CREATE TABLE heir () INHERITS ({});",
    "CREATE TABLE copied AS SELECT * FROM {};",
    "CREATE POLICY p ON {} USING (true);",
    "CREATE TRIGGER t BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    "ANALYZE {};",
    "SELECT '{}'::regclass;",
    "INSERT INTO made_by_hand SELECT * FROM {};",
    "MERGE INTO {} USING made_by_hand ON (true) WHEN MATCHED THEN DELETE;",
];
const FOREIGN_KEY: &[&str] = &[
    "CREATE TABLE child (parent int REFERENCES {});",
    "CREATE TABLE child (a int, b int, FOREIGN KEY (a, b) REFERENCES {} (a, b) ON DELETE CASCADE);",
    "ALTER TABLE made_by_hand ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES {} (id);",
    "ALTER TABLE made_by_hand ADD COLUMN a int REFERENCES {} (id);",
];
const VIEW: &[&str] = &[
    "CREATE VIEW seen AS SELECT * FROM {};",
    "CREATE OR REPLACE VIEW seen AS SELECT a.* FROM made_by_hand AS a JOIN {} AS b USING (id);",
    "CREATE MATERIALIZED VIEW seen AS SELECT (SELECT count(*) FROM {}) AS n;",
];
const BODY: &[&str] = &[
    "DO $$ BEGIN UPDATE {} SET a = 1; END $$;",
    "DO $do$ DECLARE n int; BEGIN DELETE FROM {}; END $do$;",
    "DO LANGUAGE plpgsql 'BEGIN INSERT INTO {} DEFAULT VALUES; END';",
];
const ON_TYPE: &[&str] = &[
    "CREATE TABLE typed (a {});",
    "CREATE TABLE typed (a {}[] NOT NULL);",
    "ALTER TABLE made_by_hand ADD COLUMN a {};",
    "SELECT 'x'::{};",
    "COMMENT ON TYPE {} IS 'x';",
    "CREATE FUNCTION typed(a {}) RETURNS int LANGUAGE sql AS 'select 1';",
];
const ON_FUNCTION: &[&str] = &[
    "CREATE TRIGGER t BEFORE UPDATE ON made_by_hand FOR EACH ROW EXECUTE FUNCTION {}();",
    "SELECT public.{}();",
    "DROP FUNCTION {}();",
    "ALTER FUNCTION {}() RENAME TO other_name;",
];
const ON_INDEX: &[&str] = &[
    "DROP INDEX {};",
    "ALTER INDEX {} RENAME TO other_name;",
    "REINDEX INDEX {};",
    "COMMENT ON INDEX {} IS 'x';",
];
const IN_PUBLIC: &[&str] =
    &["UPDATE public.{} SET a = 1;", "ALTER TABLE public.{} ADD a int;", "SELECT * FROM public.{};"];
const OBJECTS: &[(&str, &str)] = &[
    ("CREATE TABLE fresh (id int);", "DROP TABLE fresh;"),
    ("CREATE VIEW fresh AS SELECT 1;", "DROP VIEW fresh;"),
    ("CREATE SEQUENCE fresh;", "DROP SEQUENCE fresh;"),
    ("CREATE TYPE fresh AS ENUM ('a');", "DROP TYPE fresh;"),
    ("CREATE DOMAIN fresh AS text;", "DROP DOMAIN fresh;"),
    ("CREATE FUNCTION fresh(a int) RETURNS int LANGUAGE sql AS 'select 1';", "DROP FUNCTION fresh(int);"),
    ("CREATE SCHEMA fresh;", "DROP SCHEMA fresh;"),
    ("CREATE EXTENSION fresh;", "DROP EXTENSION fresh;"),
    ("CREATE INDEX fresh ON {} ((1));", "DROP INDEX fresh;"),
    ("CREATE POLICY fresh ON {} USING (true);", "DROP POLICY fresh ON {};"),
    ("CREATE MATERIALIZED VIEW fresh AS SELECT 1;", "DROP MATERIALIZED VIEW fresh;"),
];
const UNKNOWN: &[&str] = &[
    "INSERT INTO {} DEFAULT VALUES;",
    "ALTER TABLE {} ADD COLUMN more int;",
    "ALTER TABLE {} DETACH PARTITION made_by_hand CONCURRENTLY;",
    "CREATE INDEX CONCURRENTLY ON {} ((1));",
    "CALL made_by_hand();",
    "CREATE TYPE fresh AS ENUM ('a');",
];
const OUTSIDE: &[&str] = &[
    "CREATE INDEX CONCURRENTLY ON {} ((1));",
    "REINDEX TABLE CONCURRENTLY {};",
    "REINDEX SCHEMA public;",
    "VACUUM {};",
    "VACUUM (FULL, ANALYZE) {};",
    "ALTER SYSTEM SET work_mem = '1MB';",
    "CREATE DATABASE other;",
    "DROP DATABASE other;",
    "DROP TABLESPACE fast;",
    "ALTER TABLE {} DETACH PARTITION made_by_hand CONCURRENTLY;",
    "CREATE SUBSCRIPTION s CONNECTION 'host=a' PUBLICATION p;",
];
