//! What the file is for.

use sharded_migrations::step::*;

const SQL: &str = "INSERT INTO account VALUES ($1, $2) -- #[route(everywhere)]";

/// Attributes may take several lines.
#[route(
    group = "users",
)]
#[lock_timeout("2s")]
#[vars(shard_id)]
#[allow(dead_code)]
pub async fn backfill(context: &mut Context) -> Result {
    let shard: i64 = context.var("shard_id")?.parse()?;
    let changed = context.execute(SQL, &[&shard, &"x"]).await?;
    context.progress(changed, changed);
    helper()
}

fn helper() -> Result {
    crate::shared()
}
