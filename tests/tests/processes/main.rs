//! Tests that need processes: the command line as a user has it, and applications that start at once.
//! The program is `src/bin/fleet.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

#[path = "../support/mod.rs"]
mod support;

mod adopt;
mod audit;
mod command_line;
mod down;
mod environment;
mod goes_on;
mod interrupt;
mod killed;
mod masked;
mod output;
mod program;
mod race;
mod record;
mod repair;
mod report;
mod reset;
mod schema;
mod terminal;
mod verbs;
mod verbs_at_scale;
