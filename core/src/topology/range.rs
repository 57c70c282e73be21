//! `users_{01..04}`: one entry of `databases.toml` for many databases.

use std::ops::Range;

/// More databases than this in one entry is a slip of the keyboard.
const MOST: u64 = 10_000;

/// More digits than any number here has.
const MOST_DIGITS: usize = 20;

/// A `{first..last}` in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NumberRange {
    first: u64,
    last: u64,
    /// Digits to pad to, when the first number is written with zeros in front.
    width: usize,
    /// Its bytes in the text.
    span: Range<usize>,
}

impl NumberRange {
    /// How many numbers it has.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.last - self.first + 1).unwrap_or(usize::MAX)
    }
}

/// The ranges of a text, or what is wrong with one.
pub(super) fn find(text: &str) -> Result<Vec<NumberRange>, String> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find('{').map(|at| from + at) {
        from = start + 1;
        let Some(end) =
            text[from..].find(['}', '{']).map(|at| from + at).filter(|end| text[*end..].starts_with('}'))
        else {
            continue;
        };
        let Some((first, last)) = text[from..end].split_once("..") else { continue };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(first) || !is_number(last) {
            continue;
        }
        let whole = &text[start..=end];
        let numbers = (first.parse::<u64>(), last.parse::<u64>(), first.len() <= MOST_DIGITS);
        let (Ok(low), Ok(high), true) = numbers else {
            return Err("the numbers of a range are too large".into());
        };
        if high < low {
            return Err(format!("`{whole}` runs backwards"));
        }
        if high - low >= MOST {
            return Err(format!("`{whole}` has more than {MOST} numbers"));
        }
        let width = if first.starts_with('0') { first.len() } else { 0 };
        ranges.push(NumberRange { first: low, last: high, width, span: start..end + 1 });
        from = end + 1;
    }
    Ok(ranges)
}

/// The text with each range replaced by its number at `index`.
pub(super) fn fill(text: &str, ranges: &[NumberRange], index: usize) -> String {
    let mut filled = String::new();
    let mut copied = 0;
    for range in ranges {
        filled.push_str(&text[copied..range.span.start]);
        let (number, width) = (range.first + index as u64, range.width);
        filled.push_str(&format!("{number:0width$}"));
        copied = range.span.end;
    }
    filled.push_str(&text[copied..]);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let ranges = find(text).unwrap();
        let count = ranges.iter().map(NumberRange::count).max().unwrap_or(1);
        (0..count).map(|index| fill(text, &ranges, index)).collect()
    }

    #[test]
    fn ranges_are_written_out() {
        assert_eq!(all("users_{01..03}"), ["users_01", "users_02", "users_03"]);
        assert_eq!(all("s{9..11}"), ["s9", "s10", "s11"]);
        assert_eq!(all("{08..10}.{1..3}"), ["08.1", "09.2", "10.3"]);
        assert_eq!(all("${DB_{1..2}_URL}"), ["${DB_1_URL}", "${DB_2_URL}"]);
        assert_eq!(all("plain ${A} {x} {1..b} {"), ["plain ${A} {x} {1..b} {"]);
    }

    #[test]
    fn impossible_ranges_are_refused() {
        assert!(find("{3..1}").unwrap_err().contains("backwards"));
        assert!(find("{0..10000}").unwrap_err().contains("more than"));
        assert!(find(&format!("{{{}1..2}}", "0".repeat(70_000))).unwrap_err().contains("too large"));
        assert!(find("{1..99999999999999999999}").unwrap_err().contains("too large"));
    }
}
