//! A checked set as tokens: the same value, written out as const data.

mod fleet;
mod migrations;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use sharded_migrations_core::set::Origin;
use sharded_migrations_core::{Migration, Migrations};

use crate::input::StaticItem;

/// The set, and the files it was made from, so that a change of one rebuilds the crate. `path` says where a module of
/// a file of the folder is.
pub(crate) fn success(
    item: Option<&StaticItem>,
    tracked: &[PathBuf],
    migrations: &Migrations,
    path: impl Fn(&str) -> String,
) -> TokenStream {
    let track = track(tracked);
    let Migrations { folder, migrations, topology, origin } = migrations;
    let modules = modules(item, migrations);
    // The path of a module leads from the file that the macro is called in, so that rustc and editors find it.
    let declared: TokenStream = migrations
        .iter()
        .zip(&modules)
        .filter_map(|(migration, module)| {
            let (module, path) = (module.as_ref()?, path(&migration.file));
            Some(quote! {
                #[doc(hidden)]
                #[allow(unreachable_pub)]
                #[path = #path]
                mod #module;
            })
        })
        .collect();
    let folder = text(folder);
    let migrations = migrations::migrations(migrations, &modules);
    let topology = fleet::topology(topology);
    let origin = origin.as_ref().map(self::origin);
    // In an expression the modules are its own.
    let (outside, inside) =
        if item.is_some() { (declared, TokenStream::new()) } else { (TokenStream::new(), declared) };
    // A constant of its own: also in a `let`, every reference in it lives for ever.
    let value = quote! {{
        #inside
        // By short names: each token is paid for a thousand times.
        use ::sharded_migrations::__private::*;
        #track
        #migrations
        const EMBEDDED: Migrations = Migrations {
            folder: #folder,
            migrations: Borrowed(&MIGRATIONS),
            topology: #topology,
            origin: #origin,
        };
        EMBEDDED
    }};
    let value = placed(item, value);
    quote!(#outside #value)
}

/// Errors, and an empty set of the right type, so that rustc has nothing to add.
pub(crate) fn failure(item: Option<&StaticItem>, tracked: &[PathBuf], errors: TokenStream) -> TokenStream {
    let track = track(tracked);
    placed(
        item,
        quote! {{
            use ::sharded_migrations::__private::*;
            #track
            #errors
            Migrations::EMPTY
        }},
    )
}

/// The value itself, or the item that has it.
fn placed(item: Option<&StaticItem>, value: TokenStream) -> TokenStream {
    match item {
        None => value,
        Some(StaticItem { prefix, name }) => {
            quote!(#prefix static #name: ::sharded_migrations::Migrations = #value;)
        }
    }
}

/// The names of the modules of those that are written in Rust: they are seen in editors and backtraces.
fn modules(item: Option<&StaticItem>, migrations: &[Migration]) -> Vec<Option<Ident>> {
    // Two sets may be in one module.
    let prefix = item.map(|item| item.name.to_string().to_lowercase() + "_").unwrap_or_default();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut module = |migration: &Migration| {
        migration.code.as_ref()?;
        let name = migration.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let first = format!("{prefix}step_{}_{name}", migration.version);
        let more = (2..).map(|number| format!("{first}_{number}"));
        let free = std::iter::once(first.clone()).chain(more).find(|name| !taken.contains(name))?;
        taken.insert(free.clone());
        Some(format_ident!("{free}"))
    };
    migrations.iter().map(&mut module).collect()
}

/// One `compile_error!` each.
pub(crate) fn errors(messages: impl IntoIterator<Item = String>) -> TokenStream {
    messages.into_iter().map(|message| quote!(::core::compile_error!(#message);)).collect()
}

fn track(files: &[PathBuf]) -> TokenStream {
    let files = files.iter().filter_map(|file| file.to_str());
    quote!(const _: &[&[u8]] = &[#(::core::include_bytes!(#files)),*];)
}

/// Where the set was read: in debug builds only, so that a release binary has no path of this
/// machine.
fn origin(origin: &Origin) -> TokenStream {
    let Origin { folder, others } = origin;
    let folder = text(folder);
    let others = list(others.iter().map(|file| text(file)));
    quote! {{
        #[cfg(debug_assertions)]
        { Some(Origin { folder: #folder, others: #others }) }
        #[cfg(not(debug_assertions))]
        { None }
    }}
}

fn text(text: &str) -> TokenStream {
    quote!(Borrowed(#text))
}

fn name(constructor: TokenStream, name: &str) -> TokenStream {
    quote!(#constructor::embedded(#name))
}

fn name_of(variant: TokenStream, constructor: TokenStream, name: &str) -> TokenStream {
    let name = self::name(constructor, name);
    quote!(#variant(#name))
}

fn list(items: impl Iterator<Item = TokenStream>) -> TokenStream {
    quote!(Borrowed(&[#(#items),*]))
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

fn milliseconds(duration: Duration) -> TokenStream {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    quote!(Duration::from_millis(#milliseconds))
}
