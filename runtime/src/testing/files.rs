//! Databases of SQLite: copies of a file that was migrated.

use std::{fs, io};

use tempfile::TempDir;

use super::{Alike, TestFleetError};

/// A folder that is gone with this value.
#[derive(Debug)]
pub(super) struct Files {
    folder: TempDir,
}

impl Files {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { folder: tempfile::Builder::new().prefix("sharded_migrations_test_").tempdir()? })
    }

    /// Makes them; their URLs.
    pub(super) async fn databases(&self, alike: &Alike<'_>) -> Result<Vec<String>, TestFleetError> {
        let file = |name: &str| self.folder.path().join(format!("{name}.db"));
        let url = |name: &str| format!("sqlite:{}", file(name).display());
        let mut urls = Vec::new();
        for database in &alike.databases {
            let name = database.name.as_str();
            match alike.databases.first() {
                Some(first) if first.name != database.name => {
                    let from = file(first.name.as_str());
                    // Without a migration there is no file, and none is missed.
                    if from.exists() {
                        fs::copy(from, file(name))?;
                    }
                }
                _ => alike.migrate(url(name)).await?,
            }
            urls.push(url(name));
        }
        Ok(urls)
    }
}
