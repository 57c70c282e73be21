use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/many/files",
    databases = "ui/fail/many/files.toml",
);

fn main() {}
