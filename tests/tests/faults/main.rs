//! What is left when a run is struck: its process killed, its server killed, its connection cut, at
//! every place of what goes over the wire. After each, a plain second run must end as one that nobody
//! disturbed.
//!
//! Nothing here depends on time. A proxy reads the protocol and stops a run where it was told to, and
//! only then is it struck. What the messages are is counted first, in a run that is left alone: the
//! suite knows nothing of how the engine puts them together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]
#![allow(clippy::print_stdout, reason = "how many faults there were is what a reader wants to know")]

mod connections;
mod every_place;
mod eye;
mod invalid_index;
mod lane;
mod proxy;
mod reported;
mod set;
mod strike;
mod turns;
