use sharded_migrations::step::*;

/// `#[route(everywhere)]` in a comment says nothing.
#[route(group = "user")]
pub async fn backfill(context: &mut Context) -> Result {
    context.batch("UPDATE account SET id = 1").await?;
    Ok(())
}
