//! Whole projects, from their bytes to every check.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use sharded_migrations_fuzz::{law, mutate, project, remember, show_own_panics};

fuzz_target!(init: show_own_panics(), |bytes: &[u8]| {
    remember(bytes);
    law::holds(&project::of(bytes));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed, true)
});
