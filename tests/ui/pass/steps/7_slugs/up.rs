use sharded_migrations::step;

#[step::route(group = "users")]
#[step::no_transaction]
pub async fn r#move(context: &mut step::Context) -> Result<(), sharded_migrations::DatabaseError> {
    let mut part = context.transaction().await?;
    let rows = part.query("SELECT id FROM account", &[]).await?;
    for row in &rows {
        let _: Option<i64> = row.get("id")?;
    }
    part.batch("UPDATE account SET slug = 'y'; UPDATE account SET slug = 'z'").await?;
    part.commit("done").await
}
