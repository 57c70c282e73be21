//! Sequences of sound statements on a fleet.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sharded_migrations_fuzz::{law, show_own_panics, story};

fuzz_target!(init: show_own_panics(), |bytes: &[u8]| {
    law::holds(&story::of(bytes));
});
