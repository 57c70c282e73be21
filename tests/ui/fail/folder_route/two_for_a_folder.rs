use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/folder_route/two_for_a_folder",
    databases = "ui/fail/folder_route/two_for_a_folder.toml",
);

fn main() {}
