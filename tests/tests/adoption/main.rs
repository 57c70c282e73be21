//! Databases that another tool has migrated so far: refinery, sqlx and diesel do that themselves here, built from
//! `tests/adoption`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

#[path = "../support/mod.rs"]
mod support;

mod cargo;
mod peer;
mod tools;
mod walk_through;
