//! What the macro embeds is what the same files make at run time.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::Path;

use sharded_migrations::{Migrations, embed_sharded_migrations};
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::project::Sources;

/// An embedded set and the files it comes from.
macro_rules! set {
    ($migrations:literal, $databases:literal) => {
        (embed_sharded_migrations!(migrations = $migrations, databases = $databases), $migrations, $databases)
    };
}

static SETS: [(Migrations, &str, &str); 7] = [
    set!("../migrations", "../databases.toml"),
    set!("embedded", "ui/databases.toml"),
    set!("ui/pass/allow", "ui/pass/allow.toml"),
    set!("ui/pass/diesel", "ui/pass/diesel.toml"),
    set!("ui/pass/refinery", "ui/databases.toml"),
    set!("ui/pass/rerouted", "ui/databases.toml"),
    set!("ui/pass/sqlx", "ui/databases.toml"),
];

#[test]
fn what_is_embedded_is_what_the_files_say() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (embedded, migrations, databases) in &SETS {
        let sources =
            Sources::read(&tests.join(migrations), &tests.join(databases), |path| path.display().to_string());
        let read = compile(&sources.unwrap()).unwrap();
        assert!(!read.migrations.is_empty(), "{migrations}");
        for (embedded, read) in embedded.migrations.iter().zip(read.migrations.iter()) {
            assert_eq!(embedded, read);
        }
        assert_eq!(embedded.migrations.len(), read.migrations.len());
        assert_eq!(embedded.topology.databases, read.topology.databases);
        assert_eq!(embedded.stale(), None, "{migrations}");
    }
}
