use sharded_migrations::step::*;

#[route(everywhere)]
pub async fn backfill(context: &mut Context) -> Result {
    context.execute("UPDATE account SET id = 1", 7).await?;
    Ok(())
}
