//! The fleet as tokens.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use sharded_migrations_core::{Database, EngineKind, OnFailure, Role, Rollout, Share, Topology};

use super::{list, milliseconds, name, name_of, option, text};

pub(super) fn topology(topology: &Topology) -> TokenStream {
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
