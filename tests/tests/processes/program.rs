//! The program `fleet`, run on a fleet.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use sharded_migrations_tests::project::Project;
use tempfile::TempDir;

use crate::support::TestFleet;

/// The program with nothing in its environment that a test did not put there.
pub(crate) fn program(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
    command.env_clear().args(words.split_whitespace()).stdin(Stdio::null());
    command
}

/// On the quickstart's SQLite files, in a folder.
pub(crate) fn quickstart(folder: &TempDir, words: &str) -> Command {
    let mut command = program(words);
    command.env("QUICKSTART_DIR", folder.path());
    command
}

/// On a fleet, with the files of a project.
pub(crate) fn on(fleet: &TestFleet, project: &Project, words: &str) -> Command {
    let mut command = program(words);
    command.env("FLEET_PROJECT", project.path());
    for database in fleet.databases() {
        command.env(&database.name, fleet.variable(&database.name).unwrap());
    }
    command
}

/// What a process left: its exit code, standard output, standard error.
pub(crate) fn end(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().expect("a process that ends by itself"), text(stdout), text(stderr))
}

/// The files in a folder.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
