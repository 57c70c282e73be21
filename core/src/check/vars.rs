//! Every declared variable has a value on every database the migration is for, is used, and leaves the
//! text closed once it is filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::unclosed::unclosed;
use crate::project::{MigrationFile, Project};
use crate::source::SourceFile;
use crate::topology::read::TopologyFile;
use crate::{Database, Diagnostic, Text, lex, suggest, vars};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = project.topology.as_ref().filter(|topology| topology.is_whole) else { return };
    let files = || project.migrations.iter().chain(&project.reverses);
    // What is written in Rust has no places for values: it asks for them.
    for file in files().filter(|file| file.code.is_none()) {
        undeclared(topology, file, faults);
    }
    for migration in files().filter(|file| !file.header.vars.is_empty()) {
        let before = faults.len();
        missing(topology, migration, faults);
        if faults.len() == before && migration.code.is_none() {
            faults.extend(torn_by_a_value(topology, migration));
        }
    }
}

/// The databases that a migration is for; none where its route is not known.
fn selected<'a>(
    topology: &'a TopologyFile,
    migration: &'a MigrationFile,
) -> impl Iterator<Item = &'a Database> {
    let route = migration.route.as_ref().map(|route| &route.route);
    topology.topology.primaries().filter(move |database| route.is_some_and(|route| route.selects(database)))
}

fn missing(topology: &TopologyFile, migration: &MigrationFile, faults: &mut Vec<Diagnostic>) {
    for var in &migration.header.vars {
        let place = |check, message: String| {
            Diagnostic::new(check, message).at(&migration.source, var.span.clone(), "")
        };
        let without: Vec<&Database> =
            selected(topology, migration).filter(|database| database.var(&var.value).is_none()).collect();
        if let [first, ..] = without[..] {
            let known = selected(topology, migration)
                .flat_map(|database| database.vars.iter().map(|(name, _)| name.as_ref()));
            let known: BTreeSet<&str> = known.collect();
            let names = suggest::list(without.iter().map(|database| database.name.as_str()));
            let span = topology.declared.get(&first.name).cloned().unwrap_or(0..0);
            faults.push(
                place("missing-var", format!("the variable `{}` has no value on: {names}", var.value))
                    .at(
                        &topology.source,
                        span,
                        format!("`vars = {{ {} = \"..\" }}` is missing here", var.value),
                    )
                    .help(suggest::help(&var.value, "variables of these databases", known)),
            );
        } else if migration.code.is_none() && !migration.source.text.contains(&format!("${{{}}}", var.value))
        {
            faults.push(
                place("unused-var", format!("the variable `{}` is declared and never used", var.value)).help(
                    format!(
                        "write `${{{}}}` where its value belongs, or take it out of `vars(..)`",
                        var.value
                    ),
                ),
            );
        }
    }
}

/// `${name}` is left alone where it is not declared; where databases have a variable of that name, that is a slip which
/// would write the text itself into them.
fn undeclared(topology: &TopologyFile, file: &MigrationFile, faults: &mut Vec<Diagnostic>) {
    let text = &file.source.text;
    let known: BTreeSet<&str> =
        selected(topology, file).flat_map(|database| database.vars.iter().map(|(name, _)| &**name)).collect();
    let is_declared = |name: &str| file.header.vars.iter().any(|var| var.value == name);
    let is_comment = |at: usize| {
        let token = file.tokens.iter().find(|token| token.span.contains(&at));
        token.is_some_and(|token| token.is_line_comment() || token.is_block_comment())
    };
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, _) in text.match_indices("${") {
        let Some((name, _)) = text[at + 2..].split_once('}') else { break };
        if known.contains(name) && !is_declared(name) && !is_comment(at) {
            found.entry(name).or_default().push(at);
        }
    }
    for (name, places) in found {
        let message = format!("the variable `{name}` is not declared, and not replaced");
        let mut fault = Diagnostic::new("undeclared-var", message);
        for (nth, at) in places.into_iter().enumerate() {
            let label = if nth == 0 { "this is taken as it is" } else { "and this" };
            fault = fault.at(&file.source, at..at + name.len() + 3, label);
        }
        faults.push(fault.help(format!("declare it at the top of the file: `-- #[vars({name})]`")));
    }
}

