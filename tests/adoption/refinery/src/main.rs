//! A shop over a global database and two shards. refinery migrates one after the other at the start.

use std::error::Error;

use refinery::Runner;
use tokio_postgres::NoTls;

mod default {
    refinery::embed_migrations!("migrations/default");
}

mod users {
    refinery::embed_migrations!("migrations/users");
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    migrate("DATABASE_URL", default::migrations::runner()).await?;
    migrate("USERS_01_URL", users::migrations::runner()).await?;
    migrate("USERS_02_URL", users::migrations::runner()).await?;
    println!("the shop is open");
    Ok(())
}

async fn migrate(variable: &str, runner: Runner) -> Result<(), Box<dyn Error>> {
    let (mut client, connection) = tokio_postgres::connect(&std::env::var(variable)?, NoTls).await?;
    tokio::spawn(connection);
    runner.run_async(&mut client).await?;
    Ok(())
}
