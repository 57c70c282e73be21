//! `new`: where a migration goes, what it is called, and what is refused.

use std::fs;
use std::time::SystemTime;

use serde_json::Value;

use crate::support::{FLEET, LOCK, Project};

/// The files that are made, and what else is said of them, where it goes well.
fn made(project: &Project, words: &str) -> Vec<String> {
    let said = project.run(&format!("new {words} --format json"));
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{words}: {}", said.out);
    let document: Value = serde_json::from_str(&said.out).unwrap();
    let created = document["new"]["created"].as_array().unwrap();
    created.iter().map(|file| file.as_str().unwrap().to_owned()).collect()
}

/// Without migrations, and with these.
fn with(files: &[&str]) -> Project {
    let project = Project::new();
    fs::remove_dir_all(project.path("migrations")).unwrap();
    fs::create_dir(project.path("migrations")).unwrap();
    for (index, file) in files.iter().enumerate() {
        let table = format!("-- #[route(group = \"users\")]\nCREATE TABLE t{index} (id int);\n");
        project.write(&format!("migrations/{file}"), table);
    }
    project
}

#[test]
fn a_migration_has_the_next_version_its_route_and_a_place_for_its_sql() {
    let project = Project::new();
    let said = project.run("new AddEmail --group users --down");
    insta::assert_snapshot!(said.all(), @r#"
    exit code 0
    --- standard output
    created migrations/users/V3__add_email.sql
    created migrations/users/V3__add_email.down.sql
      version    3
      route      group = "users"
      databases  users_01, users_02

    write its SQL below the comment: as long as there is no statement, the build refuses it
    --- standard error
    "#);
    let text = project.read("migrations/users/V3__add_email.sql");
    assert_eq!(text, "-- Add email.\n-- #[route(group = \"users\")]\n\n");
    let reverse = project.read("migrations/users/V3__add_email.down.sql");
    assert_eq!(reverse, "-- Takes back: add email.\n\n");

    let check = project.run("check");
    assert_eq!(check.code, 3);
    assert!(check.err.contains("the migration has no statement"), "{}", check.err);
    assert_eq!(check.err.matches("error: ").count(), 2, "nothing else: {}", check.err);
    project.write("migrations/users/V3__add_email.sql", text + "ALTER TABLE account ADD email text;\n");
    assert_eq!(project.run("check").code, 0);
}

/// The skeleton is sound as it stands; only where it is applied it fails.
#[test]
fn a_migration_in_rust_has_a_function_with_its_route() {
    let project = Project::new();
    let said = project.run("new Backfill --group users --rust --down");
    insta::assert_snapshot!(said.all(), @r#"
    exit code 0
    --- standard output
    created migrations/users/V3__backfill.rs
    created migrations/users/V3__backfill.down.sql
      version    3
      route      group = "users"
      databases  users_01, users_02

    write its function in place of `todo!`: as long as that is there, the migration fails and is rolled back
    --- standard error
    "#);
    let text = project.read("migrations/users/V3__backfill.rs");
    insta::assert_snapshot!(text, @r#"
    //! Backfill.

    use sharded_migrations::step::*;

    #[route(group = "users")]
    pub async fn backfill(context: &mut Context) -> Result {
        todo!("what is to be done on {}", context.database())
    }
    "#);
    assert!(project.read("migrations/users/V3__backfill.down.sql").starts_with("-- Takes back: backfill.\n"));
    project.write("migrations/users/V3__backfill.down.sql", "SELECT 1;\n");
    let check = project.run("check");
    assert_eq!((check.code, check.err.as_str()), (0, ""), "{}", check.out);

    // What is written next is above it, and called as it is.
    assert_eq!(made(&project, "x --group users"), ["migrations/users/V4__x.sql"]);
    let project = Project::new();
    project.write("databases.toml", format!("{FLEET}\n[routes]\n\"shards\" = 'group = \"users\"'\n"));
    assert_eq!(made(&project, "move --folder shards --rust"), ["migrations/shards/V3__move.rs"]);
    let text = project.read("migrations/shards/V3__move.rs");
    assert!(text.contains("\n\npub async fn step_move(") && !text.contains("#["), "{text}");
    assert_eq!(project.run("check").code, 0, "the folder's route is its");
}

#[test]
fn where_there_is_a_lock_it_is_to_be_written_later() {
    let project = Project::locked();
    let said = project.run("new x --everywhere");
    assert!(
        said.out.ends_with("\nand when it is finished, `cargo sharded-migrations lock`\n"),
        "{}",
        said.out
    );
}

#[test]
fn every_way_to_say_which_databases_it_is_for() {
    let project = Project::new();
    project.replace("databases.toml", "group = \"users\"\n", "group = \"users\"\nlabels = [\"eu\"]\n");
    for (words, route, file) in [
        ("--group catalog", r#"group = "catalog""#, "catalog/V3__x.sql"),
        ("--database default", r#"database = "default""#, "V2__x.sql"),
        ("--database users_02", r#"database = "users_02""#, "V3__x.sql"),
        ("--label eu", r#"label = "eu""#, "V4__x.sql"),
        ("--everywhere", "everywhere", "V5__x.sql"),
        ("--route not(label=\"eu\")", r#"not(label = "eu")"#, "V6__x.sql"),
    ] {
        assert_eq!(made(&project, &format!("x {words}")), [format!("migrations/{file}")], "{words}");
        let text = project.read(&format!("migrations/{file}"));
        assert_eq!(text, format!("-- X.\n-- #[route({route})]\n\n"), "{words}");
    }
}

/// Two groups have their own numbers, and share those of what goes everywhere.
#[test]
fn the_version_is_above_what_its_databases_have() {
    let project = Project::new();
    let write = |file: &str, route: &str| {
        project.write(&format!("migrations/{file}"), format!("-- #[route({route})]\nSELECT 1;\n"));
    };
    write("catalog/V40__a.sql", "group = \"catalog\"");
    assert_eq!(made(&project, "x --group users"), ["migrations/users/V3__x.sql"]);
    assert_eq!(made(&project, "x --database default"), ["migrations/V2__x.sql"]);
    assert_eq!(made(&project, "x --everywhere"), ["migrations/V41__x.sql"]);
    assert_eq!(made(&project, "x --group users"), ["migrations/users/V42__x.sql"]);
    // One of two databases is enough, and so is a file that may come late.
    write("users/U50__b.sql", "database = \"users_02\"");
    assert_eq!(made(&project, "x --group users"), ["migrations/users/V51__x.sql"]);
    assert_eq!(made(&project, "y --database users_01"), ["migrations/V52__y.sql"]);
    // What cannot be read may be for any database.
    write("users/V60__c.sql", "nowhere");
    assert_eq!(made(&project, "y --group users"), ["migrations/users/V61__y.sql"]);
    project.write("migrations/catalog/V70__d.sql", b"-- \xff");
    assert_eq!(made(&project, "y --group users"), ["migrations/users/V71__y.sql"]);
}

#[test]
fn what_is_locked_counts_also_where_it_is_gone() {
    let project = Project::locked();
    project.remove("migrations/users/V2__account.sql");
    assert_eq!(made(&project, "x --group users"), ["migrations/V3__x.sql"]);
    assert!(project.read(LOCK).contains("version = 2"));
}

#[test]
fn the_file_is_called_as_the_others_in_its_folder_are() {
    for (files, words, made_files) in [
        (&[][..], "x --group users --down", &["V1__x.sql", "V1__x.down.sql"][..]),
        (&["V007__a.sql"], "x --group users", &["V008__x.sql"]),
        (&["V007__a.sql", "V1000__b.sql"], "x --group users", &["V1001__x.sql"]),
        (&["7_a.sql"], "x --group users --down", &["8_x.sql", "8_x.down.sql"]),
        (&["7_a.up.sql", "7_a.down.sql"], "x --group users --down", &["8_x.up.sql", "8_x.down.sql"]),
        (&["07_a/up.sql"], "x --group users --down", &["08_x/up.sql", "08_x/down.sql"]),
        (&["V007__a.sql"], "x --group users --rust", &["V008__x.rs"]),
        (&["7_a.up.sql", "7_a.down.sql"], "x --group users --rust --down", &["8_x.up.rs", "8_x.down.sql"]),
        (&["07_a/up.sql"], "x --group users --rust --down", &["08_x/up.rs", "08_x/down.sql"]),
        // The newest one decides, and those of the same folder before all others.
        (&["7_a.sql", "V8__a.sql"], "x --group users", &["V9__x.sql"]),
        (&["a/V9__a.sql", "b/7_a.sql"], "x --group users", &["a/V10__x.sql"]),
        (&["a/V9__a.sql", "b/7_a.sql"], "x --group users --folder b", &["b/10_x.sql"]),
        (&["a/7_a.sql"], "x --group users --folder new", &["new/8_x.sql"]),
        (&["a/7_a.sql"], "x --group catalog", &["catalog/1_x.sql"]),
    ] {
        let project = with(files);
        let expected: Vec<String> = made_files.iter().map(|file| format!("migrations/{file}")).collect();
        assert_eq!(made(&project, words), expected, "{files:?} {words}");
        for file in expected {
            assert!(project.path(&file).is_file(), "{file}");
        }
    }
}

/// The time at which it was made, and never one below the newest.
#[test]
fn times_follow_each_other() {
    let now = || {
        let mut digits = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        digits.retain(|c| c.is_ascii_digit());
        digits.parse::<i64>().unwrap()
    };
    let version = |file: &str| -> i64 {
        let digits: String = file.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    };
    let project = with(&["20240131120000_a.sql"]);
    let before = now();
    let [first] = &made(&project, "x --group users")[..] else { panic!("one file") };
    let first = version(first);
    assert!((before..=now()).contains(&first), "{before} {first}");
    let [second] = &made(&project, "y --group users")[..] else { panic!("one file") };
    assert!(version(second) > first, "{first} {second}");

    let tomorrow = with(&["2199-12-31-235959_a/up.sql"]);
    assert_eq!(made(&tomorrow, "x --group users"), ["migrations/2200-01-01-000000_x/up.sql"]);
}

#[test]
fn the_folder_that_has_the_route_is_taken_and_says_it() {
    let project = Project::new();
    project.write(
        "databases.toml",
        format!("{FLEET}\n[routes]\n\"shards\" = 'group = \"users\"'\n\"one/a\" = 'everywhere'\n\"two\" = 'everywhere'\n"),
    );
    let said = project.run("new x --group users");
    assert!(
        said.out.contains("route      group = \"users\" (its folder's, in databases.toml)\n"),
        "{}",
        said.out
    );
    assert_eq!(project.read("migrations/shards/V3__x.sql"), "-- X.\n\n");
    // The folder alone says it, however deep the file lies in it; a route of its own wins.
    assert_eq!(made(&project, "y --folder shards/deep/"), ["migrations/shards/deep/V4__y.sql"]);
    assert_eq!(made(&project, "y --folder migrations/shards"), ["migrations/shards/V5__y.sql"]);
    assert_eq!(made(&project, "y --folder shards --group catalog"), ["migrations/shards/V3__y.sql"]);
    assert!(project.read("migrations/shards/V3__y.sql").contains("#[route(group = \"catalog\")]"));

    let said = project.run("new x --everywhere");
    assert_eq!(said.code, 2);
    let why =
        "error: `[routes]` has more than one folder for everywhere; choose with `--folder`: one/a, two\n";
    assert_eq!(said.err, why);
    assert_eq!(made(&project, "x --everywhere --folder two"), ["migrations/two/V6__x.sql"]);
    // From now on it is where the newest one lies.
    assert_eq!(made(&project, "y --everywhere"), ["migrations/two/V7__y.sql"]);
}

#[test]
fn nothing_is_overwritten() {
    let project = with(&["V1__a.sql"]);
    project.write("migrations/V1__x.sql", "-- #[route(group = \"catalog\")]\nCREATE TABLE x (id int);\n");
    project.write("migrations/V2__x.sql", "-- #[route(group = \"catalog\")]\nCREATE TABLE y (id int);\n");
    project.write("migrations/V3__x.down.sql", "DROP TABLE z;\n");
    // The number is free for these databases, and its file is not.
    assert_eq!(made(&project, "x --group users"), ["migrations/V4__x.sql"]);
    assert_eq!(made(&project, "y --group users"), ["migrations/V5__y.sql"]);
    project.write("migrations/V6__z.sql", "-- #[route(group = \"catalog\")]\nCREATE TABLE z (id int);\n");
    assert_eq!(made(&project, "z --group users --rust"), ["migrations/V7__z.rs"]);
    assert!(project.read("migrations/V2__x.sql").contains("CREATE TABLE y"));
    assert_eq!(project.read("migrations/V3__x.down.sql"), "DROP TABLE z;\n");
}

#[test]
fn what_cannot_be_asked_for_is_told_with_what_can() {
    let project = Project::new();
    project.write(
        "databases.toml",
        format!("{FLEET}\n[databases.users_01_replica]\nreplica_of = \"users_01\"\nurl = \"${{R}}\"\n"),
    );
    let before = files(&project);
    for (words, parts) in [
        (
            "x",
            &[
                "which databases is it for?",
                "`--group`",
                "groups in databases.toml: catalog, users",
                "databases: catalog, default, users_01",
            ][..],
        ),
        ("x --folder users", &["which databases is it for?"]),
        ("x --group user", &["no shard group is called `user`", "did you mean `users`?"]),
        ("x --database defalt", &["no database is called `defalt`", "did you mean `default`?"]),
        ("x --database users_01_replica", &["replicas are never migrated", "`users_01`"]),
        ("x --label eu", &["no database has the label `eu`", "labels in databases.toml: none"]),
        ("x --group a/b", &["`a/b` is not a name"]),
        ("x --route anny(everywhere)", &["`anny` is not part of a route", "did you mean `any`?"]),
        ("x --route group=\"user\"", &["no shard group is called `user`"]),
        ("x --route not(everywhere)", &["the route selects no database"]),
        (
            "x --route any(group=\"user\",group=\"catalogs\")",
            &["`user`", "\nerror: no shard group is called `catalogs`"],
        ),
        ("x --group users --everywhere", &["cannot be used with"]),
        ("V3__x.sql --everywhere", &["`V3__x.sql` is the name of a file", "`--folder`"]),
        ("é --everywhere", &["has the character 'é'"]),
        ("___ --everywhere", &["has no letter and no digit"]),
        ("x --everywhere --folder ../x", &["is not in the folder of migrations"]),
        ("x --everywhere --folder /tmp", &["is not in the folder of migrations"]),
        ("x --everywhere --folder .git", &["is hidden"]),
        ("--everywhere", &["<NAME>"]),
    ] {
        let said = project.run(&format!("new {words}"));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words}: {}", said.err);
        for part in parts {
            assert!(said.err.contains(part), "{words}: {}", said.err);
        }
    }
    assert_eq!(files(&project), before);
}

fn files(project: &Project) -> Vec<String> {
    let all = sharded_migrations_core::load::list(&project.path("migrations")).unwrap();
    all.into_iter().map(|(file, _)| file).collect()
}

#[test]
fn a_fleet_that_cannot_be_read_is_shown_and_nothing_is_written() {
    let project = Project::new();
    let before = files(&project);
    for (text, part) in [
        ("[groups", "not valid TOML"),
        ("[databases.default]\nurl = \"${URL}\"\ngruop = \"users\"\n", "gruop"),
        ("[databases.default]\nurl = \"${URL}\"\n[routes]\n\"a\" = 'grop = \"users\"'\n", "`grop`"),
    ] {
        project.write("databases.toml", text);
        let said = project.run("new x --everywhere");
        assert_eq!((said.code, said.out.as_str()), (5, ""), "{}", said.err);
        assert!(said.err.contains(part) && said.err.contains("--> databases.toml:"), "{}", said.err);
        let why = "error: nothing was written: what the fleet is has to be known\n";
        assert!(said.err.ends_with(why), "{}", said.err);
    }
    project.write(
        "databases.toml",
        "[databases.default]\nurl = \"${URL}\"\n[routes]\n\"a\" = 'group = \"users\"'\n",
    );
    let said = project.run("new x --folder a");
    assert_eq!(
        (said.code, said.err.as_str()),
        (2, "error: no shard group is called `users`; groups in databases.toml: none\n")
    );
    assert_eq!(files(&project), before);
}

#[test]
fn behind_the_last_version_there_is_none() {
    let project = with(&["V9223372036854775807__a.sql"]);
    let said = project.run("new x --group users");
    let why = "error: no version is above 9223372036854775807, which its databases have\n";
    assert_eq!((said.code, said.err.as_str()), (2, why));
}

/// Where a file is in the way of the folder: both files are there, or none is.
#[test]
fn what_cannot_be_written_ends_with_1() {
    let project = Project::new();
    project.write("migrations/shards", "no folder");
    let said = project.run("new x --group users --folder shards --down");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.starts_with("error: `migrations/shards/V3__x.sql` cannot be written: "), "{}", said.err);
    let long = "x".repeat(300);
    let said = project.run(&format!("new {long} --group users"));
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("cannot be written: "), "{}", said.err);
    assert_eq!(files(&project).len(), 4);
}
