//! `check`: what the build would say, and how the program ends.

use std::path::Path;
use std::process::Command;

use crate::support::{Project, Said};

const SOUND: &str = "3 migrations for 4 databases: nothing is wrong\n";

#[test]
fn a_sound_project_is_one_line() {
    let said = Project::new().run("check");
    assert_eq!(said, Said { code: 0, out: SOUND.into(), err: String::new() });
}

#[test]
fn every_fault_is_shown_as_the_build_shows_it() {
    let project = Project::new();
    project.write(
        "migrations/V7__add_email.sql",
        "-- #[route(group = \"user\")]\nALTER TABLE account ADD email text;\n",
    );
    project.write(
        "migrations/users/V8__stock.sql",
        "-- #[route(group = \"users\")]\nALTER TABLE product ADD stock int;\n",
    );
    insta::assert_snapshot!(project.run("check").all());
}

#[test]
fn steps_in_rust_are_checked_and_locked_too() {
    let project = Project::locked();
    let step = |route: &str| {
        let text =
            format!("#[route({route})]\npub async fn backfill(_: &mut Context) -> Result {{ Ok(()) }}\n");
        project.write("migrations/users/V7__backfill.rs", &text);
    };
    step("group = \"user\"");
    let said = project.run("check");
    assert!(said.code != 0 && said.all().contains("users/V7__backfill.rs:1:17"), "{}", said.all());
    step("group = \"users\"");
    assert_eq!(project.run("check").out, SOUND.replace('3', "4"));
    assert!(project.run("lock").out.contains("7 backfill (users/V7__backfill.rs)"));
    step("label = \"none\"");
    assert_ne!(project.run("check").code, 0);
    step("database = \"users_01\"");
    let said = project.run("check");
    assert!(said.code != 0 && said.all().contains("locked"), "{}", said.all());
}

#[test]
fn what_cannot_be_read_is_a_fault() {
    let project = Project::new();
    project.write("databases.toml", "[groups");
    insta::assert_snapshot!(project.run("check").all());
}

/// Cargo runs `cargo-sharded-migrations sharded-migrations check`.
#[test]
fn cargo_finds_the_program_and_its_name_is_no_verb() {
    let project = Project::new();
    assert_eq!(project.run("sharded-migrations check").out, SOUND);
    let folder = Path::new(env!("CARGO_BIN_EXE_cargo-sharded-migrations")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let paths = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap());
    cargo.args(["sharded-migrations", "check"]).current_dir(project.folder());
    let said = Said::of(cargo.env("PATH", std::env::join_paths(paths).unwrap()).output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (0, SOUND), "{}", said.err);
}

#[test]
fn a_command_line_that_is_wrong_ends_with_2() {
    let project = Project::new();
    for words in ["", "chek", "check --format yaml", "check extra", "lock --check --accept-changes"] {
        let said = project.run(words);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words}: {}", said.err);
        assert!(said.err.contains("--help") || said.err.contains("Usage: "), "{words}: {}", said.err);
    }
    let said = project.run("check --help");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert!(said.out.contains("Usage: cargo sharded-migrations check"), "{}", said.out);
}

#[test]
fn colours_are_for_terminals() {
    let project = Project::new();
    project.write("migrations/V7__x.sql", "-- #[route(group = \"user\")]\nSELECT 1;\n");
    let coloured = |variables: &[(&str, &str)]| {
        let said = Said::of(project.command("check").envs(variables.iter().copied()).output().unwrap());
        assert_eq!(said.code, 3);
        said.err.contains('\u{1b}')
    };
    assert!(!coloured(&[]), "this is none");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}
