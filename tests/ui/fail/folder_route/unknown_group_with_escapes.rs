use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/folder_route/unknown_group_with_escapes",
    databases = "ui/fail/folder_route/unknown_group_with_escapes.toml",
);

fn main() {}
