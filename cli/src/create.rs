//! Files that are not there yet.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::project::View;

/// Makes all of these files, with the folders on the way to them, or none.
pub(crate) fn all(files: &[(PathBuf, String)], view: &View) -> Result<(), Failure> {
    for (index, (path, text)) in files.iter().enumerate() {
        if let Err(error) = one(path, text) {
            for (made, _) in &files[..index] {
                let _ = fs::remove_file(made);
            }
            return Err(Failure::machine(format!("`{}` cannot be written: {error}", view.show(path))));
        }
    }
    Ok(())
}

fn one(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::create_new(path)?;
    let written = file.write_all(text.as_bytes());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}
