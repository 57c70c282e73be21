//! Who shows what happens: lines for people, or JSON for programs. Both only listen to events.

mod display;
pub(crate) mod document;
mod human;
mod json;
mod lines;
mod progress;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod schema;
mod screen;
mod summary;
mod text;

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::event::Event;
pub(crate) use display::{Display, Place, Wish};
pub(crate) use human::Human;
pub(crate) use json::Json;
pub(crate) use text::{count, failure, fitted, heading, reasons, to_do};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Failures and warnings only.
    Quiet,
    /// Also where a run stands, and what it did.
    Normal,
    /// Also each migration as it begins and ends.
    Verbose,
}

/// Something that listens.
pub(crate) trait Reporter: Send + Sync {
    fn event(&self, event: &Event<'_>);

    /// Some time has passed.
    fn tick(&self) {}
}

/// A stream that several tasks write to, a block at a time.
pub(crate) struct Out<W>(Mutex<W>);

impl<W: Write> Out<W> {
    pub(crate) fn new(stream: W) -> Self {
        Self(Mutex::new(stream))
    }

    pub(crate) fn write(&self, block: &str) {
        put(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), block);
    }
}

/// A stream that is closed early (`| head`) does not stop the run.
fn put(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
