use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/lint/denied",
    databases = "ui/fail/lint/denied.toml",
);

fn main() {}
