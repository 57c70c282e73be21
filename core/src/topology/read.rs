//! `databases.toml` read into a [`Topology`], with every fault in it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::entry::DatabaseEntry;
use super::table::{self, Table};
use super::{Database, OutOfOrder, Role, Topology, lints, rollout};
use crate::header::predicate::{self, RouteSource};
use crate::lint::Levels;
use crate::source::{Position, SourceFile, Spanned};
use crate::template::Template;
use crate::{DatabaseName, Diagnostic, GroupName, Text, suggest};

/// A topology and what the checks need of its file.
#[derive(Debug, Clone)]
pub struct TopologyFile {
    /// The fleet.
    pub topology: Topology,
    /// The file.
    pub source: Arc<SourceFile>,
    /// Whether every database could be read. Where one could not, nothing can be said of names and
    /// routes that may have been about it.
    pub is_whole: bool,
    /// Where each database is declared.
    pub declared: BTreeMap<DatabaseName, Range<usize>>,
    /// `[routes]`: the routes of folders.
    pub folder_routes: Vec<FolderRoute>,
    /// `[lints]`: how much each safety lint counts.
    pub lints: Levels,
}

impl TopologyFile {
    /// The line of `[routes]` for a folder: the longest folder that it is, or lies in.
    pub fn route_of_folder(&self, folder: &str) -> Option<&FolderRoute> {
        let covering = self.folder_routes.iter().filter(|route| route.covers(folder));
        covering.max_by_key(|route| route.folder.len())
    }
}

/// One line of `[routes]`.
#[derive(Debug, Clone)]
pub struct FolderRoute {
    /// The folder, relative to the folder of migrations; empty for that folder itself.
    pub folder: String,
    /// Where it is named.
    pub span: Range<usize>,
    /// Its route; `None` when it could not be read, which has been said already.
    pub route: Option<RouteSource>,
}

impl FolderRoute {
    /// Whether a folder is this one, or lies in it.
    pub fn covers(&self, folder: &str) -> bool {
        let rest = folder.strip_prefix(self.folder.as_str());
        rest.is_some_and(|rest| self.folder.is_empty() || rest.is_empty() || rest.starts_with('/'))
    }
}

/// Reads the file. What could be read is returned also when there are faults, so that the checks
/// find theirs as well; `None` when it is no TOML at all.
pub fn read(source: &Arc<SourceFile>, faults: &mut Vec<Diagnostic>) -> Option<TopologyFile> {
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        // Behind the first error of a line stands most often what it led to.
        let line =
            |error: &toml::de::Error| error.span().map(|span| Position::of(&source.text, span.start).line);
        let mut errors = errors;
        errors.dedup_by_key(|error| line(error));
        faults.extend(errors.iter().map(|error| {
            let span = error.span().unwrap_or(0..0);
            Diagnostic::new("topology", format!("not valid TOML: {}", error.message())).at(source, span, "")
        }));
        return None;
    }
    let root = Table::root(source, document.get_ref());
    root.refuse_others(
        &["groups", "databases", "routes", "rollout", "lints", "out_of_order", "development"],
        faults,
    );
    let before = faults.len();
    let groups = read_groups(&root, faults);
    let (databases, declared) = read_databases(&root, &groups, faults);
    let is_whole = faults.len() == before && !databases.is_empty();
    let folder_routes = read_routes(&root, faults);
    let rollout = rollout::read(&root, &databases, is_whole, faults);
    let lints = lints::read(&root, faults);
    let out_of_order = read_out_of_order(&root, faults);
    let development = read_development(&root, faults);
    if databases.is_empty() && faults.is_empty() {
        faults.push(Diagnostic::new("topology", "no database is declared").in_file(source).help(
            "declare each with its URL: `[databases.default]` and `url = \"${DATABASE_URL}\"` below it",
        ));
    }
    let topology = Topology {
        file: source.path.clone().into(),
        groups: groups.into_iter().map(|group| group.value).collect(),
        databases: databases.into(),
        rollout,
        out_of_order,
        development,
    };
    Some(TopologyFile { topology, source: Arc::clone(source), is_whole, declared, folder_routes, lints })
}

