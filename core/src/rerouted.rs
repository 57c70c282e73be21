//! What becomes of databases when a migration is routed otherwise after some of them have applied it.

use std::fmt;

/// What `migrations.lock` declares of a migration whose route was changed after it was locked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rerouted {
    /// Databases that it is new for get it, also those where a newer one is applied.
    pub backfill: bool,
    /// Databases that it is no longer for keep what it made, and its row.
    pub abandon: bool,
}

impl Rerouted {
    /// Nothing is declared.
    pub const NONE: Self = Self { backfill: false, abandon: false };
    /// `backfill`
    pub const BACKFILL: Self = Self { backfill: true, abandon: false };
    /// `abandon`
    pub const ABANDON: Self = Self { backfill: false, abandon: true };

    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "backfill" => Self::BACKFILL,
            "abandon" => Self::ABANDON,
            "backfill, abandon" => Self::BACKFILL.and(Self::ABANDON),
            _ => return None,
        })
    }

    /// Both declarations.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { backfill: self.backfill || other.backfill, abandon: self.abandon || other.abandon }
    }
}

/// `backfill`, `abandon`, or `backfill, abandon`.
impl fmt::Display for Rerouted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.backfill, "backfill"), (self.abandon, "abandon")];
        let words: Vec<&str> = words.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
        f.write_str(&words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let all = [Rerouted::BACKFILL, Rerouted::ABANDON, Rerouted::BACKFILL.and(Rerouted::ABANDON)];
        assert!(all.iter().all(|one| Rerouted::parse(&one.to_string()) == Some(*one)));
        assert_eq!(Rerouted::parse(&Rerouted::NONE.to_string()), None);
    }
}
