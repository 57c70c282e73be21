use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/sql/reverse_file_with_another_name",
    databases = "ui/databases.toml",
);

fn main() {}
