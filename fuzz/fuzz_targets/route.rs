//! A route: what was read is written as it was, as far as it means the same.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use sharded_migrations_core::header::predicate::read_text;
use sharded_migrations_core::source::SourceFile;
use sharded_migrations_fuzz::{law, mutate, show_own_panics, text};

fuzz_target!(init: show_own_panics(), |bytes: &[u8]| {
    let source = Arc::new(SourceFile { path: "databases.toml".into(), text: text(bytes) });
    match read_text(&source.text, 0, &source) {
        Ok(read) => {
            let written = read.route.to_string();
            let again = read_text(&written, 0, &source).map(|again| again.route);
            assert_eq!(again.ok(), Some(read.route), "{written}");
            for mention in read.mentions {
                assert!(source.text[mention.name.span].contains(&mention.name.value));
            }
        }
        Err(fault) => law::shows(&fault),
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed, false)
});
