use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/sql/commit_behind_other_characters",
    databases = "ui/databases.toml",
);

fn main() {}
