//! Who shows what happens: lines for people, or JSON for programs. Both only listen to events.

mod human;
mod json;
#[cfg_attr(not(test), expect(dead_code, reason = "the reporters that use it come next"))]
mod names;

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::event::Event;
pub(crate) use human::{Human, count, failure, heading, reasons};
pub(crate) use json::{Json, repairs, survey};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Failures and warnings only.
    Quiet,
    /// A heading for each database, a line for each migration.
    Normal,
    /// Also each migration as it begins and ends.
    Verbose,
}

/// Something that listens.
pub(crate) trait Reporter: Send + Sync {
    fn event(&self, event: &Event<'_>);
}

/// A stream that several tasks write to, a block at a time. A stream that is closed early (`| head`)
/// does not stop the run.
pub(crate) struct Out<W>(Mutex<W>);

impl<W: Write> Out<W> {
    pub(crate) fn new(stream: W) -> Self {
        Self(Mutex::new(stream))
    }

    pub(crate) fn write(&self, block: &str) {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = stream.write_all(block.as_bytes()).and_then(|()| stream.flush());
    }
}
