//! The program, run as a process in projects of its own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod check;
mod formats;
mod init;
mod list;
mod lock;
mod merge;
mod new;
mod paths;
mod support;
