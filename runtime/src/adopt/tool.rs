//! What each tool's table looks like, and what its rows say.

use super::checksum::Checksum;
use super::{Mismatch, Tool, ToolTable};
use crate::engine::foreign::{ForeignTable, Shown};

/// The rows of a table, as text, in the order of the table's first column.
pub(super) type Rows = [Vec<Option<String>>];

/// What a tool's table says.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// What is applied, in the order of the table.
    pub(super) applied: Vec<Applied>,
    /// What cannot have a migration here, in words.
    pub(super) left_out: Vec<String>,
    /// What keeps the database from being adopted.
    pub(super) faults: Vec<Mismatch>,
}

/// Something that the tool has applied.
#[derive(Debug, Clone)]
pub(super) struct Applied {
    /// As messages name it.
    pub(super) label: String,
    /// Which migration it is.
    pub(super) key: Key,
    /// What the tool knows of its text, if it keeps that.
    pub(super) checksum: Option<Checksum>,
    /// When it was applied, as the history writes it.
    pub(super) applied_at: Option<String>,
}

/// How the migration of a row is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    /// By its version.
    Version(i64),
    /// All up to and with this version that have no row of their own: Flyway's baseline.
    UpTo(i64),
    /// By what diesel calls its version.
    Diesel(String),
    /// By its name, with spaces for underscores, and its checksum: Flyway's version is no whole number.
    Description(String),
    /// By its folder and its name.
    Django { app: String, name: String },
}

/// What is wanted of the table that a tool keeps.
pub(super) fn table(from: &ToolTable) -> ForeignTable {
    use Shown::{Hex, Text, Time};
    let columns: &'static [(&'static str, Shown)] = match from.tool() {
        Tool::Refinery => &[("version", Text), ("name", Text), ("checksum", Text), ("applied_on", Time)],
        Tool::Sqlx => &[
            ("version", Text),
            ("description", Text),
            ("checksum", Hex),
            ("success", Text),
            ("installed_on", Time),
        ],
        Tool::Diesel => &[("version", Text), ("run_on", Time)],
        Tool::Flyway => &[
            ("installed_rank", Text),
            ("version", Text),
            ("description", Text),
            ("type", Text),
            ("script", Text),
            ("checksum", Text),
            ("success", Text),
            ("installed_on", Time),
        ],
        Tool::DjangoSql => &[("id", Text), ("app", Text), ("name", Text), ("applied", Time)],
    };
    let (schema, name) = (from.schema().map(str::to_owned), from.name().to_owned());
    ForeignTable { schema, name, columns }
}

/// What the rows of a tool's table say.
pub(super) fn read(from: &ToolTable, rows: &Rows) -> Record {
    let mut record = Record::default();
    for row in rows {
        let cell = |index: usize| row.get(index).and_then(Option::as_deref);
        let read = match from.tool() {
            Tool::Refinery => refinery(from, cell),
            Tool::Sqlx => sqlx(from, cell),
            Tool::Diesel => diesel(cell),
            Tool::Flyway => {
                record.flyway(from, cell);
                continue;
            }
            Tool::DjangoSql => django(cell),
        };
        match read {
            Ok(applied) => record.applied.push(applied),
            Err(fault) => record.faults.push(fault),
        }
    }
    record
}

fn refinery<'r>(from: &ToolTable, cell: impl Fn(usize) -> Option<&'r str>) -> Result<Applied, Mismatch> {
    let name = cell(1).unwrap_or_default();
    let (version, label) = version(from, cell(0), name)?;
    let sum = cell(2).and_then(|sum| sum.parse().ok());
    let sum = sum.ok_or_else(|| unreadable(from, &label, "checksum"))?;
    let checksum = Checksum::Sip13 { name: name.to_owned(), version, sum };
    Ok(Applied {
        label,
        key: Key::Version(version),
        checksum: Some(checksum),
        applied_at: cell(3).map(str::to_owned),
    })
}

fn sqlx<'r>(from: &ToolTable, cell: impl Fn(usize) -> Option<&'r str>) -> Result<Applied, Mismatch> {
    let (version, label) = version(from, cell(0), cell(1).unwrap_or_default())?;
    if !is_true(cell(3)) {
        return Err(Mismatch::Unfinished { from: from.clone(), label });
    }
    let checksum = cell(2).and_then(Checksum::sha384);
    let checksum = checksum.ok_or_else(|| unreadable(from, &label, "checksum"))?;
    Ok(Applied {
        label,
        key: Key::Version(version),
        checksum: Some(checksum),
        applied_at: cell(4).map(str::to_owned),
    })
}

