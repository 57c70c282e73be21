//! From source files to a checked [`Migrations`], and everything that is wrong with them.

use std::ops::Range;

use crate::diagnostic::Severity;
use crate::project::{MigrationFile, Sources, read_project};
use crate::{Checksum, Diagnostic, List, Migration, Migrations, Text, Transaction, check, outside};

/// A set of source files, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The set; `None` where a diagnostic is an error.
    pub set: Option<Migrations>,
    /// Every fault of every file, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Takes source files apart and runs every check on them.
pub fn examine(sources: &Sources) -> Examined {
    let mut diagnostics = Vec::new();
    let project = read_project(sources, &mut diagnostics);
    for check in check::ALL {
        check(&project, &mut diagnostics);
    }
    diagnostics.sort_by(|a, b| a.position().cmp(&b.position()));
    let is_sound = diagnostics.iter().all(|diagnostic| diagnostic.severity != Severity::Error);
    let set = project.topology.filter(|_| is_sound).map(|topology| Migrations {
        folder: sources.folder.clone().into(),
        migrations: project.migrations.into_iter().filter_map(migration).collect(),
        topology: topology.topology,
        origin: None,
    });
    Examined { set, diagnostics }
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
        barrier: file.header.barrier.is_some(),
        requires: file.header.requires.into_iter().map(|requires| requires.value).collect(),
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
