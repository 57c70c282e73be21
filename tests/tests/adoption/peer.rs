//! The tools themselves, as a program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::cargo::{cargo, root, target};
use crate::support::Target;

/// As refinery comes.
static PEER: LazyLock<PathBuf> = LazyLock::new(|| build("peer", &["--package", "peer"]));
/// Whose refinery has the feature `int8-versions`.
static PEER_INT8: LazyLock<PathBuf> =
    LazyLock::new(|| build("peer-int8", &["--package", "peer", "--features", "int8-versions"]));

/// The application of a project as it is before. Built with all of its workspace, it shares what it depends on with
/// the program `peer`, which has all features that any of them has.
pub(crate) fn application(tool: &str) -> PathBuf {
    build(&format!("shop-{tool}"), &["--workspace"])
}

fn build(name: &str, selected: &[&str]) -> PathBuf {
    let mut cargo = cargo();
    cargo.current_dir(root().join("tests/adoption")).args(["build", "--quiet", "--locked", "--bin", name]);
    let output = cargo.args(selected).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target().join("debug").join(name).with_extension(std::env::consts::EXE_EXTENSION)
}

/// Applies what is pending in a folder, with the migrator of a tool.
pub(crate) fn migrate(tool: &str, database: &Target, folder: &Path) {
    run(&PEER, tool, database, folder, None);
}

/// The same, where the tool is told to keep its history in this table.
pub(crate) fn migrate_with_table(tool: &str, database: &Target, folder: &Path, table: &str) {
    run(&PEER, tool, database, folder, Some(table));
}

/// The same with versions of eight bytes.
pub(crate) fn migrate_int8(database: &Target, folder: &Path) {
    run(&PEER_INT8, "refinery", database, folder, None);
}

fn run(program: &Path, tool: &str, database: &Target, folder: &Path, table: Option<&str>) {
    let mut command = Command::new(program);
    command.arg(tool).arg(database.url()).arg(folder).args(table);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
}
