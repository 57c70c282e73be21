//! `1..40`: which versions are meant, both ends with them.

use std::fmt;

use sharded_migrations_core::Version;

/// Versions from one to another, both with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    from: Option<Version>,
    to: Version,
}

impl Range {
    /// Reads `1..40`, or `..40` for all up to 40.
    ///
    /// # Errors
    /// How it is written.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let usage = || "write the first and the last version, `1..40`, or `..40` for all up to 40".to_owned();
        let version = |text: &str| text.parse().ok().and_then(Version::new).ok_or_else(usage);
        // Both ends belong to it, so whoever writes Rust's `1..=40` means the same.
        let (from, to) = text.split_once("..").ok_or_else(usage)?;
        let to = version(to.strip_prefix('=').unwrap_or(to))?;
        let from = if from.is_empty() { None } else { Some(version(from)?) };
        match from {
            Some(from) if from > to => Err(format!("{from} comes behind {to}: write `{to}..{from}`")),
            from => Ok(Self { from, to }),
        }
    }

    /// Whether a version belongs to it.
    pub(super) fn contains(self, version: Version) -> bool {
        version <= self.to && self.from.is_none_or(|from| from <= version)
    }

    /// Whether a version comes before all of it.
    pub(super) fn is_behind(self, version: Version) -> bool {
        self.from.is_some_and(|from| version < from)
    }

    /// The same without a beginning.
    pub(super) fn without_beginning(self) -> Self {
        Self { from: None, ..self }
    }
}

/// As it is typed.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        from.iter().try_for_each(|from| write!(f, "{from}"))?;
        write!(f, "..{to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_belong_to_it() {
        let version = Version::embedded;
        for (text, shown) in [("1..40", "1..40"), ("..40", "..40"), ("1..=40", "1..40"), ("40..40", "40..40")]
        {
            let range = Range::parse(text).unwrap();
            assert_eq!(range.to_string(), shown);
            assert!(range.contains(version(40)) && !range.contains(version(41)), "{text}");
        }
        let range = Range::parse("5..40").unwrap();
        assert!(range.contains(version(5)) && !range.contains(version(4)) && range.is_behind(version(4)));
        assert!(
            range.without_beginning().contains(version(0))
                && !range.without_beginning().is_behind(version(0))
        );
    }

    #[test]
    fn what_is_no_range_is_told_how_to_write_one() {
        for text in ["", "40", "1..", "..", "a..b", "-1..4", "1...4", "1-40"] {
            assert!(Range::parse(text).unwrap_err().contains("`1..40`"), "{text}");
        }
        assert_eq!(Range::parse("40..1").unwrap_err(), "40 comes behind 1: write `1..40`");
    }
}
