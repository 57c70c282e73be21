use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/route/any_of_nothing",
    databases = "ui/databases.toml",
);

fn main() {}
