//! SQLite databases in a folder that is removed at the end of the test.

use std::path::PathBuf;

use tempfile::TempDir;

/// A folder for SQLite databases. It makes no files: the first connection does.
///
/// ```
/// let folder = sharded_migrations_tests::sqlite::SqliteFolder::new();
/// assert!(folder.url("users_01").ends_with("/users_01.db"));
/// ```
#[derive(Debug)]
pub struct SqliteFolder {
    folder: TempDir,
}

impl SqliteFolder {
    /// Makes an empty folder.
    ///
    /// # Panics
    ///
    /// When the system's temporary folder cannot be written.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it touches the disk, which a default should not")]
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    /// The file of the database `name`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.db"))
    }

    /// The URL of the database `name`: `sqlite:/folder/name.db`.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("sqlite:{}", self.path(name).display())
    }

    /// The URLs of a group's `count` databases, `users_01` and on.
    #[must_use]
    pub fn urls(&self, group: &str, count: usize) -> Vec<String> {
        (1..=count).map(|number| self.url(&format!("{group}_{number:02}"))).collect()
    }
}
