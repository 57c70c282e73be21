//! Durations in headers and options, in PostgreSQL's units: `500ms`, `2s`, `1min`, `1h`.

use std::time::Duration;

/// PostgreSQL keeps a time-out in milliseconds, in 31 bits.
const MOST_MILLISECONDS: u64 = i32::MAX as u64;

/// Reads a duration; `0` has no unit and means "no limit", as in PostgreSQL. The error says which
/// forms there are.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" if number == "0" => 1,
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{text}` is not a duration: write it as `500ms`, `2s`, `1min` or `1h`")),
    };
    if number.is_empty() {
        return Err(format!("`{text}` has no number: write it as `500ms`, `2s`, `1min` or `1h`"));
    }
    let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    let milliseconds = milliseconds.filter(|milliseconds| *milliseconds <= MOST_MILLISECONDS);
    let too_long = || format!("`{text}` is longer than PostgreSQL takes: at most 24 days");
    milliseconds.map(Duration::from_millis).ok_or_else(too_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_postgres_units() {
        let cases =
            [("500ms", 500), ("2s", 2_000), ("1min", 60_000), ("1 h", 3_600_000), ("0", 0), ("0s", 0)];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for bad in ["", "s", "2", "2m", "-1s", "1.5s", "2 days", "2147483648ms", "99999999999999999999h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
