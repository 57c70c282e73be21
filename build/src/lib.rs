//! The one line a build script needs, so that an *added* migration rebuilds the crate that embeds
//! it. (An edited one does so by itself.)
//!
//! ```no_run
//! // build.rs
//! fn main() {
//!     sharded_migrations_build::track();
//! }
//! ```

#![allow(clippy::needless_doctest_main, reason = "the whole build script is what a reader copies")]

#[cfg(feature = "lint")]
mod warnings;

#[cfg(feature = "lint")]
pub use warnings::{warn, warn_at};

/// Watches `migrations/` (with the `migrations.lock` in it, if there is one) and `databases.toml` beside the crate's
/// `Cargo.toml`, the macro's defaults.
pub fn track() {
    track_at("migrations", "databases.toml");
}

/// Watches a folder of migrations and a fleet's file; both relative to the crate's `Cargo.toml`, as
/// in the macro's arguments.
#[allow(clippy::print_stdout, reason = "cargo reads a build script's standard output")]
pub fn track_at(migrations: &str, databases: &str) {
    for path in [migrations, databases] {
        println!("cargo::rerun-if-changed={path}");
    }
}
