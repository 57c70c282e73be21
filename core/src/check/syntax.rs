//! What the grammar of PostgreSQL does not allow, and what only psql understands, is found where it is written.

use std::collections::HashSet;

use crate::Diagnostic;
use crate::project::{MigrationFile, Project};

/// How the fault of a variable that was not replaced ends.
const VARIABLE: [&str; 2] = ["near `$`", "near `{`"];

/// Another check's, and more than a fault of the grammar.
const BYTE_ORDER_MARK: char = '\u{feff}';

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    for file in project.migrations.iter().chain(&project.reverses) {
        // What is never closed is another check's.
        if file.tokens.iter().all(|token| token.unclosed().is_none()) {
            let misses_a_variable = faults.iter().any(|fault| {
                let of_file = fault.places.first().is_some_and(|place| place.file() == file.source.path);
                of_file && matches!(fault.check, "unused-var" | "undeclared-var")
            });
            let found = of_file(project, file);
            // `${shardid}` where `shard_id` is declared, `${shard_id}` where nothing is: that has been said.
            let is_variable = |fault: &Diagnostic| {
                misses_a_variable && VARIABLE.iter().any(|end| fault.message.ends_with(end))
            };
            faults.extend(found.into_iter().filter(|fault| !is_variable(fault)));
        }
    }
}

fn of_file(project: &Project, file: &MigrationFile) -> Vec<Diagnostic> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for reading in &file.readings {
        for fault in &reading.faults {
            // The same place with other values is the same fault.
            let is_mark = file.source.text[fault.span.start..].starts_with(BYTE_ORDER_MARK);
            if is_mark || !seen.insert(fault.span.start) {
                continue;
            }
            let mut diagnostic = Diagnostic::new(fault.check, fault.message.clone())
                .at(&file.source, fault.span.clone(), "")
                .help(fault.help.clone());
            let database = reading.databases.first().zip(project.topology.as_ref());
            if let Some((index, topology)) = database.filter(|_| !file.header.vars.is_empty()) {
                let name = &topology.topology.databases[*index].name;
                diagnostic = diagnostic.note(format!("this is with the values of `{name}` filled in"));
            }
            found.push(diagnostic);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, faults, faults_of};

    fn of(sql: &str) -> String {
        faults(&[("V2__a.sql", &format!("-- #[route(everywhere)]\n{sql}\n"))])
    }

    #[test]
    fn what_the_grammar_does_not_allow() {
        let broken = [
            "CREATE TABL a (id int);",
            "SELECT 1;\nALTER TABLE a ADD COLUM b int;\nSELECT FROM WHERE;",
            "CREATE TABLE a (id int,);",
            "CREATE TABLE a (id int)\n\nCREATE TABLE b (id int);",
            "DROP TABLE ;",
            "CREATE TABLE a (id int",
        ];
        insta::assert_snapshot!(broken.map(of).join("\n\n"));
    }

    #[test]
    fn what_only_psql_understands() {
        let psql =
            ["\\i other.sql\nSELECT 1;", "COPY t (a, b) FROM stdin;\n1\tit is\n\\.\nSELECT FROM WHERE;"];
        insta::assert_snapshot!(psql.map(of).join("\n\n"));
        assert_eq!(of("COPY t FROM '/a.csv';"), "");
    }

    #[test]
    fn what_is_broken_is_one_fault_and_its_names_are_not_missed() {
        let sql =
            "CREATE TABLE a (id int, b itn[);\nALTER TABLE a ADD c int;\nCREATE VIEW v AS SELECT * FROM a;";
        assert_eq!(of(sql).matches("error:").count(), 1, "{}", of(sql));
    }

    #[test]
    fn a_value_that_breaks_a_statement() {
        let fleet = FLEET.replace("shard_id = \"{1..2}\"", "shard_id = \"1 2\"");
        let sql = "-- #[route(group = \"users\")]\n-- #[vars(shard_id)]\nSELECT 1 + ${shard_id} + 3;";
        insta::assert_snapshot!(faults_of(&fleet, &[EVERYWHERE, ("V2__a.sql", sql)]));
    }

    #[test]
    fn sqlite_has_a_grammar_of_its_own() {
        let fleet = "[databases.a]\nurl = \"sqlite:a.db\"\n";
        let sql = "-- #[route(everywhere)]\nCREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT) STRICT, WITHOUT ROWID;";
        assert_eq!(faults_of(fleet, &[("V1__a.sql", sql)]), "");
        let both = format!("{fleet}[databases.b]\nurl = \"postgres://h/b\"\n");
        assert!(faults_of(&both, &[("V1__a.sql", sql)]).contains("syntax error at or near `AUTOINCREMENT`"));
    }

    #[test]
    fn whatever_the_text_is_the_build_goes_on() {
        let deep = format!("SELECT {}1{};", "(".repeat(100_000), ")".repeat(100_000));
        assert!(of(&deep).contains("levels of parentheses"), "{}", of(&deep));
        let signs = format!("SELECT {}1;", "- ".repeat(100_000));
        assert!(of(&signs).contains("levels of parentheses"));
        for sound in [
            format!("SELECT {}1{};", "(".repeat(900), ")".repeat(900)),
            format!("SELECT {}1;", "NOT ".repeat(900)),
            format!("SELECT 1{};", " + 1".repeat(20_000)),
            format!("SELECT true{};", " AND true".repeat(20_000)),
            format!("SELECT 1{};", " UNION SELECT 1".repeat(5_000)),
            format!("SELECT {};", vec!["1"; 50_000].join(", ")),
            format!("SELECT {}1{};", "CASE WHEN true THEN ".repeat(900), " END".repeat(900)),
        ] {
            assert_eq!(of(&sound), "", "{}", &sound[..60]);
        }
    }
}
