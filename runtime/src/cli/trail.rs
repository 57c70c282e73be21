//! What verbs have in common that show what databases keep of what happened to them.

use super::show::{and, block, wrapped};
use crate::reporter::{count, failure};
use crate::trail::Trails;

/// How a verb shows a record.
pub(super) struct Words<T> {
    /// What it says where there is none.
    pub(super) nothing: &'static str,
    /// A record in columns.
    pub(super) cells: fn(&T) -> [String; 5],
    /// The columns that end alike.
    pub(super) is_number: [bool; 5],
    /// What is said below it.
    pub(super) below: fn(&T) -> Option<&str>,
}

/// The records of each database, the newest last, and what could not be read.
pub(super) fn lines<T>(trails: &Trails<T>, words: &Words<T>) -> (String, String) {
    let (mut text, mut failures) = (String::new(), String::new());
    for trail in &trails.databases {
        let heading = block(&[(&trail.name, trail.group.as_ref())]);
        match &trail.records {
            Err(error) => failures.push_str(&(heading + &failure(error))),
            Ok(records) if records.is_empty() => text.push_str(&format!("{heading}  {}\n", words.nothing)),
            Ok(records) => text.push_str(&(heading + &table(records, words))),
        }
    }
    (text + "\n" + &summary(trails), failures)
}

/// A time of the database, to the second: the fraction is in the JSON.
pub(super) fn second(time: &str) -> String {
    let (day, time) = time.split_once('T').unwrap_or((time, ""));
    format!("{day} {}Z", time.split('.').next().unwrap_or_default())
}

/// A line each, in columns; a name that is long beside the others makes its own line longer, not all.
fn table<T>(records: &[T], words: &Words<T>) -> String {
    const LONGEST_NAME: usize = 28;
    let cells: Vec<[String; 5]> = records.iter().map(words.cells).collect();
    let width = |column: usize| cells.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0).min(LONGEST_NAME), width(1), width(2), width(3), width(4)];
    let line = |cells: &[String; 5]| {
        let column = |column: usize| {
            let (cell, width) = (&cells[column], widths[column]);
            if words.is_number[column] { format!("  {cell:>width$}") } else { format!("  {cell:width$}") }
        };
        let line: String = (0..cells.len()).map(column).collect();
        format!("{}\n", line.trim_end())
    };
    let below = |record| (words.below)(record).map(|text| wrapped(text, "    ".len())).unwrap_or_default();
    cells.iter().zip(records).map(|(cells, record)| line(cells) + &below(record)).collect()
}

fn summary<T>(trails: &Trails<T>) -> String {
    let read = trails.databases.iter().filter_map(|trail| trail.records.as_ref().ok());
    let records: usize = read.clone().map(Vec::len).sum();
    let unread = trails.databases.len() - read.count();
    format!(
        "{} on {}{}\n",
        count(records, "record"),
        count(trails.databases.len(), "database"),
        and(unread, "unread")
    )
}
