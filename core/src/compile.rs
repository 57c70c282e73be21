//! From source files to a checked [`Migrations`], or to every fault in them.

use std::ops::Range;

use crate::project::{MigrationFile, Sources, read_project};
use crate::{Checksum, Diagnostic, List, Migration, Migrations, Text, Transaction, check, outside};

/// Turns source files into a set.
///
/// # Errors
/// Every fault of every file, at once, in the order of the files.
pub fn compile(sources: &Sources) -> Result<Migrations, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let project = read_project(sources, &mut faults);
    for check in check::ALL {
        check(&project, &mut faults);
    }
    match project.topology {
        Some(topology) if faults.is_empty() => Ok(Migrations {
            folder: sources.folder.clone().into(),
            migrations: project.migrations.into_iter().filter_map(migration).collect(),
            topology: topology.topology,
            origin: None,
        }),
        _ => {
            faults.sort_by(|a, b| a.position().cmp(&b.position()));
            Err(faults)
        }
    }
}

/// The embedded form of a file without faults.
fn migration(file: MigrationFile) -> Option<Migration> {
    let spans: Vec<_> = file.statements.iter().map(|statement| statement.span.clone()).collect();
    let (transaction, outside): (_, Vec<_>) = if file.header.no_transaction {
        let outside = |span: &Range<usize>| outside::read(&file.source.text, span.clone(), &file.tokens);
        (Transaction::None, spans.iter().map(outside).collect())
    } else {
        (Transaction::Whole, Vec::new())
    };
    Some(Migration {
        version: file.name.version,
        name: file.name.name.into(),
        file: file.file.into(),
        kind: file.name.kind,
        checksum: Checksum::of(&without_lines(&file.source.text, &file.header.lines)),
        route: file.route?.route,
        transaction,
        timeouts: file.header.timeouts,
        vars: file.header.vars.iter().map(|var| Text::from(var.value.clone())).collect::<List<Text>>(),
        sql: file.source.text.clone().into(),
        statements: spans.into(),
        outside: outside.into(),
    })
}

/// A text without its attribute lines, so that a new route does not change the checksum.
fn without_lines(text: &str, lines: &[Range<usize>]) -> String {
    let mut kept = String::new();
    let mut from = 0;
    for line in lines {
        kept.push_str(&text[from..line.start]);
        from = line.end;
    }
    kept.push_str(&text[from..]);
    kept
}
