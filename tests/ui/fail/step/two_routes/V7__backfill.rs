use sharded_migrations::step::*;

#[route(group = "users")]
pub async fn backfill(_: &mut Context) -> Result {
    Ok(())
}

#[route(everywhere)]
pub async fn again(_: &mut Context) -> Result {
    Ok(())
}
