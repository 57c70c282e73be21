//! The reference application: the shop of `migrations/` and `databases.toml`, on PostgreSQL.
//!
//! `cargo run -p shop -- migrate plan` shows what would be done, `migrate apply` does it. The
//! databases have to exist, and `SHOP_PASSWORD` has to be set; see `databases.toml`.

use std::process::ExitCode;

use clap::Parser;
use sharded_migrations::cli::MigrateCommand;
use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "../../migrations", databases = "../../databases.toml");

/// An online shop.
#[derive(Parser)]
enum Command {
    /// Migrate the shop's databases
    #[command(subcommand)]
    Migrate(MigrateCommand),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Migrate(migrate) = Command::parse();
    migrate.run(&MIGRATIONS).await
}
