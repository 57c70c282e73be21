//! A shop over a global database and two shards. diesel migrates one after the other at the start.

use std::error::Error;

use diesel::{Connection, PgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const DEFAULT: EmbeddedMigrations = embed_migrations!("migrations/default");
const USERS: EmbeddedMigrations = embed_migrations!("migrations/users");

fn main() -> Result<(), Box<dyn Error>> {
    migrate("DATABASE_URL", DEFAULT)?;
    migrate("USERS_01_URL", USERS)?;
    migrate("USERS_02_URL", USERS)?;
    println!("the shop is open");
    Ok(())
}

fn migrate(variable: &str, migrations: EmbeddedMigrations) -> Result<(), Box<dyn Error>> {
    let mut connection = PgConnection::establish(&std::env::var(variable)?)?;
    connection.run_pending_migrations(migrations).map_err(|error| error.to_string())?;
    Ok(())
}
