//! The test harness: real servers that it starts itself, and throw-away databases and projects.
//!
//! Everything here is synchronous and talks to the servers through their own programs (`psql`,
//! `pg_dump`), so that what a test sees does not come from the code under test. Nothing outlives
//! the test process, however that process ends: `watchdog.sh` says how.
//!
//! `cargo xtask test` installs what is missing and starts one cluster for the whole run. `cargo
//! test` and `cargo nextest run` work too; then each test process starts a cluster when it first
//! needs one.

#![allow(
    clippy::panic,
    clippy::expect_used,
    reason = "a harness fails its test by panicking, with a message that says what to do"
)]

mod poll;
mod port;
mod process;
mod watchdog;

pub mod browser;
pub mod django;
pub mod pgbouncer;
pub mod postgres;
pub mod project;
pub mod sqlite;
pub mod terminal;

pub use poll::wait_for;
