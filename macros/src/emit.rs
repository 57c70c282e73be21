//! A checked set as tokens: the same value, written out as const data.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{format_ident, quote};
use sharded_migrations_core::migration::{Kind, Timeouts, Transaction};
use sharded_migrations_core::set::Origin;
use sharded_migrations_core::{
    Code, Database, EngineKind, Locks, Migration, Migrations, OnFailure, Outside, Replaces, Requirement,
    Rerouted, Resume, Reverse, Role, Rollout, Route, Share, TableChanges, TableLock, Topology,
};

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
    // Each is an item of its own: rustc takes much longer to check one large expression, and checks again only what
    // has changed.
    let names: Vec<Ident> = (0..migrations.len()).map(|index| format_ident!("MIGRATION_{index}")).collect();
    let migrations = migrations
        .iter()
        .zip(&modules)
        .map(|(migration, module)| self::migration(migration, module.as_ref()));
    let topology = self::topology(topology);
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
        #(const #names: Migration = #migrations;)*
        const EMBEDDED: Migrations = Migrations {
            folder: #folder,
            migrations: Borrowed(&[#(#names),*]),
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

fn migration(migration: &Migration, module: Option<&Ident>) -> TokenStream {
    let Migration {
        version,
        name,
        file,
        kind,
        checksum,
        route,
        rerouted,
        transaction,
        timeouts,
        barrier,
        requires,
        replaces,
        vars,
        sql,
        attributes,
        statements,
        outside,
        locks,
        tables,
        reverse,
        code,
    } = migration;
    let version = version.get();
    let (name, file, sql) = (text(name), text(file), text(sql));
    let kind = match kind {
        Kind::Ordered => quote!(Ordered),
        Kind::OutOfOrder => quote!(OutOfOrder),
    };
    let checksum = Literal::byte_string(&checksum.0);
    let route = self::route(route);
    let rerouted = match rerouted {
        Rerouted { backfill: false, abandon: false } => quote!(Rerouted::NONE),
        Rerouted { backfill, abandon } => quote!(Rerouted { backfill: #backfill, abandon: #abandon }),
    };
    let transaction = self::transaction(*transaction);
    let (attributes, statements) = (ranges(attributes), ranges(statements));
    let outside = list(outside.iter().map(self::outside));
    let locks = option(locks.as_ref().map(self::locks));
    let reverse = option(reverse.as_ref().map(self::reverse));
    let tables = option(tables.as_ref().map(|TableChanges(changes)| {
        let changes = text(changes);
        quote!(TableChanges(#changes))
    }));
    let timeouts = self::timeouts(timeouts);
    let code = option(code.as_ref().zip(module).map(|(code, module)| self::code(code, module)));
    let requires = list(requires.iter().map(|Requirement { database, version }| {
        let (database, version) = (self::name(quote!(DatabaseName), database.as_str()), version.get());
        quote!(Requirement { database: #database, version: Version::embedded(#version) })
    }));
    let replaces = self::replaces(replaces);
    let vars = list(vars.iter().map(|var| text(var)));
    quote! {
        Migration {
            version: Version::embedded(#version),
            name: #name,
            file: #file,
            kind: Kind::#kind,
            checksum: Checksum(*#checksum),
            route: #route,
            rerouted: #rerouted,
            transaction: #transaction,
            timeouts: #timeouts,
            barrier: #barrier,
            requires: #requires,
            replaces: #replaces,
            vars: #vars,
            sql: #sql,
            attributes: #attributes,
            statements: #statements,
            outside: #outside,
            locks: #locks,
            tables: #tables,
            reverse: #reverse,
            code: #code,
        }
    }
}

fn replaces(replaces: &Replaces) -> TokenStream {
    if replaces.is_nothing() {
        return quote!(Replaces::NOTHING);
    }
    let ways = list(replaces.0.iter().map(|way| {
        list(way.iter().map(|version| {
            let version = version.get();
            quote!(Version::embedded(#version))
        }))
    }));
    quote!(Replaces(#ways))
}

fn reverse(reverse: &Reverse) -> TokenStream {
    let Reverse { file, transaction, timeouts, vars, sql, statements, outside, locks } = reverse;
    let (file, sql) = (text(file), text(sql));
    let (transaction, timeouts) = (self::transaction(*transaction), self::timeouts(timeouts));
    let vars = list(vars.iter().map(|var| text(var)));
    let statements = ranges(statements);
    let outside = list(outside.iter().map(self::outside));
    let locks = option(locks.as_ref().map(self::locks));
    quote! {
        Reverse {
            file: #file,
            transaction: #transaction,
            timeouts: #timeouts,
            vars: #vars,
            sql: #sql,
            statements: #statements,
            outside: #outside,
            locks: #locks,
        }
    }
}

fn transaction(transaction: Transaction) -> TokenStream {
    match transaction {
        Transaction::Whole => quote!(Transaction::Whole),
        Transaction::None => quote!(Transaction::None),
    }
}

fn timeouts(timeouts: &Timeouts) -> TokenStream {
    let Timeouts { lock, statement } = timeouts;
    let (lock, statement) = (duration(lock), duration(statement));
    quote!(Timeouts { lock: #lock, statement: #statement })
}

fn ranges(ranges: &[Range<usize>]) -> TokenStream {
    list(ranges.iter().map(|Range { start, end }| quote!(#start..#end)))
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

fn locks(locks: &Locks) -> TokenStream {
    let Locks { tables, is_whole } = locks;
    let tables = list(tables.iter().map(|TableLock { table, level }| {
        let (table, level) = (text(table), format_ident!("{level:?}"));
        quote!(TableLock { table: #table, level: LockLevel::#level })
    }));
    quote!(Locks { tables: #tables, is_whole: #is_whole })
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

fn topology(topology: &Topology) -> TokenStream {
    let Topology { file, groups, databases, rollout, out_of_order, development } = topology;
    let development = text(development);
    let out_of_order = format_ident!("{out_of_order:?}");
    let file = text(file);
    let groups = list(groups.iter().map(|group| name(quote!(GroupName), group.as_str())));
    let databases = list(databases.iter().map(database));
    let rollout = self::rollout(rollout);
    quote! {
        Topology {
            file: #file,
            groups: #groups,
            databases: #databases,
            rollout: #rollout,
            out_of_order: OutOfOrder::#out_of_order,
            development: #development,
        }
    }
}

fn rollout(rollout: &Rollout) -> TokenStream {
    let Rollout { canary, waves, concurrency, per_server, pause, on_failure, check } = rollout;
    let check = option(check.as_ref().map(|check| text(check)));
    let canary = list(canary.iter().map(|canary| name(quote!(DatabaseName), canary.as_str())));
    let waves = list(waves.iter().map(|share| match share {
        Share::Databases(number) => quote!(Share::Databases(#number)),
        Share::Percent(number) => quote!(Share::Percent(#number)),
    }));
    let per_server = option(per_server.map(|number| quote!(#number)));
    let pause = milliseconds(*pause);
    let on_failure = match on_failure {
        OnFailure::StopAbove(number) => quote!(StopAbove(#number)),
        OnFailure::Continue => quote!(Continue),
    };
    quote! {
        Rollout {
            canary: #canary,
            waves: #waves,
            concurrency: #concurrency,
            per_server: #per_server,
            pause: #pause,
            on_failure: OnFailure::#on_failure,
            check: #check,
        }
    }
}

fn database(database: &Database) -> TokenStream {
    let Database { name, role, group, labels, vars, engine, url, migrate_url, line } = database;
    let name = self::name(quote!(DatabaseName), name.as_str());
    let role = match role {
        Role::Primary => quote!(Role::Primary),
        Role::ReplicaOf(primary) => name_of(quote!(Role::ReplicaOf), quote!(DatabaseName), primary.as_str()),
    };
    let group = option(group.as_ref().map(|group| self::name(quote!(GroupName), group.as_str())));
    let labels = list(labels.iter().map(|label| self::name(quote!(Label), label.as_str())));
    let vars = list(vars.iter().map(|(key, value)| {
        let (key, value) = (text(key), text(value));
        quote!((#key, #value))
    }));
    let engine = option(engine.map(|engine| match engine {
        EngineKind::Postgres => quote!(EngineKind::Postgres),
        EngineKind::Sqlite => quote!(EngineKind::Sqlite),
    }));
    let url = text(url);
    let migrate_url = option(migrate_url.as_ref().map(|url| text(url)));
    quote! {
        Database {
            name: #name,
            role: #role,
            group: #group,
            labels: #labels,
            vars: #vars,
            engine: #engine,
            url: #url,
            migrate_url: #migrate_url,
            line: #line,
        }
    }
}

/// Where the set was read: in debug builds only, so that a release binary has no path of this
/// machine.
fn origin(origin: &Origin) -> TokenStream {
    let Origin { folder, files } = origin;
    let folder = text(folder);
    let files = list(files.iter().map(|file| text(file)));
    quote! {{
        #[cfg(debug_assertions)]
        { Some(Origin { folder: #folder, files: #files }) }
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

fn duration(duration: &Option<Duration>) -> TokenStream {
    option(duration.map(milliseconds))
}

fn milliseconds(duration: Duration) -> TokenStream {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    quote!(Duration::from_millis(#milliseconds))
}
