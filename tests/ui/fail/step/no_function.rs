use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/step/no_function",
    databases = "ui/databases.toml",
);

fn main() {}
