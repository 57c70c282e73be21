//! An application for the tests that need processes: `fleet --migrate`, and `fleet migrate apply`.
//!
//! Its set is the quickstart's, embedded as an application embeds its own. With `FLEET_PROJECT` it is
//! that of a project in a folder, read at the start: a test can make one with its own migrations. What is written in
//! Rust has to be embedded: with `FLEET_STEPS` it is the set of `tests/steps`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks as an application does")]

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sharded_migrations::cli::{MigrateArgs, MigrateCommand};
use sharded_migrations::{Migrations, embed_sharded_migrations};
use sharded_migrations_core::diagnostic::{Diagnostic, Style};
use sharded_migrations_core::{compile::compile, project::Sources};

static QUICKSTART: Migrations = embed_sharded_migrations!(
    migrations = "../examples/quickstart/migrations",
    databases = "../examples/quickstart/databases.toml"
);

static STEPS: Migrations =
    embed_sharded_migrations!(migrations = "steps/migrations", databases = "steps/databases.toml");

#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    migrate: MigrateArgs,

    /// Go on after a migration that went well
    #[arg(long)]
    serve: bool,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Migrate the databases
    #[command(subcommand)]
    Migrate(MigrateCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let project = std::env::var_os("FLEET_PROJECT").map(|folder| read(Path::new(&folder)));
    let migrations = match &project {
        None if std::env::var_os("FLEET_STEPS").is_some() => &STEPS,
        None => &QUICKSTART,
        Some(Ok(migrations)) => migrations,
        Some(Err(faults)) => {
            faults.iter().for_each(|fault| eprintln!("{}", fault.render(Style::Plain)));
            return ExitCode::FAILURE;
        }
    };
    if let Some(Command::Migrate(command)) = arguments.command {
        return command.run(migrations).await;
    }
    let outcome = arguments.migrate.run(migrations).await;
    if let Some(code) = if arguments.serve { outcome.exit_unless_applied() } else { outcome.exit() } {
        return code;
    }
    println!("the application itself");
    ExitCode::SUCCESS
}

fn read(folder: &Path) -> Result<Migrations, Vec<Diagnostic>> {
    let shown = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
    let sources = Sources::read(&folder.join("migrations"), &folder.join("databases.toml"), shown)?;
    compile(&sources)
}
