use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/migrations",
    databases = "ui/fail/folder/no_databases.toml",
);

fn main() {}
