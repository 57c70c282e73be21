//! Files that nobody writes on purpose: nothing but what opens, repeats or nests. Each is a diagnostic or nothing, never
//! the end of the process. The sizes are such that a time that grows with the square of one shows as a test that is slow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

use sharded_migrations_core::Diagnostic;
use sharded_migrations_core::compile::examine;
use sharded_migrations_core::diagnostic::Style;
use sharded_migrations_core::project::Sources;

/// Bytes of a file.
const SIZE: usize = 1 << 14;

const FLEET: &str = "[groups.users]\n[databases.default]\nurl = \"${URL}\"\n[databases.\"users_{1..2}\"]\n\
    group = \"users\"\nurl = \"postgres://h/users_{1..2}\"\nvars = { shard_id = \"{1..2}\" }\n";

fn project(databases: &str, files: &[(&str, &str)]) -> Sources {
    Sources {
        folder: "migrations".into(),
        files: files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect(),
        databases: "databases.toml".into(),
        databases_bytes: databases.as_bytes().to_vec(),
        lock: None,
    }
}

/// What is found in a file that goes everywhere; all of it can be shown.
fn found_in(text: &str) -> Vec<Diagnostic> {
    let file = format!("-- #[route(everywhere)]\n{text}");
    shown(examine(&project(FLEET, &[("V1__x.sql", &file)])).diagnostics)
}

fn found_in_fleet(databases: &str) -> Vec<Diagnostic> {
    let file = "-- #[route(everywhere)]\nSELECT 1;\n";
    shown(examine(&project(databases, &[("V1__x.sql", file)])).diagnostics)
}

fn shown(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    for fault in &found {
        assert!(!fault.render(Style::Plain).is_empty());
    }
    found
}

/// As often as fits.
fn much(unit: &str) -> String {
    unit.repeat(SIZE / unit.len())
}

#[test]
fn a_file_of_one_sign() {
    for unit in [
        "(", ")", "[", "]", "{", "}", "'", "''", "\"", "\"\"", "$", "$$", "$$ ", "$a$ ", "$a", "/*", "*/",
        "/**/", "-- x\n", "-", ";", ",", ".", "*", "+", "<", "@", "!", "~", "^", "%", "#", "|", "&", "=",
        ":", "\\", "\\\n", "`", "?", "é", "𝕏", "\u{feff}", "\u{1}", " ", "\n", "\r\n", "1", "1.", "0x", "1e",
        "E'", "E'\\", "U&'", "B'", "X'", "N'", "${", "${a}",
    ] {
        found_in(&much(unit));
        found_in(&format!("SELECT {}", much(unit)));
    }
}

#[test]
fn a_file_of_one_statement_or_clause() {
    for unit in [
        "SELECT 1;\n",
        "SELECT ",
        "SELECT a FROM b;\n",
        "SELEC 1;\n",
        "a ",
        "a;\n",
        "a.",
        "a, ",
        "1 + ",
        "DROP TABLE ;\n",
        "CREATE TABLE ",
        "CREATE TABLE a (id int);\n",
        "DROP TABLE a;\n",
        "INSERT INTO a VALUES (1);\n",
        "INSERT ",
        "COPY a TO 'b';\n",
        "COPY a FROM stdin;\n",
        "BEGIN;\n",
        "COMMIT;\n",
        "END;\n",
        "DO $$ BEGIN UPDATE a SET b = 1; END $$;\n",
        "VACUUM;\n",
        "CREATE INDEX CONCURRENTLY ON a (b);\n",
        "CREATE VIEW v AS SELECT * FROM a;\n",
        "SET search_path = a;\n",
        "WITH a AS (SELECT 1) SELECT * FROM a;\n",
        "\\i a.sql\n",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'x';\n",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END;\n",
        "-- #[route(everywhere)]\n",
        "-- #[x]\n",
        "-- #route(\n",
        "/* #[x] */\n",
        "SELECT '${shard_id}';\n",
        "SELECT nextval('a');\n",
    ] {
        let found = found_in(&much(unit));
        assert!(found.len() <= 1_000, "{unit}: {} faults", found.len());
    }
}

