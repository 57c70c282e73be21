//! An input as a project: one text that holds the files, each behind a line `-- file: PATH`.
//!
//! That line is a comment, so that a migration as it is makes an input too: what stands before the first such line is
//! the file `V2__input.sql`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use sharded_migrations_core::project::Sources;

/// Begins a file.
pub const MARK: &str = "-- file: ";

/// The fleet's file.
pub const DATABASES: &str = "databases.toml";

/// The reference set.
pub static REFERENCE: LazyLock<Sources> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Sources::read(&root.join("migrations"), &root.join(DATABASES), shown).unwrap_or_default()
});

/// The files of an input; the fleet is the reference set's where the input has none.
pub fn of(bytes: &[u8]) -> Sources {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut path = "V2__input.sql".to_owned();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(MARK.as_bytes()) {
            Some(name) => path = String::from_utf8_lossy(name).trim().to_owned(),
            None => files.entry(path.clone()).or_default().extend_from_slice(line),
        }
    }
    let databases_bytes = files.remove(DATABASES).unwrap_or_else(|| REFERENCE.databases_bytes.clone());
    Sources {
        folder: "migrations".to_owned(),
        files: files.into_iter().collect(),
        databases: DATABASES.to_owned(),
        databases_bytes,
        lock: None,
    }
}
