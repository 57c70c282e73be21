//! Every migration says where it is to run: nothing runs everywhere by accident.

use crate::Diagnostic;
use crate::project::{MigrationFile, Project};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    // A file without a statement is a fault of its own, and most often has nothing at all.
    let has_none = |migration: &&MigrationFile| {
        !migration.header.has_route && (migration.code.is_some() || !migration.statements.is_empty())
    };
    for migration in project.migrations.iter().filter(has_none) {
        let folder = match migration.name.folder.as_str() {
            "" => ".",
            folder => folder,
        };
        let fault = Diagnostic::new("no-route", "the migration has no route");
        let fault = match &migration.code {
            None => fault.in_file(&migration.source).help(
                "say which databases it is for at its top: `-- #[route(group = \"users\")]`, or `-- #[route(everywhere)]`",
            ),
            Some(function) => fault.at(&migration.source, function.span.clone(), "").help(
                "say which databases it is for before its function: `#[route(group = \"users\")]`, or `#[route(everywhere)]`",
            ),
        };
        faults.push(
            fault.help(format!("or give its folder a route in databases.toml, under `[routes]`: `\"{folder}\" = 'group = \"users\"'`")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{EVERYWHERE, FLEET, faults, faults_of};

    #[test]
    fn a_file_without_a_route() {
        insta::assert_snapshot!(faults(&[("users/V2__a.sql", "SELECT 1;")]));
    }

    #[test]
    fn a_step_without_a_route() {
        let step = "pub async fn a(context: &mut Context) -> Result { Ok(()) }\n";
        let found = faults(&[("users/V2__a.rs", step)]);
        assert!(found.starts_with("[no-route]") && found.contains("users/V2__a.rs:1:14"), "{found}");
        let routes = format!("{FLEET}[routes]\n\"users\" = 'group = \"users\"'\n");
        assert_eq!(faults_of(&routes, &[EVERYWHERE, ("users/V2__a.rs", step)]), "");
    }

    #[test]
    fn a_route_does_not_change_the_checksum_of_a_step() {
        let sum = |attributes: &str| {
            let step =
                format!("// x\n{attributes}pub async fn a(context: &mut Context) -> Result {{ Ok(()) }}\n");
            let set = crate::compile::compile(&super::super::testing::sources(
                FLEET,
                &[EVERYWHERE, ("V2__a.rs", &step)],
            ));
            set.unwrap().migrations[1].checksum
        };
        let one = sum("#[route(group = \"users\")]\n");
        assert_eq!(one, sum("#[route(\n    everywhere\n)]\n#[no_transaction]\n"));
        assert_ne!(one, sum("#[route(everywhere)]\n#[inline]\n"));
    }

    #[test]
    fn the_longest_folder_of_routes_wins() {
        let routes = "[routes]\n\".\" = 'everywhere'\n\"users\" = 'group = \"users\"'\n\"users/special\" = 'database = \"users_01\"'\n";
        let files = [
            EVERYWHERE,
            ("users/V2__a.sql", "SELECT 1;"),
            ("users/special/V2__b.sql", "-- #[route(group = \"catalog\")]\nSELECT 1;"),
            ("users/special/3_c/up.sql", "SELECT 1;"),
            ("users2/V4__d.sql", "SELECT 1;"),
        ];
        let sources = super::super::testing::sources(&format!("{FLEET}{routes}"), &files);
        let set = crate::compile::compile(&sources).unwrap();
        let routes: Vec<String> = set.migrations.iter().map(|m| format!("{}: {}", m.file, m.route)).collect();
        assert_eq!(
            routes,
            [
                "V1__start.sql: everywhere",
                "users/V2__a.sql: group = \"users\"",
                "users/special/V2__b.sql: group = \"catalog\"",
                "users/special/3_c/up.sql: database = \"users_01\"",
                "users2/V4__d.sql: everywhere",
            ]
        );
    }

    #[test]
    fn a_route_that_cannot_be_read_is_one_fault() {
        let found =
            faults_of(FLEET, &[EVERYWHERE, ("V2__a.sql", "-- #[route(grop = \"users\")]\nSELECT 1;")]);
        assert_eq!(found.matches("error:").count(), 1, "{found}");
    }
}
