//! One document of JSON. `format` is the version of its shape, which `docs/cargo-sharded-migrations.md` describes.

use serde_json::{Value, json};
use sharded_migrations_core::Diagnostic;
use sharded_migrations_core::diagnostic::{Place, Severity, Style};

use super::{Created, Findings, Listed, Locked, Product, Squashed, Started, of};

const FORMAT: u32 = 1;

pub(super) fn document(findings: &Findings) -> String {
    let diagnostics: Vec<Value> = findings.diagnostics.iter().map(diagnostic).collect();
    let mut document = json!({
        "format": FORMAT,
        "command": findings.command,
        "exit_code": findings.code,
        "errors": of(&findings.diagnostics, Severity::Error),
        "warnings": of(&findings.diagnostics, Severity::Warning),
        "diagnostics": diagnostics,
    });
    match &findings.product {
        Some(Product::Lock(lock)) => document["lock"] = self::lock(lock),
        Some(Product::New(new)) => document["new"] = self::new(new),
        Some(Product::Migrations(all)) => document["migrations"] = all.iter().map(listed).collect(),
        Some(Product::Init(started)) => document["init"] = init(started),
        Some(Product::Squash(squashed)) => document["squash"] = squash(squashed),
        None => {}
    }
    format!("{document:#}\n")
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
    json!({
        "severity": diagnostic.severity.as_str(),
        "check": diagnostic.check,
        "message": diagnostic.message,
        "places": diagnostic.places.iter().map(place).collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": diagnostic.help,
        "rendered": diagnostic.render(Style::Plain),
    })
}

fn place(place: &Place) -> Value {
    let range = place.range();
    let (start, end) = range.map_or((None, None), |range| (Some(range.start), Some(range.end)));
    json!({
        "file": place.file(),
        "line": start.map(|start| start.line),
        "column": start.map(|start| start.column),
        "end_line": end.map(|end| end.line),
        "end_column": end.map(|end| end.column),
        "label": place.label(),
    })
}

fn new(new: &Created) -> Value {
    let mut value = listed(&new.listed);
    value["created"] = json!(new.created);
    value
}

fn squash(squashed: &Squashed) -> Value {
    let files = squashed.files.iter().map(|file| {
        let mut value = listed(&file.listed);
        value["created"] = json!(file.created);
        let ways =
            file.replaces.iter().map(|way| way.iter().map(|version| version.get()).collect::<Vec<_>>());
        value["replaces"] = json!(ways.collect::<Vec<_>>());
        value
    });
    json!({ "written": squashed.written, "files": files.collect::<Vec<_>>(), "deleted": squashed.deleted })
}

fn init(started: &Started) -> Value {
    json!({
        "created": started.created,
        "commands": started.commands,
        "build_script": started.build_script,
        "main": started.main,
    })
}

fn listed(migration: &Listed) -> Value {
    json!({
        "version": migration.version.get(),
        "name": migration.name,
        "file": migration.file,
        "reverse": migration.reverse,
        "route": migration.route.as_ref().map(ToString::to_string),
        "databases": migration.databases,
    })
}

fn lock(lock: &Locked) -> Value {
    let added = lock.added.iter().map(|migration| {
        json!({
            "version": migration.version.get(),
            "name": migration.name,
            "file": migration.file,
            "checksum": migration.checksum.to_string(),
            "route": migration.route.to_string(),
        })
    });
    json!({ "file": lock.file, "written": lock.written, "added": added.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;

    #[test]
    fn every_part_of_a_diagnostic_is_in_the_document() {
        insta::assert_snapshot!(super::document(&findings()));
    }
}
