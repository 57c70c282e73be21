//! What texts for people are put together from.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use console::measure_text_width;
use sharded_migrations_core::fold::Names;
use sharded_migrations_core::{DatabaseName, Direction, GroupName};

use crate::error::DatabaseError;
use crate::figures::{duration, minutes};
use crate::report::Reason;

pub(super) const HEADING: Style = AnsiColor::Cyan.on_default().bold();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();
pub(super) const DIM: Style = Style::new().dimmed();

/// What takes so long has its database named.
const LONG: Duration = Duration::from_secs(1);

/// `== users_01 (users) ==`
pub(crate) fn heading(name: &DatabaseName, group: Option<&GroupName>) -> String {
    headings([name], group, usize::MAX)
}

/// The heading of databases that have the same below it, in so many columns:
/// `== users_01..users_40 (users): 40 databases ==`
pub(crate) fn headings<'a>(
    names: impl IntoIterator<Item = &'a DatabaseName>,
    group: Option<&GroupName>,
    columns: usize,
) -> String {
    let names = Names::fold(names.into_iter().map(DatabaseName::as_str));
    let group = group.map(|group| format!(" ({group})")).unwrap_or_default();
    let count = match names.count() {
        1 => String::new(),
        several => format!(": {}", count(several, "database")),
    };
    let around = "==  ==".len() + group.chars().count() + count.len();
    let names = names.within(columns.saturating_sub(around));
    format!("{HEADING}== {names}{group}{count} =={HEADING:#}\n")
}

/// Why a database is not touched, a line each.
pub(crate) fn reasons(reasons: &[Reason]) -> String {
    let mut text = String::new();
    for reason in reasons {
        text.push_str(&format!("  {BAD}refused{BAD:#}: {reason}\n"));
        text.extend(reason.help().map(|help| format!("    {HEADING}help{HEADING:#}: {help}\n")));
    }
    text
}

/// Why a database could not be worked on.
pub(crate) fn failure(error: &DatabaseError) -> String {
    let help = error.help.iter().map(|help| format!("    {HEADING}help{HEADING:#}: {help}\n"));
    format!("  {BAD}failed{BAD:#}: {error}\n{}", help.collect::<String>())
}

/// Prose whose lines go on below themselves where they have more than so many columns, as far as words allow it.
/// What is not read on a terminal has each line whole, for whoever searches it.
pub(crate) fn fitted(text: &str, columns: Option<usize>) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    text.split_inclusive('\n').map(|line| fitted_line(line, columns)).collect()
}

fn fitted_line(line: &str, columns: usize) -> String {
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    if measure_text_width(text) <= columns {
        return line.to_owned();
    }
    let words = text.trim_start_matches(' ');
    let indent = text.len() - words.len();
    let mut fitted = " ".repeat(indent);
    let mut column = indent;
    for (index, word) in words.split(' ').enumerate() {
        let width = measure_text_width(word);
        if index > 0 && column + 1 + width > columns {
            column = indent + 2;
            fitted.push_str(&format!("\n{:column$}", ""));
        } else if index > 0 {
            column += 1;
            fitted.push(' ');
        }
        column += width;
        fitted.push_str(word);
    }
    fitted + end
}

/// `1 database`, `2 databases`
pub(crate) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// What is to become of migrations: `3 pending`, `3 to take back`.
pub(crate) fn to_do(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "pending",
        Direction::Down => "to take back",
    }
}

/// A time that goes on, and is written again and again: `0.8 s`, `12 s`, `3 min 5 s`
pub(super) fn running(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..10 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => minutes(seconds),
    }
}

/// The time that something took on several databases, the shortest and the longest, and where it took long:
/// `3 ms..7 ms`, `3 ms..4.20 s on users_07`
pub(super) fn durations<'a>(all: impl Iterator<Item = (&'a DatabaseName, Duration)> + Clone) -> String {
    let shortest = all.clone().map(|(_, time)| time).min().unwrap_or_default();
    let Some((slowest, longest)) = all.max_by_key(|(_, time)| *time) else { return duration(shortest) };
    match (duration(shortest), duration(longest)) {
        (from, to) if from == to => from,
        (from, to) if longest < LONG => format!("{from}..{to}"),
        (from, to) => format!("{from}..{to} on {slowest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let text = |milliseconds| running(Duration::from_millis(milliseconds));
        assert_eq!(
            [text(0), text(990), text(9_999), text(10_000), text(185_000)],
            ["0.0 s", "0.9 s", "9.9 s", "10 s", "3 min 5 s"]
        );
        let names = ["a", "b", "c"].map(DatabaseName::embedded);
        let all = |times: &[u64]| {
            durations(names.iter().zip(times.iter().map(|time| Duration::from_millis(*time))))
        };
        let texts = [all(&[2]), all(&[7, 2, 900]), all(&[7, 1_200, 2]), all(&[3, 3]), all(&[1_200])];
        assert_eq!(texts, ["2 ms", "2 ms..900 ms", "2 ms..1.20 s on b", "3 ms", "1.20 s"]);
    }

    #[test]
    fn reasons_go_on_below_themselves_on_a_terminal() {
        let error = DatabaseError::new("the server äöü cannot be reached").help("is it up, and who says so?");
        let text = reasons(&[Reason::Error(error)]);
        let plain = |columns| anstream::adapter::strip_str(&fitted(&text, columns)).to_string();
        let whole = "  refused: the server äöü cannot be reached\n    help: is it up, and who says so?\n";
        assert_eq!((plain(None).as_str(), plain(Some(43)).as_str()), (whole, whole));
        assert_eq!(
            plain(Some(26)),
            "  refused: the server äöü\n    cannot be reached\n    help: is it up, and\n      who says so?\n"
        );
        let narrow = plain(Some(1));
        assert_eq!(
            narrow.split_whitespace().collect::<Vec<_>>(),
            whole.split_whitespace().collect::<Vec<_>>()
        );
        assert_eq!(fitted("", Some(80)), "");
    }

    #[test]
    fn a_heading_keeps_to_the_columns() {
        let names: Vec<DatabaseName> = ["a", "users_01", "users_02", "users_03", "z"]
            .map(|name| DatabaseName::new(name).unwrap())
            .into();
        let group = GroupName::new("users").unwrap();
        let text =
            |columns| anstream::adapter::strip_str(&headings(&names, Some(&group), columns)).to_string();
        assert_eq!(text(80), "== a, users_01..users_03, z (users): 5 databases ==\n");
        assert_eq!(text(40), "== a and 4 more (users): 5 databases ==\n");
        assert_eq!(text(10), "== a and 4 more (users): 5 databases ==\n");
        let one = heading(&names[0], None);
        assert_eq!(anstream::adapter::strip_str(&one).to_string(), "== a ==\n");
    }
}
