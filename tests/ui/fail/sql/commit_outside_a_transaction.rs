use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/sql/commit_outside_a_transaction",
    databases = "ui/databases.toml",
);

fn main() {}
