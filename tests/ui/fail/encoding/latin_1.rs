use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/encoding/latin_1",
    databases = "ui/databases.toml",
);

fn main() {}
