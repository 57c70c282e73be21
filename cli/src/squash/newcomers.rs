//! What databases get that are yet to come. Each of the old migrations has a route of its own and a squash has one, which
//! is right for the databases of today.

use std::collections::BTreeSet;

use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::{
    Database, DatabaseName, Diagnostic, GroupName, Label, Role, Topology, suggest,
};

use super::class::Class;
use super::file::File;
use super::refused::LOST;

/// So many labels are looked at in all combinations.
const LABELS: usize = 6;

/// So many kinds of databases are told of.
const KINDS: usize = 4;

/// Says which kinds of databases would get something else than before, if any.
pub(super) fn warning(classes: &[Class<'_>], files: &[File], topology: &Topology) -> Option<Diagnostic> {
    let told: Vec<String> =
        kinds(classes, topology).iter().filter_map(|kind| difference(kind, classes, files)).collect();
    if told.is_empty() {
        return None;
    }
    let message = "databases that are yet to come may get something else than from the old migrations";
    let mut warning = Diagnostic::new(LOST, message).severity(Severity::Warning);
    for note in told.iter().take(KINDS) {
        warning = warning.note(note);
    }
    if let Some(more @ 1..) = told.len().checked_sub(KINDS) {
        warning = warning.note(format!("so it is with {more} more kinds of databases"));
    }
    Some(warning.help("if there may be such a one, make the route of a squash wider before it is committed"))
}

/// One database, which is not there yet, of each group or of none, with each of the labels that routes ask for.
fn kinds(classes: &[Class<'_>], topology: &Topology) -> Vec<Database> {
    let is_free = |name: &DatabaseName| topology.database(name.as_str()).is_none();
    let names = (1..).filter_map(|number| DatabaseName::new(format!("new_{number}")).ok());
    let Some(name) = names.into_iter().find(is_free) else { return Vec::new() };
    let labels: BTreeSet<&Label> = classes.iter().flat_map(|class| &class.labels).take(LABELS).collect();
    let groups: Vec<Option<&GroupName>> =
        std::iter::once(None).chain(topology.groups.iter().map(Some)).collect();
    let subsets = (0..1_usize << labels.len()).map(|bits| {
        labels.iter().enumerate().filter(move |(index, _)| bits >> index & 1 == 1).map(|(_, label)| *label)
    });
    let of_group = |labels: Vec<Label>| {
        let name = name.clone();
        groups.clone().into_iter().map(move |group| Database {
            name: name.clone(),
            role: Role::Primary,
            group: group.cloned(),
            labels: labels.clone().into(),
            vars: Vec::new().into(),
            engine: None,
            url: "".into(),
            migrate_url: None,
            line: 0,
        })
    };
    subsets.flat_map(|labels| of_group(labels.cloned().collect())).collect()
}

/// What one would get no more, and what it would get besides.
fn difference(database: &Database, classes: &[Class<'_>], files: &[File]) -> Option<String> {
    let all = || classes.iter().flat_map(|class| class.migrations.iter().copied());
    let before: BTreeSet<&str> =
        all().filter(|one| one.route.selects(database)).map(|one| one.file.as_ref()).collect();
    let squashed = classes.iter().zip(files).filter(|(_, file)| file.route.selects(database));
    let after: BTreeSet<&str> =
        squashed.flat_map(|(class, _)| class.migrations.iter().map(|one| one.file.as_ref())).collect();
    let list = |files: Vec<&str>| (!files.is_empty()).then(|| suggest::list(files));
    let lost = list(before.difference(&after).copied().collect());
    let besides = list(after.difference(&before).copied().collect());
    let what = match (lost, besides) {
        (None, None) => return None,
        (Some(lost), None) => format!("nothing of {lost}"),
        (None, Some(besides)) => format!("also what was made by {besides}"),
        (Some(lost), Some(besides)) => format!("nothing of {lost}, and also what was made by {besides}"),
    };
    Some(format!("{} would get {what}", described(database)))
}

/// `one of the group `users` with the label `eu``
fn described(database: &Database) -> String {
    let group = match &database.group {
        Some(group) => format!("one of the group `{group}`"),
        None => "one of no group".to_owned(),
    };
    let labels: Vec<String> = database.labels.iter().map(|label| format!("`{label}`")).collect();
    match labels.as_slice() {
        [] => group,
        [label] => format!("{group} with the label {label}"),
        labels => format!("{group} with the labels {}", labels.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Range;
    use super::super::class::tests::set_of;
    use super::super::dump::Dump;
    use super::*;
    use sharded_migrations_core::{Route, Version};

    const USERS: &str = "[groups.users]\n[databases.\"users_{1..2}\"]\ngroup = \"users\"\nlabels = [\"eu\"]\n\
                         url = \"postgres://h/{1..2}\"\n";

    /// What is told where there are two migrations with these routes.
    fn told(routes: [&str; 2]) -> String {
        let set = set_of(USERS, &[(1, routes[0], ""), (2, routes[1], "")]);
        let classes = Class::all(&set, Range::parse("1..2").unwrap()).unwrap();
        let file = |route: Route| File {
            version: Version::new(9).unwrap(),
            name: String::new(),
            path: String::new(),
            route,
            ways: Vec::new(),
            vars: Vec::new(),
            body: Dump::default(),
        };
        let files: Vec<File> = classes.iter().map(|class| file(class.route(&set.topology))).collect();
        warning(&classes, &files, &set.topology).map(|warning| warning.notes.join("\n")).unwrap_or_default()
    }

    #[test]
    fn what_has_one_route_is_for_the_same_databases_ever_after() {
        for route in ["group = \"users\"", "everywhere", "label = \"eu\""] {
            assert_eq!(told([route, route]), "", "{route}");
        }
    }

    #[test]
    fn two_routes_that_select_the_same_today_may_not_tomorrow() {
        insta::assert_snapshot!(told(["group = \"users\"", "label = \"eu\""]));
    }
}
