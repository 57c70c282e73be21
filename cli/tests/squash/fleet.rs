//! What an application does with a project's migrations.

use sharded_migrations::{Fleet, Migrations, Migrator, Report, RunError, Selection, Version};
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::project::Sources;

use super::support::Project;

/// A set, as the application embeds it.
pub(crate) fn set(project: &Project) -> Migrations {
    let (migrations, databases) = (project.path("migrations"), project.path("databases.toml"));
    let sources = Sources::read(&migrations, &databases, |path| path.display().to_string()).unwrap();
    compile(&sources).unwrap()
}

/// Migrates one database of it, up to a version.
pub(crate) fn migrate(project: &Project, database: &str, to: Option<i64>) -> Result<Report, RunError> {
    let set = set(project);
    let selection = Selection { databases: vec![database.to_owned()], groups: Vec::new() };
    let fleet = Fleet::select(&set, &selection).unwrap();
    let migrator = Migrator::new(&set, fleet);
    let migrator = match to {
        Some(version) => migrator.to(Version::new(version).unwrap()),
        None => migrator,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(migrator.run())
}

/// How many migrations that applied.
pub(crate) fn applied(project: &Project, database: &str) -> usize {
    migrate(project, database, None).unwrap_or_else(|error| panic!("{error}")).applied()
}

/// The files below `migrations/`.
pub(crate) fn files(project: &Project) -> Vec<String> {
    let files = sharded_migrations_core::load::list(&project.path("migrations")).unwrap();
    files.into_iter().map(|(name, _)| name).collect()
}
