use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/fail/replaces/same_version", databases = "ui/databases.toml");

fn main() {}
