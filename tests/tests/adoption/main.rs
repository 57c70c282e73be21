//! Databases that another tool has migrated so far: refinery, sqlx and diesel do that themselves here, built from
//! `tests/adoption`, and so does Django, with the project that lies there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

#[path = "../support/mod.rs"]
mod support;

mod cargo;
mod django;
mod peer;
mod tools;
mod walk_through;
