//! `squash` on real databases: what it writes, what it refuses, and what an application makes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod fleet;
mod postgresql;
mod refusals;
mod sqlite;
#[path = "../command_line/support.rs"]
#[allow(dead_code, reason = "the command line's tests use the rest")]
mod support;
