//! What several verbs show alike. Databases of which the same is to be said are named together.

use std::fmt;

use anstyle::{AnsiColor, Style};
use sharded_migrations_core::fold::Names;
use sharded_migrations_core::{DatabaseName, GroupName};

use crate::report::Reason;
use crate::reporter::{count, heading, reasons};
use crate::survey::Survey;

const HEADING: Style = AnsiColor::Cyan.on_default().bold();

/// How wide a line may be: what every terminal shows.
pub(super) const COLUMNS: usize = 80;

/// `users_01..users_64 (64 databases)`, within so many columns.
pub(super) fn named<'a>(names: impl IntoIterator<Item = &'a DatabaseName>, columns: usize) -> String {
    let names = Names::fold(names.into_iter().map(DatabaseName::as_str));
    match names.count() {
        1 => names.to_string(),
        several => {
            let several = format!(" ({several} databases)");
            names.within(columns.saturating_sub(several.len())) + &several
        }
    }
}

/// A line that others belong to.
pub(super) fn title(text: impl fmt::Display) -> String {
    format!("{HEADING}{text}{HEADING:#}\n")
}

/// Things about which the same is to be said, together, in the order of the first of each.
pub(super) fn alike<T, K: PartialEq>(items: impl Iterator<Item = (K, T)>) -> Vec<(K, Vec<T>)> {
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for (key, item) in items {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(item),
            None => groups.push((key, vec![item])),
        }
    }
    groups
}

/// `== users_01 (users) ==`, or all names where there are several.
pub(super) fn block(members: &[(&DatabaseName, Option<&GroupName>)]) -> String {
    match members {
        [(name, group)] => heading(name, *group),
        several => {
            const SIGNS: usize = "== ".len() + " ==".len();
            title(format!("== {} ==", named(several.iter().map(|(name, _)| *name), COLUMNS - SIGNS)))
        }
    }
}

/// Why databases are not touched: those for the same reasons under one heading.
pub(super) fn refusals<'a>(
    refused: impl Iterator<Item = (&'a DatabaseName, Option<&'a GroupName>, &'a [Reason])>,
) -> String {
    let groups = alike(refused.map(|(name, group, reasons)| (reasons, (name, group))));
    groups.iter().map(|(why, members)| block(members) + &shortened(why)).collect()
}

/// Reasons, of which those of the same kind are said once: a database that was restored from an old copy may have
/// hundreds.
fn shortened(all: &[Reason]) -> String {
    const MOST: usize = 3;
    let version = |reason: &Reason| match reason {
        Reason::History(refusal) => Some(refusal.version().to_string()),
        Reason::Adoption(mismatch) => mismatch.row().map(str::to_owned),
        _ => None,
    };
    let mut text = String::new();
    for alike in all.chunk_by(|one, next| one.kind() == next.kind()) {
        let versions: Vec<_> = alike.iter().filter_map(version).collect();
        match (alike, versions.as_slice()) {
            ([first, ..], [_, second, .., last]) if alike.len() > MOST => {
                text.push_str(&reasons(std::slice::from_ref(first)));
                let (more, kind) = (alike.len() - 1, first.kind());
                text.push_str(&format!("  and {more} more that are {kind}, from {second} to {last}\n"));
            }
            _ => text.push_str(&reasons(alike)),
        }
    }
    text
}

/// Those of a survey.
pub(super) fn refused(survey: &Survey<'_>) -> String {
    refusals(survey.databases.iter().filter_map(|surveyed| {
        let reasons = surveyed.standing.as_ref().err()?;
        Some((&surveyed.database.name, surveyed.database.group.as_ref(), reasons.as_slice()))
    }))
}

/// A text in as many lines as it takes, each so many columns to the right.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = COLUMNS;
    for word in text.split_whitespace() {
        if column + 1 + word.len() > COLUMNS {
            lines.push_str(&format!("{}{:indent$}", if lines.is_empty() { "" } else { "\n" }, ""));
            column = indent;
        } else {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines + "\n"
}

/// `; 3 refused`, a part of a summary; nothing where there are none.
pub(super) fn and(number: usize, word: &str) -> String {
    if number > 0 { format!("; {number} {word}") } else { String::new() }
}

/// `of 400 databases`
pub(super) fn of_databases(number: usize) -> String {
    format!("of {}", count(number, "database"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sharded_migrations_core::{Refusal, Version};

    fn late(version: i64) -> Reason {
        Reason::History(Refusal::OutOfOrder {
            file: format!("V{version}__a.sql"),
            version: Version::new(version).unwrap(),
            newest: Version::new(200).unwrap(),
        })
    }

    #[test]
    fn hundreds_of_reasons_of_a_kind_are_said_once() {
        let many: Vec<Reason> = (101..150).map(late).collect();
        let text = anstream::adapter::strip_str(&shortened(&many)).to_string();
        assert!(text.starts_with("  refused: 101 is out of order: "), "{text}");
        assert!(text.ends_with("\n  and 48 more that are out-of-order, from 102 to 149\n"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
        let few = shortened(&many[..3]);
        assert_eq!(few, reasons(&many[..3]), "a few are all there");
    }

    #[test]
    fn a_long_text_takes_more_lines() {
        let text = wrapped(&"twelve chars".repeat(10), 4);
        assert!(text.lines().count() > 1, "{text}");
        assert!(text.lines().all(|line| line.starts_with("    ") && line.len() <= COLUMNS), "{text}");
        assert_eq!(wrapped("one two", 2), "  one two\n");
    }
}