/// The parser calls itself for what nests, and for much that does not: what it cannot take has to be found before.
#[test]
fn what_the_parser_would_run_out_of_stack_on() {
    for unit in [
        "(",
        "[",
        "+ * ",
        "|/ ",
        "NOT ",
        "OPERATOR(+) ",
        "CASE ",
        "WITH ",
        "EXPLAIN ",
        "EXPLAIN ANALYZE ",
        "CREATE VIEW ",
        "CREATE RULE ",
        "PREPARE a AS ",
        "BETWEEN ",
        "= ",
        "<<l>> ",
        "CREATE FUNCTION f() BEGIN ATOMIC ",
        "DO INSTEAD CREATE RULE r AS ON INSERT TO t ",
    ] {
        let text = unit.repeat(60_000);
        let found = [found_in(&text), found_in(&format!("SELECT {text}"))].concat();
        assert!(found.iter().any(|fault| fault.message.starts_with("more than ")), "{unit}: {found:?}");
    }
    assert_eq!(found_in(&format!("SELECT 1 FROM a{};", " JOIN a ON true".repeat(5_000))), []);
    // A body that is too deep is a block that cannot be read.
    for unit in ["BEGIN ", "LOOP ", "IF a THEN ", "(", "NOT ", "CREATE VIEW "] {
        assert_eq!(found_in(&format!("DO $$ BEGIN {} END $$;", unit.repeat(60_000))), [], "{unit}");
    }
}

#[test]
fn a_file_of_one_header_or_list() {
    found_in(&format!("-- {}\n", much("#[x]")));
    found_in(&format!("-- #[touches({})]\nSELECT 1;", much("a, ")));
    found_in(&format!("-- #[{}", much("a(")));
    found_in(&format!("-- #[touches(\"{}\")]\nDO $$ x $$;", much("\\\"")));
    let values: Vec<String> = (0..5_000).map(|n| format!("({n}, 'name {n}', now())")).collect();
    assert_eq!(
        found_in(&format!("CREATE TABLE a (x int);\nINSERT INTO a VALUES {};", values.join(",\n"))),
        []
    );
    let columns: Vec<String> = (0..5_000).map(|n| format!("c{n} int NOT NULL DEFAULT {n}")).collect();
    assert_eq!(found_in(&format!("CREATE TABLE a ({});", columns.join(",\n"))), []);
    let tables: Vec<String> = (0..5_000).map(|n| format!("CREATE TABLE t{n} (id serial);")).collect();
    assert_eq!(found_in(&tables.join("\n")), []);
    let dropped: Vec<String> = (0..5_000).map(|n| format!("t{n}")).collect();
    assert_eq!(found_in(&format!("{}\nDROP TABLE {};", tables.join("\n"), dropped.join(", "))), []);
}

#[test]
fn twenty_thousand_lines() {
    let mut lines: Vec<String> = (0..20_000).map(|n| format!("INSERT INTO a VALUES ({n});")).collect();
    assert_eq!(found_in(&format!("CREATE TABLE a (x int);\n{}", lines.join("\n"))), []);
    // A table that is gone is missed in each of them.
    lines.truncate(5_000);
    let found = found_in(&format!("CREATE TABLE a (x int);\nDROP TABLE a;\n{}", lines.join("\n")));
    assert!(found.iter().any(|fault| fault.message.contains("the table `a` is not on")), "{found:?}");
    // Not PostgreSQL's.
    let lines = "LOCK TABLES `a` WRITE;\nINSERT INTO `a` VALUES (1);\n".repeat(2_000);
    let found = found_in(&lines);
    assert_eq!(found.len(), 100, "a flood is cut");
    assert!(found[99].notes[0].contains("more in this file"), "{:?}", found[99]);
}

