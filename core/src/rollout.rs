//! How a run goes over the fleet: which databases come first, how many at a time, and when it stops.

mod stages;
mod waves;

use std::fmt;
use std::time::Duration;

use crate::{DatabaseName, List, Text, Version};

pub use stages::{Blocked, Blocker, Known, Order, Part, Pending, Stage, next_stage, order};

/// What `[rollout]` in `databases.toml` says; the command line may say otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// The databases that come before all others, and whose failure stops every run.
    pub canary: List<DatabaseName>,
    /// How much of the fleet is migrated by the end of each wave; what is left behind the last is one more.
    pub waves: List<Share>,
    /// How many databases are worked on at a time, and so the most connections that are open at once.
    pub concurrency: usize,
    /// How many of these may be on one server.
    pub per_server: Option<usize>,
    /// How long to wait between two waves.
    pub pause: Duration,
    /// What a database that fails means for the others.
    pub on_failure: OnFailure,
    /// A command that says between two waves whether to go on.
    pub check: Option<Text>,
}

/// A part of the fleet, canaries included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many databases: `1`.
    Databases(usize),
    /// So many of a hundred, rounded up: `"10%"`.
    Percent(usize),
}

/// What a database that fails means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing new is started when more than so many databases have failed.
    StopAbove(usize),
    /// The others go on, except for what waits for it.
    Continue,
}

/// `#[requires("default:12")]`: what has to be finished on another database first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    /// The other database.
    pub database: DatabaseName,
    /// The migration there.
    pub version: Version,
}

/// `default:12`, as it is written.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.database, self.version)
    }
}

impl Rollout {
    /// How many databases are worked on at a time where the file does not say.
    pub const CONCURRENCY: usize = 32;

    /// Where the file says nothing.
    pub const DEFAULT: Self = Self {
        canary: List::Borrowed(&[]),
        waves: List::Borrowed(&[]),
        concurrency: Self::CONCURRENCY,
        per_server: None,
        pause: Duration::ZERO,
        on_failure: OnFailure::StopAbove(0),
        check: None,
    };
}

impl Share {
    /// How many of so many databases it is.
    pub fn of(self, databases: usize) -> usize {
        match self {
            Self::Databases(number) => number.min(databases),
            Self::Percent(percent) => (databases * percent).div_ceil(100).min(databases),
        }
    }
}

/// `1` or `10%`.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Databases(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Reads `1` or `10%`; the error says which forms there are.
impl std::str::FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, share): (_, fn(usize) -> Self) = match text.strip_suffix('%') {
            Some(number) => (number, Self::Percent),
            None => (text, Self::Databases),
        };
        let number = number.parse().ok().filter(|number| *number > 0);
        match number.map(share) {
            None | Some(Self::Percent(101..)) => Err(format!(
                "`{text}` is no part of a fleet: write a number of databases, as 1, or a percentage, as 10%"
            )),
            Some(share) => Ok(share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_numbers_or_percentages() {
        let share = |text: &str| text.parse::<Share>();
        assert_eq!(share("3"), Ok(Share::Databases(3)));
        assert_eq!(share("10%"), Ok(Share::Percent(10)));
        for bad in ["", "0", "0%", "101%", "-1", "1.5", "ten", "%", "10 %", "99999999999999999999"] {
            assert!(share(bad).is_err(), "{bad}");
        }
        assert_eq!(
            [Share::Percent(10).of(11), Share::Percent(100).of(7), Share::Databases(9).of(4)],
            [2, 7, 4]
        );
        assert_eq!([Share::Percent(1).of(0), Share::Databases(1).of(0)], [0, 0]);
    }
}
