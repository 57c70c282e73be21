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
/// The expansion names the crate `sharded_migrations`: depend on it under that name.
///
/// It expands to an expression of type `Migrations` that is const data: nothing is parsed, hashed or
/// allocated when the program starts. An edit of any of the files rebuilds the crate; so that an
/// *added* file does as well, call `sharded_migrations_build::track()` in the build script.
#[proc_macro]
pub fn embed_sharded_migrations(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand::expand(input.into()).into()
}
