//! The locks that the build reads out of a migration are those that the server takes.

use std::collections::BTreeMap;

use sharded_migrations::LockLevel;
use sharded_migrations_tests::postgres::Cluster;

use crate::support::{Engine, TestFleet};

const BEFORE: &str = "\
CREATE TABLE a (id int PRIMARY KEY, x text, y int);
ALTER TABLE a ADD CONSTRAINT y_positive CHECK (y > 0) NOT VALID;
CREATE TABLE b (id int PRIMARY KEY, a int CONSTRAINT of_a REFERENCES a (id));
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 (id int);
CREATE TABLE parent (id int);
CREATE VIEW v AS SELECT id FROM a;
CREATE MATERIALIZED VIEW m AS SELECT id FROM a;
CREATE UNIQUE INDEX m_id ON m (id);
CREATE INDEX a_x ON a (x);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
CREATE TRIGGER t BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
CREATE POLICY p ON a USING (true);
CREATE RULE r AS ON DELETE TO parent DO INSTEAD NOTHING;
CREATE TYPE mood AS ENUM ('ok');
CREATE SEQUENCE s;
";

/// What a transaction may do. What runs outside of one locks for a while each of what it says.
const STATEMENTS: &[&str] = &[
    "SELECT 1",
    "SELECT setval('s', 3)",
    "INSERT INTO b SELECT id FROM a",
    "UPDATE a SET x = 'y' FROM b WHERE b.a = a.id",
    "DELETE FROM ONLY b USING a",
    "WITH gone AS (DELETE FROM b RETURNING id) INSERT INTO part_2 SELECT id FROM gone",
    "MERGE INTO b USING a ON a.id = b.id WHEN MATCHED THEN DELETE",
    "ALTER TABLE a ADD COLUMN z int",
    "ALTER TABLE a ADD COLUMN z int REFERENCES b (id)",
    "ALTER TABLE a ALTER COLUMN x SET NOT NULL",
    "ALTER TABLE a ALTER COLUMN x TYPE varchar",
    "ALTER TABLE a ALTER COLUMN x SET DEFAULT 'a'",
    "ALTER TABLE a ALTER COLUMN x SET STATISTICS 100",
    "ALTER TABLE a ALTER COLUMN x SET (n_distinct = 5)",
    "ALTER TABLE a ALTER COLUMN x SET STORAGE external",
    "ALTER TABLE a SET (fillfactor = 70)",
    "ALTER TABLE a RESET (fillfactor)",
    "ALTER TABLE a SET (autovacuum_enabled = false), ALTER COLUMN x SET STATISTICS 1",
    "ALTER TABLE a SET (fillfactor = 70), ADD COLUMN z int",
    "ALTER TABLE part_2 SET UNLOGGED",
    "ALTER TABLE a ADD CONSTRAINT z CHECK (id > 0)",
    "ALTER TABLE a ADD CONSTRAINT z CHECK (id > 0) NOT VALID",
    "ALTER TABLE a ADD CONSTRAINT z UNIQUE (x)",
    "ALTER TABLE part_2 ADD CONSTRAINT z FOREIGN KEY (id) REFERENCES a (id)",
    "ALTER TABLE part_2 ADD FOREIGN KEY (id) REFERENCES a (id) NOT VALID",
    "ALTER TABLE a VALIDATE CONSTRAINT y_positive",
    "ALTER TABLE b VALIDATE CONSTRAINT of_a",
    "ALTER TABLE b DROP CONSTRAINT of_a",
    "ALTER TABLE b DROP COLUMN a",
    "ALTER TABLE a DISABLE TRIGGER t",
    "ALTER TABLE a ENABLE ALWAYS TRIGGER t",
    "ALTER TABLE parent DISABLE RULE r",
    "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE a CLUSTER ON a_pkey",
    "ALTER TABLE a SET WITHOUT CLUSTER",
    "ALTER TABLE a REPLICA IDENTITY FULL",
    "ALTER TABLE a OWNER TO CURRENT_USER",
    "ALTER TABLE a RENAME TO c",
    "ALTER TABLE a RENAME COLUMN x TO z",
    "ALTER TABLE a RENAME CONSTRAINT y_positive TO z",
    "ALTER TABLE part_2 INHERIT parent",
    "ALTER TABLE parted ATTACH PARTITION part_2 FOR VALUES FROM (10) TO (20)",
    "ALTER TABLE parted DETACH PARTITION part_1",
    "ALTER INDEX a_x RENAME TO z",
    "ALTER INDEX a_x SET (fillfactor = 70)",
    "ALTER VIEW v RENAME TO w",
    "ALTER TRIGGER t ON a RENAME TO u",
    "ALTER POLICY p ON a USING (false)",
    "ALTER TYPE mood ADD VALUE 'well'",
    "ALTER SEQUENCE s RESTART",
    "CREATE TABLE c (id int, a int REFERENCES a (id))",
    "CREATE TABLE c (id int PRIMARY KEY, c int REFERENCES c (id))",
    "CREATE TABLE c (z int) INHERITS (parent)",
    "CREATE TABLE c PARTITION OF parted FOR VALUES FROM (30) TO (40)",
    "CREATE TABLE c AS SELECT * FROM a",
    "CREATE TABLE c (LIKE a INCLUDING ALL)",
    "CREATE INDEX z ON a (y)",
    "CREATE VIEW w AS SELECT * FROM a",
    "CREATE OR REPLACE VIEW v AS SELECT id FROM a WHERE id > 0",
    "CREATE TRIGGER u AFTER UPDATE ON b FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE POLICY q ON b USING (EXISTS (SELECT FROM a))",
    "CREATE RULE q AS ON DELETE TO b DO ALSO NOTHING",
    "CREATE STATISTICS z ON x, y FROM a",
    "CREATE PUBLICATION z FOR TABLE a",
    "COMMENT ON TABLE a IS 'z'",
    "COMMENT ON COLUMN a.x IS 'z'",
    "COMMENT ON TYPE mood IS 'z'",
    "GRANT SELECT ON a TO PUBLIC",
    "DROP TABLE b",
    "DROP VIEW v",
    "DROP MATERIALIZED VIEW m",
    "DROP INDEX a_x",
    "DROP TRIGGER t ON a",
    "DROP POLICY p ON a",
    "DROP RULE r ON parent",
    "DROP TYPE mood",
    "DROP FUNCTION f() CASCADE",
    "TRUNCATE b, part_2",
    "LOCK TABLE a, b IN SHARE MODE",
    "LOCK a IN ROW EXCLUSIVE MODE",
    "LOCK a",
    "ANALYZE a",
    "CLUSTER a USING a_pkey",
    "REINDEX TABLE a",
    "REINDEX INDEX a_x",
    "REFRESH MATERIALIZED VIEW m",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
    "DO $$ BEGIN ALTER TABLE a ADD COLUMN z int; END $$",
];

