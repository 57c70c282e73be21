//! For migrations that are written in Rust: what stands before their function, and what it is given.
//!
//! Such a migration is a file as others are, `V7__backfill.rs`. One `pub async fn` in it has a route:
//!
//! ```
//! use sharded_migrations::step::*;
//!
//! #[route(group = "users")]
//! pub async fn backfill(context: &mut Context) -> Result {
//!     let shard = context.database().as_str().to_owned();
//!     for row in context.query("SELECT id, name FROM account WHERE slug IS NULL", &[]).await? {
//!         let (id, name): (i64, String) = (row.get("id")?, row.get("name")?);
//!         let slug = format!("{shard}-{}", name.to_lowercase());
//!         context.execute("UPDATE account SET slug = $1 WHERE id = $2", &[&slug, &id]).await?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! It runs in one transaction with its history row, as SQL does. What is too long for that has `#[no_transaction]`, and
//! commits in parts, each with a checkpoint from which a run that broke off goes on:
//!
//! ```
//! use sharded_migrations::step::*;
//!
//! #[route(group = "users")]
//! #[no_transaction]
//! pub async fn backfill(context: &mut Context) -> Result {
//!     let mut last: i64 = context.checkpoint().unwrap_or("0").parse()?;
//!     loop {
//!         let mut part = context.transaction().await?;
//!         let ids = part
//!             .query("SELECT id FROM account WHERE id > $1 ORDER BY id LIMIT 1000", &[&last])
//!             .await?;
//!         let Some(row) = ids.last() else { return Ok(()) };
//!         let next: i64 = row.get("id")?;
//!         let sql = "UPDATE account SET slug = lower(name) WHERE id > $1 AND id <= $2";
//!         part.execute(sql, &[&last, &next]).await?;
//!         part.commit(next.to_string()).await?;
//!         last = next;
//!     }
//! }
//! ```

mod context;
mod control;
mod value;

pub use context::{Context, Part};
pub use sharded_migrations_macros::{
    barrier, lock_timeout, no_transaction, replaces, requires, route, statement_timeout, touches, vars,
};
pub use value::{Column, FromValue, Row, ToValue, Value};

pub(crate) use context::{Mode, Told};

use futures_util::future::BoxFuture;

/// Any error: what a database said, or what the step itself has to say (`Err("no tariff".into())`).
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// How a step ends.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// The function of a step, as the macro embeds it.
#[doc(hidden)]
pub struct StepFunction(pub for<'a> fn(&'a mut Context) -> BoxFuture<'a, Result>);
