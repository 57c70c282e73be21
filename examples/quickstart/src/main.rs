//! A fleet of SQLite files: `default` and four shards of `users`.
//!
//! `cargo run -p quickstart -- --migrate` migrates the files in the folder `QUICKSTART_DIR`, by default
//! `target/quickstart`; `--migrate=plan` and `--migrate=status` show what would be done and what was.
//! Without `--migrate` it does the same through the library, in a temporary folder.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sharded_migrations::cli::MigrateArgs;
use sharded_migrations::{Fleet, Migrations, Migrator, Selection, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!();

/// An application over five databases.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    migrate: MigrateArgs,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments = Arguments::parse();
    let folder = std::env::var_os("QUICKSTART_DIR").map_or_else(|| "target/quickstart".into(), PathBuf::from);
    std::fs::create_dir_all(folder)?;
    if let Some(code) = arguments.migrate.run(&MIGRATIONS).await.exit() {
        return Ok(code);
    }
    tour().await?;
    Ok(ExitCode::SUCCESS)
}

/// Plan, apply, look, apply again.
async fn tour() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().display().to_string();
    let fleet = Fleet::select_with(&MIGRATIONS, &Selection::default(), |_| Some(path.clone()))?;
    let migrator = Migrator::new(&MIGRATIONS, fleet);

    println!("The plan:");
    for database in migrator.survey().await.databases {
        let steps = database.standing.map(|standing| standing.steps).unwrap_or_default();
        let versions: Vec<String> = steps.iter().map(|step| step.migration.version.to_string()).collect();
        println!("  {}: {}", database.database.name, versions.join(", "));
    }
    println!("Applied: {}", migrator.run().await?.applied());
    println!("Pending: {}", migrator.survey().await.pending());
    println!("Applied by a second run: {}", migrator.run().await?.applied());
    Ok(())
}
