//! The leading comments of a file.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use sharded_migrations_core::source::{SourceFile, normalise};
use sharded_migrations_core::{header, lex};
use sharded_migrations_fuzz::{law, mutate, show_own_panics, text};

fuzz_target!(init: show_own_panics(), |bytes: &[u8]| {
    let source = Arc::new(SourceFile { path: "V1__x.sql".into(), text: normalise(&text(bytes)) });
    let mut faults = Vec::new();
    let header = header::read(&source, &lex::tokens(&source.text), &mut faults);
    faults.iter().for_each(law::shows);
    for line in header.lines {
        assert!(source.text[line].starts_with("--"));
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed, false)
});
