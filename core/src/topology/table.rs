//! A table of a TOML file, read key by key, so that every fault is found and has its place.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue};

use crate::source::{SourceFile, Spanned};
use crate::{Diagnostic, suggest};

/// A table, the file it is in, and the list that takes its faults.
pub(super) struct Table<'a> {
    pub(super) what: String,
    pub(super) source: &'a Arc<SourceFile>,
    table: &'a DeTable<'a>,
}

/// One entry: its key and its value.
pub(super) type Entry<'a> = (Spanned<String>, &'a TomlSpanned<DeValue<'a>>);

impl<'a> Table<'a> {
    /// The table of a whole document.
    pub(super) fn root(source: &'a Arc<SourceFile>, table: &'a DeTable<'a>) -> Self {
        Self { what: source.path.clone(), source, table }
    }

    /// The table that is the value of an entry.
    pub(super) fn of(
        source: &'a Arc<SourceFile>,
        what: String,
        entry: &Entry<'a>,
    ) -> Result<Self, Diagnostic> {
        match entry.1.get_ref() {
            DeValue::Table(table) => Ok(Self { what, source, table }),
            other => Err(wrong_type(source, &entry.0.value, "a table", other, entry.1.span())),
        }
    }

    /// A fault at a place of this table's file.
    pub(super) fn fault(&self, message: impl Into<String>, span: &Range<usize>) -> Diagnostic {
        Diagnostic::new("topology", message).at(self.source, span.clone(), "")
    }

    /// The entries, in the file's order.
    pub(super) fn entries(&self) -> Vec<Entry<'a>> {
        let mut entries: Vec<Entry<'a>> = self
            .table
            .iter()
            .map(|(key, value)| (Spanned::new(key.get_ref().to_string(), key.span()), value))
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    /// Names every key that is not one of `known`.
    pub(super) fn refuse_others(&self, known: &[&str], faults: &mut Vec<Diagnostic>) {
        for (key, _) in self.entries().into_iter().filter(|(key, _)| !known.contains(&key.value.as_str())) {
            faults.push(
                Diagnostic::new("topology", format!("{} has no key `{}`", self.what, key.value))
                    .at(self.source, key.span, "unknown key")
                    .help(if known.is_empty() {
                        "it takes no keys".into()
                    } else {
                        suggest::help(&key.value, "keys", known.iter().copied())
                    }),
            );
        }
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    fn entry(&self, key: &str) -> Option<Entry<'a>> {
        self.entries().into_iter().find(|(name, _)| name.value == key)
    }

    /// The table under a key.
    pub(super) fn table(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Table<'a>> {
        let entry = self.entry(key)?;
        Self::of(self.source, format!("`[{key}]`"), &entry).map_err(|fault| faults.push(fault)).ok()
    }

    /// The text under a key.
    pub(super) fn text(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<String>> {
        text(self.source, &self.entry(key)?, faults)
    }

    /// What is true or false under a key, or a text that will be.
    pub(super) fn flag(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Option<Spanned<String>> {
        let (key, value) = self.entry(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(Spanned::new(flag.to_string(), value.span())),
            DeValue::String(text) => Some(Spanned::new(text.to_string(), value.span())),
            other => {
                faults.push(wrong_type(self.source, &key.value, "`true` or `false`", other, value.span()));
                None
            }
        }
    }

    /// The texts of the list under a key. Numbers will do.
    pub(super) fn texts(&self, key: &str, faults: &mut Vec<Diagnostic>) -> Vec<Spanned<String>> {
        let Some((key, value)) = self.entry(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            faults.push(wrong_type(
                self.source,
                &key.value,
                "a list of texts",
                value.get_ref(),
                value.span(),
            ));
            return Vec::new();
        };
        let text = |item: &TomlSpanned<DeValue<'_>>| match item.get_ref() {
            DeValue::String(text) => Ok(Spanned::new(text.to_string(), item.span())),
            DeValue::Integer(number) => Ok(Spanned::new(number.as_str().to_owned(), item.span())),
            other => Err(wrong_type(self.source, &key.value, "a list of texts", other, item.span())),
        };
        items.iter().filter_map(|item| text(item).map_err(|fault| faults.push(fault)).ok()).collect()
    }

    /// The whole number under a key, at least so much.
    pub(super) fn number(&self, key: &str, least: usize, faults: &mut Vec<Diagnostic>) -> Option<usize> {
        let (_, value) = self.entry(key)?;
        let number = value.get_ref().as_integer().and_then(|number| {
            usize::from_str_radix(&number.as_str().replace('_', ""), number.radix())
                .ok()
                .filter(|number| *number >= least)
        });
        if number.is_none() {
            let message = format!("`{key}` is not a whole number, {least} or more");
            faults.push(self.fault(message, &value.span()));
        }
        number
    }
}

/// The text of an entry. A number will do: `shard_id = 4`.
pub(super) fn text(
    source: &Arc<SourceFile>,
    entry: &Entry<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Spanned<String>> {
    let (key, value) = entry;
    match value.get_ref() {
        DeValue::String(text) => Some(Spanned::new(text.to_string(), value.span())),
        DeValue::Integer(number) => Some(Spanned::new(number.as_str().to_owned(), value.span())),
        other => {
            faults.push(wrong_type(source, &key.value, "a text in quotes", other, value.span()));
            None
        }
    }
}

fn wrong_type(
    source: &Arc<SourceFile>,
    key: &str,
    expected: &str,
    found: &DeValue<'_>,
    span: Range<usize>,
) -> Diagnostic {
    let found = found.type_str();
    Diagnostic::new("topology", format!("`{key}` has to be {expected}, not of type {found}"))
        .at(source, span, "")
}
