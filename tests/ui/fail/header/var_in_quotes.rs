use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/header/var_in_quotes",
    databases = "ui/databases.toml",
);

fn main() {}
