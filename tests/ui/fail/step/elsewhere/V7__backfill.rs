use sharded_migrations::step::*;

#[route(group = "users")]
#[touches(product)]
pub async fn backfill(_: &mut Context) -> Result {
    Ok(())
}
