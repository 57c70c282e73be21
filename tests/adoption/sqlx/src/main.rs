//! A shop over a global database and two shards. sqlx migrates one after the other at the start.

use std::error::Error;

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};

static DEFAULT: Migrator = sqlx::migrate!("migrations/default");
static USERS: Migrator = sqlx::migrate!("migrations/users");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    migrate("DATABASE_URL", &DEFAULT).await?;
    migrate("USERS_01_URL", &USERS).await?;
    migrate("USERS_02_URL", &USERS).await?;
    println!("the shop is open");
    Ok(())
}

async fn migrate(variable: &str, migrator: &Migrator) -> Result<(), Box<dyn Error>> {
    let mut connection = PgConnection::connect(&std::env::var(variable)?).await?;
    migrator.run(&mut connection).await?;
    Ok(())
}
