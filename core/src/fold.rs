//! Names of many databases in few words: those that count up become a range, `users_01..users_40`.

use std::fmt;

/// Fewer names than this that count up are written out.
const FEWEST: usize = 3;

/// Names, folded, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names<'a>(Vec<Run<'a>>);

/// Names that count up, or one alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run<'a> {
    first: &'a str,
    last: &'a str,
    count: usize,
    /// Where the number is that counts up: so many bytes from the start, and so many to the end.
    around: Option<(usize, usize)>,
}

impl<'a> Names<'a> {
    /// Folds them. The names are in the fleet's order, which is the order they count in.
    pub fn fold(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut runs: Vec<Run<'a>> = Vec::new();
        for name in names {
            match runs.last_mut().and_then(|run| run.with(name)) {
                Some(longer) => {
                    runs.pop();
                    runs.push(longer);
                }
                None => runs.push(Run { first: name, last: name, count: 1, around: None }),
            }
        }
        Self(runs)
    }

    /// How many names there are.
    pub fn count(&self) -> usize {
        self.0.iter().map(|run| run.count).sum()
    }

    /// As many of them as fit into so many columns, but at least one part, and how many more there are.
    pub fn within(&self, columns: usize) -> String {
        let all = self.to_string();
        if all.len() <= columns {
            return all;
        }
        let mut text = String::new();
        let mut left = self.count();
        for (part, count) in self.parts() {
            let separator = if text.is_empty() { "" } else { ", " };
            let with_it = text.len() + separator.len() + part.len() + more(left - count).len();
            if !text.is_empty() && with_it > columns {
                break;
            }
            text = text + separator + &part;
            left -= count;
        }
        if left > 0 { text + &more(left) } else { text }
    }

    /// What is written, each part with how many names it stands for.
    fn parts(&self) -> impl Iterator<Item = (String, usize)> {
        self.0.iter().flat_map(Run::parts)
    }
}

fn more(names: usize) -> String {
    format!(" and {names} more")
}

/// All of them.
impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts().map(|(part, _)| part).collect();
        f.write_str(&parts.join(", "))
    }
}

impl<'a> Run<'a> {
    /// With one more name, where that is the next one.
    fn with(self, name: &'a str) -> Option<Self> {
        let around = next(self.last, name).filter(|around| self.around.is_none_or(|own| own == *around))?;
        Some(Self { last: name, count: self.count + 1, around: Some(around), ..self })
    }

    /// What is written of it.
    fn parts(&self) -> Vec<(String, usize)> {
        match self.count {
            1 => vec![(self.first.to_owned(), 1)],
            FEWEST.. => vec![(format!("{}..{}", self.first, self.last), self.count)],
            _ => vec![(self.first.to_owned(), 1), (self.last.to_owned(), 1)],
        }
    }
}

/// Whether two names are the same but for a number in them that is one higher in the second; where it is.
fn next(one: &str, other: &str) -> Option<(usize, usize)> {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let alike = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    // They may be alike in the number's first digits.
    let start = alike - one.as_bytes()[..alike].iter().rev().take_while(|byte| is_digit(byte)).count();
    let digits = |name: &str| name.as_bytes()[start..].iter().take_while(|byte| is_digit(byte)).count();
    let (end, other_end) = (start + digits(one), start + digits(other));
    if one.get(end..)? != other.get(other_end..)? {
        return None;
    }
    let digits = one.get(start..end)?;
    let number: u64 = digits.parse().ok()?;
    let following = format!("{:0width$}", number.checked_add(1)?, width = digits.len());
    (following == other.get(start..other_end)?).then(|| (start, one.len() - end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(names: &str) -> String {
        Names::fold(names.split_whitespace()).to_string()
    }

    #[test]
    fn names_that_count_up_are_a_range() {
        for (names, folded) in [
            ("", ""),
            ("default", "default"),
            ("users_01 users_02", "users_01, users_02"),
            ("users_01 users_02 users_03", "users_01..users_03"),
            ("default users_01 users_02 users_03 audit", "default, users_01..users_03, audit"),
            // With zeros in front, or without.
            ("u_8 u_9 u_10 u_11", "u_8..u_11"),
            ("u_08 u_09 u_10 u_11", "u_08..u_11"),
            ("u_099 u_100 u_101", "u_099..u_101"),
            ("u_09 u_010 u_011", "u_09, u_010, u_011"),
            // The number may be anywhere, but it is one and the same.
            ("1 2 3", "1..3"),
            ("eu1.users eu2.users eu3.users", "eu1.users..eu3.users"),
            ("db1_a1 db1_a2 db2_a2", "db1_a1, db1_a2, db2_a2"),
            ("db1_a1 db2_a1 db3_a1 db3_a2", "db1_a1..db3_a1, db3_a2"),
            ("v2_9 v2_10 v2_11", "v2_9..v2_11"),
            // Gaps, and groups of the same numbers.
            ("u1 u2 u3 u5 u6 u7 u9", "u1..u3, u5..u7, u9"),
            ("u3 u2 u1", "u3, u2, u1"),
            ("users_1 users_2 users_3 orders_1 orders_2 orders_3", "users_1..users_3, orders_1..orders_3"),
            // Beyond what is counted.
            (
                "n99999999999999999999998 n99999999999999999999999",
                "n99999999999999999999998, n99999999999999999999999",
            ),
            ("n18446744073709551614 n18446744073709551615", "n18446744073709551614, n18446744073709551615"),
            ("a a", "a, a"),
        ] {
            assert_eq!(fold(names), folded, "{names}");
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_by_database() {
        let names = "alpha users_01 users_02 users_03 users_04 beta gamma";
        let folded = Names::fold(names.split(' '));
        assert_eq!(folded.count(), 7);
        for (columns, text) in [
            (80, "alpha, users_01..users_04, beta, gamma"),
            (38, "alpha, users_01..users_04, beta, gamma"),
            (37, "alpha, users_01..users_04 and 2 more"),
            (36, "alpha, users_01..users_04 and 2 more"),
            (35, "alpha and 6 more"),
            (16, "alpha and 6 more"),
            (0, "alpha and 6 more"),
        ] {
            assert_eq!(folded.within(columns), text, "{columns}");
            assert!(columns < 16 || text.len() <= columns, "{columns}");
        }
    }
}
