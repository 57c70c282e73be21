use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/migrations",
    databases = "ui/fail/databases/concurrency_of_zero.toml",
);

fn main() {}
