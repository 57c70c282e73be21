use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/fail/replaces/there", databases = "ui/databases.toml");

fn main() {}
