//! What a migration requires is there, and no two wait for each other.

use std::ops::Range;

use crate::file_name::FileName;
use crate::project::{MigrationFile, Project};
use crate::rollout::{Blocked, Blocker, Known, Part, Pending, order};
use crate::source::Spanned;
use crate::topology::read::TopologyFile;
use crate::{Database, Diagnostic, Requirement, Role, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = project.topology.as_ref().filter(|topology| topology.is_whole) else { return };
    let before = faults.len();
    for migration in &project.migrations {
        for requires in &migration.header.requires {
            faults.extend(unknown(project, topology, migration, requires));
        }
    }
    let has_order = |file: &MigrationFile| !file.header.requires.is_empty() || file.header.barrier.is_some();
    if project.is_whole && faults.len() == before && project.migrations.iter().any(has_order) {
        circles(project, topology, faults);
    }
}

/// What is wrong with a requirement by itself.
fn unknown(
    project: &Project,
    topology: &TopologyFile,
    migration: &MigrationFile,
    Spanned { value: Requirement { database: name, version }, span }: &Spanned<Requirement>,
) -> Option<Diagnostic> {
    let fleet = &topology.topology;
    let fault = |message: String, label: &str, help: String| {
        Some(
            Diagnostic::new("unmet-requirement", message)
                .at(&migration.source, span.clone(), label)
                .help(help),
        )
    };
    let Some(database) = fleet.database(name.as_str()) else {
        let names = fleet.primaries().map(|database| database.name.as_str());
        let help = suggest::help(name.as_str(), &format!("databases in {}", topology.source.path), names);
        return fault(format!("no database is called `{name}`"), "unknown database", help);
    };
    if let Role::ReplicaOf(primary) = &database.role {
        let message = format!("`{name}` is a replica, and replicas are never migrated");
        return fault(message, "a replica", format!("require it of its primary: `{primary}:{version}`"));
    }
    let is_here =
        routed(project, database).iter().any(|file| pending(file).stands_for().any(|here| here == *version));
    if is_here || !project.is_whole {
        return None;
    }
    let message = format!("no migration {version} is routed to `{name}`");
    fault(
        message,
        "never applied there",
        "name one that is, or give that one a route to this database".into(),
    )
}

/// The order that the whole set would be applied in, from nothing: what cannot begin then never can.
fn circles(project: &Project, topology: &TopologyFile, faults: &mut Vec<Diagnostic>) {
    let databases: Vec<&Database> = topology.topology.primaries().collect();
    let routed: Vec<Vec<&MigrationFile>> =
        databases.iter().map(|database| routed(project, database)).collect();
    let known: Vec<Known<'_>> = routed
        .iter()
        .map(|files| Known { pending: files.iter().map(|file| pending(file)).collect(), ..Known::default() })
        .collect();
    let part = |(database, known)| Part { database, known: Some(known), runs: true };
    let names = databases.iter().map(|database| &database.name);
    let parts: Vec<Part<'_>> = names.zip(&known).map(part).collect();
    let mut told: Vec<&str> = Vec::new();
    for Blocked { part, step, blocker } in order(&parts).blocked {
        let (file, database) = (routed[part][step], &databases[part].name);
        if told.contains(&file.file.as_str()) {
            continue;
        }
        told.push(&file.file);
        let FileName { version, name, .. } = &file.name;
        let message = format!("{version} {name} can never begin on `{database}`: {blocker}");
        faults.push(
            Diagnostic::new("circular-requirement", message)
                .at(&file.source, place(file, &blocker), "waits for ever")
                .help("what it waits for waits for it in turn: give one of them a higher version, or let it wait for less"),
        );
    }
}

/// The migrations of a database, in order.
fn routed<'p>(project: &'p Project, database: &Database) -> Vec<&'p MigrationFile> {
    let selects =
        |file: &&MigrationFile| file.route.as_ref().is_some_and(|route| route.route.selects(database));
    project.migrations.iter().filter(selects).collect()
}

fn pending(file: &MigrationFile) -> Pending<'_> {
    Pending {
        version: file.name.version,
        replaces: file.header.replaces.iter().flatten().map(|version| version.value).collect(),
        barrier: file.header.barrier.is_some(),
        requires: file.header.requires.iter().map(|requires| &requires.value).collect(),
    }
}

fn place(file: &MigrationFile, blocker: &Blocker) -> Range<usize> {
    let written = match blocker {
        Blocker::Requires(requirement) => {
            let is_it = |requires: &&Spanned<Requirement>| requires.value == *requirement;
            file.header.requires.iter().find(is_it).map(|requires| requires.span.clone())
        }
        Blocker::Barrier { .. } => file.header.barrier.clone(),
        // Where everything is applied, nothing is taken back.
        Blocker::RequiredBy { .. } | Blocker::BehindIt { .. } => None,
    };
    written.unwrap_or(0..0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FLEET, faults, faults_of};

    const ORDERS: (&str, &str) = ("V2__orders.sql", "-- #[route(database = \"default\")]\nSELECT 2;\n");

    fn on(file: &str, route: &str, attribute: &str) -> (String, String) {
        (file.to_owned(), format!("-- #[route({route})]\n-- #[{attribute}]\nSELECT 3;\n"))
    }

    #[test]
    fn what_is_required_is_applied_there() {
        let cases = [
            "requires(\"default:2\")",
            "requires(\"default:1\", \"users_02:1\")",
            "barrier",
            "requires(\"defalt:2\")",
            "requires(\"users_01_replica:1\")",
            "requires(\"default:4\")",
            "requires(\"users_01:2\")",
        ];
        let rendered = cases.map(|attribute| {
            let (file, text) = on("V3__users.sql", "group = \"users\"", attribute);
            format!("# {attribute}\n{}", faults(&[ORDERS, (&file, &text)]))
        });
        insta::assert_snapshot!(rendered.join("\n\n"));
    }

    #[test]
    fn nothing_waits_for_itself() {
        let cases = [
            vec![
                on("a/V3__a.sql", "database = \"default\"", "requires(\"users_01:3\")"),
                on("b/V3__b.sql", "group = \"users\"", "requires(\"default:3\")"),
            ],
            vec![on("V3__a.sql", "group = \"users\"", "requires(\"users_01:3\")")],
            vec![
                on("V3__a.sql", "database = \"default\"", "requires(\"users_01:5\")"),
                on("V4__b.sql", "database = \"default\"", "no_transaction"),
                on("V5__c.sql", "group = \"users\"", "barrier"),
            ],
        ];
        let rendered = cases.map(|files| {
            let files: Vec<_> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
            faults(&files)
        });
        insta::assert_snapshot!(rendered.join("\n\n"));
    }

    #[test]
    fn an_order_that_works_is_no_fault() {
        let (second, third) = (
            on("V5__a.sql", "database = \"default\"", "requires(\"users_01:3\", \"users_02:3\")"),
            on("V3__b.sql", "group = \"users\"", "requires(\"default:2\")"),
        );
        let barrier = on("V9__c.sql", "everywhere", "barrier");
        let files: Vec<_> =
            [&second, &third, &barrier].map(|(file, text)| (file.as_str(), text.as_str())).into();
        assert_eq!(
            faults_of(FLEET, &[&[super::super::testing::EVERYWHERE, ORDERS], files.as_slice()].concat()),
            ""
        );
    }
}
