//! In one transaction: something before the gate, and something behind it.

use sharded_migrations::step::*;

#[route(everywhere)]
pub async fn whole(context: &mut Context) -> Result {
    context.batch("CREATE TABLE whole (id bigint)").await?;
    context.execute("INSERT INTO account VALUES ($1, 'whole')", &[&1]).await?;
    context.execute("UPDATE gate SET passed = passed + 1 WHERE number = $1", &[&2]).await?;
    context.execute("INSERT INTO account VALUES ($1, 'whole')", &[&2]).await?;
    Ok(())
}
