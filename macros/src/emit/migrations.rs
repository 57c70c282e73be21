//! Migrations as tokens: columns, and what many have in common once.

use std::collections::HashMap;

use proc_macro2::{Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};
use sharded_migrations_core::embedded::{ScriptShape, Shape};
use sharded_migrations_core::migration::{Kind, Timeouts, Transaction};
use sharded_migrations_core::{
    Code, List, Locks, Migration, Outside, Requirement, Rerouted, Resume, Route, TableChanges, Version,
};

use super::{list, milliseconds, name, name_of, option, text};

/// The constant `MIGRATIONS`, and others for it.
pub(super) fn migrations(migrations: &[Migration], modules: &[Option<Ident>]) -> TokenStream {
    let mut shapes = Shapes::default();
    let numbers: Vec<u8> = migrations
        .iter()
        .zip(modules)
        .flat_map(|(migration, module)| shapes.number(migration, module))
        .collect();
    // Each is an item of its own: rustc takes much longer to check one large expression, and checks again only what has
    // changed.
    let names: Vec<Ident> = (0..shapes.all.len()).map(|index| format_ident!("SHAPE_{index}")).collect();
    let all = shapes.all.iter().map(|(shape, module)| self::shape(shape, *module));

    let versions: Vec<u8> =
        migrations.iter().flat_map(|migration| migration.version.get().to_le_bytes()).collect();
    let checksums: Vec<u8> = migrations.iter().flat_map(|migration| migration.checksum.0).collect();
    let [numbers, versions, checksums] =
        [numbers, versions, checksums].map(|bytes| Literal::byte_string(&bytes));
    let names_of = texts(migrations.iter().map(|migration| &*migration.name));
    let attributes = bytes(migrations.iter().map(|migration| migration.attributes.bytes()));
    let tables = migrations.iter().filter_map(|migration| migration.tables.as_ref());
    let tables = texts(tables.map(|TableChanges(changes)| &**changes));

    let scripts = || migrations.iter().flat_map(|one| [Some(one.forward()), one.backward()]).flatten();
    let files = texts(scripts().map(|script| script.file));
    let sql = texts(scripts().map(|script| script.sql));
    let statements = bytes(scripts().map(|script| script.statements.bytes()));
    let locks = texts(scripts().filter_map(|script| script.locks).map(Locks::text));
    let count = migrations.len();
    quote! {
        #(const #names: Shape<'static> = #all;)*
        // The interpreter counts calls, and asks after two million whether that is meant.
        #[allow(long_running_const_eval)]
        static MIGRATIONS: [Migration; #count] = migrations(&Columns {
            shapes: &[#(#names),*],
            shape_numbers: #numbers,
            versions: #versions,
            checksums: #checksums,
            names: #names_of,
            attributes: #attributes,
            tables: #tables,
            files: #files,
            sql: #sql,
            statements: #statements,
            locks: #locks,
        });
    }
}

/// What migrations have in common, each once.
#[derive(Default)]
struct Shapes<'m> {
    all: Vec<(Shape<'m>, Option<&'m Ident>)>,
    numbers: HashMap<Shape<'m>, u32>,
}

impl<'m> Shapes<'m> {
    /// The number of a migration's shape, in three bytes.
    fn number(&mut self, migration: &'m Migration, module: &'m Option<Ident>) -> [u8; 3] {
        let shape = Shape::of(migration);
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let number = match module {
            // The function of another module may have the same name.
            Some(_) => next,
            None => *self.numbers.entry(shape).or_insert(next),
        };
        if number == next {
            self.all.push((shape, module.as_ref()));
        }
        let [low, middle, high, _] = number.to_le_bytes();
        [low, middle, high]
    }
}

/// A slice of strings, as cheap as it can be had.
fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> TokenStream {
    slice(texts.map(Literal::string))
}

fn bytes<'t>(bytes: impl Iterator<Item = &'t [u8]>) -> TokenStream {
    slice(bytes.map(Literal::byte_string))
}

