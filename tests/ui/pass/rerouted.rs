//! What the lock declares of a migration with a new route is embedded.

use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/rerouted", databases = "ui/databases.toml");

fn main() {
    let declared: Vec<String> =
        MIGRATIONS.migrations.iter().map(|migration| migration.rerouted.to_string()).collect();
    assert_eq!(declared, ["", "backfill, abandon"]);
    let tables = MIGRATIONS.migrations[1].tables.as_ref().unwrap();
    assert_eq!(tables.iter().count(), 2, "what it does to tables is there too");
}