type Held = BTreeMap<String, LockLevel>;

/// A relation that was there before the statement.
struct Relation<'a> {
    oid: &'a str,
    name: &'a str,
    /// Indexes and sequences go with their tables, and are compared only where a statement names them.
    is_table: bool,
}

fn relation(row: &str) -> Relation<'_> {
    let [oid, name, kind] = row.split('|').collect::<Vec<_>>()[..] else { panic!("{row}") };
    Relation { oid, name, is_table: !matches!(kind, "i" | "S") }
}

#[test]
fn what_the_build_reads_is_what_the_server_takes() {
    let database = Cluster::shared().create_database("locks");
    database.psql(BEFORE);
    let relations = database.psql(
        "SELECT oid, relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY oid",
    );
    let relations: Vec<Relation<'_>> = relations.lines().map(relation).collect();
    let fleet = TestFleet::of_one(Engine::Postgres);
    let (mut different, mut whole) = (Vec::new(), 0);
    for statement in STATEMENTS {
        let first = format!("-- #[route(everywhere)]\n{BEFORE}");
        let second = format!("-- #[route(everywhere)]\n{statement};\n");
        let set = fleet.set(&[("V1__a.sql", &first), ("V2__b.sql", &second)]);
        let locks = set.migrations[1].locks.as_ref().unwrap();
        let told: Held = locks.tables().map(|lock| (lock.table.to_owned(), lock.level)).collect();
        let held =
            "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'";
        let rows = database.psql(&format!("BEGIN;\n{statement};\n{held};\nROLLBACK"));
        let mut taken = Held::new();
        for (oid, mode) in rows.lines().filter_map(|row| row.split_once('|')) {
            let Some(level) = LockLevel::ALL.into_iter().find(|level| format!("{level:?}Lock") == mode)
            else {
                continue;
            };
            let known = relations.iter().find(|relation| relation.oid == oid);
            let known = known.filter(|relation| relation.is_table || told.contains_key(relation.name));
            if let Some(Relation { name, .. }) = known.filter(|_| level > LockLevel::RowShare) {
                let strongest = taken.entry((*name).to_owned()).or_insert(level);
                *strongest = level.max(*strongest);
            }
        }
        let is_right = match locks.is_whole {
            true => told == taken,
            false => told.iter().all(|(name, level)| taken.get(name) == Some(level)),
        };
        whole += usize::from(locks.is_whole);
        if !is_right {
            different.push(format!(
                "{statement}\n  told:  {told:?}, whole: {}\n  taken: {taken:?}",
                locks.is_whole
            ));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(whole * 4 > STATEMENTS.len() * 3, "most are known: {whole} of {}", STATEMENTS.len());
}
