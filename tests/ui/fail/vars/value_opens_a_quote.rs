use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!(
    migrations = "ui/fail/vars/value_opens_a_quote",
    databases = "ui/fail/vars/value_opens_a_quote.toml",
);

fn main() {}
