//! The one input of this crate: a folder's files.

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

/// How deep folders may nest: more is a link that leads back to itself.
const DEPTH: usize = 32;

/// What cannot be read, and why.
#[derive(Debug)]
pub struct LoadError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for LoadError {}

/// All files below a folder, by path: relative to it with `/`, and as it can be opened. Hidden
/// files and folders (a leading `.`) are passed over, links are followed.
///
/// # Errors
/// What the file system says; also a file name that is not UTF-8, and folders that nest without
/// end.
pub fn list(folder: &Path) -> Result<Vec<(String, PathBuf)>, LoadError> {
    let mut files = Vec::new();
    visit(folder, "", DEPTH, &mut files)?;
    files.sort();
    Ok(files)
}

fn visit(
    folder: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), LoadError> {
    let failed = |path: &Path, error: io::Error| LoadError { path: path.to_owned(), error };
    if depth == 0 {
        return Err(failed(folder, io::Error::other("folders nest too deep; is a link pointing back?")));
    }
    for entry in std::fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let path = entry.map_err(|error| failed(folder, error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(failed(&path, io::Error::other("the file's name is not UTF-8")));
        };
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        if std::fs::metadata(&path).map_err(|error| failed(&path, error))?.is_dir() {
            visit(&path, &format!("{relative}/"), depth - 1, files)?;
        } else {
            files.push((relative, path));
        }
    }
    Ok(())
}

/// A path without `.` and `..`, so that `examples/shop/../../migrations` is `migrations`.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_nested_files_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b/V1__x.sql", "a.sql", ".hidden/x.sql", "b/.gitkeep"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names: Vec<_> = list(folder.path()).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.sql", "b/V1__x.sql"]);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = list(Path::new("no/such/folder")).unwrap_err();
        assert!(error.to_string().starts_with("no/such/folder: "), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_itself_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        assert!(list(folder.path()).unwrap_err().to_string().contains("too deep"));
    }
}
