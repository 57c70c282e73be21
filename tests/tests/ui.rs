//! What a user of the macro sees: one case for every fault, and one for every way to use it.
//!
//! `ui/README.md` says how cases are laid out and how to accept new output.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// trybuild builds all cases as programs of one crate, which it makes in the target folder. The macro reads paths
/// relative to that crate: a link there leads to `ui`, so that a case names its files as rustc names the case.
fn link() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let trybuild = target.join("tests/trybuild").join(env!("CARGO_PKG_NAME"));
    let (link, cases) = (trybuild.join("ui"), ui());
    if fs::read_link(&link).is_ok_and(|to| to == cases) {
        return;
    }
    fs::create_dir_all(&trybuild).unwrap();
    // Two test processes may do this at once, and a checkout elsewhere may have used the same target folder:
    // the new link takes the old one's place in one step.
    let new = trybuild.join(format!("ui.{}", std::process::id()));
    std::os::unix::fs::symlink(cases, &new).unwrap();
    fs::rename(new, link).unwrap();
}

fn ui() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}

#[test]
fn every_fault_is_an_error_of_the_build() {
    link();
    trybuild::TestCases::new().compile_fail("ui/fail/*/*.rs");
}

#[test]
fn every_use_compiles_and_runs() {
    link();
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

/// Whoever accepts new output accepts what it is, not what it should be: this looks at what may not be accepted.
#[test]
fn a_fault_is_one_error_and_nothing_else() {
    for case in cases() {
        let stderr = ui().join("fail").join(format!("{case}.stderr"));
        let text =
            fs::read_to_string(&stderr).unwrap_or_else(|error| panic!("{}: {error}", stderr.display()));
        if case.starts_with("rustc/") {
            let place =
                text.lines().find_map(|line| line.trim_start().strip_prefix("--> ")).unwrap_or_default();
            assert!(place.starts_with(&format!("ui/fail/{case}/V7__backfill.rs")), "{case}: {place}");
            continue;
        }
        let headings: Vec<&str> =
            text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic())).collect();
        assert!(headings.iter().all(|line| line.starts_with("error: ")), "{case}: {headings:#?}");
        for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")) {
            assert!(line.starts_with("ui/"), "{case}: {line} is a path of this machine");
        }
        assert!(headings.len() == 1 || case.starts_with("many/"), "{case}: {headings:#?}");
    }
}

/// Every case, as `header/no_hash`; nothing may lie about that belongs to none.
fn cases() -> Vec<String> {
    let mut cases = Vec::new();
    for group in entries(&ui().join("fail")) {
        for entry in entries(&group) {
            let program = entry.with_extension("rs");
            assert!(program.exists(), "{} belongs to no case", entry.display());
            if entry == program {
                let name = program.strip_prefix(ui().join("fail")).unwrap().with_extension("");
                cases.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    cases
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}
