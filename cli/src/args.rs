//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use sharded_migrations_core::{EngineKind, Rerouted};

use crate::squash::Range;

/// Write, check and lock the migrations of a fleet of databases
#[derive(Debug, Parser)]
#[command(name = "cargo-sharded-migrations", bin_name = "cargo sharded-migrations", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make the first files in a crate: the fleet, a migration, a build script
    ///
    /// Nothing that is there is touched. What has to be added to `Cargo.toml` and to the program is printed.
    ///
    /// Exit code 0: they are there. 1: they cannot be written. 2: the command line is wrong. 5: refused; nothing was written.
    Init {
        #[command(flatten)]
        engine: Engine,
        /// The `Cargo.toml` of the crate [default: the nearest one, here or above]
        #[arg(long, value_name = "PATH")]
        manifest_path: Option<PathBuf>,
        #[command(flatten)]
        output: Output,
    },
    /// Begin a migration: a file in the right folder, with the next version and its route
    ///
    /// The version is above all that the databases which it is for have. The file is called as the others in its folder are.
    ///
    /// Exit code 0: it is there. 1: it cannot be written. 2: the command line is wrong. 5: refused; nothing was written.
    New {
        /// What it does, in a few words: `add_email`, or "add email"
        name: String,
        #[command(flatten)]
        route: RouteArgs,
        /// The folder that it goes into, from the folder of migrations [default: the one where migrations with its route lie]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<String>,
        /// Also make its reverse file
        #[arg(long)]
        down: bool,
        /// Write it in Rust instead of SQL; its reverse file is SQL all the same
        #[arg(long)]
        rust: bool,
        #[command(flatten)]
        paths: Paths,
        #[command(flatten)]
        output: Output,
    },
    /// Show the migrations, with their routes and the databases that they reach
    ///
    /// Exit code 0: nothing is wrong. 2: the command line is wrong. 3: there are errors, and what they are about may be missing.
    List {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        paths: Paths,
        #[command(flatten)]
        output: Output,
    },
    /// Say what the build of the application would say of its migrations
    ///
    /// Exit code 0: nothing is wrong but what is a warning. 2: the command line is wrong. 3: there are errors.
    Check {
        #[command(flatten)]
        paths: Paths,
        #[command(flatten)]
        output: Output,
    },
    /// Write down what each migration is, so that the build refuses a change of it
    ///
    /// New migrations are added to `migrations.lock` in the folder of migrations. Where a migration that is locked
    /// already has changed, nothing is written.
    ///
    /// Exit code 0: the lock is written, or was up to date. 1: it cannot be written. 2: the command line is wrong. 3 (with
    /// `--check`): it is not up to date. 5: refused.
    Lock {
        #[command(flatten)]
        paths: Paths,
        #[command(flatten)]
        output: Output,
        /// Write nothing; say whether every migration is locked as it is
        #[arg(long, conflicts_with = "accept_changes")]
        check: bool,
        /// Also lock what has changed since it was locked: for migrations that no database has applied yet
        #[arg(long)]
        accept_changes: bool,
        /// Lock the new route of a migration that databases have applied: `12=backfill` has those get it that it
        /// is new for, `12=abandon` lets those keep it that it is no longer for
        #[arg(long, value_name = "MIGRATION=WORD", value_parser = rerouted, conflicts_with = "check")]
        rerouted: Vec<(String, Rerouted)>,
    },
    /// Put one file for new databases in the place of many migrations
    ///
    /// The migrations are applied to a scratch database, and the file is what that holds then. Where it makes the same on
    /// another scratch database, it is written, and the files that it replaces are deleted: a database that has applied them
    /// counts it as applied. Databases that have other migrations in the range get a file of their own.
    ///
    /// Exit code 0: done. 1: a scratch database cannot be made or read, or a file not be written. 2: the command line is
    /// wrong. 5: refused; nothing was written.
    Squash {
        /// The first and the last version: `1..40`, or `..40`
        #[arg(value_name = "FROM..TO", value_parser = Range::parse)]
        range: Range,
        /// What it is called
        #[arg(long, default_value = "squash")]
        name: String,
        /// A PostgreSQL server on which databases may be made; needed where the fleet has databases of PostgreSQL [default: the
        /// environment's SHARDED_MIGRATIONS_SCRATCH_URL]
        #[arg(long, value_name = "URL")]
        scratch: Option<String>,
        /// Write and delete nothing; say what would be
        #[arg(long)]
        dry_run: bool,
        /// Delete migrations also where they are in no commit as they are now
        #[arg(long)]
        allow_dirty: bool,
        #[command(flatten)]
        paths: Paths,
        #[command(flatten)]
        output: Output,
    },
}

