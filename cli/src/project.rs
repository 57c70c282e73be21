//! Where the project is, and how messages name its files.

use std::env;
use std::path::{Path, PathBuf};

use sharded_migrations_core::project::Sources;
use sharded_migrations_core::{Diagnostic, load, lock};

use crate::Failure;
use crate::args::{Format, Paths};

/// Where the program runs, and how it names paths there.
#[derive(Debug, Clone)]
pub(crate) struct View {
    /// The current folder.
    here: PathBuf,
    /// The folder that messages show paths from.
    shown_from: PathBuf,
}

impl View {
    pub(crate) fn new(format: Format) -> Result<Self, Failure> {
        let here = env::current_dir()
            .map_err(|error| Failure::machine(format!("the current folder cannot be found: {error}")))?;
        Ok(Self { shown_from: shown_from(&here, format), here })
    }

    /// The current folder.
    pub(crate) fn here(&self) -> &Path {
        &self.here
    }

    /// A path that was given: it counts from the current folder, as everywhere on a command line.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        load::without_dots(&self.here.join(path))
    }

    /// A path as messages name it.
    pub(crate) fn show(&self, path: &Path) -> String {
        relative(path, &self.shown_from).display().to_string().replace('\\', "/")
    }
}

/// The files to look at.
pub(crate) struct Project {
    migrations: PathBuf,
    databases: PathBuf,
    view: View,
}

impl Project {
    /// Finds it.
    pub(crate) fn find(paths: &Paths, view: View) -> Result<Self, Failure> {
        let folder = match (&paths.manifest_path, &paths.migrations, &paths.databases) {
            (Some(manifest), ..) => Some(folder_of(manifest, &view.absolute(manifest))?),
            (None, Some(_), Some(_)) => None,
            (None, ..) => Some(nearest(view.here())?),
        };
        let path = |given: &Option<PathBuf>, name: &str| match (given, &folder) {
            (Some(path), _) => view.absolute(path),
            (None, Some(folder)) => folder.join(name),
            (None, None) => view.here().join(name),
        };
        let (migrations, databases) =
            (path(&paths.migrations, "migrations"), path(&paths.databases, "databases.toml"));
        if !migrations.is_dir() {
            let shown = view.show(&migrations);
            return Err(Failure::usage(format!(
                "there is no folder `{shown}`; name the folder of migrations with `--migrations`"
            )));
        }
        if !databases.is_file() {
            let shown = view.show(&databases);
            return Err(Failure::usage(format!(
                "there is no file `{shown}`; name the file that describes the fleet with `--databases`"
            )));
        }
        Ok(Self { migrations, databases, view })
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
        self.view.show(path)
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
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
             it; name them with `--manifest-path`, or with `--migrations` and `--databases`; `cargo sharded-migrations init` \
             makes the first ones",
            here.display()
        ))
    })
}

/// The nearest `Cargo.toml`, here or above.
pub(crate) fn nearest_manifest(here: &Path) -> Result<PathBuf, Failure> {
    let mut manifests = here.ancestors().map(|folder| folder.join("Cargo.toml"));
    manifests.find(|manifest| manifest.is_file()).ok_or_else(|| {
        Failure::usage(format!(
            "neither `{}` nor a folder above it has a `Cargo.toml`; begin a crate with `cargo init`, or name one with \
             `--manifest-path`",
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
