//! Lints that are denied everywhere, and accepted where a file says so.

use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/allow", databases = "ui/pass/allow.toml");

fn main() {
    let sql: Vec<&str> = MIGRATIONS.migrations.iter().map(|migration| migration.sql.as_ref()).collect();
    assert!(sql[0].contains("#[allow(index-not-concurrent)]"), "the text is embedded as it is");
    assert!(sql[1].contains("DROP TABLE"));
}
