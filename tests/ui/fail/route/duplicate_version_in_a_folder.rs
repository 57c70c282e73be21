use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/route/duplicate_version_in_a_folder",
    databases = "ui/fail/route/duplicate_version_in_a_folder.toml",
);

fn main() {}
