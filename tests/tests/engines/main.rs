//! One suite, run against every engine on real databases: each scenario is one test for each engine.
//! What only one of them has is in `postgresql/` and `sqlite_file.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

#[path = "../support/mod.rs"]
mod support;

mod adopt;
mod code;
mod down;
mod down_rollout;
mod drift;
mod failure;
mod fresh;
mod lock;
mod no_transaction;
mod position;
mod record;
mod repair;
mod replaced;
mod rollout;
mod rows;
mod selection;
mod sqlite_file;
mod tracing;
mod undoing;

mod postgresql;
