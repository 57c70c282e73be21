use sharded_migrations::step::*;

#[route(everywhere)]
#[lock_timeout = "2s"]
pub async fn backfill(_: &mut Context) -> Result {
    Ok(())
}
