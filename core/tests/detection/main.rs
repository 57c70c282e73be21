//! A thousand faults in each of two sound sets, one at a time: each stops the build, or is told of, at its own line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod kinds;
mod registry;
mod seeds;

use std::path::Path;

use fastrand::Rng;
use kinds::{KINDS, Kind, WARNINGS};
use seeds::Set;
use sharded_migrations_core::compile::examine;
use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::project::Sources;

/// How many faults of each kind.
const EACH: usize = 40;

#[test]
fn a_thousand_seeded_faults_in_the_reference_set_stop_the_build() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shown = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let sources = Sources::read(&root.join("migrations"), &root.join("databases.toml"), shown).unwrap();
    println!("{}", all_found(sources));
}

#[test]
fn a_thousand_seeded_faults_in_the_shape_of_a_public_project_stop_the_build() {
    println!("{}", all_found(registry::sources()));
}

/// What was found, in words; fails where more than one of a hundred was missed.
fn all_found(mut sources: Sources) -> String {
    // The lints only warn, and would take as long as all else.
    sources.databases_bytes.extend_from_slice(b"\n[lints]\nsince = 9_223_372_036_854_775_807\n");
    let set = Set::new(sources);
    let mut words = String::new();
    for (kinds, severity, least) in
        [(KINDS, Severity::Error, 1_000), (WARNINGS, Severity::Warning, WARNINGS.len() * EACH)]
    {
        let (seeded, missed) = run(&set, kinds, severity);
        assert!(seeded >= least, "only {seeded} faults were seeded");
        let listed = missed.join("\n");
        assert!(missed.len() * 100 <= seeded, "{} of {seeded} were missed:\n{listed}", missed.len());
        words.push_str(&format!("{severity:?}: {seeded} faults, {} missed\n{listed}", missed.len()));
    }
    words
}

/// How many faults were seeded, and which were not reported where they are, or not alone.
fn run(set: &Set, kinds: &[Kind], severity: Severity) -> (usize, Vec<String>) {
    let of_kind = |(kind, seed): &Kind| {
        let mut rng = Rng::with_seed(kinds.iter().position(|(name, _)| name == kind).unwrap() as u64);
        let mut missed = Vec::new();
        let mut seeded = 0;
        for _ in 0..EACH {
            let Some(fault) = seed(set, &mut rng) else { break };
            seeded += 1;
            let places: Vec<String> = examine(&fault.sources)
                .diagnostics
                .iter()
                .filter(|found| found.severity == severity)
                .map(|found| match found.position() {
                    Some((file, position)) => {
                        format!("{file}:{} [{}]", position.map_or(0, |position| position.line), found.check)
                    }
                    None => format!("nowhere [{}]", found.check),
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
        let halves: Vec<_> = kinds
            .chunks(kinds.len().div_ceil(2))
            .map(|half| scope.spawn(move || half.iter().map(of_kind).collect::<Vec<_>>()))
            .collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    let seeded = results.iter().map(|(seeded, _)| seeded).sum();
    (seeded, results.into_iter().flat_map(|(_, missed)| missed).collect())
}
