//! `databases.toml`.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use sharded_migrations_core::source::{SourceFile, normalise};
use sharded_migrations_core::topology::read::read;
use sharded_migrations_fuzz::{law, mutate, show_own_panics, text};

fuzz_target!(init: show_own_panics(), |bytes: &[u8]| {
    let source = Arc::new(SourceFile { path: "databases.toml".into(), text: normalise(&text(bytes)) });
    let mut faults = Vec::new();
    let file = read(&source, &mut faults);
    faults.iter().for_each(law::shows);
    let Some(file) = file else { return assert!(!faults.is_empty(), "nothing was read, and nothing said") };
    assert!(file.topology.rollout.concurrency > 0);
    for database in file.topology.databases.iter() {
        assert!(file.declared.contains_key(&database.name));
        // A route can name whatever the file declares.
        assert_eq!(file.topology.database(database.name.as_str()), Some(database), "two have one name");
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::mutate(data, size, max_size, seed, false)
});