impl Verb {
    pub(crate) fn output(&self) -> &Output {
        match self {
            Self::Init { output, .. }
            | Self::New { output, .. }
            | Self::List { output, .. }
            | Self::Check { output, .. }
            | Self::Lock { output, .. }
            | Self::Squash { output, .. } => output,
        }
    }
}

/// What drives the first database.
#[derive(Debug, Args)]
#[command(about = None, long_about = None)]
#[group(multiple = false)]
pub(crate) struct Engine {
    /// The first database is one of PostgreSQL (default)
    #[arg(long)]
    postgres: bool,

    /// The first database is an SQLite file
    #[arg(long)]
    sqlite: bool,
}

impl Engine {
    pub(crate) fn kind(&self) -> EngineKind {
        if self.sqlite { EngineKind::Sqlite } else { EngineKind::Postgres }
    }
}

/// Which databases a new migration is for.
#[derive(Debug, Default, Args)]
#[command(about = None, long_about = None)]
#[group(multiple = false)]
pub(crate) struct RouteArgs {
    /// It is for the databases of this group
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,

    /// It is for this database
    #[arg(long, value_name = "NAME")]
    pub(crate) database: Option<String>,

    /// It is for the databases with this label
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Option<String>,

    /// It is for every database
    #[arg(long)]
    pub(crate) everywhere: bool,

    /// It is for the databases that this selects, written as in a header: `all(group = "users", label = "eu")`
    #[arg(long, value_name = "PREDICATE")]
    pub(crate) route: Option<String>,
}

/// Which databases are asked about; all of them without these.
#[derive(Debug, Args)]
#[command(about = None, long_about = None)]
pub(crate) struct Selection {
    /// Only what reaches these databases; repeat it, or separate names with commas
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) database: Vec<String>,

    /// Only what reaches databases of these groups
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub(crate) group: Vec<String>,
}

/// Where the project is. Without these it is the nearest folder, here or above, that has a `Cargo.toml` and with it a folder
/// `migrations` or a `databases.toml`.
// The documentation is this type's: clap would make it the verb's.
#[derive(Debug, Args)]
#[command(about = None, long_about = None)]
pub(crate) struct Paths {
    /// The `Cargo.toml` of the crate that embeds the migrations [default: the nearest one that has migrations beside it]
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,

    /// The folder of migrations [default: `migrations` beside `Cargo.toml`]
    #[arg(long, value_name = "PATH")]
    pub(crate) migrations: Option<PathBuf>,

    /// The file that describes the fleet [default: `databases.toml` beside `Cargo.toml`]
    #[arg(long, value_name = "PATH")]
    pub(crate) databases: Option<PathBuf>,
}

/// `12=backfill`, `users/V12__account.sql=abandon`
fn rerouted(text: &str) -> Result<(String, Rerouted), String> {
    let parts =
        text.rsplit_once('=').and_then(|(name, word)| Some((name.to_owned(), Rerouted::parse(word)?)));
    parts.ok_or_else(|| {
        "write the version or the file of a migration, and what becomes of databases: `12=backfill` or `12=abandon`".into()
    })
}

/// How results are shown.
#[derive(Debug, Args)]
#[command(about = None, long_about = None)]
pub(crate) struct Output {
    /// How results are shown
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text for people, as rustc writes it
    Human,
    /// One document of JSON
    Json,
    /// Annotations of a pull request on GitHub, and the text for people beside them
    Github,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn looking_and_accepting_exclude_each_other() {
        let parse = |words: &[&str]| Arguments::try_parse_from([&["x"], words].concat());
        assert!(parse(&["lock", "--check"]).is_ok());
        assert!(parse(&["lock", "--accept-changes"]).is_ok());
        assert!(parse(&["lock", "--check", "--accept-changes"]).is_err());
        assert!(parse(&["check", "--accept-changes"]).is_err());
        assert!(parse(&["lock", "--rerouted", "2=backfill", "--rerouted", "a=b/V2__x.sql=abandon"]).is_ok());
        assert!(parse(&["lock", "--check", "--rerouted", "2=backfill"]).is_err());
        for wrong in ["2", "2=", "2=keep", "backfill"] {
            assert!(parse(&["lock", "--rerouted", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_new_migration_has_one_route() {
        let parse = |words: &[&str]| Arguments::try_parse_from([&["x", "new", "a"], words].concat());
        assert!(parse(&["--group", "users", "--folder", "x", "--down", "--rust"]).is_ok());
        assert!(parse(&["--folder", "x"]).is_ok(), "its folder may have one");
        assert!(parse(&["--group", "users", "--everywhere"]).is_err());
        assert!(parse(&["--database", "a", "--route", "everywhere"]).is_err());
    }
}
