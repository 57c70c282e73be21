//! Bytes as a story of a fleet: each few of them are a statement that makes, changes or drops something out of a
//! small stock of names, in a file with a route. The SQL is always sound, so that what is tried is the replay.

use sharded_migrations_core::project::Sources;

const FLEET: &str = "\
[groups.users]
[groups.catalog]
[databases.default]
url = \"${URL}\"
[databases.\"users_{1..2}\"]
group = \"users\"
labels = [\"eu\"]
url = \"postgres://h/users_{1..2}\"
vars = { name = \"t{1..2}\" }
[databases.catalog]
group = \"catalog\"
url = \"postgres://h/catalog\"
";

const ROUTES: [&str; 6] = [
    "everywhere",
    "group = \"users\"",
    "group = \"catalog\"",
    "database = \"default\"",
    "database = \"users_1\"",
    "not(label = \"eu\")",
];

/// `A`, `B` and `C` are names, `S` is a schema.
const STATEMENTS: [&str; 60] = [
    "CREATE TABLE A (id int PRIMARY KEY, b serial)",
    "CREATE TABLE IF NOT EXISTS A (id int)",
    "CREATE TABLE S.A (id int)",
    "CREATE TEMP TABLE A (id int)",
    "CREATE TABLE A (id int REFERENCES B (id))",
    "CREATE TABLE A (m B, n S.C[])",
    "CREATE TABLE A (id int) PARTITION BY LIST (id)",
    "CREATE TABLE A PARTITION OF B DEFAULT",
    "CREATE TABLE A () INHERITS (B, C)",
    "CREATE TABLE A (LIKE B INCLUDING ALL)",
    "CREATE TABLE A AS SELECT * FROM B JOIN C ON true",
    "ALTER TABLE A ADD COLUMN c int",
    "ALTER TABLE A RENAME TO B",
    "ALTER TABLE A SET SCHEMA S",
    "ALTER TABLE IF EXISTS A RENAME TO B",
    "ALTER TABLE A ATTACH PARTITION B DEFAULT",
    "ALTER TABLE A DETACH PARTITION B",
    "ALTER TABLE A ADD FOREIGN KEY (id) REFERENCES B (id)",
    "ALTER TABLE A ADD COLUMN s bigint GENERATED ALWAYS AS IDENTITY",
    "DROP TABLE A",
    "DROP TABLE A, B CASCADE",
    "DROP TABLE IF EXISTS A CASCADE",
    "CREATE VIEW A AS SELECT * FROM B",
    "CREATE OR REPLACE VIEW A AS SELECT * FROM B, C",
    "CREATE MATERIALIZED VIEW A AS SELECT * FROM S.B",
    "ALTER VIEW A RENAME TO B",
    "DROP VIEW A",
    "DROP MATERIALIZED VIEW A CASCADE",
    "CREATE INDEX A ON B (id)",
    "ALTER INDEX A RENAME TO C",
    "DROP INDEX A",
    "CREATE SEQUENCE A OWNED BY B.id",
    "ALTER SEQUENCE A OWNED BY B.id",
    "SELECT nextval('A'), setval('S.B', 1)",
    "DROP SEQUENCE A",
    "CREATE TYPE A AS ENUM ('x')",
    "CREATE DOMAIN A AS B",
    "ALTER TYPE A RENAME TO B",
    "DROP TYPE A CASCADE",
    "DROP DOMAIN A",
    "CREATE FUNCTION A(x int) RETURNS int LANGUAGE sql AS 'select 1'",
    "CREATE FUNCTION A() RETURNS trigger LANGUAGE plpgsql AS 'begin end'",
    "SELECT A(1)",
    "ALTER FUNCTION A(int) RENAME TO B",
    "DROP FUNCTION A(int)",
    "CREATE TRIGGER A BEFORE UPDATE ON B FOR EACH ROW EXECUTE FUNCTION C()",
    "ALTER TRIGGER A ON B RENAME TO C",
    "DROP TRIGGER A ON B",
    "CREATE POLICY A ON B USING (true)",
    "DROP POLICY A ON B",
    "CREATE SCHEMA S",
    "CREATE SCHEMA S CREATE TABLE A (id int) CREATE VIEW B AS SELECT * FROM C",
    "ALTER SCHEMA S RENAME TO A",
    "DROP SCHEMA S CASCADE",
    "SET search_path = S, public",
    "RESET search_path",
    "INSERT INTO A SELECT * FROM B WHERE EXISTS (SELECT FROM S.C)",
    "WITH A AS (SELECT * FROM B) UPDATE C SET id = 1 FROM A",
    "DO $$ BEGIN IF true THEN DROP TABLE A; END IF; CREATE TABLE B (id int); EXECUTE 'DROP TABLE C'; END $$",
    "CREATE TABLE ${name} (id int REFERENCES A (id))",
];

const NAMES: [&str; 6] = ["a", "b", "c", "d", "t1", "\"A b\""];

const SCHEMAS: [&str; 3] = ["public", "s", "r"];

/// The project that bytes tell. Five of them are a statement, and whether a new file begins before it.
pub fn of(bytes: &[u8]) -> Sources {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for chunk in bytes.chunks_exact(5).take(200) {
        let [kind, names, more, schema, file] =
            [chunk[0], chunk[1], chunk[2], chunk[3], chunk[4]].map(usize::from);
        if files.is_empty() || file % 3 == 0 {
            let route = ROUTES[file / 3 % ROUTES.len()];
            let version = files.len() + 1;
            let header = format!("-- #[route({route})]\n-- #[touches(a)]\n");
            files.push((format!("V{version}__f.sql"), header.into_bytes()));
        }
        let name = |number: usize| NAMES[number % NAMES.len()];
        let mut statement = String::new();
        for word in words(STATEMENTS[kind % STATEMENTS.len()]) {
            statement.push_str(match word {
                "A" => name(names),
                "B" => name(names / NAMES.len()),
                "C" => name(more),
                "S" => SCHEMAS[schema % SCHEMAS.len()],
                _ => word,
            });
        }
        if let Some((_, text)) = files.last_mut() {
            text.extend_from_slice(statement.as_bytes());
            text.extend_from_slice(b";\n");
        }
    }
    // What uses the variable has to declare it.
    for (_, text) in &mut files {
        if text.windows(7).any(|part| part == b"${name}") {
            text.splice(0..0, *b"-- #[vars(name)]\n");
        }
    }
    Sources {
        folder: "migrations".to_owned(),
        files,
        databases: "databases.toml".to_owned(),
        databases_bytes: FLEET.as_bytes().to_vec(),
        lock: None,
    }
}

/// A text cut where letters end and begin.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| is_letter(c) != is_letter(first)).unwrap_or(rest.len());
        let (word, left) = rest.split_at(end);
        rest = left;
        Some(word)
    })
}