/// A value with a quote in it may open what the file closes, one with a semicolon may end a statement
/// (and a `COMMIT` follow it): the text is read again for each distinct set of values.
fn torn_by_a_value(topology: &TopologyFile, migration: &MigrationFile) -> Option<Diagnostic> {
    let declared: Vec<Text> = migration.header.vars.iter().map(|var| var.value.clone().into()).collect();
    let mut seen = BTreeSet::new();
    selected(topology, migration).find_map(|database| {
        let values: Vec<Option<&str>> = declared.iter().map(|name| database.var(name)).collect();
        if !seen.insert(values) {
            return None;
        }
        let text = vars::expand(&migration.source.text, &declared, database).ok()?.text.into_owned();
        let tokens = lex::tokens(&text);
        let statements = lex::statements(&text, &tokens).len();
        let note = format!("this is the text with the values of `{}`", database.name);
        let expanded = Arc::new(SourceFile { path: migration.source.path.clone(), text });
        // What the file itself leaves open is another check's.
        if unclosed(&migration.source, &migration.tokens).is_some() {
            return None;
        }
        if let Some(fault) = unclosed(&expanded, &tokens) {
            return Some(fault.note(note));
        }
        let adds_statements = statements != migration.statements.len();
        adds_statements.then(|| {
            Diagnostic::new(
                "var-statement",
                format!("a variable's value on `{}` begins or ends a statement", database.name),
            )
            .in_file(&migration.source)
            .help("a value is a part of a statement: take the `;` out of it")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, faults, faults_of};

    #[test]
    fn what_is_written_in_rust_asks_for_its_values() {
        let step = |var: &str| {
            format!(
                "#[route(group = \"users\")]\n#[vars({var})]\npub async fn a(c: &mut Context) -> Result {{ c.batch(\"${{shard_id}};'\") }}\n"
            )
        };
        assert_eq!(faults(&[("V2__a.rs", &step("shard_id"))]), "");
        let missing = faults(&[("V2__a.rs", &step("region"))]);
        assert!(missing.contains("[missing-var]") && missing.contains("V2__a.rs:2:8"), "{missing}");
    }

    #[test]
    fn a_value_is_missing_on_a_database() {
        let sql = "-- #[route(any(group = \"users\", database = \"default\"))]\n-- #[vars(shard_id)]\nSELECT ${shard_id};";
        insta::assert_snapshot!(faults(&[("V2__a.sql", sql)]));
    }

    #[test]
    fn a_misspelt_variable() {
        let sql = "-- #[route(group = \"users\")]\n-- #[vars(shard)]\nSELECT ${shard};";
        assert!(faults(&[("V2__a.sql", sql)]).contains("variables of these databases: shard_id"));
        let sql = "-- #[route(group = \"users\")]\n-- #[vars(shard_id)]\nSELECT ${shardid};";
        assert!(faults(&[("V2__a.sql", sql)]).contains("declared and never used"));
        let sql = "-- #[route(group = \"users\")]\n-- #[vars(shard_id)]\nSELECT ${shard_id}, '${other}';";
        assert_eq!(faults(&[("V2__a.sql", sql)]), "");
    }

    #[test]
    fn a_reverse_file_declares_its_own() {
        let sql = "-- #[route(database = \"default\")]\nSELECT 1;";
        let reverse = "-- #[vars(shard_id)]\nSELECT ${shard_id};";
        let found = faults(&[("V2__a.sql", sql), ("V2__a.down.sql", reverse)]);
        assert!(
            found.contains("V2__a.down.sql:1:11") && found.contains("has no value on: default"),
            "{found}"
        );
    }

    #[test]
    fn a_variable_that_is_not_declared() {
        let sql = "-- #[route(group = \"users\")]\n-- Not ${shard_id}.\nSELECT '${shard_id}', '${other}', /* ${shard_id} */ ${shard_id};";
        insta::assert_snapshot!(faults(&[("V2__a.sql", sql)]));
        let elsewhere = "-- #[route(database = \"default\")]\nSELECT '${shard_id}';";
        assert_eq!(faults(&[("V2__a.sql", elsewhere)]), "");
    }

    #[test]
    fn a_value_that_adds_a_statement() {
        let fleet = FLEET.replace("shard_id = \"{1..2}\"", "shard_id = \"1; COMMIT\"");
        let sql = "-- #[route(group = \"users\")]\n-- #[vars(shard_id)]\nSELECT ${shard_id};";
        let found = faults_of(&fleet, &[EVERYWHERE, ("V2__a.sql", sql)]);
        assert!(found.contains("a variable's value on `users_01` begins or ends a statement"), "{found}");
    }

    #[test]
    fn a_value_that_opens_a_quote() {
        let fleet = FLEET.replace("shard_id = \"{1..2}\"", "shard_id = \"it's\"");
        let sql = "-- #[route(group = \"users\")]\n-- #[vars(shard_id)]\nSELECT ${shard_id};";
        insta::assert_snapshot!(faults_of(&fleet, &[EVERYWHERE, ("V2__a.sql", sql)]));
    }
}
