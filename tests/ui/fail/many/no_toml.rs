use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/many/no_toml",
    databases = "ui/fail/many/no_toml.toml",
);

fn main() {}
