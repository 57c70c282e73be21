//! The one input of this crate: a folder's files.

use std::io;
use std::path::{Path, PathBuf};

/// How deep folders may nest: more is a link that leads back to itself.
const DEPTH: usize = 32;

/// All files below a folder, by path: relative to it with `/`, and as it can be opened. Hidden
/// files and folders (a leading `.`) are passed over, links are followed.
///
/// # Errors
/// What the file system says, with the path; also a file name that is not UTF-8, and folders that
/// nest without end.
pub fn list(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    visit(folder, "", DEPTH, &mut files)?;
    files.sort();
    Ok(files)
}

fn visit(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let named =
        |path: &Path, error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if depth == 0 {
        return Err(io::Error::other(format!(
            "{}: folders nest too deep; is a link pointing back?",
            folder.display()
        )));
    }
    for entry in std::fs::read_dir(folder).map_err(|error| named(folder, error))? {
        let path = entry.map_err(|error| named(folder, error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(io::Error::other(format!("{}: the file's name is not UTF-8", path.display())));
        };
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        if std::fs::metadata(&path).map_err(|error| named(&path, error))?.is_dir() {
            visit(&path, &format!("{relative}/"), depth - 1, files)?;
        } else {
            files.push((relative, path));
        }
    }
    Ok(())
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
