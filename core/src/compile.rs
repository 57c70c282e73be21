//! From source files to a checked [`Migrations`], and everything that is wrong with them.

use std::collections::HashMap;
use std::ops::Range;

use crate::diagnostic::Severity;
use crate::file_name::FileName;
use crate::project::{MigrationFile, Project, Sources, read_project};
use crate::source::Spanned;
use crate::sql::{locks, tables};
use crate::{
    Code, Database, Diagnostic, List, Migration, Migrations, Outside, Replaces, Rerouted, Reverse, Text,
    Transaction, Version, check, lock, outside, parallel,
};

/// A set of source files, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The set; `None` where a diagnostic is an error.
    pub set: Option<Migrations>,
    /// The faults of every file, in the order of the files; of one file not more than a hundred errors and
    /// a hundred warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Takes source files apart and runs every check on them. There is a project also where something is wrong with it.
pub fn inspect(sources: &Sources) -> (Project, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let project = read_project(sources, &mut diagnostics);
    for check in check::ALL {
        check(&project, &mut diagnostics);
    }
    diagnostics.sort_by(|a, b| a.place().cmp(&b.place()));
    (project, without_floods(&diagnostics))
}

/// Takes source files apart, runs every check on them, and makes a set of them where nothing is wrong.
pub fn examine(sources: &Sources) -> Examined {
    let (project, diagnostics) = inspect(sources);
    let is_sound = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    let rerouted: HashMap<String, Rerouted> =
        lock::compare(&project).map(|compared| compared.rerouted()).unwrap_or_default();
    let mut reverses: HashMap<FileName, MigrationFile> =
        project.reverses.into_iter().map(|file| (file.name.clone(), file)).collect();
    let set = project.topology.filter(|_| is_sound).map(|topology| {
        let with_others = |file: MigrationFile| {
            let rerouted = rerouted.get(&file.file).copied().unwrap_or_default();
            let reverse = reverses.remove(&file.name);
            (file, reverse, rerouted)
        };
        let files = project.migrations.into_iter().map(with_others).collect();
        let databases = &topology.topology.databases;
        let migrations =
            parallel::map(files, |(file, reverse, rerouted)| migration(file, reverse, rerouted, databases));
        Migrations {
            folder: sources.folder.clone().into(),
            migrations: migrations.into_iter().flatten().collect(),
            topology: topology.topology,
            origin: None,
        }
    });
    Examined { set, diagnostics }
}

/// A dump of another server's, taken for a migration, has a fault in each of its lines. Nobody reads more than the
/// first of them, and to show each takes time.
fn without_floods(sorted: &[Diagnostic]) -> Vec<Diagnostic> {
    const MOST: usize = 100;
    let file = |diagnostic: &Diagnostic| diagnostic.place().map(|(file, _)| file.to_owned());
    let mut kept: Vec<Diagnostic> = Vec::new();
    for of_file in sorted.chunk_by(|a, b| file(a) == file(b)) {
        let (mut errors, mut warnings) = (0, 0);
        let first = of_file.iter().filter(|diagnostic| {
            let count = match diagnostic.severity {
                Severity::Error => &mut errors,
                Severity::Warning => &mut warnings,
            };
            *count += 1;
            *count <= MOST
        });
        let before = kept.len();
        kept.extend(first.cloned());
        let more = of_file.len() - (kept.len() - before);
        if let Some(last) = kept.last_mut().filter(|_| more > 0) {
            last.notes.push(format!("there are {more} more in this file"));
        }
    }
    kept
}

/// Turns source files into a set.
///
/// # Errors
/// Every error of every file, at once, in the order of the files.
pub fn compile(sources: &Sources) -> Result<Migrations, Vec<Diagnostic>> {
    let Examined { set, mut diagnostics } = examine(sources);
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    set.ok_or(diagnostics)
}

/// The embedded form of a file without faults.
fn migration(
    file: MigrationFile,
    reverse: Option<MigrationFile>,
    rerouted: Rerouted,
    databases: &[Database],
) -> Option<Migration> {
    let (transaction, outside) = run(&file);
    let checksum = file.checksum();
    let locks = locks::of_file(&file.readings, databases);
    let tables = tables::of_file(&file.readings);
    let (vars, statements) = (vars(&file), spans(&file).collect());
    Some(Migration {
        version: file.name.version,
        name: file.name.name.into(),
        file: file.file.into(),
        kind: file.name.kind,
        checksum,
        route: file.route?.route,
        rerouted,
        transaction,
        timeouts: file.header.timeouts,
        barrier: file.header.barrier.is_some(),
        requires: file.header.requires.into_iter().map(|requires| requires.value).collect(),
        replaces: replaces(&file.header.replaces),
        vars,
        sql: file.source.text.clone().into(),
        attributes: file.header.lines.into_iter().collect(),
        statements,
        outside: outside.into(),
        locks,
        tables,
        reverse: reverse.map(|file| self::reverse(file, databases)),
        code: file.code.map(|function| Code::unlinked(function.name.into())),
    })
}

/// The embedded form of a reverse file without faults.
fn reverse(file: MigrationFile, databases: &[Database]) -> Reverse {
    let (transaction, outside) = run(&file);
    Reverse {
        // Without a statement nothing is run, whatever its migration needs.
        transaction: if file.statements.is_empty() { Transaction::Whole } else { transaction },
        timeouts: file.header.timeouts,
        vars: vars(&file),
        statements: spans(&file).collect(),
        outside: outside.into(),
        locks: locks::of_file(&file.readings, databases),
        sql: file.source.text.clone().into(),
        file: file.file.into(),
    }
}

/// How a file is run, and what is known of its statements where that is outside a transaction.
fn run(file: &MigrationFile) -> (Transaction, Vec<Outside>) {
    if !file.header.no_transaction {
        return (Transaction::Whole, Vec::new());
    }
    let outside = |span: Range<usize>| outside::read(&file.source.text, span, &file.tokens);
    (Transaction::None, spans(file).map(outside).collect())
}

fn replaces(ways: &[Vec<Spanned<Version>>]) -> Replaces {
    let way = |way: &Vec<Spanned<Version>>| way.iter().map(|version| version.value).collect();
    Replaces(ways.iter().map(way).collect())
}

fn spans(file: &MigrationFile) -> impl Iterator<Item = Range<usize>> {
    file.statements.iter().map(|statement| statement.span.clone())
}

fn vars(file: &MigrationFile) -> List<Text> {
    file.header.vars.iter().map(|var| Text::from(var.value.clone())).collect()
}
