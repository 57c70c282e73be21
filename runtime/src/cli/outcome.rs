//! What became of `--migrate`, and whether the application goes on.

use std::process::ExitCode;

use crate::exit_code;

/// What became of `--migrate`.
///
/// Whether `--migrate` ends the program, or is followed by the application, is the application's choice:
///
/// ```no_run
/// # use sharded_migrations::Migrations;
/// # use sharded_migrations::cli::MigrateArgs;
/// # use std::process::ExitCode;
/// # static MIGRATIONS: Migrations = Migrations::EMPTY;
/// # async fn run(migrate: MigrateArgs) -> ExitCode {
/// // `app --migrate` migrates and ends; `app` serves.
/// if let Some(code) = migrate.run(&MIGRATIONS).await.exit() {
///     return code;
/// }
/// # ExitCode::SUCCESS }
/// # async fn run_and_go_on(migrate: MigrateArgs) -> ExitCode {
/// // `app --migrate` migrates, and serves if all went well; `app` serves; `app --migrate=plan` ends.
/// if let Some(code) = migrate.run(&MIGRATIONS).await.exit_unless_applied() {
///     return code;
/// }
/// # ExitCode::SUCCESS }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "it says with which exit code the program ends, or that it goes on"]
pub enum Outcome {
    /// `--migrate` was not given.
    NotAsked,
    /// Everything that was asked for is applied, on every database that was selected.
    Applied,
    /// Anything else, with its exit code (see [`exit_code`]): another verb, which may well have said that all is well, a run
    /// that failed somewhere, was refused or interrupted, a wrong command line.
    Ended(u8),
}

impl Outcome {
    /// With what the program ends, where `--migrate` is all that it was started for; `None` where it was not given.
    pub fn exit(self) -> Option<ExitCode> {
        match self {
            Self::NotAsked => None,
            Self::Applied => Some(exit_code::DONE.into()),
            Self::Ended(code) => Some(code.into()),
        }
    }

    /// With what the program ends, where it goes on once everything is applied; `None` where it goes on.
    pub fn exit_unless_applied(self) -> Option<ExitCode> {
        match self {
            Self::Applied => None,
            other => other.exit(),
        }
    }
}
