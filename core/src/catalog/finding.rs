//! What a replay finds, and where.

use std::ops::Range;

use super::Missing;
use crate::sql::Name;

/// A place in the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    /// The file, by its number among all files.
    pub(crate) file: usize,
    /// The byte.
    pub(crate) at: usize,
}

/// What is wrong with a statement on one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) file: usize,
    /// The bytes of the name at fault.
    pub(crate) span: Range<usize>,
    pub(crate) name: Name,
    pub(crate) what: What,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// An object is not there, and some migration makes one of that name.
    Missing {
        /// What needs it.
        by: By,
        /// Where it is instead.
        missing: Missing,
    },
    /// An object of that name is there already.
    Twice {
        /// What it is called.
        noun: &'static str,
        /// Where the first one was made.
        first: Site,
    },
    /// A view needs what is dropped, or a trigger its function.
    Needed {
        /// What it is called.
        noun: &'static str,
        /// The view or trigger.
        by: String,
        /// Where it was made.
        made: Site,
    },
}

/// What needs an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    ForeignKey,
    View,
    /// A call without a schema, which may mean a function of the server or of an extension.
    Call,
    Statement,
}

/// What became of an object that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gone {
    Dropped(Site),
    Renamed(String, Site),
    Moved(String, Site),
}
