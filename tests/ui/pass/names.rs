//! What the macro writes out means the same whatever the application calls its own things.

#![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

struct Migration;
struct Version;
struct Borrowed;
struct Duration;
struct Some;
struct core;
const None: u8 = 0;
const MIGRATION_0: u8 = 0;
const EMBEDDED: u8 = 0;

static MIGRATIONS: sharded_migrations::Migrations = sharded_migrations::embed_sharded_migrations!(
    migrations = "ui/pass/allow",
    databases = "ui/pass/allow.toml"
);

fn main() {
    assert!(!MIGRATIONS.migrations.is_empty());
}
