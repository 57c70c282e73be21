//! `list`: the migrations, each with its route and the databases that it reaches. What is wrong with one does not keep the
//! others from being shown.

use std::collections::HashMap;

use sharded_migrations_core::Diagnostic;
use sharded_migrations_core::compile::inspect;
use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::file_name::FileName;
use sharded_migrations_core::project::MigrationFile;

use crate::args::Selection;
use crate::project::Project;
use crate::report::{Findings, Listed, Product, count, databases, tally};
use crate::{Failure, exit_code, route};

pub(crate) fn run(project: &Project, selection: &Selection) -> Result<Findings, Failure> {
    let (project, mut diagnostics) = match project.read() {
        Ok(sources) => inspect(&sources),
        Err(diagnostics) => return Ok(findings(None, String::new(), diagnostics)),
    };
    // Warnings are about what migrations do, not about which there are.
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    let Some(topology) = &project.topology else {
        return Ok(findings(None, String::new(), diagnostics));
    };
    let selected = route::select(selection, topology)?;
    let is_about_all = selection.database.is_empty() && selection.group.is_empty();
    let reverses: HashMap<&FileName, &MigrationFile> =
        project.reverses.iter().map(|reverse| (&reverse.name, reverse)).collect();
    let listed = |file: &MigrationFile| {
        let route = file.route.as_ref().map(|source| source.route.clone());
        let reached = route.as_ref().map(|route| route::reached(route, topology)).unwrap_or_default();
        Listed {
            version: file.name.version,
            name: file.name.name.clone(),
            file: file.file.clone(),
            reverse: reverses.get(&file.name).map(|reverse| reverse.file.clone()),
            route,
            databases: reached.into_iter().map(str::to_owned).collect(),
        }
    };
    let reaches = |migration: &Listed| {
        is_about_all
            || selected.iter().any(|one| migration.databases.iter().any(|name| name == one.name.as_str()))
    };
    let migrations: Vec<Listed> = project.migrations.iter().map(listed).filter(reaches).collect();
    let total = format!("{} for {}", count(migrations.len(), "migration"), count(selected.len(), "database"));
    let result = if migrations.is_empty() { total } else { format!("{}\n\n{total}", table(&migrations)) };
    Ok(findings(Some(Product::Migrations(migrations)), result, diagnostics))
}

fn findings(product: Option<Product>, result: String, diagnostics: Vec<Diagnostic>) -> Findings {
    let failure = (!diagnostics.is_empty()).then(|| tally(&diagnostics));
    let code = if failure.is_some() { exit_code::NO } else { exit_code::DONE };
    Findings { command: "list", diagnostics, product, result, failure, code }
}

/// A line for each, in columns.
fn table(migrations: &[Listed]) -> String {
    let row = |migration: &Listed| {
        let (route, databases) = match &migration.route {
            Some(route) => (route.to_string(), databases(&migration.databases)),
            None => ("?".to_owned(), "?".to_owned()),
        };
        [migration.version.to_string(), migration.file.clone(), route, databases]
    };
    let heading = ["version", "file", "route", "databases"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(heading).chain(migrations.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let [version, file, route] = [0, 1, 2].map(width);
    let line = |row: &[String; 4]| {
        let [of_version, of_file, of_route, of_databases] = row;
        let line = format!("{of_version:>version$}  {of_file:file$}  {of_route:route$}  {of_databases}");
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
