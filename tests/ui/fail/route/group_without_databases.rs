use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/route/group_without_databases",
    databases = "ui/fail/route/group_without_databases.toml",
);

fn main() {}
