use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/vars/value_ends_a_statement",
    databases = "ui/fail/vars/value_ends_a_statement.toml",
);

fn main() {}
