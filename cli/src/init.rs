//! `init`: the first files of a crate that has no fleet yet, and what a person has to add by hand. Nothing that is there is
//! touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sharded_migrations_core::file_name::{Class, classify};
use sharded_migrations_core::source::SourceFile;
use sharded_migrations_core::{Diagnostic, EngineKind, load};
use toml::de::{DeTable, DeValue};

use crate::project::{View, nearest_manifest};
use crate::report::{Findings, Product, Started};
use crate::{Failure, create, exit_code};

const DATABASES: &str = "databases.toml";
const MIGRATIONS: &str = "migrations";
const FIRST: &str = "migrations/V1__create_account.sql";
const BUILD: &str = "build.rs";

/// For a folder of migrations that was there before.
const ROUTES: &str = "
# Where the files go that say nothing themselves: those that were here already. `.` is the folder of migrations.
[routes]
\".\" = 'group = \"users\"'
";

/// What there is of a crate.
struct Crate {
    folder: PathBuf,
    view: View,
    build_script: BuildScript,
    /// Whether migrations lie in its folder already.
    has_migrations: bool,
}

/// What a crate has for a build script.
#[derive(Debug, PartialEq, Eq)]
enum BuildScript {
    /// None yet.
    None,
    /// This file.
    File(String),
    /// `build = false`: none, whatever lies there.
    Off,
}

pub(crate) fn run(manifest: Option<&Path>, engine: EngineKind, view: View) -> Result<Findings, Failure> {
    let manifest = match manifest {
        Some(given) => {
            let path = view.absolute(given);
            if !path.is_file() {
                return Err(Failure::usage(format!("`--manifest-path {}` is not a file", given.display())));
            }
            path
        }
        None => nearest_manifest(view.here())?,
    };
    let this = Crate::read(&manifest, view)?;
    let files = this.files(engine);
    let in_the_way: Vec<Diagnostic> = files
        .iter()
        .filter(|(file, _)| this.folder.join(file).exists())
        .map(|(file, _)| this.exists(file))
        .collect();
    if !in_the_way.is_empty() {
        return Ok(Findings {
            command: "init",
            diagnostics: in_the_way,
            product: None,
            result: String::new(),
            failure: Some("nothing was written: what is there is not overwritten".to_owned()),
            code: exit_code::REFUSED,
        });
    }
    let files: Vec<(PathBuf, String)> =
        files.into_iter().map(|(file, text)| (this.folder.join(file), text)).collect();
    create::all(&files, &this.view)?;
    let created: Vec<String> = files.iter().map(|(path, _)| this.view.show(path)).collect();
    let started =
        Started { created, commands: this.commands(engine), build_script: this.line_to_add(), main: MAIN };
    Ok(Findings {
        command: "init",
        diagnostics: Vec::new(),
        result: instructions(&started, this.note()),
        product: Some(Product::Init(started)),
        failure: None,
        code: exit_code::DONE,
    })
}

const MAIN: &str = include_str!("init/main.rs.txt");

impl Crate {
    fn read(manifest: &Path, view: View) -> Result<Self, Failure> {
        let shown = view.show(manifest);
        let unreadable = |why: &str| Failure::usage(format!("`{shown}` {why}"));
        let text =
            fs::read_to_string(manifest).map_err(|error| unreadable(&format!("cannot be read: {error}")))?;
        let document = DeTable::parse(&text)
            .map_err(|error| unreadable(&format!("is not valid TOML: {}", error.message())))?;
        let Some(DeValue::Table(package)) = document.get_ref().get("package").map(|value| value.get_ref())
        else {
            return Err(unreadable(
                "is no crate's: it has no `[package]`; name the one of the crate that connects to the databases with \
                 `--manifest-path`",
            ));
        };
        let folder = manifest.parent().unwrap_or(view.here()).to_owned();
        let build_script = match package.get("build").map(|value| value.get_ref()) {
            Some(DeValue::Boolean(false)) => BuildScript::Off,
            Some(DeValue::String(file)) => BuildScript::File(file.to_string()),
            _ if folder.join(BUILD).exists() => BuildScript::File(BUILD.to_owned()),
            _ => BuildScript::None,
        };
        let migrations = folder.join(MIGRATIONS);
        let has_migrations = migrations.is_dir() && {
            let files = load::list(&migrations).map_err(|load::LoadError { path, error }| {
                Failure::usage(format!("`{}` cannot be read: {error}", view.show(&path)))
            })?;
            files.iter().any(|(file, _)| matches!(classify(file), Ok(Class::Forward(_))))
        };
        Ok(Self { folder, view, build_script, has_migrations })
    }

