//! Text for people, as rustc writes it.

use sharded_migrations_core::diagnostic::Style;

use super::Findings;

/// What went well.
pub(super) fn result(findings: &Findings) -> String {
    if findings.result.is_empty() { String::new() } else { format!("{}\n", findings.result) }
}

/// What is wrong, with colours.
pub(super) fn faults(findings: &Findings) -> String {
    let rendered = findings.diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Coloured) + "\n\n");
    let failure = findings.failure.iter().map(|failure| format!("error: {failure}\n"));
    rendered.chain(failure).collect()
}
