//! `init`: what is written and printed, and that nothing that is there is touched. `first_build.rs` builds what comes of it.

use std::fs;

use crate::support::{Project, Said, program};

/// A crate without a fleet.
fn bare() -> Project {
    let project = Project::new();
    project.remove("databases.toml");
    fs::remove_dir_all(project.path("migrations")).unwrap();
    project.write("src/main.rs", "fn main() {}\n");
    project
}

#[test]
fn the_first_files_are_sound_and_the_rest_is_printed() {
    for flag in ["", "--postgres", "--sqlite"] {
        let project = bare();
        let said = project.run(&format!("init {flag}"));
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        if flag != "--postgres" {
            insta::assert_snapshot!(said.out);
        }
        assert_eq!(project.read("src/main.rs"), "fn main() {}\n");
        assert_eq!(project.run("check").out, "1 migration for 1 database: nothing is wrong\n", "{flag}");
        let next = project.run("new add_name --group users");
        assert!(next.out.starts_with("created migrations/V2__add_name.sql\n"), "{}", next.out);
    }
}

/// What stands in comments is what a reader takes out of them.
#[test]
fn the_examples_in_the_fleet_are_sound() {
    for (flag, databases) in [("--postgres", 5), ("--sqlite", 5)] {
        let project = bare();
        assert_eq!(project.run(&format!("init {flag}")).code, 0);
        let is_example =
            |line: &str| line.starts_with("# [") || line.starts_with("# url = ") || line.contains(" = \"");
        let text = project.read("databases.toml");
        let lines = text.lines().map(|line| {
            let example = line.strip_prefix("# ").filter(|_| is_example(line) && !line.contains("`#["));
            format!("{}\n", example.unwrap_or(line))
        });
        let text: String = lines.collect();
        assert!(text.contains("\n[databases.\"users_{02..04}\"]\n"), "{text}");
        project.write("databases.toml", text);
        project
            .write("migrations/V2__all.sql", "-- #[route(everywhere)]\nCREATE TABLE setting (name text);\n");
        let said = project.run("check");
        assert_eq!(
            said.out,
            format!("2 migrations for {databases} databases: nothing is wrong\n"),
            "{}",
            said.err
        );
    }
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let project = bare();
    project.write("databases.toml", "mine");
    project.write("migrations/V1__create_account.sql/note", "a folder of that name");
    let said = project.run("init");
    assert_eq!((said.code, said.out.as_str()), (5, ""));
    insta::assert_snapshot!(said.err, @r"
    error: `databases.toml` is there already
    --> databases.toml
     = help: the crate has a fleet: `cargo sharded-migrations new` begins its next migration

    error: `migrations/V1__create_account.sql` is there already
    --> migrations/V1__create_account.sql
     = help: move it away, or do by hand what `init` does

    error: nothing was written: what is there is not overwritten
    ");
    assert_eq!(project.read("databases.toml"), "mine");
    assert!(!project.path("build.rs").exists());
}

#[test]
fn a_build_script_that_is_there_gets_a_line_by_hand() {
    for (manifest, file) in [("", "build.rs"), ("build = \"tools/script.rs\"\n", "tools/script.rs")] {
        let project = bare();
        project.write("Cargo.toml", format!("[package]\nname = \"app\"\n{manifest}"));
        project.write(file, "fn main() {}\n");
        let said = project.run("init");
        assert_eq!(said.code, 0, "{}", said.err);
        let line = format!(
            "Add a line to the `main` of {file}, so that a new migration builds the crate again:\n\n    sharded_migrations_build::track();\n"
        );
        assert!(said.out.contains(&line), "{}", said.out);
        assert_eq!(project.read(file), "fn main() {}\n");
        assert_eq!(project.path("build.rs").exists(), file == "build.rs");
    }
    let project = bare();
    project.write("Cargo.toml", "[package]\nname = \"app\"\nbuild = false\n");
    let said = project.run("init");
    assert!(said.out.contains("Note: `Cargo.toml` has `build = false`"), "{}", said.out);
    assert!(!project.path("build.rs").exists());
}

/// A project of another tool: its files are routed as they are.
#[test]
fn migrations_that_are_there_already_get_a_route() {
    let project = bare();
    project.write("migrations/20240131120000_account.sql", "CREATE TABLE account (id bigint);\n");
    let said = project.run("init");
    assert!(said.out.starts_with("created databases.toml\ncreated build.rs\n"), "{}{}", said.out, said.err);
    assert_eq!(project.run("check").out, "1 migration for 1 database: nothing is wrong\n");
    let next = project.run("new add_name --group users");
    assert!(next.out.contains("_add_name.sql\n") && next.out.contains("(its folder's, in "), "{}", next.out);
}

#[test]
fn in_another_folder_the_commands_say_which_crate_is_meant() {
    let project = bare();
    project.write("app/Cargo.toml", "[package]\nname = \"inner\"\n");
    let said = project.run("init --manifest-path app/Cargo.toml");
    assert!(said.out.contains("created app/databases.toml\n"), "{}", said.out);
    assert!(
        said.out.contains("cargo add clap --features derive --manifest-path app/Cargo.toml\n"),
        "{}",
        said.out
    );
    // The nearest crate above is the one.
    let said = Said::of(program(&project.path("src"), "init").output().unwrap());
    assert!(said.out.contains("created ../databases.toml\n"), "{}", said.out);
    assert!(said.out.contains("--manifest-path ../Cargo.toml\n"), "{}", said.out);
}

#[test]
fn what_is_no_crate_ends_with_2() {
    let project = bare();
    let fails = |words: &str, part: &str| {
        let said = project.run(&format!("init {words}"));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words}");
        assert!(said.err.contains(part), "{words}: {}", said.err);
        assert!(!project.path("databases.toml").exists());
    };
    fails("--sqlite --postgres", "cannot be used with");
    fails("--manifest-path no/Cargo.toml", "`--manifest-path no/Cargo.toml` is not a file");
    project.write("Cargo.toml", "[workspace]\nmembers = []\n");
    fails("", "`Cargo.toml` is no crate's: it has no `[package]`");
    project.write("Cargo.toml", "[package");
    fails("", "`Cargo.toml` is not valid TOML");
    let above = Said::of(program(std::path::Path::new("/"), "init").output().unwrap());
    assert_eq!(above.code, 2);
    assert!(above.err.contains("begin a crate with `cargo init`"), "{}", above.err);
}

/// All of them, or none.
#[test]
fn what_cannot_be_written_ends_with_1() {
    let project = bare();
    project.write("migrations", "no folder");
    let said = project.run("init");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(
        said.err.starts_with("error: `migrations/V1__create_account.sql` cannot be written: "),
        "{}",
        said.err
    );
    assert!(!project.path("databases.toml").exists());
}
