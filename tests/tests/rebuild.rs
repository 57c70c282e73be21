//! What only real builds show: when cargo builds a crate that embeds migrations again, what a failed build looks like,
//! and what is in the binary.
//!
//! The crates stand in the target folder, each under a name of its own, and share a target folder there, so that what
//! they depend on is built once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use sharded_migrations_core::compile::compile;
use sharded_migrations_core::lock::Lock;
use sharded_migrations_core::project::Sources;

const FLEET: &str = r#"[groups.users]

[databases.default]
url = "sqlite:${FOLDER}/default.db"

[databases."users_{01..02}"]
group = "users"
url = "sqlite:${FOLDER}/users_{01..02}.db"
"#;

const EVERYWHERE: &str =
    "-- #[route(everywhere)]\nCREATE TABLE setting (name text PRIMARY KEY, value text);\n";

const MAIN: &str = r#"
use clap::Parser;
use sharded_migrations::cli::MigrateArgs;
use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations = embed_sharded_migrations!();

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    migrate: MigrateArgs,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    if let Some(code) = Arguments::parse().migrate.run(&MIGRATIONS).await.exit() {
        return code;
    }
    for migration in MIGRATIONS.migrations.iter() {
        println!("{}: {}", MIGRATIONS.path(migration), migration.sql);
    }
    std::process::ExitCode::SUCCESS
}
"#;

/// A crate that embeds `migrations/` and `databases.toml`, with one migration.
struct Crate {
    name: &'static str,
    folder: PathBuf,
}

impl Crate {
    fn new(name: &'static str) -> Self {
        let this = Self { name, folder: target().join("tmp/rebuild").join(name) };
        if this.folder.exists() {
            fs::remove_dir_all(&this.folder).unwrap();
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let path = workspace.display();
        // Without debug information all crates here have the same profile and no path but their own.
        let manifest = format!(
            r#"[package]
name = "{name}"
edition = "2024"

[workspace]

[dependencies]
clap = {{ version = "4", features = ["derive"] }}
sharded-migrations = {{ path = '{path}/runtime', default-features = false, features = ["clap", "sqlite"] }}
tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}

[build-dependencies]
sharded-migrations-build = {{ path = '{path}/build' }}

[profile.dev]
debug = false
"#
        );
        this.write("Cargo.toml", &manifest);
        this.write("src/main.rs", MAIN);
        this.write("databases.toml", FLEET);
        this.write("migrations/V1__setting.sql", EVERYWHERE);
        fs::copy(workspace.join("Cargo.lock"), this.folder.join("Cargo.lock")).unwrap();
        this
    }

    fn with_build_script(self) -> Self {
        self.write("build.rs", "fn main() {\n    sharded_migrations_build::track();\n}\n");
        self
    }

