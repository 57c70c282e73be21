//! Throw-away migration projects.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A project in a temporary folder that is removed with this value: `databases.toml`, and files
/// below `migrations/`.
///
/// ```
/// let project = sharded_migrations_tests::project::Project::new()
///     .databases_toml("[databases.default]\nurl = \"${DATABASE_URL}\"\n")
///     .file("V1__account.sql", "-- #[route(everywhere)]\nCREATE TABLE account (id bigint);\n");
/// assert!(project.migrations_path().join("V1__account.sql").exists());
/// ```
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
}

impl Project {
    /// An empty project: an empty folder `migrations/` and no `databases.toml`.
    ///
    /// # Panics
    ///
    /// When the system's temporary folder cannot be written.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it touches the disk, which a default should not")]
    pub fn new() -> Self {
        let project = Self { folder: TempDir::new().expect("a temporary folder") };
        fs::create_dir(project.migrations_path()).expect("a new folder is writable");
        project
    }

    /// Writes `databases.toml`.
    #[must_use]
    pub fn databases_toml(self, text: &str) -> Self {
        write(&self.databases_path(), text.as_bytes());
        self
    }

    /// Writes a file below `migrations/`, with the folders on the way to it.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        write(&self.migrations_path().join(path), content.as_ref());
        self
    }

    /// The project's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder with the migrations.
    #[must_use]
    pub fn migrations_path(&self) -> PathBuf {
        self.path().join("migrations")
    }

    /// Where `databases.toml` is, or would be.
    #[must_use]
    pub fn databases_path(&self) -> PathBuf {
        self.path().join("databases.toml")
    }
}

fn write(path: &Path, content: &[u8]) {
    let written = match path.parent() {
        Some(folder) => fs::create_dir_all(folder).and_then(|()| fs::write(path, content)),
        None => fs::write(path, content),
    };
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}
