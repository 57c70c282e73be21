//! An application that uses `sharded-migrations`, through its public interface only.

use sharded_migrations::{Fleet, Migrations, Migrator, Selection};
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::diagnostic::Style;
use sharded_migrations_core::project::Sources;

use crate::{Result, set};

/// The variable in its `databases.toml`.
const URL: &str = "DATABASE_URL";

/// The embedded set. An application has it from the macro; here its size varies, so the same code makes
/// it from the same files at the start, before any clock runs.
pub struct Application {
    migrations: Migrations,
}

impl Application {
    /// With the first migrations of the list, for databases whose names end in `_0001` and so on.
    pub fn new(databases: usize, migrations: usize) -> Result<Self> {
        let files = set::numbered()
            .take(migrations)
            .map(|(version, name, sql)| (format!("V{version}__{name}.sql"), sql.as_bytes().to_vec()));
        let topology = format!(
            "[databases.\"bench_{{0001..{databases:04}}}\"]\n\
             url = \"${{{URL}}}_{{0001..{databases:04}}}\"\n\
             [routes]\n\
             \".\" = \"everywhere\"\n"
        );
        let sources = Sources {
            folder: "migrations".into(),
            files: files.collect(),
            databases: "databases.toml".into(),
            databases_bytes: topology.into_bytes(),
            lock: None,
        };
        let migrations = compile(&sources).map_err(|faults| {
            let texts: Vec<String> = faults.iter().map(|fault| fault.render(Style::Plain)).collect();
            texts.join("\n")
        })?;
        Ok(Self { migrations })
    }

    /// Migrates all databases, and says how many migrations that took. `url` is all of each URL but its
    /// end `_0001`. Without a concurrency the default is taken.
    pub async fn migrate(&self, url: &str, concurrency: Option<usize>) -> Result<usize> {
        let variable = |name: &str| (name == URL).then(|| url.to_owned());
        let fleet = Fleet::select_with(&self.migrations, &Selection::default(), variable)?;
        let migrator = Migrator::new(&self.migrations, fleet);
        let migrator = match concurrency {
            Some(databases) => migrator.concurrency(databases),
            None => migrator,
        };
        Ok(migrator.run().await?.applied())
    }
}
