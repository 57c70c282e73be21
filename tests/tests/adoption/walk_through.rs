//! The pages of `docs/adopting`, taken at their word: in a copy of the project that a page is about its files are written
//! and its commands run, in the order of the page, and what they print has to be what it shows.

use std::fs;
use std::path::Path;
use std::process::Command;

use sharded_migrations_tests::project::Project;

use crate::cargo::{environment, root};
use crate::django::PYTHON;
use crate::peer;
use crate::support::{Engine, TestFleet};

#[test]
fn a_project_of_refinery() {
    walk_through("refinery");
}

#[test]
fn a_project_of_sqlx() {
    walk_through("sqlx");
}

#[test]
fn a_project_of_diesel() {
    walk_through("diesel");
}

#[test]
fn a_project_of_django() {
    walk_through("django");
}

/// The databases of each project, and the variables that their URLs are in.
pub(crate) const DATABASES: [(&str, &str); 3] =
    [("default", "DATABASE_URL"), ("users_01", "USERS_01_URL"), ("users_02", "USERS_02_URL")];

fn walk_through(tool: &str) {
    let fleet = TestFleet::of_three(Engine::Postgres);
    let project = copy_of(tool);
    let page = fs::read_to_string(root().join(format!("docs/adopting/{tool}.md"))).unwrap();
    let (mut commands, mut is_ours) = (0, false);
    for block in blocks(&page) {
        match block {
            Block::File(path, text) => {
                write(project.path(), path, text);
                is_ours |= path == "Cargo.toml";
            }
            Block::Console(lines) => {
                for (command, shown) in sessions(lines) {
                    // What it is before is built already, where it takes no time of its own.
                    let before = (command == "cargo run --quiet" && !is_ours)
                        .then(|| format!("'{}'", peer::application(tool).display()));
                    let printed = run(project.path(), before.as_deref().unwrap_or(command), &fleet);
                    assert!(shown.is_empty() || printed == shown, "{tool}: $ {command}\n{printed}\n{shown}");
                    commands += 1;
                }
            }
        }
    }
    assert!(commands >= 6, "the page has {commands} commands");
    // The page ends with one migration taken back: it was there, and is no more.
    let users_02 = fleet.database("users_02");
    assert!(!users_02.contents().contains("account_phone"), "{}", users_02.contents());
    let audit = users_02.audit();
    assert!(audit.contains("down") && audit.contains("account_phone"), "{audit}");
}

/// The project as it is before, in a folder of its own.
pub(crate) fn copy_of(tool: &str) -> Project {
    let project = Project::new();
    copy(&root().join("tests/adoption").join(tool), project.path());
    project
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// A block of a page that is to be done.
enum Block<'p> {
    /// A file, which its first line names in a comment.
    File(&'p str, &'p str),
    /// Commands behind `$ `, and what they print.
    Console(&'p str),
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    // Every second piece is a block: its language, and its lines.
    let pieces = page.split("```").skip(1).step_by(2);
    let block = |piece| {
        let (language, text): (&str, &str) = str::split_once(piece, '\n')?;
        match language {
            "console" => Some(Block::Console(text)),
            "text" | "sh" => None,
            _ => {
                let (first, _) = text.split_once('\n')?;
                let path = ["# ", "// ", "-- "].iter().find_map(|comment| first.strip_prefix(comment));
                Some(Block::File(path.unwrap_or_else(|| panic!("which file is this?\n{text}")), text))
            }
        }
    };
    pieces.filter_map(block).collect()
}

/// Each command, and what is shown below it.
fn sessions(lines: &str) -> Vec<(&str, &str)> {
    let lines = lines.strip_prefix("$ ").unwrap_or_else(|| panic!("no command comes first in\n{lines}"));
    let session = |session| str::split_once(session, '\n').unwrap_or((session, ""));
    lines.split("\n$ ").map(session).map(|(command, shown)| (command, shown.trim_end())).collect()
}

/// Writes a file of the page. What is not published yet is this repository's, with its own lock file.
fn write(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    if path != "Cargo.toml" {
        return fs::write(file, text).unwrap();
    }
    let root = root().display();
    let mut manifest = format!("{text}\n[workspace]\n");
    for (published, here) in [
        (
            "sharded-migrations = { version = \"0.1\"",
            format!("sharded-migrations = {{ path = '{root}/runtime'"),
        ),
        (
            "sharded-migrations-build = \"0.1\"",
            format!("sharded-migrations-build = {{ path = '{root}/build' }}"),
        ),
    ] {
        assert!(manifest.contains(published), "{manifest}");
        manifest = manifest.replace(published, &here);
    }
    fs::write(file, manifest).unwrap();
    fs::copy(format!("{root}/Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// What a command prints on standard output; it has to end well.
fn run(folder: &Path, command: &str, fleet: &TestFleet) -> String {
    // Django is where its Python is.
    let command = match command.strip_prefix("python3 ") {
        Some(rest) => format!("'{}' {rest}", PYTHON.display()),
        None => command.to_owned(),
    };
    let mut shell = Command::new("sh");
    environment(&mut shell).current_dir(folder).args(["-c", &command]);
    for (name, variable) in DATABASES {
        shell.env(variable, fleet.database(name).url());
    }
    let output = shell.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    assert!(output.status.success(), "$ {command}\n{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}
