//! What the benchmarks share: one list of migrations, a server and its databases, an application that
//! uses `sharded-migrations`, and what `/proc` says about a process.

pub mod application;
pub mod proc;
pub mod server;
pub mod set;

/// What goes wrong ends the benchmark, with a message.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