fn read_out_of_order(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> OutOfOrder {
    let Some(written) = root.text("out_of_order", faults) else { return OutOfOrder::default() };
    OutOfOrder::by_name(&written.value).unwrap_or_else(|| {
        let fault = root.fault(format!("`out_of_order` cannot be `{}`", written.value), &written.span);
        faults.push(fault.help(suggest::help(
            &written.value,
            "values",
            OutOfOrder::ALL.map(OutOfOrder::as_str),
        )));
        OutOfOrder::default()
    })
}

/// `true`, or `"${DEVELOPMENT:-false}"`.
fn read_development(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Text {
    let Some(written) = root.flag("development", faults) else { return "false".into() };
    let is_flag = |text: &str| matches!(text, "true" | "false");
    match Template::parse(&written.value) {
        Err(error) => faults.push(root.fault(error.message, &written.span)),
        Ok(template) if template.literal_start() == written.value && !is_flag(&written.value) => {
            let fault = root.fault(format!("`development` cannot be `{}`", written.value), &written.span);
            faults.push(fault.help("write `true`, `false`, or a variable: `\"${DEVELOPMENT:-false}\"`"));
        }
        Ok(_) => {}
    }
    written.value.into()
}

fn read_groups(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Spanned<GroupName>> {
    let Some(table) = root.table("groups", faults) else { return Vec::new() };
    let mut groups = Vec::new();
    for entry in table.entries() {
        let (key, _) = &entry;
        match Table::of(root.source, format!("the group `{}`", key.value), &entry) {
            Ok(group) => group.refuse_others(&[], faults),
            Err(fault) => faults.push(fault),
        }
        match GroupName::new(key.value.as_str()) {
            Ok(name) => groups.push(Spanned::new(name, key.span.clone())),
            Err(error) => faults.push(root.fault(error.to_string(), &key.span)),
        }
    }
    groups
}

type Databases = (Vec<Database>, BTreeMap<DatabaseName, Range<usize>>);

fn read_databases(
    root: &Table<'_>,
    groups: &[Spanned<GroupName>],
    faults: &mut Vec<Diagnostic>,
) -> Databases {
    let mut databases = Vec::new();
    let mut declared: BTreeMap<DatabaseName, Range<usize>> = BTreeMap::new();
    let mut replicas: Vec<(DatabaseName, Spanned<String>)> = Vec::new();
    let mut is_whole = true;
    let entries = root.table("databases", faults).map(|table| table.entries()).unwrap_or_default();
    for entry in &entries {
        let Some(template) = DatabaseEntry::read(root, entry, groups, faults) else {
            is_whole = false;
            continue;
        };
        for database in template.databases(root, faults) {
            if let Some(first) = declared.get(&database.name) {
                let twice = format!("the database `{}` is declared twice", database.name);
                faults.push(root.fault(twice, &entry.0.span).at(
                    root.source,
                    first.clone(),
                    "first declared here",
                ));
                // The others of a range have the same.
                break;
            }
            declared.insert(database.name.clone(), entry.0.span.clone());
            if let (Role::ReplicaOf(primary), Some(written)) = (&database.role, &template.replica_of) {
                replicas.push((primary.clone(), written.clone()));
            }
            databases.push(database);
        }
    }
    let known: HashMap<&DatabaseName, &Database> =
        databases.iter().map(|database| (&database.name, database)).collect();
    let mut faulty = None;
    for (primary, written) in replicas {
        let message = match known.get(&primary) {
            // One replica of a range stands for the others.
            _ if faulty.as_ref() == Some(&written.span) => continue,
            Some(found) if found.is_replica() => format!("`{primary}` is a replica itself"),
            // It may be one of those that could not be read.
            None if is_whole => format!("no database is called `{primary}`"),
            _ => continue,
        };
        let primaries = databases.iter().filter(|database| !database.is_replica());
        let names = primaries.map(|database| database.name.as_str());
        let help = suggest::help(primary.as_str(), "databases that can have a replica", names);
        faults.push(root.fault(message, &written.span).help(help));
        faulty = Some(written.span);
    }
    (databases, declared)
}

fn read_routes(root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<FolderRoute> {
    let Some(table) = root.table("routes", faults) else { return Vec::new() };
    let mut routes: Vec<FolderRoute> = Vec::new();
    for entry in table.entries() {
        let text = table::text(root.source, &entry, faults);
        let written = entry.0.value.trim_start_matches("./").trim_end_matches('/');
        let folder = if written == "." { String::new() } else { written.to_owned() };
        if let Some(first) = routes.iter().find(|route| route.folder == folder) {
            let twice = root.fault("this folder has a route already", &entry.0.span);
            faults.push(twice.at(root.source, first.span.clone(), "here"));
            continue;
        }
        let route = text.and_then(|text| read_route(root, &text).map_err(|fault| faults.push(fault)).ok());
        routes.push(FolderRoute { folder, span: entry.0.span, route });
    }
    routes
}

/// A route written as a TOML text. Its parts are pointed at where the text stands in the file as it
/// is; where it has escapes, all of it is.
fn read_route(root: &Table<'_>, text: &Spanned<String>) -> Result<RouteSource, Diagnostic> {
    let inside = text.span.start + 1..text.span.end.saturating_sub(1);
    if root.source.text.get(inside.clone()) == Some(text.value.as_str()) {
        return predicate::read_text(&text.value, inside.start, root.source);
    }
    let alone = Arc::new(SourceFile { path: root.source.path.clone(), text: text.value.clone() });
    let mut route = predicate::read_text(&text.value, 0, &alone)
        .map_err(|found| Diagnostic { places: root.fault("", &text.span).places, ..found })?;
    route.source = Arc::clone(root.source);
    route.span = text.span.clone();
    route.mentions.iter_mut().for_each(|mention| mention.name.span = text.span.clone());
    Ok(route)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Style;

    fn parse(text: &str) -> (Option<TopologyFile>, Vec<Diagnostic>) {
        let source = Arc::new(SourceFile { path: "databases.toml".into(), text: text.into() });
        let mut faults = Vec::new();
        (read(&source, &mut faults), faults)
    }

    #[test]
    fn a_fleet_as_the_documentation_has_it() {
        let (file, faults) = parse(
            r#"
            [groups.users]
            [databases.default]
            url = "${DATABASE_URL}"
            [databases."users_{01..03}"]
            group = "users"
            url = "postgres://app:${DB_PASSWORD}@db{01..03}/users"
            migrate_url = "${USERS_{01..03}_OWNER}"
            labels = ["eu", "gold"]
            vars = { shard_id = "{1..3}", region = "west", n = 4 }
            [databases."users_{01..03}_replica"]
            replica_of = "users_{01..03}"
            url = "postgres://r{01..03}/users"
            [routes]
            "catalog" = 'database = "default"'
            "." = "group = \"users\""
            [rollout]
            concurrency = 8
            "#,
        );
        assert_eq!(faults, []);
        let file = file.unwrap();
        let topology = &file.topology;
        assert_eq!(topology.rollout.concurrency, 8);
        let names: Vec<_> = topology.primaries().map(|database| database.name.as_str()).collect();
        assert_eq!(names, ["default", "users_01", "users_02", "users_03"]);
        let second = topology.database("users_02").unwrap();
        assert_eq!(second.url, "postgres://app:${DB_PASSWORD}@db02/users");
        assert_eq!(second.migrate_url.as_deref(), Some("${USERS_02_OWNER}"));
        assert_eq!((second.var("shard_id"), second.var("n"), second.var("x")), (Some("2"), Some("4"), None));
        assert_eq!(second.labels.len(), 2);
        assert_eq!(second.line, 5);
        let replica = topology.database("users_03_replica").unwrap();
        assert_eq!(replica.role, Role::ReplicaOf(DatabaseName::embedded("users_03")));
        let routes: Vec<_> = file
            .folder_routes
            .iter()
            .map(|r| (r.folder.as_str(), r.route.as_ref().unwrap().route.to_string()))
            .collect();
        assert_eq!(
            routes,
            [("catalog", "database = \"default\"".to_owned()), ("", "group = \"users\"".to_owned())]
        );
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let base = "[groups.users]\n[databases.default]\nurl = \"${URL}\"\n";
        let cases = [
            ("", "[databases.default\n"),
            ("", "[databases]\n"),
            (base, "[grups.x]\n"),
            (base, "[groups.\"a b\"]\n"),
            (base, "[groups.x]\nmembers = 3\n"),
            (base, "[databases.x]\nurl = \"${URL}\"\ngruop = \"users\"\n"),
            (base, "[databases.x]\nurl = \"${URL}\"\ngroup = \"user\"\n"),
            (base, "[databases.x]\ngroup = \"users\"\n"),
            (base, "[databases]\nx = 3\n"),
            (base, "[databases.x]\nurl = true\n"),
            (base, "[databases.x]\nurl = \"mysql://h/x\"\n"),
            (base, "[databases.x]\nurl = \"users.db\"\n"),
            (base, "[databases.x]\nurl = \"\"\n"),
            (base, "[databases.x]\nurl = \"${A B}\"\n"),
            (base, "[databases.x]\nurl = \"sqlite:x\"\nengine = \"postgres\"\n"),
            (base, "[databases.x]\nurl = \"${URL}\"\nengine = \"postgre\"\n"),
            (base, "[databases.x]\nurl = \"${URL}\"\nlabels = \"eu\"\n"),
            (base, "[databases.x]\nurl = \"${URL}\"\nlabels = [\"e u\"]\n"),
            (base, "[databases.x]\nurl = \"sqlite:{1..2}\"\n"),
            (base, "[databases.\"x{1..3}\"]\nurl = \"sqlite:{1..2}\"\n"),
            (base, "[databases.\"x{3..1}\"]\nurl = \"sqlite:{1..2}\"\n"),
            (base, "[databases.\"x{1..2}{1..2}\"]\nurl = \"sqlite:x\"\n"),
            (base, "[databases.\"{1..2}\"]\nurl = \"sqlite:{1..2}\"\n[databases.2]\nurl = \"sqlite:x\"\n"),
            (base, "[databases.all]\nurl = \"sqlite:x\"\n"),
            (base, "[databases.\"a b\"]\nurl = \"sqlite:x\"\n"),
            (base, "[databases.r]\nurl = \"sqlite:x\"\nreplica_of = \"defalt\"\n"),
            (base, "[databases.r]\nurl = \"sqlite:x\"\nreplica_of = \"r\"\n"),
            (base, "[databases.r]\nurl = \"sqlite:x\"\nreplica_of = \"default\"\ngroup = \"users\"\n"),
            (base, "[routes]\n\"a\" = 'grop = \"users\"'\n"),
            (base, "[routes]\n\"a\" = \"grop = \\\"users\\\"\"\n"),
            (base, "[routes]\n\"a\" = 'everywhere'\n\"a/\" = 'everywhere'\n"),
            (base, "[rollout]\nconcurrency = 0\n"),
            ("out_of_order = \"aply\"\n[groups.users]\n[databases.default]\nurl = \"${URL}\"\n", ""),
            ("development = \"yes\"\n[groups.users]\n[databases.default]\nurl = \"${URL}\"\n", ""),
            ("development = 3\n[groups.users]\n[databases.default]\nurl = \"${URL}\"\n", ""),
            ("out_of_order = true\n[groups.users]\n[databases.default]\nurl = \"${URL}\"\n", ""),
            (base, "[lints]\nindex-not-concurent = \"deny\"\n"),
            (base, "[lints]\nindex-not-concurrent = \"forbid\"\n"),
            (base, "[lints]\nall = \"denied\"\n"),
            (base, "[lints]\ndrop-table = true\n"),
            (base, "[lints]\nsince = \"V12\"\n"),
            (base, "[lints]\nsince = -1\n"),
            (base, "[lints.drop-table]\n"),
        ];
        let rendered: Vec<String> = cases
            .iter()
            .map(|(base, text)| {
                let faults = parse(&format!("{base}{text}")).1;
                assert_eq!(faults.len(), 1, "{text}: {faults:?}");
                faults[0].render(Style::Plain)
            })
            .collect();
        insta::assert_snapshot!(rendered.join("\n\n"));
    }

    #[test]
    fn faults_come_all_at_once() {
        let faults = parse("[x]\n[databases.a]\nurl = 1.5\n[databases.b]\n").1;
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
