//! Why a database is not touched, in words.

use std::fmt;

use crate::migration::{Checksum, Version};
use crate::{DatabaseName, Route};

/// Why a database's history and the set don't fit together. Each says one thing and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Applied with another checksum or name.
    Divergent {
        /// The migration as this binary has it.
        file: String,
        /// Its version.
        version: Version,
        /// The name in the history and the one in the binary, where they differ.
        renamed: Option<(String, String)>,
        /// The checksum in the history and the one in the binary, where they differ.
        edited: Option<(Checksum, Checksum)>,
    },
    /// Applied, but unknown to this binary.
    Missing {
        /// The version in the history.
        version: Version,
        /// The name in the history.
        name: String,
    },
    /// Applied here and known, but its route no longer selects this database.
    Misrouted {
        /// The migration's file.
        file: String,
        /// Its version.
        version: Version,
        /// Its route now.
        route: Route,
    },
    /// Pending below the newest applied version.
    OutOfOrder {
        /// The pending migration's file.
        file: String,
        /// Its version.
        version: Version,
        /// The newest version applied.
        newest: Version,
    },
    /// It replaces migrations of which a part is applied here.
    HalfReplaced {
        /// The migration's file.
        file: String,
        /// Its version.
        version: Version,
        /// How many of what it replaces are applied.
        has: usize,
        /// Which are not.
        lacks: Vec<Version>,
    },
    /// It is to be taken back, and was not run here: what it replaces was.
    Replaced {
        /// The migration's file.
        file: String,
        /// Its version.
        version: Version,
    },
    /// A no-transaction migration was started and not finished, and somebody has to look at what it left.
    Dirty {
        /// The database.
        database: DatabaseName,
        /// The version.
        version: Version,
        /// The name in the history.
        name: String,
        /// How many of its statements are done.
        statements_done: u32,
        /// The statement that may have been run as well, as `file:line:column`; `None` where the file is
        /// not the one that was started.
        doubtful: Option<String>,
    },
    /// It was being taken back outside a transaction, and that broke off.
    Undoing {
        /// The database.
        database: DatabaseName,
        /// The version.
        version: Version,
        /// The name in the history.
        name: String,
        /// How many statements of its reverse file are done.
        statements_done: u32,
    },
    /// It is to be taken back, and was not applied to its end.
    Unfinished {
        /// The version.
        version: Version,
        /// The name in the history.
        name: String,
        /// How many of its statements are done.
        statements_done: u32,
    },
    /// It is to be taken back, and nothing says how.
    NoReverse {
        /// The migration's file.
        file: String,
        /// Its version.
        version: Version,
    },
    /// It is to be taken back outside a transaction, by a statement of which nobody could tell whether it was done
    /// if the run broke off there.
    NotResumable {
        /// The version.
        version: Version,
        /// The statement, as `file:line:column`.
        statement: String,
    },
}

impl Refusal {
    /// The version it is about.
    pub fn version(&self) -> Version {
        match self {
            Self::Divergent { version, .. }
            | Self::Missing { version, .. }
            | Self::Misrouted { version, .. }
            | Self::OutOfOrder { version, .. }
            | Self::HalfReplaced { version, .. }
            | Self::Replaced { version, .. }
            | Self::Dirty { version, .. }
            | Self::Undoing { version, .. }
            | Self::Unfinished { version, .. }
            | Self::NoReverse { version, .. }
            | Self::NotResumable { version, .. } => *version,
        }
    }

    /// The one word for it: `divergent`, `missing`, `misrouted`, `out-of-order`, `half-replaced`, `dirty` or `undoing`;
    /// where something is to be taken back also `unfinished`, `replaced`, `no-reverse` or `not-resumable`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Divergent { .. } => "divergent",
            Self::Missing { .. } => "missing",
            Self::Misrouted { .. } => "misrouted",
            Self::OutOfOrder { .. } => "out-of-order",
            Self::HalfReplaced { .. } => "half-replaced",
            Self::Replaced { .. } => "replaced",
            Self::Dirty { .. } => "dirty",
            Self::Undoing { .. } => "undoing",
            Self::Unfinished { .. } => "unfinished",
            Self::NoReverse { .. } => "no-reverse",
            Self::NotResumable { .. } => "not-resumable",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Divergent { version, .. } => format!(
                "bring the file back as it was applied, and put the change into a new migration; or, if what was \
                 applied is right all the same, `--migrate=repair --accept {version}` has the history take the file over"
            ),
            Self::Missing { version, .. } => format!(
                "run the binary that knows it (is this an older release?), or bring its file back; if it is gone for \
                 good, `--migrate=repair --forget {version}` deletes its row"
            ),
            Self::Misrouted { version, .. } => format!(
                "bring the route back; or, if what it made may stay, `cargo sharded-migrations lock --rerouted \
                 {version}=abandon` says so for all databases, and `--migrate=repair --abandon {version}` deletes the row \
                 on this one"
            ),
            Self::OutOfOrder { file, version, newest } => format!(
                "give `{file}` a version above {newest}; or, if it does not matter when it comes, name it `U..`; \
                 `out_of_order = \"apply\"` in databases.toml says so of all; if its route is new here, `cargo \
                 sharded-migrations lock --rerouted {version}=backfill` lets it come late; or, if it was done here by \
                 hand, `--migrate --fake --to {version}` records it"
            ),
            Self::HalfReplaced { version, .. } => format!(
                "run the last release that still has those files on this database first, with `--migrate --to \
                 {version}`; or, if all that they make is there already, `--migrate=repair --accept {version}` has the \
                 history say so"
            ),
            Self::Replaced { .. } => {
                "the last release that still has those files, and their reverse files, takes them back; or undo it \
                 with a new migration"
                    .into()
            }
            Self::Dirty { database, doubtful: Some(statement), .. } => format!(
                "look whether the statement at {statement} was done: if it was not, `--migrate=repair --retry \
                 --database {database}` lets the next run begin with it; if it was, `--migrate=repair --applied \
                 --database {database}` lets the next run go on behind it"
            ),
            Self::Dirty { database, doubtful: None, .. } => format!(
                "look at what it left: undo that, and `--migrate=repair --retry --database {database}` lets the \
                 next run apply the file from its start; or finish it by hand, and `--migrate=repair --applied \
                 --database {database}` records it as applied"
            ),
            Self::Undoing { database, version, .. } => format!(
                "let that go on: `--migrate=down --database {database} --to` with a version below {version}, and \
                 with the reverse file as it was; or look at what is left of it, and undo the rest by hand: then \
                 `--migrate=repair --taken-back {version} --database {database}` deletes its row; or put back what is \
                 gone: then `--migrate=repair --restored {version} --database {database}` records it as applied"
            ),
            Self::Unfinished { .. } => {
                "let a run finish it first, it goes on where it stopped; then take it back".into()
            }
            Self::NoReverse { file, .. } => format!(
                "write what takes it back into `{}`; a file without a statement says that there is nothing to undo",
                reverse_of(file)
            ),
            Self::NotResumable { .. } => {
                "write it so that it does no harm twice (`IF EXISTS`); or undo it with a new migration".into()
            }
        }
    }
}

