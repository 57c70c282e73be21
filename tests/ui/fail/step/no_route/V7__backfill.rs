use sharded_migrations::step::*;

pub async fn backfill(context: &mut Context) -> Result {
    context.batch("UPDATE account SET id = 1").await?;
    Ok(())
}
