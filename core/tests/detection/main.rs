//! A thousand faults in the reference set, one at a time: each stops the build, at its own line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod seeds;

use std::path::Path;

use fastrand::Rng;
use seeds::{KINDS, Set};
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::project::Sources;

/// How many faults of each kind.
const EACH: usize = 40;

#[test]
fn a_thousand_seeded_faults_stop_the_build() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shown = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let sources = Sources::read(&root.join("migrations"), &root.join("databases.toml"), shown).unwrap();
    let (seeded, missed) = run(&Set::new(sources), EACH);
    assert!(seeded >= 1_000, "only {seeded} faults were seeded");
    println!("{seeded} faults, {} missed", missed.len());
    assert!(missed.len() * 100 <= seeded, "{} of {seeded} were missed:\n{}", missed.len(), missed.join("\n"));
}

/// How many faults were seeded, and which were not reported where they are, or not alone.
fn run(set: &Set, each: usize) -> (usize, Vec<String>) {
    let of_kind = |(kind, seed): &seeds::Kind| {
        let mut rng = Rng::with_seed(KINDS.iter().position(|(name, _)| name == kind).unwrap() as u64);
        let mut missed = Vec::new();
        let mut seeded = 0;
        for _ in 0..each {
            let Some(fault) = seed(set, &mut rng) else { break };
            seeded += 1;
            let found = compile(&fault.sources).err().unwrap_or_default();
            let places: Vec<String> = found
                .iter()
                .filter_map(|fault| {
                    let (file, position) = fault.position()?;
                    Some(format!("{file}:{} [{}]", position.map_or(0, |position| position.line), fault.check))
                })
                .collect();
            let expected = format!("{}:{} ", fault.file, fault.line);
            if places.len() != 1 || !places[0].starts_with(&expected) {
                missed.push(format!("{kind}: expected {expected}, found {places:?}"));
            }
        }
        (seeded, missed)
    };
    let results: Vec<(usize, Vec<String>)> = std::thread::scope(|scope| {
        let halves: Vec<_> = KINDS
            .chunks(KINDS.len().div_ceil(2))
            .map(|half| scope.spawn(move || half.iter().map(of_kind).collect::<Vec<_>>()))
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let seeded = results.iter().map(|(seeded, _)| seeded).sum();
    (seeded, results.into_iter().flat_map(|(_, missed)| missed).collect())
}
