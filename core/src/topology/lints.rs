//! `[lints]`: how much each safety lint counts.

use toml::de::DeValue;

use super::table::{self, Entry, Table};
use crate::lint::{Level, Levels, Lint};
use crate::source::Spanned;
use crate::{Diagnostic, Version, suggest};

/// The keys that are no lints.
const ALL: &str = "all";
const SINCE: &str = "since";

/// Reads the table, if there is one.
pub(super) fn read(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Levels {
    let mut levels = Levels::default();
    let Some(table) = root.table("lints", faults) else { return levels };
    for entry in table.entries() {
        let key = &entry.0;
        match (key.value.as_str(), Lint::by_name(&key.value)) {
            (SINCE, _) => levels.since = version(&table, &entry, faults),
            (ALL, _) => levels.all = level(&table, &entry, faults),
            (_, Some(lint)) => {
                levels.own.extend(level(&table, &entry, faults).map(|level| (lint, level)));
            }
            (name, None) => {
                let known = Lint::ALL.iter().map(|lint| lint.name()).chain([ALL, SINCE]);
                faults.push(
                    Diagnostic::new("topology", format!("no lint is called `{name}`"))
                        .at(table.source, key.span.clone(), "unknown lint")
                        .help(suggest::help(name, "lints", known)),
                );
            }
        }
    }
    levels
}

fn level(table: &Table<'_>, entry: &Entry<'_>, faults: &mut Vec<Diagnostic>) -> Option<Spanned<Level>> {
    let written = table::text(table.source, entry, faults)?;
    let Some(level) = Level::by_name(&written.value) else {
        let known = Level::ALL.map(Level::as_str);
        faults.push(
            Diagnostic::new("topology", format!("no lint has the level `{}`", written.value))
                .at(table.source, written.span, "unknown level")
                .help(suggest::help(&written.value, "levels", known)),
        );
        return None;
    };
    Some(Spanned::new(level, written.span))
}

fn version(table: &Table<'_>, entry: &Entry<'_>, faults: &mut Vec<Diagnostic>) -> Option<Version> {
    let value = entry.1;
    let number = match value.get_ref() {
        DeValue::Integer(number) => {
            i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
        }
        _ => None,
    };
    let version = number.and_then(Version::new);
    if version.is_none() {
        faults.push(
            table
                .fault(format!("`{SINCE}` is the version of a migration"), &value.span())
                .help("write the lowest version to look at: `since = 20260131120000`"),
        );
    }
    version
}
