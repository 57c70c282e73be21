//! What is compared, each used on one database as its documentation shows.

mod diesel;
mod raw;
mod refinery;
mod sqlx;

pub(crate) use self::diesel::Diesel;
pub(crate) use self::raw::{Commits, Raw};
pub(crate) use self::refinery::Refinery;
pub(crate) use self::sqlx::Sqlx;