    /// What is to be written, each file from the crate's folder.
    fn files(&self, engine: EngineKind) -> Vec<(&'static str, String)> {
        let fleet = match engine {
            EngineKind::Postgres => include_str!("init/postgres.toml"),
            EngineKind::Sqlite => include_str!("init/sqlite.toml"),
        };
        let mut files = Vec::new();
        if self.has_migrations {
            files.push((DATABASES, fleet.to_owned() + ROUTES));
        } else {
            files.push((DATABASES, fleet.to_owned()));
            files.push((FIRST, include_str!("init/first.sql").to_owned()));
        }
        if self.build_script == BuildScript::None {
            files.push((BUILD, include_str!("init/build.rs.txt").to_owned()));
        }
        files
    }

    fn exists(&self, file: &str) -> Diagnostic {
        let path = self.view.show(&self.folder.join(file));
        let source = Arc::new(SourceFile { path, text: String::new() });
        let fault = Diagnostic::new("exists", format!("`{file}` is there already")).in_file(&source);
        match file {
            DATABASES => {
                fault.help("the crate has a fleet: `cargo sharded-migrations new` begins its next migration")
            }
            _ => fault.help("move it away, or do by hand what `init` does"),
        }
    }

    /// What adds the dependencies.
    fn commands(&self, engine: EngineKind) -> Vec<String> {
        let manifest = self.folder.join("Cargo.toml");
        let is_here = self.folder == self.view.here();
        let of =
            if is_here { String::new() } else { format!(" --manifest-path {}", self.view.show(&manifest)) };
        [
            format!("sharded-migrations --no-default-features --features clap,{engine}"),
            "clap --features derive".to_owned(),
            "tokio --features macros,rt-multi-thread".to_owned(),
            "sharded-migrations-build --build".to_owned(),
        ]
        .map(|added| format!("cargo add {added}{of}"))
        .to_vec()
    }

    /// The build script that has to get a line more.
    fn line_to_add(&self) -> Option<String> {
        match &self.build_script {
            BuildScript::File(file) => Some(self.view.show(&self.folder.join(file))),
            BuildScript::None | BuildScript::Off => None,
        }
    }

    fn note(&self) -> Option<&'static str> {
        (self.build_script == BuildScript::Off).then_some(
            "`Cargo.toml` has `build = false`: without a build script a migration that is added does not build the crate again",
        )
    }
}

/// What is left to do, for people. What is to be typed stands apart by four columns.
fn instructions(started: &Started, note: Option<&str>) -> String {
    let indented = |text: &str| {
        let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") };
        text.lines().map(line).collect::<String>()
    };
    let mut text: String = started.created.iter().map(|file| format!("created {file}\n")).collect();
    text.push_str("\nAdd what it needs:\n\n");
    text.push_str(&indented(&started.commands.join("\n")));
    if let Some(file) = &started.build_script {
        text.push_str(&format!(
            "\nAdd a line to the `main` of {file}, so that a new migration builds the crate again:\n\n"
        ));
        text.push_str(&indented("sharded_migrations_build::track();"));
    }
    if let Some(note) = note {
        text.push_str(&format!("\nNote: {note}.\n"));
    }
    text.push_str(
        "\nLet the command line of the application have `--migrate`, as this `src/main.rs` does:\n\n",
    );
    text.push_str(&indented(started.main));
    text.push_str("\nSee what would be done, and do it:\n\n");
    text.push_str(&indented("cargo run -- --migrate=plan\ncargo run -- --migrate"));
    text.trim_end().to_owned()
}
