//! The macro is an expression of type `Migrations` wherever one may stand, and brings no warning with it: not in a
//! strict crate, and not where its names mean something else.
#![deny(warnings, missing_docs, unused, unused_qualifications, unreachable_pub, rust_2018_idioms)]
#![deny(single_use_lifetimes, trivial_casts, unused_lifetimes, elided_lifetimes_in_paths, let_underscore_drop)]
#![forbid(unsafe_code)]

use std::sync::{LazyLock, OnceLock};

use sharded_migrations::{Migrations, embed_sharded_migrations};

static STATIC: Migrations =
    embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml");

static REFERENCE: &Migrations =
    &embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml");

const CONST: Migrations =
    embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml");

static LAZY: LazyLock<Migrations> = LazyLock::new(|| {
    embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml")
});

struct Application {
    name: &'static str,
    migrations: Migrations,
}

static APPLICATION: Application = Application {
    name: "shop",
    migrations: embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml"),
};

trait Migrated {
    const MIGRATIONS: Migrations;
}

impl Migrated for Application {
    const MIGRATIONS: Migrations =
        embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml");
}

const fn made() -> Migrations {
    embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml")
}

fn once() -> &'static Migrations {
    static ONCE: OnceLock<Migrations> = OnceLock::new();
    ONCE.get_or_init(|| {
        embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml")
    })
}

fn name<T>(migrations: &Migrations, _: T) -> String {
    migrations.migrations[0].name.to_string()
}

mod names {
    #![no_implicit_prelude]
    #![allow(non_camel_case_types, dead_code)]

    mod p {}
    mod core {}
    mod std {}
    struct Cow;
    struct Option;
    const EMBEDDED: () = ();

    pub(super) static SHADOWED: ::sharded_migrations::Migrations = ::sharded_migrations::embed_sharded_migrations!(
        migrations = "ui/migrations",
        databases = "ui/databases.toml"
    );
}

fn main() {
    let local = embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml");
    let kept: &'static str = match &local.migrations[0].sql {
        std::borrow::Cow::Borrowed(sql) => sql,
        std::borrow::Cow::Owned(_) => panic!("a copy was made"),
    };
    drop(local);
    assert!(kept.contains("CREATE TABLE setting"));

    let argument = name(
        &embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml"),
        &APPLICATION.name,
    );
    assert_eq!(argument, "settings");
    let count =
        embed_sharded_migrations!(migrations = "ui/migrations", databases = "ui/databases.toml").migrations.len();
    assert_eq!(count, 1);
    for same in [
        &STATIC,
        REFERENCE,
        &CONST,
        &LAZY,
        &APPLICATION.migrations,
        &Application::MIGRATIONS,
        &made(),
        once(),
        &names::SHADOWED,
    ] {
        assert_eq!(*same, STATIC);
    }
}
