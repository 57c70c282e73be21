use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/metadata/not_a_boolean",
    databases = "ui/databases.toml",
);

fn main() {}
