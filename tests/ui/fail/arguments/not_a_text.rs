use sharded_migrations::{Migrations, embed_sharded_migrations};

const FOLDER: &str = "ui/migrations";

static MIGRATIONS: Migrations = embed_sharded_migrations!(migrations = FOLDER);

fn main() {}
