use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/file_name/another_ending",
    databases = "ui/databases.toml",
);

fn main() {}
