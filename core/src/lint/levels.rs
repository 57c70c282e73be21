//! How much each lint counts, as `[lints]` in `databases.toml` says.

use std::collections::BTreeMap;
use std::fmt;

use super::Lint;
use crate::Version;
use crate::source::Spanned;

/// How much a lint counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Nothing is said.
    Allow,
    /// The user is told.
    #[default]
    Warn,
    /// The set is not built.
    Deny,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Warn, Self::Deny];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }

    /// The level of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `[lints]`.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    /// `all = ".."`: for those that have no line of their own.
    pub all: Option<Spanned<Level>>,
    /// The lines of single lints.
    pub own: BTreeMap<Lint, Spanned<Level>>,
    /// `since = ..`: migrations below this version are not looked at.
    pub since: Option<Version>,
}

impl Levels {
    /// How much a lint counts.
    pub fn of(&self, lint: Lint) -> Level {
        self.own.get(&lint).or(self.all.as_ref()).map_or_else(Level::default, |level| level.value)
    }

    /// The first line that denies something.
    pub fn denial(&self) -> Option<&Spanned<Level>> {
        let lines = self.all.iter().chain(self.own.values());
        lines.filter(|level| level.value == Level::Deny).min_by_key(|level| level.span.start)
    }

    /// Whether the migrations of a version are looked at.
    pub fn looks_at(&self, version: Version) -> bool {
        self.since.is_none_or(|since| version >= since)
    }
}
