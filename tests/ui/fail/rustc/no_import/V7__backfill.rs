use sharded_migrations::step::{Context, Result};

#[route(everywhere)]
pub async fn backfill(_: &mut Context) -> Result {
    Ok(())
}