    /// Switches the lints on, in the macro and in the build script.
    fn with_lints(self) -> Self {
        let manifest = fs::read_to_string(self.folder.join("Cargo.toml")).unwrap();
        let manifest = manifest.replace(r#""sqlite"] }"#, r#""sqlite", "lint"] }"#);
        let plain = "/build' }";
        assert!(manifest.contains(plain), "{manifest}");
        self.write("Cargo.toml", &manifest.replace(plain, r#"/build', features = ["lint"] }"#));
        self.write(
            "build.rs",
            "fn main() {\n    sharded_migrations_build::track();\n    sharded_migrations_build::warn();\n}\n",
        );
        self
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn append(&self, path: &str, text: &str) {
        let old = fs::read_to_string(self.folder.join(path)).unwrap();
        self.write(path, &(old + text));
    }

    fn cargo(&self, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.folder).args(arguments).args(["--offline", "--color=never"]);
        cargo.env("CARGO_TARGET_DIR", target().join("tests/rebuild")).env_remove("CARGO_BUILD_TARGET");
        // As users build, who build more than once.
        cargo.env_remove("CARGO_INCREMENTAL");
        cargo.output().unwrap()
    }

    /// Builds, and says whether there was anything to build.
    fn build(&self) -> bool {
        let output = self.cargo(&["build"]);
        let messages = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{messages}");
        assert!(!messages.contains("warning"), "{messages}");
        messages.contains(&format!("Compiling {} ", self.name))
    }

    /// What a build that fails says: without the progress before it and without cargo's last word.
    fn errors(&self) -> String {
        let output = self.cargo(&["build"]);
        let messages = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{messages}");
        assert!(!messages.contains("warning"), "{messages}");
        let begin = messages.find("\nerror").expect(&messages) + 1;
        let end = messages.find("error: could not compile").expect(&messages);
        messages[begin..end].trim_end().to_owned()
    }

    fn binary(&self) -> PathBuf {
        target().join("tests/rebuild/debug").join(self.name).with_extension(std::env::consts::EXE_EXTENSION)
    }

    /// Standard output and standard error of the program.
    fn run(&self, arguments: &[&str]) -> (String, String) {
        let mut program = Command::new(self.binary());
        let output = program.args(arguments).env("FOLDER", &self.folder).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{stdout}{stderr}");
        (stdout, stderr)
    }
}

/// The target folder of this workspace.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

#[test]
fn what_is_not_built_in_says_which_feature_has_it() {
    let app = Crate::new("without_adopt").with_build_script();
    assert!(app.build());
    let output = Command::new(app.binary())
        .args(["--migrate=adopt", "--from", "refinery", "--yes"])
        .env("FOLDER", &app.folder)
        .output()
        .unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("switch on the feature `adopt` of its dependency `sharded-migrations`"),
        "{message}"
    );
}

#[test]
fn whatever_changes_is_built_again_and_nothing_else_is() {
    let app = Crate::new("tracked").with_build_script();
    app.write("migrations/V1__setting.down.sql", "DROP TABLE setting;\n");
    assert!(app.build());
    assert!(app.run(&[]).0.contains("value text);"));
    assert!(!app.build(), "nothing has changed");

    app.append("migrations/V1__setting.sql", "-- edited\n");
    assert!(app.build());
    assert!(app.run(&[]).0.contains("-- edited"));

    app.write(
        "migrations/users/V2__account.sql",
        "-- #[route(group = \"users\")]\nCREATE TABLE account (id int);\n",
    );
    assert!(app.build());
    assert!(app.run(&[]).0.contains("migrations/users/V2__account.sql: "));

    // A file that comes from elsewhere keeps its time.
    app.write(
        "V3__email.sql",
        "-- #[route(group = \"users\")]\nALTER TABLE account ADD COLUMN email text;\n",
    );
    let years_ago = SystemTime::now() - Duration::from_secs(100_000_000);
    File::open(app.folder.join("V3__email.sql")).unwrap().set_modified(years_ago).unwrap();
    fs::rename(app.folder.join("V3__email.sql"), app.folder.join("migrations/V3__email.sql")).unwrap();
    assert!(app.build());
    assert!(app.run(&[]).0.contains("migrations/V3__email.sql: "));

    fs::rename(app.folder.join("migrations/V3__email.sql"), app.folder.join("migrations/V3__add_email.sql"))
        .unwrap();
    assert!(app.build());
    assert!(app.run(&[]).0.contains("migrations/V3__add_email.sql: "));

    fs::remove_file(app.folder.join("migrations/V3__add_email.sql")).unwrap();
    assert!(app.build());
    assert!(!app.run(&[]).0.contains("email"));

    app.append("databases.toml", "\n[databases.archive]\nurl = \"sqlite:${FOLDER}/archive.db\"\n");
    assert!(app.build());
    let (report, warnings) = app.run(&["--migrate", "--progress", "never"]);
    assert!(report.contains("archive"), "{report}");
    assert_eq!(warnings, "");

    app.append("migrations/V1__setting.down.sql", "COMMIT;\n");
    assert!(app.errors().contains("migrations/V1__setting.down.sql:2:1"));
    app.write("migrations/V1__setting.down.sql", "");
    assert!(app.build());
    assert!(!app.build(), "nothing has changed");
}

#[test]
fn a_lock_that_comes_or_goes_is_noticed() {
    let app = Crate::new("locked").with_build_script();
    assert!(app.build());
    let (migrations, databases) = (app.folder.join("migrations"), app.folder.join("databases.toml"));
    let shown = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let sources = Sources::read(&migrations, &databases, shown).unwrap();
    app.write("migrations/migrations.lock", &Lock::of(&compile(&sources).unwrap()).to_string());
    assert!(app.build());
    assert!(!app.build(), "nothing has changed");
    assert_eq!(app.run(&["--migrate", "--progress", "never"]).1, "", "it is none of the migration files");

    app.append("migrations/V1__setting.sql", "-- edited\n");
    let errors = app.errors();
    assert!(errors.contains("`V1__setting.sql` was edited after it was locked"), "{errors}");
    app.write("migrations/V1__setting.sql", EVERYWHERE);
    assert!(app.build());

    app.append("migrations/migrations.lock", "<<<<<<< HEAD\n");
    assert!(app.errors().contains("migrations/migrations.lock:"));
    fs::remove_file(migrations.join("migrations.lock")).unwrap();
    assert!(app.build());
}

#[test]
fn without_a_build_script_an_added_file_is_noticed_at_the_start() {
    let app = Crate::new("untracked");
    assert!(app.build());
    assert_eq!(app.run(&["--migrate", "--progress", "never"]).1, "");

    app.append("migrations/V1__setting.sql", "-- edited\n");
    assert!(app.build(), "what is embedded is tracked");
    assert!(app.run(&[]).0.contains("-- edited"));
    app.write("migrations/V1__setting.sql", EVERYWHERE);
    assert!(app.build());

    app.write(
        "migrations/users/V2__account.sql",
        "-- #[route(group = \"users\")]\nCREATE TABLE account (id int);\n",
    );
    app.write("migrations/notes.md", "No migration.\n");
    assert!(!app.build(), "what was not there is not tracked");
    let (_, warnings) = app.run(&["--migrate", "--progress", "never"]);
    assert!(warnings.contains("warning: this binary was built from other migration files"), "{warnings}");
    assert!(warnings.contains("users/V2__account.sql"), "{warnings}");
    assert!(warnings.contains("sharded_migrations_build::track()"), "{warnings}");
    assert!(!warnings.contains("notes.md"), "{warnings}");
}

#[test]
fn a_fault_stops_the_build_where_it_is() {
    let app = Crate::new("faulty").with_build_script();
    app.write(
        "migrations/V7__add_email.sql",
        "-- Adds the address that the mailer reads.\n-- #[route(group = \"user\")]\nALTER TABLE account ADD COLUMN email text;\n",
    );
    let errors = app.errors();
    // Exactly this, then rustc's own pointer to the macro: no second error, no warning.
    let expected = r#"error: no shard group is called `user`
        --> migrations/V7__add_email.sql:2:20
         |
       2 | -- #[route(group = "user")]
         |                    ^^^^^^ unknown group
         |
         = help: did you mean `users`? groups in databases.toml: users
 --> src/main.rs:6:33
"#;
    assert!(errors.starts_with(expected), "{errors}");
    assert!(!errors[expected.len()..].contains("error:"), "{errors}");

    app.write(
        "migrations/V7__add_email.sql",
        "-- #[route(group = \"users\")]\nCREATE TABLE account (email text);\n",
    );
    assert!(app.build());
    assert!(app.run(&[]).0.contains("V7__add_email.sql"));
}

/// A fleet of PostgreSQL, which is what lints are about.
const POSTGRES: &str = "[databases.default]\nurl = \"${DATABASE_URL}\"\n";

const DANGEROUS: &str = "-- #[route(everywhere)]\n\n-- My orders.\nCREATE INDEX orders_account_idx\n    ON orders (account_id);\n";

#[test]
fn what_the_lints_say_are_warnings_of_the_build_until_it_is_denied() {
    let app = Crate::new("linted").with_lints();
    app.write("databases.toml", POSTGRES);
    app.write("migrations/V2__index_orders.sql", DANGEROUS);
    let warnings = || {
        let output = app.cargo(&["build"]);
        let messages = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{messages}");
        let warnings = messages.lines().filter(|line| line.starts_with("warning"));
        (warnings.map(str::to_owned).collect::<Vec<_>>(), messages.contains("Compiling linted "))
    };
    let (first, is_built) = warnings();
    assert!(is_built);
    let expected = "warning: linted@0.0.0: migrations/V2__index_orders.sql:4:1: building this index locks out writes to \
                    `orders` until it is done [index-not-concurrent]; write `CREATE INDEX CONCURRENTLY`, in a migration \
                    of its own with `-- #[no_transaction]`";
    assert_eq!(first, [expected]);
    assert_eq!(warnings(), (first, false), "cargo shows them again when there is nothing to build");

    app.append("databases.toml", "\n[lints]\nall = \"deny\"\n");
    let output = app.cargo(&["build"]);
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{messages}");
    assert!(messages.contains("--> migrations/V2__index_orders.sql:4:1"), "{messages}");
    assert!(!messages.contains("warning"), "what stops the build is told once: {messages}");

    app.write(
        "migrations/V2__index_orders.sql",
        &DANGEROUS.replace("-- My", "-- #[allow(index-not-concurrent)]\n-- My"),
    );
    assert_eq!(warnings(), (Vec::new(), true));
}

#[test]
fn a_lint_cannot_be_denied_where_nothing_looks_for_it() {
    let app = Crate::new("unlinted").with_build_script();
    app.write("databases.toml", &format!("{POSTGRES}\n[lints]\nindex-not-concurrent = \"deny\"\n"));
    app.write("migrations/V2__index_orders.sql", DANGEROUS);
    let errors = app.errors();
    assert!(errors.contains("--> databases.toml:5:24"), "{errors}");
    assert!(errors.contains(r#"features = ["lint"]"#), "{errors}");

    app.write("databases.toml", &format!("{POSTGRES}\n[lints]\nindex-not-concurrent = \"warn\"\n"));
    assert!(app.build());
}

/// In a workspace rustc names files relative to the workspace, and so does the macro.
#[test]
fn a_member_of_a_workspace_has_the_paths_of_the_workspace() {
    let app = Crate::new("member");
    let inner = app.folder.join("apps/shop");
    fs::create_dir_all(&inner).unwrap();
    for name in ["src", "migrations", "databases.toml"] {
        fs::rename(app.folder.join(name), inner.join(name)).unwrap();
    }
    let manifest = fs::read_to_string(app.folder.join("Cargo.toml")).unwrap();
    let (package, rest) = manifest.split_once("[workspace]").unwrap();
    let (dependencies, profile) = rest.split_once("[profile.dev]").unwrap();
    app.write("apps/shop/Cargo.toml", &format!("{package}{dependencies}"));
    app.write(
        "Cargo.toml",
        &format!("[workspace]\nresolver = \"3\"\nmembers = [\"apps/*\"]\n[profile.dev]{profile}"),
    );

    app.append("apps/shop/migrations/V1__setting.sql", "COMMIT;\n");
    let errors = app.errors();
    assert!(errors.contains("--> apps/shop/migrations/V1__setting.sql:3:1"), "{errors}");
    assert!(errors.contains("--> apps/shop/src/main.rs:6:33"), "{errors}");
}

#[test]
fn a_release_binary_has_no_path_of_this_machine() {
    let app = Crate::new("released");
    let folder = app.folder.to_str().unwrap();
    app.build();
    assert!(contains(&app.binary(), folder), "a debug build knows where it is from");

    // As in a release build, and with the dependencies that are built already.
    app.append("Cargo.toml", "\n[profile.dev.package.released]\ndebug-assertions = false\n");
    assert!(app.build());
    assert!(!contains(&app.binary(), folder));
    assert!(contains(&app.binary(), "CREATE TABLE setting"), "the text is there to be found");

    app.write("migrations/V2__account.sql", "-- #[route(everywhere)]\nCREATE TABLE account (id int);\n");
    assert_eq!(app.run(&["--migrate", "--progress", "never"]).1, "", "it does not look for its folder");
}

fn contains(file: &Path, text: &str) -> bool {
    let bytes = fs::read(file).unwrap();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// What git cannot hold, or not everywhere, and what an operating system words for itself.
#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_named() {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    let app = Crate::new("unreadable");
    let migrations = app.folder.join("migrations");
    let fault = |text: &str, count: usize| {
        let errors = app.errors();
        assert!(errors.contains(text), "{errors}");
        let found = errors.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(found, count, "{errors}");
    };

    // A link that leads nowhere, and one that leads back.
    symlink("nowhere.sql", migrations.join("V2__link.sql")).unwrap();
    fault("V2__link.sql", 1);
    fs::remove_file(migrations.join("V2__link.sql")).unwrap();
    symlink(".", migrations.join("loop")).unwrap();
    fault("folders nest too deep", 1);
    fs::remove_file(migrations.join("loop")).unwrap();

    // A file that cannot be read, also for root.
    let elsewhere = tempfile::tempdir().unwrap();
    let _socket = UnixListener::bind(elsewhere.path().join("socket")).unwrap();
    symlink(elsewhere.path().join("socket"), migrations.join("V2__socket.sql")).unwrap();
    fault("the file `migrations/V2__socket.sql` cannot be read: ", 1);
    fs::remove_file(migrations.join("V2__socket.sql")).unwrap();

    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let path = migrations.join(std::ffi::OsStr::from_bytes(b"V2__caf\xe9.sql"));
        fs::write(&path, EVERYWHERE).unwrap();
        fault("the file's name is not UTF-8", 1);
        fs::remove_file(path).unwrap();
    }

    assert!(app.build(), "all of it is gone");
    fs::remove_dir_all(&migrations).unwrap();
    fault("the folder of migrations `migrations` cannot be read: ", 1);
    fault("make the folder, or name another: `embed_sharded_migrations!(migrations = \"db/migrations\")`", 1);
    fs::remove_file(app.folder.join("databases.toml")).unwrap();
    fault("the file `databases.toml` cannot be read: ", 2);
}
