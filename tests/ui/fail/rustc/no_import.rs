use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/rustc/no_import",
    databases = "ui/databases.toml",
);

fn main() {}
