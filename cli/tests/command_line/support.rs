//! A project in a temporary folder, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) const FLEET: &str = r#"[groups.users]
[groups.catalog]

[databases.default]
url = "${DATABASE_URL}"

[databases."users_{01..02}"]
group = "users"
url = "postgres://app@db{01..02}/users"

[databases.catalog]
group = "catalog"
url = "postgres://app@db/catalog"
"#;

pub(crate) const FILES: [(&str, &str); 3] = [
    ("V1__settings.sql", "-- #[route(everywhere)]\nCREATE TABLE setting (name text);\n"),
    ("catalog/V2__product.sql", "-- #[route(group = \"catalog\")]\nCREATE TABLE product (id int);\n"),
    ("users/V2__account.sql", "-- #[route(group = \"users\")]\nCREATE TABLE account (id int);\n"),
];

pub(crate) const LOCK: &str = "migrations/migrations.lock";

/// What the program has said, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// All of it, for a snapshot.
    pub(crate) fn all(&self) -> String {
        format!("exit code {}\n--- standard output\n{}--- standard error\n{}", self.code, self.out, self.err)
    }
}

/// A crate with [`FILES`] for [`FLEET`].
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        Self::with(FLEET, &FILES)
    }

    pub(crate) fn with(fleet: &str, files: &[(&str, &str)]) -> Self {
        let project = Self { folder: TempDir::new().unwrap() };
        project.write("Cargo.toml", "[package]\nname = \"app\"\n");
        project.write("databases.toml", fleet);
        for (file, text) in files {
            project.write(&format!("migrations/{file}"), text);
        }
        project
    }

    pub(crate) fn locked() -> Self {
        let project = Self::new();
        assert_eq!(project.run("lock").code, 0);
        project
    }

    /// The folder, as the system names it: temporary folders may lie behind links.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{text}");
        self.write(path, text.replace(from, to));
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        program(&self.folder(), words)
    }

    pub(crate) fn run(&self, words: &str) -> Said {
        Said::of(self.command(words).output().unwrap())
    }
}

/// The program in a folder, with nothing of the environment that changes what it says.
pub(crate) fn program(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-sharded-migrations"));
    command.current_dir(folder).args(words.split_whitespace()).env_remove("SHARDED_MIGRATIONS_SCRATCH_URL");
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI"] {
        command.env_remove(variable);
    }
    command
}
