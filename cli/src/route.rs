//! Which databases are meant on a command line.

use std::sync::Arc;

use sharded_migrations_core::header::predicate::{Key, Mention, RouteSource, read_text};
use sharded_migrations_core::source::{SourceFile, Spanned};
use sharded_migrations_core::topology::read::TopologyFile;
use sharded_migrations_core::{Database, DatabaseName, Diagnostic, GroupName, Label, Route, check, suggest};

use crate::Failure;
use crate::args::{RouteArgs, Selection};

/// The route that is asked for; `None` where none is.
pub(crate) fn read(arguments: &RouteArgs, topology: &TopologyFile) -> Result<Option<Route>, Failure> {
    let RouteArgs { group, database, label, everywhere, route } = arguments;
    let read = if let Some(name) = group {
        named(Key::Group, name, GroupName::new(name.as_str()).map(Route::Group))?
    } else if let Some(name) = database {
        named(Key::Database, name, DatabaseName::new(name.as_str()).map(Route::Database))?
    } else if let Some(name) = label {
        named(Key::Label, name, Label::new(name.as_str()).map(Route::Label))?
    } else if *everywhere {
        return Ok(Some(Route::Everywhere));
    } else if let Some(text) = route {
        let source = Arc::new(SourceFile { path: "--route".to_owned(), text: text.clone() });
        read_text(text, 0, &source).map_err(|fault| usage(&[fault]))?
    } else {
        return Ok(None);
    };
    sound(read, topology).map(Some)
}

/// A route whose names are there, and that selects something.
pub(crate) fn sound(read: RouteSource, topology: &TopologyFile) -> Result<Route, Failure> {
    let faults = check::of_route(topology, &read);
    if faults.is_empty() { Ok(read.route) } else { Err(usage(&faults)) }
}

/// A route of one name.
fn named(
    key: Key,
    name: &str,
    route: Result<Route, sharded_migrations_core::names::InvalidName>,
) -> Result<RouteSource, Failure> {
    let route = route.map_err(|error| Failure::usage(error.to_string()))?;
    let source = Arc::new(SourceFile { path: String::new(), text: name.to_owned() });
    let span = 0..name.len();
    let mentions = vec![Mention { key, name: Spanned::new(name.to_owned(), span.clone()) }];
    Ok(RouteSource { route, mentions, source, span })
}

/// What is wrong with a route, in a line for each fault: where it stands is in view.
fn usage(faults: &[Diagnostic]) -> Failure {
    let line = |fault: &Diagnostic| {
        let advice: Vec<&str> = fault.help.iter().map(String::as_str).collect();
        [&[fault.message.as_str()], advice.as_slice()].concat().join("; ")
    };
    Failure::usage(faults.iter().map(line).collect::<Vec<_>>().join("\nerror: "))
}

/// What can be asked for, for whoever has not.
pub(crate) fn choices(topology: &TopologyFile) -> String {
    let topology = &topology.topology;
    let groups = suggest::list(topology.groups.iter().map(|group| group.as_str()));
    let databases = suggest::list(topology.primaries().map(|database| database.name.as_str()));
    format!("groups in {}: {groups}; databases: {databases}", topology.file)
}

/// The databases that a selection takes: each that is named, and those of each group that is named.
pub(crate) fn select<'t>(
    selection: &Selection,
    topology: &'t TopologyFile,
) -> Result<Vec<&'t Database>, Failure> {
    let mut routes = Vec::new();
    for name in &selection.group {
        let group = RouteArgs { group: Some(name.clone()), ..RouteArgs::default() };
        routes.extend(read(&group, topology)?);
    }
    for name in &selection.database {
        let database = RouteArgs { database: Some(name.clone()), ..RouteArgs::default() };
        routes.extend(read(&database, topology)?);
    }
    let is_selected =
        |database: &&Database| routes.is_empty() || routes.iter().any(|route| route.selects(database));
    Ok(topology.topology.primaries().filter(is_selected).collect())
}

/// The names of the databases that a route selects, in the fleet's order.
pub(crate) fn reached<'t>(route: &Route, topology: &'t TopologyFile) -> Vec<&'t str> {
    let selected = topology.topology.primaries().filter(|database| route.selects(database));
    selected.map(|database| database.name.as_str()).collect()
}

/// What one database, group or label is called, where a route asks for that alone.
pub(crate) fn only_name(route: &Route) -> Option<&str> {
    match route {
        Route::Group(name) => Some(name.as_str()),
        Route::Database(name) => Some(name.as_str()),
        Route::Label(name) => Some(name.as_str()),
        Route::Everywhere | Route::Any(_) | Route::All(_) | Route::Not(_) => None,
    }
}
