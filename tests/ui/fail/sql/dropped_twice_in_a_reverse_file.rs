use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/sql/dropped_twice_in_a_reverse_file",
    databases = "ui/databases.toml",
);

fn main() {}
