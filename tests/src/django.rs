//! Django, to see what it leaves in a database.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where the system's packages put what they install, whatever other Python is first in the `PATH`.
const SYSTEM: &str = "/usr/bin/python3";

/// Finds a Python that has Django, and psycopg2 for PostgreSQL: the first in the `PATH`, else the system's.
///
/// # Errors
///
/// A message that says what to do when there is none.
pub fn python() -> Result<PathBuf, String> {
    ["python3", SYSTEM].into_iter().find(|python| has_django(python)).map(PathBuf::from).ok_or_else(|| {
        "no Python here has Django and psycopg2: run `cargo xtask test`, which installs them, or `pip install django \
         psycopg2-binary`"
            .to_owned()
    })
}

fn has_django(python: &str) -> bool {
    Command::new(python)
        .args(["-c", "import django, psycopg2"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