/// The first of some versions, and how many more there are.
fn some(versions: &[Version]) -> String {
    const MOST: usize = 5;
    let first: Vec<String> = versions.iter().take(MOST).map(ToString::to_string).collect();
    match versions.len().checked_sub(MOST) {
        Some(more @ 1..) => format!("{} and {more} more", first.join(", ")),
        _ => first.join(", "),
    }
}

/// The reverse file that a migration would have.
fn reverse_of(file: &str) -> String {
    let is_up = |rest: &&str| rest.is_empty() || rest.ends_with(['/', '.']);
    match file.strip_suffix("up.sql").filter(is_up) {
        Some(rest) => format!("{rest}down.sql"),
        None => format!("{}.down.sql", file.strip_suffix(".sql").unwrap_or(file)),
    }
}

/// What is wrong, in one line.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Divergent { file, version, renamed, edited } => {
                write!(f, "{version} is divergent: `{file}` is not what was applied")?;
                if let Some((applied, now)) = renamed {
                    write!(f, "; it was called `{applied}` and is called `{now}` now")?;
                }
                if let Some((applied, now)) = edited {
                    let short = |sum: &Checksum| sum.to_string()[..12].to_owned();
                    write!(f, "; its checksum was {}.. and is {}.. now", short(applied), short(now))?;
                }
                Ok(())
            }
            Self::Missing { version, name } => {
                write!(
                    f,
                    "{version} `{name}` is missing: it is applied here, but this binary does not know it"
                )
            }
            Self::Misrouted { file, version, route } => write!(
                f,
                "{version} is misrouted: `{file}` is applied here, but its route is `{route}`, which does not select this database"
            ),
            Self::OutOfOrder { file, version, newest } => write!(
                f,
                "{version} is out of order: `{file}` is pending, but the newer {newest} is applied already"
            ),
            Self::HalfReplaced { file, version, has, lacks } => {
                let are = |count| if count == 1 { "is" } else { "are" };
                let lacks = match lacks.as_slice() {
                    [] => "which is none of the ways that it names".to_owned(),
                    lacks => format!("and {} {} not", some(lacks), are(lacks.len())),
                };
                write!(
                    f,
                    "{version} is half there: {has} of the migrations that `{file}` replaces {} applied here, {lacks}",
                    are(*has)
                )
            }
            Self::Replaced { file, version } => write!(
                f,
                "{version} cannot be taken back: `{file}` was not run here, the migrations that it replaces were"
            ),
            Self::Dirty { version, name, statements_done, doubtful, .. } => {
                let why = match doubtful {
                    Some(_) => "nobody knows whether its next statement was done",
                    None => "its file is not the one that was started",
                };
                write!(
                    f,
                    "{version} `{name}` is dirty: it runs outside a transaction and stopped after \
                     {statements_done} finished statements, and {why}"
                )
            }
            Self::Undoing { version, name, statements_done, .. } => write!(
                f,
                "{version} `{name}` is taken back in part: that runs outside a transaction and stopped after \
                 {statements_done} finished statements"
            ),
            Self::Unfinished { version, name, statements_done } => write!(
                f,
                "{version} `{name}` cannot be taken back: it is not applied to its end, it stopped after \
                 {statements_done} finished statements"
            ),
            Self::NoReverse { file, version } => {
                write!(f, "{version} cannot be taken back: `{file}` has no reverse file")
            }
            Self::NotResumable { version, statement, .. } => write!(
                f,
                "{version} cannot be taken back: its reverse file runs outside a transaction, and if that broke off, \
                 nobody could tell whether the statement at {statement} was done"
            ),
        }
    }
}
