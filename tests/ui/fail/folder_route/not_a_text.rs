use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/folder_route/not_a_text",
    databases = "ui/fail/folder_route/not_a_text.toml",
);

fn main() {}
