use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/migrations",
    databases = "ui/fail/databases/replica_of_no_name.toml",
);

fn main() {}
