use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/route/missing_in_a_folder",
    databases = "ui/databases.toml",
);

fn main() {}
