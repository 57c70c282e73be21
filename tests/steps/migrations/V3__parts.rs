//! Outside of a transaction: the numbers up to nine in three parts, each with a gate in its middle.

use sharded_migrations::step::*;

#[route(everywhere)]
#[no_transaction]
pub async fn parts(context: &mut Context) -> Result {
    let mut last: i64 = context.checkpoint().unwrap_or("0").parse()?;
    while last < 9 {
        let next = last + 3;
        let mut part = context.transaction().await?;
        let sql = "INSERT INTO account SELECT id, 'parts' FROM generate_series($1::bigint, $2::bigint) id";
        part.execute(sql, &[&(last + 1), &(next - 1)]).await?;
        part.execute("UPDATE gate SET passed = passed + 1 WHERE number = $1", &[&(30 + next)]).await?;
        part.execute("INSERT INTO account VALUES ($1, 'parts')", &[&next]).await?;
        part.commit(next.to_string()).await?;
        last = next;
    }
    Ok(())
}