fn slice(literals: impl Iterator<Item = Literal>) -> TokenStream {
    let comma = TokenTree::Punct(Punct::new(',', Spacing::Alone));
    let items: TokenStream =
        literals.flat_map(|literal| [TokenTree::Literal(literal), comma.clone()]).collect();
    quote!(&[#items])
}

fn shape(shape: &Shape<'_>, module: Option<&Ident>) -> TokenStream {
    let Shape { kind, route, rerouted, barrier, requires, replaces, code, has_tables, forward, reverse } =
        shape;
    let kind = match kind {
        Kind::Ordered => quote!(Ordered),
        Kind::OutOfOrder => quote!(OutOfOrder),
    };
    let route = self::route(route);
    let Rerouted { backfill, abandon } = rerouted;
    let requires = requires.iter().map(|Requirement { database, version }| {
        let (database, version) = (name(quote!(DatabaseName), database.as_str()), self::version(version));
        quote!(Requirement { database: #database, version: #version })
    });
    let replaces = replaces.iter().map(|way: &List<Version>| list(way.iter().map(version)));
    let code = option(code.zip(module).map(|(code, module)| {
        let code = self::code(code, module);
        quote!(&#code)
    }));
    let forward = script(forward);
    let reverse = option(reverse.as_ref().map(script));
    quote! {
        Shape {
            kind: Kind::#kind,
            route: &#route,
            rerouted: Rerouted { backfill: #backfill, abandon: #abandon },
            barrier: #barrier,
            requires: &[#(#requires),*],
            replaces: &[#(#replaces),*],
            code: #code,
            has_tables: #has_tables,
            forward: #forward,
            reverse: #reverse,
        }
    }
}

fn script(script: &ScriptShape<'_>) -> TokenStream {
    let ScriptShape { transaction, timeouts: Timeouts { lock, statement }, vars, outside, locks } = script;
    let transaction = match transaction {
        Transaction::Whole => quote!(Whole),
        Transaction::None => quote!(None),
    };
    let (lock, statement) = (option(lock.map(milliseconds)), option(statement.map(milliseconds)));
    let vars = vars.iter().map(|var| text(var));
    let outside = outside.iter().map(self::outside);
    let locks = option(locks.map(|is_whole| quote!(#is_whole)));
    quote! {
        ScriptShape {
            transaction: Transaction::#transaction,
            timeouts: Timeouts { lock: #lock, statement: #statement },
            vars: &[#(#vars),*],
            outside: &[#(#outside),*],
            locks: #locks,
        }
    }
}

fn version(version: &Version) -> TokenStream {
    let version = version.get();
    quote!(Version::embedded(#version))
}

fn code(code: &Code, module: &Ident) -> TokenStream {
    let (name, function) = (text(&code.function), function(&code.function));
    quote! {
        Code::linked(#name, &StepFunction(|context| ::std::boxed::Box::pin(async move {
            #module::#function(context).await.map_err(::core::convert::Into::into)
        })))
    }
}

/// A function's name, which may be one that Rust keeps for itself.
fn function(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(name) => Ident::new_raw(name, Span::call_site()),
        None => format_ident!("{name}"),
    }
}

fn outside(outside: &Outside) -> TokenStream {
    let Outside { resume, concurrently, is_atomic } = outside;
    let resume = match resume {
        Resume::Again => quote!(Again),
        Resume::Setting => quote!(Setting),
        Resume::CreateIndex { index, table } => {
            let (index, table) = (text(index), text(table));
            quote!(CreateIndex { index: #index, table: #table })
        }
        Resume::DropIndex { index } => {
            let index = text(index);
            quote!(DropIndex { index: #index })
        }
        Resume::Unknown => quote!(Unknown),
    };
    quote!(Outside { resume: Resume::#resume, concurrently: #concurrently, is_atomic: #is_atomic })
}

fn route(route: &Route) -> TokenStream {
    let several = |routes: &[Route]| list(routes.iter().map(self::route));
    match route {
        Route::Everywhere => quote!(Route::Everywhere),
        Route::Group(name) => name_of(quote!(Route::Group), quote!(GroupName), name.as_str()),
        Route::Database(name) => name_of(quote!(Route::Database), quote!(DatabaseName), name.as_str()),
        Route::Label(name) => name_of(quote!(Route::Label), quote!(Label), name.as_str()),
        Route::Any(routes) => {
            let routes = several(routes);
            quote!(Route::Any(#routes))
        }
        Route::All(routes) => {
            let routes = several(routes);
            quote!(Route::All(#routes))
        }
        Route::Not(routes) => {
            let routes = several(routes);
            quote!(Route::Not(#routes))
        }
    }
}
