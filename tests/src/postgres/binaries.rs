//! Where the server's programs are.

use std::cmp::Reverse;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::process::run;

/// All that the harness runs. A folder with `psql` alone is what a package of the client leaves.
const PROGRAMS: [&str; 5] = ["initdb", "postgres", "pg_basebackup", "psql", "pg_dump"];

/// Folders with one installation a version: the parent, and how the names in it begin.
const INSTALLATIONS: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql@"),
    ("/usr/local/opt", "postgresql@"),
];

/// The folder of one PostgreSQL installation's programs.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Looks in `PG_BIN` if it is set, and nowhere else then; else takes the newest of the system's
    /// installations, the one that `pg_config` tells of, or the one in `PATH`.
    ///
    /// # Errors
    ///
    /// A message that says what to do when no folder holds a complete server.
    pub fn find() -> Result<Self, String> {
        if let Some(folder) = std::env::var_os("PG_BIN") {
            return Self::in_folder(Path::new(&folder));
        }
        let mut installed = Vec::new();
        for (parent, prefix) in INSTALLATIONS {
            installed.extend(installations(Path::new(parent), prefix));
        }
        newest_first(&mut installed);
        if let Ok(folder) = run(Command::new("pg_config").arg("--bindir")) {
            installed.push(PathBuf::from(folder.trim()));
        }
        installed.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        installed
            .iter()
            .find_map(|folder| Self::in_folder(folder).ok())
            .ok_or_else(|| {
                "no PostgreSQL server is installed here: run `cargo xtask test`, which installs one, or set PG_BIN to \
                 the folder with its `initdb`"
                    .to_owned()
            })
    }

    /// The installation of this process, which is looked up once.
    pub(crate) fn get() -> &'static Self {
        static FOUND: OnceLock<Binaries> = OnceLock::new();
        FOUND.get_or_init(|| Self::find().unwrap_or_else(|message| panic!("{message}")))
    }

    /// One of the programs, such as `pg_dump`.
    #[must_use]
    pub fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }

    fn in_folder(folder: &Path) -> Result<Self, String> {
        match PROGRAMS.iter().find(|program| !folder.join(program).is_file()) {
            None => Ok(Self { folder: folder.to_owned() }),
            Some(program) => Err(format!(
                "PG_BIN is {}, which has no `{program}`: set it to the `bin` folder of a PostgreSQL server, or unset it \
                 and run `cargo xtask test`, which installs one",
                folder.display()
            )),
        }
    }
}

fn installations(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join("bin"))
        .collect()
}

/// Sorts by the version in the name of the folder above `bin`: 16 is newer than 9.6.
fn newest_first(folders: &mut [PathBuf]) {
    folders.sort_by_cached_key(|folder| {
        let name = folder.parent().and_then(Path::file_name).unwrap_or_default();
        let numbers: Vec<u32> = name
            .to_string_lossy()
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        Reverse(numbers)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_installation_comes_first() {
        let mut folders: Vec<PathBuf> = [
            "/usr/lib/postgresql/9.6/bin",
            "/usr/lib/postgresql/16/bin",
            "/opt/homebrew/opt/postgresql@17/bin",
            "/usr/pgsql-15/bin",
        ]
        .map(PathBuf::from)
        .into();
        newest_first(&mut folders);
        let names: Vec<_> = folders.iter().map(|folder| folder.to_string_lossy()).collect();
        assert_eq!(
            names,
            [
                "/opt/homebrew/opt/postgresql@17/bin",
                "/usr/lib/postgresql/16/bin",
                "/usr/pgsql-15/bin",
                "/usr/lib/postgresql/9.6/bin",
            ]
        );
    }

    #[test]
    fn a_folder_with_the_client_alone_is_no_installation() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("psql"), "").unwrap();
        let message = Binaries::in_folder(folder.path()).unwrap_err();
        assert!(message.contains("has no `initdb`"), "{message}");
        assert!(message.contains("cargo xtask test"), "{message}");
    }
}
