//! The exit codes of a run, so that scripts and pipelines can tell what happened.

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// It failed on every database that had work.
pub const FAILED: u8 = 1;
/// The command line is wrong: an unknown database, a replica's name, an unset variable.
pub const USAGE: u8 = 2;
/// Asked whether all is up to date: a migration is pending, or a history does not fit this binary.
pub const PENDING: u8 = 3;
/// It failed on a part of the fleet; the rest is done, or was not started.
pub const PARTLY_FAILED: u8 = 4;
/// Refused before any write: nothing was changed anywhere. Where nothing is to be written, a database that cannot
/// be asked, or would be refused by a run.
pub const REFUSED: u8 = 5;
/// Ctrl-C or a signal to end: what was in flight is finished or rolled back, the rest is still pending.
pub const INTERRUPTED: u8 = 130;
