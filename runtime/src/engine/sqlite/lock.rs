//! The migration lock of an SQLite file: an operating system's lock on a file beside it, which is
//! gone with the process, however that ends. SQLite's own locks cover one transaction at a time, and
//! a migration outside a transaction has none.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::DatabaseError;

/// The lock; dropping it lets it go and removes its file.
pub(super) struct FileLock {
    path: PathBuf,
    /// Locked as long as it is open.
    _file: File,
}

impl FileLock {
    /// Tries to take the lock of a database file; `None` when somebody else has it.
    pub(super) fn try_take(database: &Path) -> Result<Option<Self>, DatabaseError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".migrating");
        let path = PathBuf::from(name);
        let failed = |error: std::io::Error| {
            let message = format!("the lock file {} cannot be used: {error}", path.display());
            DatabaseError::new(message).help("does its folder exist, and may this user write there?")
        };
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            // The holder before may have removed the file while this one was being opened: then it
            // is nobody's lock any more.
            Ok(()) if is_at(&file, &path) => Ok(Some(Self { path, _file: file })),
            Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Removed while it is still locked, so that nobody can have taken it meanwhile.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether the path still leads to the open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let open = file.metadata().map(identity);
    let there = std::fs::metadata(path).map(identity);
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nothing_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let first = FileLock::try_take(&database).unwrap().unwrap();
        assert!(FileLock::try_take(&database).unwrap().is_none());
        drop(first);
        let second = FileLock::try_take(&database).unwrap();
        assert!(second.is_some());
        drop(second);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
