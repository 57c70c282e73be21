use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/migrations",
    databases = "ui/fail/databases/unknown_lint_level.toml",
);

fn main() {}
