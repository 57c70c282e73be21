//! Where the project is, and how messages name its files.

use std::env;
use std::path::{Path, PathBuf};

use sharded_migrations_core::project::Sources;
use sharded_migrations_core::{Diagnostic, load, lock};

use crate::Failure;
use crate::args::{Format, Paths};

/// The files to look at.
pub(crate) struct Project {
    migrations: PathBuf,
    databases: PathBuf,
    /// The folder that messages show paths from.
    shown_from: PathBuf,
}

impl Project {
    /// Finds it. Paths that are given count from the current folder, as everywhere on a command line.
    pub(crate) fn find(paths: &Paths, format: Format) -> Result<Self, Failure> {
        let here = env::current_dir()
            .map_err(|error| Failure::machine(format!("the current folder cannot be found: {error}")))?;
        let absolute = |path: &Path| load::without_dots(&here.join(path));
        let folder = match (&paths.manifest_path, &paths.migrations, &paths.databases) {
            (Some(manifest), ..) => Some(folder_of(manifest, &absolute(manifest))?),
            (None, Some(_), Some(_)) => None,
            (None, ..) => Some(nearest(&here)?),
        };
        let path = |given: &Option<PathBuf>, name: &str| match (given, &folder) {
            (Some(path), _) => absolute(path),
            (None, Some(folder)) => folder.join(name),
            (None, None) => here.join(name),
        };
        let project = Self {
            migrations: path(&paths.migrations, "migrations"),
            databases: path(&paths.databases, "databases.toml"),
            shown_from: shown_from(&here, format),
        };
        if !project.migrations.is_dir() {
            let shown = project.show(&project.migrations);
            return Err(Failure::usage(format!(
                "there is no folder `{shown}`; name the folder of migrations with `--migrations`"
            )));
        }
        if !project.databases.is_file() {
            let shown = project.show(&project.databases);
            return Err(Failure::usage(format!(
                "there is no file `{shown}`; name the file that describes the fleet with `--databases`"
            )));
        }
        Ok(project)
    }

    /// Reads its files.
    pub(crate) fn read(&self) -> Result<Sources, Vec<Diagnostic>> {
        Sources::read(&self.migrations, &self.databases, |path| self.show(path))
    }

    /// The lock file's path.
    pub(crate) fn lock(&self) -> PathBuf {
        self.migrations.join(lock::FILE)
    }

    /// A file in the folder of migrations, as it can be opened.
    pub(crate) fn migration(&self, file: &str) -> PathBuf {
        self.migrations.join(file)
    }

    pub(crate) fn show(&self, path: &Path) -> String {
        relative(path, &self.shown_from).display().to_string().replace('\\', "/")
    }
}

/// The folder of a `Cargo.toml`.
fn folder_of(given: &Path, manifest: &Path) -> Result<PathBuf, Failure> {
    match manifest.parent() {
        Some(folder) if manifest.is_file() => Ok(folder.to_owned()),
        _ => Err(Failure::usage(format!("`--manifest-path {}` is not a file", given.display()))),
    }
}

/// The nearest folder, here or above, that is a crate (or a workspace) and has migrations.
fn nearest(here: &Path) -> Result<PathBuf, Failure> {
    let has_migrations = |folder: &&Path| {
        folder.join("Cargo.toml").is_file()
            && (folder.join("migrations").is_dir() || folder.join("databases.toml").is_file())
    };
    here.ancestors().find(has_migrations).map(Path::to_owned).ok_or_else(|| {
        Failure::usage(format!(
            "neither `{}` nor a folder above it has a `Cargo.toml` with a folder `migrations` or a `databases.toml` beside \
             it; name them with `--manifest-path`, or with `--migrations` and `--databases`",
            here.display()
        ))
    })
}

/// GitHub knows the files of a pull request by their paths in the repository; people are in the current folder.
fn shown_from(here: &Path, format: Format) -> PathBuf {
    let repository = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from).filter(|_| format == Format::Github);
    repository.filter(|repository| here.starts_with(repository)).unwrap_or_else(|| here.to_owned())
}

/// A path as seen from a folder, both absolute; itself where they share nothing but the root.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let shared = folder.ancestors().find(|ancestor| path.starts_with(ancestor));
    let Some((shared, rest)) = shared
        .filter(|shared| shared.parent().is_some())
        .and_then(|shared| Some((shared, path.strip_prefix(shared).ok()?)))
    else {
        return path.to_owned();
    };
    let up = folder.components().count() - shared.components().count();
    (0..up).map(|_| Path::new("..")).chain([rest]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn paths_are_shown_as_they_would_be_typed() {
        let cases = [
            ("/a/b/migrations/V1__x.sql", "/a/b", "migrations/V1__x.sql"),
            ("/a/b/migrations", "/a/b/src/bin", "../../migrations"),
            ("/a/c/x", "/a/b", "../c/x"),
            ("/a/b", "/a/b", ""),
            ("/srv/x", "/a/b", "/srv/x"),
        ];
        for (path, folder, shown) in cases {
            assert_eq!(
                relative(Path::new(path), Path::new(folder)),
                Path::new(shown),
                "{path} from {folder}"
            );
        }
    }
}