#[test]
fn fleets_that_are_too_large() {
    let found = found_in_fleet(
        "[databases.\"users_{000000..999999}\"]\nurl = \"postgres://h/users_{000000..999999}\"\n",
    );
    assert!(found[0].message.contains("more than 10000 numbers"), "{found:?}");
    let shards = "[groups.users]\n[databases.\"users_{0001..9999}\"]\nurl = \"postgres://h/{0001..9999}\"\ngroup = \"users\"\n\
        vars = { id = \"{0001..9999}\" }\n";
    let replicas = |of: &str| {
        format!(
            "{shards}[databases.\"users_{{0001..9999}}_replica\"]\nurl = \"postgres://r/{{0001..9999}}\"\nreplica_of = \"{of}\"\n"
        )
    };
    assert_eq!(found_in_fleet(&replicas("users_{0001..9999}")), []);
    let found = found_in_fleet(&replicas("user_{0001..9999}"));
    assert!(found.len() == 1 && found[0].message.contains("no database is called `user_0001`"), "{found:?}");
    let twice = shards.replace("[groups.users]\n", "").replace("users_{0001..9999}\"]", "{0001..9999}\"]");
    let name = twice.replace("\"{0001..9999}\"]", "\"users_{1000..9999}\"]");
    let found = found_in_fleet(&format!("{shards}{name}"));
    assert!(!found.is_empty());
    // Each shard has values of its own.
    let file = "-- #[route(everywhere)]\n-- #[vars(id)]\nSELECT ${id};\nSELECT 'a${id}';\n";
    let examined = examine(&project(shards, &[("V1__x.sql", file)]));
    assert_eq!(examined.diagnostics, []);
}

#[test]
fn a_fleet_of_one_sign() {
    for unit in [
        "[",
        "]",
        "{",
        "[[",
        "a.",
        "a=",
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "#\n",
        "\n",
        "a = {",
        "a = [",
        "[a]\n",
        "[databases.x]\n",
        "[databases.\"{1..2}\"]\n",
        "x = 1\n",
        ",",
        "\\",
        "\\u0000",
        "é",
        "${",
        "{1..2}",
        "1",
        "-",
        "[[a]]\n",
    ] {
        found_in_fleet(&much(unit));
        found_in_fleet(&format!("[databases.x]\nurl = \"{}\"\n", much(unit)));
        found_in_fleet(&format!("x = {}", much(unit)));
        found_in_fleet(&format!("[{}", much(unit)));
    }
    let unknown: String = (0..5_000).map(|n| format!("k{n} = {n}\n")).collect();
    assert!(!found_in_fleet(&unknown).is_empty());
    let routes: String = (0..2_000).map(|n| format!("\"f{n}\" = 'everywhere'\n")).collect();
    assert!(!found_in_fleet(&format!("[routes]\n{routes}")).is_empty());
    let groups: String = (0..2_000).map(|n| format!("[groups.g{n}]\n")).collect();
    assert_eq!(found_in_fleet(&format!("{FLEET}{groups}")), []);
}

#[test]
fn two_thousand_variables() {
    let names: Vec<String> = (0..2_000).map(|n| format!("v{n}")).collect();
    let values: Vec<String> = names.iter().map(|name| format!("{name} = \"{{1..2}}\"")).collect();
    let fleet = format!(
        "[databases.\"a_{{1..2}}\"]\nurl = \"postgres://h/{{1..2}}\"\nvars = {{ {} }}\n",
        values.join(", ")
    );
    let uses: Vec<String> = names.iter().map(|name| format!("${{{name}}}")).collect();
    let file =
        format!("-- #[route(everywhere)]\n-- #[vars({})]\nSELECT {};\n", names.join(", "), uses.join(", "));
    assert_eq!(shown(examine(&project(&fleet, &[("V1__x.sql", &file)])).diagnostics), []);
}
