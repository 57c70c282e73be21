// An error, and nothing else: the expression has the right type wherever it stands.
#![deny(warnings)]

use std::sync::{LazyLock, OnceLock};

use sharded_migrations::{Migrations, embed_sharded_migrations};

pub static STATIC: Migrations =
    embed_sharded_migrations!(migrations = "ui/fail/many/positions", databases = "ui/databases.toml");

pub const CONST: Migrations =
    embed_sharded_migrations!(migrations = "ui/fail/many/positions", databases = "ui/databases.toml");

pub static LAZY: LazyLock<Migrations> = LazyLock::new(|| {
    embed_sharded_migrations!(migrations = "ui/fail/many/positions", databases = "ui/databases.toml")
});

pub fn once() -> &'static Migrations {
    static ONCE: OnceLock<Migrations> = OnceLock::new();
    ONCE.get_or_init(|| {
        embed_sharded_migrations!(migrations = "ui/fail/many/positions", databases = "ui/databases.toml")
    })
}

fn main() {
    let local =
        embed_sharded_migrations!(migrations = "ui/fail/many/positions", databases = "ui/databases.toml");
    let count = local.migrations.iter().filter(|migration| migration.version.get() > 1).count();
    let arguments = embed_sharded_migrations!("ui/fail/many/positions").topology.databases.len();
    assert_eq!(count, arguments);
}
