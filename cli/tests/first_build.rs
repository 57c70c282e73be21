//! What `init` writes and prints is an application: its files, its commands and its program are taken as they are, built,
//! and run on SQLite. Only that these crates are on this machine is added to the commands.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The target folder of this workspace. What the application depends on is built once for all tests that build such.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

fn text(output: Output) -> String {
    let all =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{all}");
    all
}

/// The parts of a text that stand apart by four columns.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match (line.strip_prefix("    "), blocks.last_mut().unwrap()) {
            (Some(line), block) => block.push_str(&format!("{line}\n")),
            (None, block) if line.is_empty() && !block.is_empty() => block.push('\n'),
            (None, block) if block.is_empty() => {}
            (None, _) => blocks.push(String::new()),
        }
    }
    blocks.iter().map(|block| format!("{}\n", block.trim_end())).collect()
}

#[test]
fn what_init_makes_builds_and_migrates() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = target().join("tmp/first_build/begun");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(folder.join("src")).unwrap();
    // Without debug information it has the profile of the other crates that are built there.
    let manifest =
        "[package]\nname = \"begun\"\nedition = \"2024\"\n\n[workspace]\n\n[profile.dev]\ndebug = false\n";
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), "fn main() {}\n").unwrap();
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let command = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.current_dir(&folder).args(arguments).env("DATA_DIR", &folder);
        command.env("CARGO_TARGET_DIR", target().join("tests/rebuild")).env_remove("CARGO_BUILD_TARGET");
        command
    };
    let run = |program: &str, arguments: &[&str]| text(command(program, arguments).output().unwrap());
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let tool = env!("CARGO_BIN_EXE_cargo-sharded-migrations");

    let printed = run(tool, &["init", "--sqlite"]);
    let blocks = blocks(&printed);
    let [commands, main, last] = &blocks[..] else { panic!("three parts to be typed: {printed}") };
    for command in commands.lines() {
        let mut words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words.remove(0), "cargo", "{command}");
        let ours = [("sharded-migrations", "runtime"), ("sharded-migrations-build", "build")];
        let path = ours.iter().find(|(name, _)| words[1] == *name).map(|(_, folder)| workspace.join(folder));
        if let Some(path) = &path {
            words.extend(["--path", path.to_str().unwrap()]);
        }
        words.push("--offline");
        run(&cargo, &words);
    }
    fs::write(folder.join("src/main.rs"), main).unwrap();
    let typed: Vec<&str> = last.lines().collect();
    assert_eq!(typed, ["cargo run -- --migrate=plan", "cargo run -- --migrate"]);
    let migrate = |argument: &str| run(&cargo, &["run", "--quiet", "--offline", "--", argument]);
    let plan = migrate("--migrate=plan");
    assert!(plan.contains("create_account"), "{plan}");
    assert!(!plan.contains("warning"), "{plan}");
    assert!(!folder.join("users_01.db").exists());
    migrate("--migrate");
    assert!(folder.join("users_01.db").exists());

    // The next migration is built in by itself.
    run(tool, &["new", "add_name", "--group", "users"]);
    let file = folder.join("migrations/V2__add_name.sql");
    let begun = fs::read_to_string(&file).unwrap();
    fs::write(&file, begun + "ALTER TABLE account ADD name text;\n").unwrap();
    let done = migrate("--migrate");
    assert!(done.contains("1 migration applied on 1 of 1 database"), "{done}");
    assert!(migrate("--migrate=check").contains("1 of 1 database up to date"));

    // One in Rust is built as it was written, and does not pass for done before it is.
    run(tool, &["new", "fill_name", "--group", "users", "--rust", "--down"]);
    let file = folder.join("migrations/V3__fill_name.rs");
    let begun = fs::read_to_string(&file).unwrap();
    fs::write(file.with_extension("down.sql"), "UPDATE account SET name = NULL;\n").unwrap();
    let plan = migrate("--migrate=plan");
    assert!(plan.contains("fill_name") && !plan.contains("warning"), "{plan}");
    let failed = command(&cargo, &["run", "--quiet", "--offline", "--", "--migrate"]).output().unwrap();
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(!failed.status.success() && said.contains("what is to be done on users_01"), "{said}");

    let (before, after) = begun.split_once("    todo!").unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    let work = "    context.execute(\"UPDATE account SET name = 'none'\", &[]).await?;\n    Ok(())\n";
    fs::write(&file, [before, work, after].concat()).unwrap();
    let done = migrate("--migrate");
    assert!(done.contains("1 migration applied on 1 of 1 database"), "{done}");
    assert!(migrate("--migrate=check").contains("1 of 1 database up to date"));
}
