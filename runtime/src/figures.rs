//! Times, numbers and what was done in words, as people read them on a terminal and on a page.

use std::time::Duration;

use sharded_migrations_core::Direction;

/// What became of migrations: `3 applied`, `3 taken back`.
pub(crate) fn did(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "applied",
        Direction::Down => "taken back",
    }
}

/// `8 ms`, `1.25 s`, `3 min 5 s`
pub(crate) fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{:02} s", duration.subsec_millis() / 10),
        seconds => minutes(seconds),
    }
}

/// What is a minute or longer.
pub(crate) fn minutes(seconds: u64) -> String {
    match seconds / 60 {
        minutes @ 0..60 => format!("{minutes} min {} s", seconds % 60),
        minutes => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// `, 48,000 rows`; nothing where that is not known.
pub(crate) fn and_rows(rows: Option<u64>) -> String {
    let Some(rows) = rows else { return String::new() };
    let digits = rows.to_string();
    let mut text = String::from(", ");
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + if rows == 1 { " row" } else { " rows" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let text = |milliseconds| duration(Duration::from_millis(milliseconds));
        assert_eq!(
            [text(0), text(999), text(1_050), text(59_999), text(185_000), text(7_260_000)],
            ["0 ms", "999 ms", "1.05 s", "59.99 s", "3 min 5 s", "2 h 1 min"]
        );
    }

    #[test]
    fn rows_are_easy_to_read() {
        let shown = |rows| and_rows(rows);
        assert_eq!(
            (shown(None), shown(Some(0)), shown(Some(1))),
            (String::new(), ", 0 rows".into(), ", 1 row".into())
        );
        assert_eq!((shown(Some(123)), shown(Some(1_234))), (", 123 rows".into(), ", 1,234 rows".into()));
        assert_eq!(shown(Some(12_345_678)), ", 12,345,678 rows");
    }
}
