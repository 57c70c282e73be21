//! Annotations, which GitHub Actions shows at their lines in a pull request: a command of the workflow each,
//! `::error file=..,line=..::..`, on standard output.

use sharded_migrations_core::Diagnostic;

use super::Findings;

pub(super) fn annotations(findings: &Findings) -> String {
    findings.diagnostics.iter().map(annotation).collect()
}

fn annotation(diagnostic: &Diagnostic) -> String {
    let mut properties = Vec::new();
    if let Some(place) = diagnostic.places.first() {
        properties.push(("file", place.file().to_owned()));
        // Without a line GitHub shows it at the file's first. An end makes sense to it only where there is a begin.
        if let Some(range) = place.range() {
            properties.push(("line", range.start.line.to_string()));
            properties.push(("endLine", range.end.line.to_string()));
            // Columns count only in one line.
            if range.start.line == range.end.line {
                properties.push(("col", range.start.column.to_string()));
                properties.push(("endColumn", range.end.column.to_string()));
            }
        }
    }
    properties.push(("title", diagnostic.check.to_owned()));
    let properties: Vec<String> =
        properties.into_iter().map(|(key, value)| format!("{key}={}", property(&value))).collect();
    let severity = diagnostic.severity.as_str();
    format!("::{severity} {}::{}\n", properties.join(","), data(&message(diagnostic)))
}

/// All that is known, without the text of the files: that is beside it.
fn message(diagnostic: &Diagnostic) -> String {
    let mut lines = vec![diagnostic.message.clone()];
    let mut places = diagnostic.places.iter();
    let label = places.next().map(|place| place.label()).filter(|label| !label.is_empty());
    lines.extend(label.map(str::to_owned));
    lines.extend(places.map(|place| {
        let at = place.range().map(|range| format!(":{}", range.start)).unwrap_or_default();
        let label = Some(place.label()).filter(|label| !label.is_empty());
        format!("{}{at}{}", place.file(), label.map(|label| format!(": {label}")).unwrap_or_default())
    }));
    lines.extend(diagnostic.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(diagnostic.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

/// What would end the command, or the line, is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In a property also what would end that.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::testing::findings;

    #[test]
    fn a_line_for_each_and_whatever_has_a_meaning_is_escaped() {
        insta::assert_snapshot!(super::annotations(&findings()));
    }
}
