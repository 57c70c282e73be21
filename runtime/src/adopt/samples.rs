//! Sets, for tests.

use sharded_migrations_core::compile::compile;
use sharded_migrations_core::project::Sources;
use sharded_migrations_core::{Migration, Migrations};

/// A set for `default`, `users_01` and `users_02`.
pub(super) fn set(files: &[(&str, &str)]) -> Migrations {
    const FLEET: &str = "[groups.users]\n[databases.default]\nurl = \"postgres:x\"\n\
        [databases.\"users_{01..02}\"]\ngroup = \"users\"\nurl = \"postgres:x{1..2}\"\n";
    compile(&Sources {
        folder: "migrations".into(),
        files: files.iter().map(|(file, text)| ((*file).into(), text.as_bytes().to_vec())).collect(),
        databases: "databases.toml".into(),
        databases_bytes: FLEET.into(),
        lock: None,
    })
    .unwrap()
}

/// One migration, for all databases.
pub(super) fn migration(file: &str, text: &str) -> Migration {
    set(&[(file, text)]).migrations[0].clone()
}
