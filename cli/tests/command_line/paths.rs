//! Where the project is, and how its files are named.

use crate::support::{FLEET, Project, Said, program};

#[test]
fn the_nearest_crate_with_migrations_is_the_project() {
    let project = Project::new();
    let outer = project.run("check").out;
    // A member without migrations of its own is passed over.
    project.write("tool/Cargo.toml", "");
    project.write("tool/src/main.rs", "");
    let in_tool = Said::of(program(&project.path("tool/src"), "check").output().unwrap());
    assert_eq!((in_tool.code, in_tool.out), (0, outer.clone()));
    // One with migrations is not.
    project.write("app/Cargo.toml", "");
    project.write("app/databases.toml", FLEET);
    project.write("app/migrations/V1__a.sql", "-- #[route(everywhere)]\nSELECT 1;\n");
    project.write("app/src/main.rs", "");
    let in_app = Said::of(program(&project.path("app/src"), "check").output().unwrap());
    assert_eq!(in_app.out, "1 migration for 4 databases: nothing is wrong\n");
    assert_eq!(project.run("check --manifest-path app/Cargo.toml").out, in_app.out);
    assert_eq!(project.run("check").out, outer);
}

#[test]
fn files_are_named_from_the_current_folder() {
    let project = Project::new();
    project.write("migrations/V7__x.sql", "-- #[route(group = \"user\")]\nSELECT 1;\n");
    project.write("src/bin/app.rs", "");
    let place = |folder: &str, words: &str| {
        let said = Said::of(program(&project.path(folder), words).output().unwrap());
        assert_eq!(said.code, 3, "{}", said.err);
        said.err.lines().find_map(|line| line.trim_start().strip_prefix("--> ").map(str::to_owned)).unwrap()
    };
    assert_eq!(place("", "check"), "migrations/V7__x.sql:1:20");
    assert_eq!(place("src/bin", "check"), "../../migrations/V7__x.sql:1:20");
    assert_eq!(place("migrations", "check"), "V7__x.sql:1:20");
    assert_eq!(place("src", "check --manifest-path ../Cargo.toml"), "../migrations/V7__x.sql:1:20");
}

#[test]
fn what_lies_elsewhere_is_named() {
    let project = Project::new();
    project.rename("migrations", "sql");
    project.rename("databases.toml", "fleet.toml");
    project.remove("Cargo.toml");
    let said = project.run("check --migrations sql --databases ./x/../fleet.toml");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let said = project.run("lock --migrations sql --databases fleet.toml");
    assert_eq!(said.out, "wrote sql/migrations.lock: 3 migrations\n");
    assert!(project.read("sql/migrations.lock").contains("\nname = \"account\"\n"));
}

#[test]
fn a_project_that_is_not_there_ends_with_2_and_says_how_to_name_it() {
    let project = Project::new();
    let fails = |words: &str, parts: &[&str]| {
        for verb in ["check", "lock", "check --format json"] {
            let said = project.run(&format!("{verb} {words}"));
            assert_eq!((said.code, said.out.as_str()), (2, ""), "{words}: {}", said.err);
            for part in parts {
                assert!(said.err.contains(part), "{words}: {}", said.err);
            }
        }
    };
    fails("--manifest-path no/Cargo.toml", &["`--manifest-path no/Cargo.toml` is not a file"]);
    fails("--manifest-path migrations", &["is not a file"]);
    fails("--migrations sql", &["no folder `sql`", "`--migrations`"]);
    fails("--migrations Cargo.toml", &["no folder `Cargo.toml`"]);
    fails("--databases fleet.toml", &["no file `fleet.toml`", "`--databases`"]);
    project.rename("migrations", "sql");
    fails("", &["no folder `migrations`", "`--migrations`"]);
    project.remove("databases.toml");
    fails("", &["a folder `migrations` or a `databases.toml`", "`--manifest-path`"]);
}
