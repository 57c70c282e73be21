use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/databases/what_is_said_of_it",
    databases = "ui/fail/databases/what_is_said_of_it.toml",
);

fn main() {}
