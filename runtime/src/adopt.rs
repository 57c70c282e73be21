//! Adoption: a database that another tool has migrated so far goes on with this one, without anything being run again.

#[cfg(feature = "adopt")]
mod adoption;
#[cfg(feature = "adopt")]
mod checksum;
#[cfg(feature = "adopt")]
mod matching;
#[cfg(feature = "adopt")]
#[cfg(test)]
mod samples;
mod table;
#[cfg(feature = "adopt")]
mod tool;

use std::fmt;

use sharded_migrations_core::Route;

#[cfg(all(feature = "adopt", feature = "clap"))]
pub(crate) use adoption::Adoption;
pub use table::{InvalidTable, ToolTable};

/// A tool whose history can be adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tool {
    /// refinery: `refinery_schema_history`, whose checksums are verified.
    Refinery,
    /// sqlx: `_sqlx_migrations`, whose checksums are verified.
    Sqlx,
    /// diesel: `__diesel_schema_migrations`, which has no checksums.
    Diesel,
    /// Flyway: `flyway_schema_history`, whose checksums are verified.
    Flyway,
    /// Django, where `sqlmigrate` has written its migrations to files `{folder of the app}/{name}.sql`:
    /// `django_migrations`, which has no checksums.
    DjangoSql,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Refinery, Self::Sqlx, Self::Diesel, Self::Flyway, Self::DjangoSql];

    /// The word for it: `refinery`, `sqlx`, `diesel`, `flyway` or `django-sql`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refinery => "refinery",
            Self::Sqlx => "sqlx",
            Self::Diesel => "diesel",
            Self::Flyway => "flyway",
            Self::DjangoSql => "django-sql",
        }
    }

    /// The table that it keeps in each database, where it is told nothing else; [`ToolTable::named`] is for where it is.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Refinery => "refinery_schema_history",
            Self::Sqlx => "_sqlx_migrations",
            Self::Diesel => "__diesel_schema_migrations",
            Self::Flyway => "flyway_schema_history",
            Self::DjangoSql => "django_migrations",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a database cannot be adopted: what the other tool says of it and the set don't fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The tool's table is not there, and the database is not new either.
    NoTable {
        /// The tool, and its table.
        from: ToolTable,
    },
    /// A row of the table is not as the tool writes it.
    Unreadable {
        /// The tool, and its table.
        from: ToolTable,
        /// The row.
        label: String,
        /// What it should have.
        what: &'static str,
    },
    /// The tool began something and did not finish it.
    Unfinished {
        /// The tool, and its table.
        from: ToolTable,
        /// The row.
        label: String,
    },
    /// No file is what the tool has applied.
    Missing {
        /// The tool, and its table.
        from: ToolTable,
        /// The row.
        label: String,
    },
    /// The file of what the tool has applied is routed to other databases.
    Misrouted {
        /// The tool.
        tool: Tool,
        /// The row.
        label: String,
        /// The migration's file.
        file: String,
        /// Its route.
        route: Route,
    },
    /// The file is not what the tool has applied.
    Divergent {
        /// The tool.
        tool: Tool,
        /// The row.
        label: String,
        /// The migration's file.
        file: String,
    },
    /// It cannot be told which file is what the tool has applied.
    Ambiguous {
        /// The tool.
        tool: Tool,
        /// The row, or rows.
        label: String,
        /// The files it may be.
        files: Vec<String>,
    },
    /// No folder is called like an application of Django's.
    NoApplication {
        /// The applications in the table.
        applications: Vec<String>,
    },
}

impl Mismatch {
    /// One word for it: `no-table`, `unreadable`, `unfinished`, `missing`, `misrouted`, `divergent`, `ambiguous` or
    /// `no-application`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoTable { .. } => "no-table",
            Self::Unreadable { .. } => "unreadable",
            Self::Unfinished { .. } => "unfinished",
            Self::Missing { .. } => "missing",
            Self::Misrouted { .. } => "misrouted",
            Self::Divergent { .. } => "divergent",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NoApplication { .. } => "no-application",
        }
    }

    /// The row that it is about, where it is about one.
    pub fn row(&self) -> Option<&str> {
        match self {
            Self::NoTable { .. } | Self::NoApplication { .. } => None,
            Self::Unreadable { label, .. }
            | Self::Unfinished { label, .. }
            | Self::Missing { label, .. }
            | Self::Misrouted { label, .. }
            | Self::Divergent { label, .. }
            | Self::Ambiguous { label, .. } => Some(label),
        }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::NoTable { .. } => {
                "was it another tool (`--from`), or has its table another name or a schema that is not on the \
                 `search_path` (`--table`)? where everything is to be applied from the first migration on, leave this \
                 database out with `--database`"
                    .into()
            }
            Self::Unreadable { from, .. } => {
                format!("was the row in `{from}` changed by hand? put back what was there")
            }
            Self::Unfinished { from, .. } => {
                format!("settle it with {}: finish it or undo it, and what `{from}` says of it", from.tool())
            }
            Self::Missing { from, .. } => format!(
                "bring its file back, routed to this database; or, where it is gone for good reason, delete its \
                 row from `{from}`"
            ),
            Self::Misrouted { file, .. } => format!(
                "let `{file}` be routed to this database too; or, where it should not have been applied here, undo \
                 it with {}",
                self.tool()
            ),
            Self::Divergent { .. } => {
                "bring the file back as it was applied, and put the change into a new migration; \
                 attribute lines, line ends and a byte order mark do not matter"
                    .into()
            }
            Self::Ambiguous { .. } => "let one file be what was applied, and one row say so".into(),
            Self::NoApplication { .. } => {
                "put the files of an application into a folder of its name, as in `shop/0001_initial.sql`"
                    .into()
            }
        }
    }

    fn tool(&self) -> Tool {
        match self {
            Self::NoTable { from }
            | Self::Unreadable { from, .. }
            | Self::Unfinished { from, .. }
            | Self::Missing { from, .. } => from.tool(),
            Self::Misrouted { tool, .. } | Self::Divergent { tool, .. } | Self::Ambiguous { tool, .. } => {
                *tool
            }
            Self::NoApplication { .. } => Tool::DjangoSql,
        }
    }
}

/// What is wrong, in one line.
impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tool = self.tool();
        match self {
            Self::NoTable { from } => {
                write!(f, "there is no table `{from}` here, but there are others: this database is not new")
            }
            Self::Unreadable { from, label, what } => {
                write!(f, "the row `{label}` of `{from}` has no {what}")
            }
            Self::Unfinished { label, .. } => {
                write!(f, "{label} is unfinished: {tool} began it and it failed")
            }
            Self::Missing { label, .. } => {
                write!(f, "{label} is missing: {tool} has applied it here, but there is no file of it")
            }
            Self::Misrouted { label, file, route, .. } => write!(
                f,
                "{label} is misrouted: {tool} has applied it here, and the route of `{file}` is `{route}`, which does \
                 not select this database"
            ),
            Self::Divergent { label, file, .. } => {
                write!(
                    f,
                    "{label} is divergent: `{file}` is not what {tool} has applied here, their checksums differ"
                )
            }
            Self::Ambiguous { label, files, .. } => {
                write!(
                    f,
                    "{label} is ambiguous: {tool} has applied it, and it may be `{}`",
                    files.join("` or `")
                )
            }
            Self::NoApplication { applications } => {
                write!(
                    f,
                    "no folder of migrations is called like one of the applications {}",
                    applications.join(", ")
                )
            }
        }
    }
}
