//! What `allow(..)` in a migration's header accepts: what a safety lint finds, or what a check finds that knows no more
//! than the files do.

use std::fmt;

use crate::lint::Lint;

/// The checks that may be mistaken, because not everything on a database need come from its migrations. What guards
/// the history (a quote that is never closed, a `COMMIT`) is not among them.
pub const CHECKS: [&str; 6] = [
    "cross-database",
    "duplicate-object",
    "missing-object",
    "needed-object",
    "not-resumable",
    "reverse-differs",
];

/// One name in `allow(..)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// A safety lint.
    Lint(Lint),
    /// One of [`CHECKS`].
    Check(&'static str),
}

impl Allowed {
    /// What has that name.
    pub fn by_name(name: &str) -> Option<Self> {
        let check = || CHECKS.into_iter().find(|check| *check == name).map(Self::Check);
        Lint::by_name(name).map(Self::Lint).or_else(check)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lint(lint) => lint.name(),
            Self::Check(check) => check,
        }
    }

    /// All names that can be allowed.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        Lint::ALL.into_iter().map(|lint| lint.name()).chain(CHECKS)
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
