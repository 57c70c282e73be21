use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/file_name/folder_number",
    databases = "ui/databases.toml",
);

fn main() {}
