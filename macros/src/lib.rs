//! The macro of `sharded-migrations`; use it through that crate.

mod emit;
mod expand;
mod input;

/// Embeds the migrations of a folder and the fleet of a `databases.toml`, and checks them against
/// each other: whatever would be wrong on some database is an error of this build, with file, line
/// and column.
///
/// ```ignore
/// use sharded_migrations::{Migrations, embed_sharded_migrations};
///
/// pub static MIGRATIONS: Migrations = embed_sharded_migrations!();
/// ```
///
/// Without arguments it reads `migrations/` and `databases.toml` beside the crate's `Cargo.toml`;
/// other paths, relative to that file's folder, are named:
///
/// ```ignore
/// embed_sharded_migrations!(migrations = "db/migrations", databases = "db/databases.toml")
/// ```
///
/// A `migrations.lock` in the folder of migrations, which `cargo sharded-migrations lock` writes, is compared with them.
///
/// Migrations that are written in Rust are modules of the crate. So that editors see them as well, let the macro stand in
/// the place of an item, and name the static that it makes:
///
/// ```ignore
/// embed_sharded_migrations!(pub static MIGRATIONS);
/// embed_sharded_migrations!(pub(crate) static MIGRATIONS, migrations = "db/migrations");
/// ```
///
/// The expansion names the crate `sharded_migrations`: depend on it under that name.
///
/// It expands to an expression of type `Migrations` that is const data: nothing is parsed, hashed or
/// allocated when the program starts. An edit of any of the files rebuilds the crate; so that an
/// *added* file does as well, call `sharded_migrations_build::track()` in the build script.
#[proc_macro]
pub fn embed_sharded_migrations(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::expand(input.into()).into()
}

/// Makes attributes that `embed_sharded_migrations!` reads, and rustc only has to know: the function stays as it is.
macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[proc_macro_attribute]
        pub fn $name(
            _: proc_macro::TokenStream,
            function: proc_macro::TokenStream,
        ) -> proc_macro::TokenStream {
            function
        }
    )*};
}

attributes! {
    /// Which databases a migration written in Rust is for: `#[route(group = "users")]`, `#[route(everywhere)]`, and the rest that a
    /// header in SQL may say.
    route
    /// The migration is not one transaction: it keeps a checkpoint, and a run that breaks off is resumed from it.
    no_transaction
    /// How long a statement of the migration waits for a lock: `#[lock_timeout("2s")]`.
    lock_timeout
    /// How long a statement of the migration may run: `#[statement_timeout("1min")]`.
    statement_timeout
    /// The variables of the databases that the migration asks for: `#[vars(shard_id)]`.
    vars
    /// No database begins the migration before all have finished what comes before it.
    barrier
    /// What has to be finished on other databases before: `#[requires("default:12")]`.
    requires
    /// The migrations in whose place it came: `#[replaces(1, 2, 3)]`. It counts as applied where all of these are.
    replaces
    /// The tables that the migration works on, which the build replays: `#[touches(orders)]`.
    touches
}
