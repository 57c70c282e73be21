//! The exit codes, so that scripts and pipelines can tell what happened. An application's own (`--migrate`) mean the same
//! by the same numbers.

/// Done; or nothing is wrong but what is a warning.
pub(crate) const DONE: u8 = 0;
/// The machine failed: a file cannot be written.
pub(crate) const FAILED: u8 = 1;
/// The command line is wrong, or there is no project where it says.
pub(crate) const USAGE: u8 = 2;
/// `check` and `lock --check`: no.
pub(crate) const NO: u8 = 3;
/// `lock`: refused, and nothing was written.
pub(crate) const REFUSED: u8 = 5;