fn diesel<'r>(cell: impl Fn(usize) -> Option<&'r str>) -> Result<Applied, Mismatch> {
    let label = cell(0).unwrap_or_default().to_owned();
    Ok(Applied {
        key: Key::Diesel(label.clone()),
        label,
        checksum: None,
        applied_at: cell(1).map(str::to_owned),
    })
}

fn django<'r>(cell: impl Fn(usize) -> Option<&'r str>) -> Result<Applied, Mismatch> {
    let [app, name] = [1, 2].map(|index| cell(index).unwrap_or_default().to_owned());
    Ok(Applied {
        label: format!("{app}.{name}"),
        key: Key::Django { app, name },
        checksum: None,
        applied_at: cell(3).map(str::to_owned),
    })
}

impl Record {
    /// One row of Flyway's. Its table is a log: what a row says may be taken back by one behind it.
    fn flyway<'r>(&mut self, from: &ToolTable, cell: impl Fn(usize) -> Option<&'r str>) {
        let [kind, description, script] = [3, 2, 4].map(|index| cell(index).unwrap_or_default());
        // Made for a schema that Flyway made.
        if kind == "SCHEMA" {
            return;
        }
        let Some(version) = cell(1).filter(|version| !version.is_empty()) else {
            self.repeatable(from, kind, script, is_true(cell(6)));
            return;
        };
        let label = format!("{version} {description}");
        if !is_true(cell(6)) {
            return self.faults.push(Mismatch::Unfinished { from: from.clone(), label });
        }
        let number = whole_number(version);
        let key = match number {
            Some(number) => Key::Version(number),
            None => Key::Description(description.to_owned()),
        };
        if kind.starts_with("UNDO") || kind == "DELETE" {
            return self.applied.retain(|applied| applied.key != key);
        }
        // Older versions called what they ran as a baseline a state script.
        let is_baseline = ["BASELINE", "STATE_SCRIPT"].iter().any(|end| kind.ends_with(end));
        let (key, checksum) = match (is_baseline, number) {
            (true, Some(number)) => (Key::UpTo(number), None),
            (true, None) => {
                return self.faults.push(unreadable(from, &label, "whole number as its baseline"));
            }
            // What is no SQL has none.
            (false, _) => (key, cell(5).and_then(|sum| sum.parse().ok()).map(Checksum::Crc32)),
        };
        self.applied.push(Applied { label, key, checksum, applied_at: cell(7).map(str::to_owned) });
    }

    /// A migration of Flyway's that runs whenever its file changes: there is none such here.
    fn repeatable(&mut self, from: &ToolTable, kind: &str, script: &str, is_finished: bool) {
        let label = script.to_owned();
        if !is_finished {
            return self.faults.push(Mismatch::Unfinished { from: from.clone(), label });
        }
        let text = format!("`{script}`, which Flyway runs again whenever it changes");
        self.left_out.retain(|known| *known != text);
        if kind != "DELETE" {
            self.left_out.push(text);
        }
    }
}

/// A version that has to be a whole number, and what messages call the row.
fn version(from: &ToolTable, text: Option<&str>, name: &str) -> Result<(i64, String), Mismatch> {
    let text = text.unwrap_or_default();
    let label = format!("{text} {name}");
    match text.parse() {
        Ok(version) => Ok((version, label)),
        Err(_) => Err(unreadable(from, &label, "version that is a whole number")),
    }
}

fn unreadable(from: &ToolTable, label: &str, what: &'static str) -> Mismatch {
    Mismatch::Unreadable { from: from.clone(), label: label.to_owned(), what }
}

/// A version of Flyway's that is a number like those here: `7`, `007`, `7.0`.
fn whole_number(version: &str) -> Option<i64> {
    let mut parts = version.split(['.', '_']);
    let whole = parts.next()?.parse().ok()?;
    parts.all(|part| part.parse() == Ok(0)).then_some(whole)
}

fn is_true(text: Option<&str>) -> bool {
    matches!(text, Some("true" | "t" | "1"))
}
