//! Ports for servers.

use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;

/// Below the ranges from which systems take the ports of outgoing connections (from 32768 on Linux,
/// from 49152 elsewhere). A server that is stopped and started again then finds its port still
/// free, whatever connects meanwhile.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A server's start is tried this often with a new port each time, as another process may be
/// faster.
pub(crate) const TRIES: usize = 10;

/// Finds a port of 127.0.0.1 that was free a moment ago.
pub(crate) fn free() -> u16 {
    let random = RandomState::new().hash_one(std::process::id());
    let start = (random % u64::from(COUNT)) as u16;
    (0..COUNT)
        .map(|offset| FIRST + (start + offset) % COUNT)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port below 32000")
}
