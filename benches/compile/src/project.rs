//! The cargo projects that are built.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tool::Tool;
use crate::{Result, root};

/// Two groups, a database of its own and replicas, 17 databases in all.
const FLEET: &str = "[groups.users]\n[groups.catalog]\n[databases.default]\nurl = \"${DEFAULT_URL}\"\n\
    [databases.\"users_{01..12}\"]\ngroup = \"users\"\nurl = \"postgres://h{01..12}/users\"\nvars = { shard_id = \"{1..12}\" }\n\
    [databases.\"catalog_{1..4}\"]\ngroup = \"catalog\"\nurl = \"postgres://c{1..4}/catalog\"\n\
    [databases.\"users_{01..12}_replica\"]\nreplica_of = \"users_{01..12}\"\nurl = \"postgres://r{01..12}/users\"\n";

/// A project in a folder of its own.
pub(crate) struct Project {
    name: String,
    folder: PathBuf,
    tool: Tool,
    files: Vec<String>,
}

impl Project {
    /// An application that embeds so many migrations.
    pub(crate) fn with_migrations(folder: &Path, tool: Tool, count: usize) -> Result<Self> {
        let mut project = Self::new(folder, format!("{}-{count}", tool.name()), tool)?;
        let _not_there = fs::remove_dir_all(project.folder.join("migrations"));
        project.write("databases.toml", FLEET)?;
        project.write("build.rs", tool.build_script())?;
        project.manifest(&tool.dependencies())?;
        for version in 1..=count {
            project.migration(version)?;
        }
        project.write("src/main.rs", &tool.code(&project.files))?;
        Ok(project)
    }

    /// A library that depends on a tool's macro and uses nothing of it.
    pub(crate) fn of_macro(folder: &Path, tool: Tool) -> Result<Self> {
        let project = Self::new(folder, format!("macro-{}", tool.name()), tool)?;
        project.manifest(&tool.macro_crate().unwrap_or_default())?;
        project.write("src/lib.rs", "")?;
        Ok(project)
    }

    /// A program that does with a folder what the macro does before it writes anything out.
    pub(crate) fn of_checks(folder: &Path) -> Result<Self> {
        let project = Self::new(folder, "checks".to_owned(), Tool::Ours)?;
        let core = root().join("core");
        project.manifest(&format!(
            "sharded-migrations-core = {{ path = \"{}\", features = [\"compile\"] }}\n",
            core.display()
        ))?;
        project.write(
            "src/main.rs",
            "use sharded_migrations_core::{compile::compile, project::Sources};\n\n\
            fn main() {\n    let folder = std::path::PathBuf::from(std::env::args().nth(1).unwrap());\n    \
            let shown = |path: &std::path::Path| path.display().to_string();\n    \
            let sources = Sources::read(&folder.join(\"migrations\"), &folder.join(\"databases.toml\"), shown).unwrap();\n    \
            compile(&sources).unwrap();\n}\n",
        )?;
        Ok(project)
    }

    fn new(folder: &Path, name: String, tool: Tool) -> Result<Self> {
        let folder = std::path::absolute(folder)?.join(&name);
        fs::create_dir_all(&folder)?;
        Ok(Self { name, folder, tool, files: Vec::new() })
    }

    fn manifest(&self, dependencies: &str) -> Result {
        // The peers have the versions that the other benchmarks have.
        fs::copy(root().join("benches/Cargo.lock"), self.folder.join("Cargo.lock"))?;
        let name = &self.name;
        let text = format!(
            "[workspace]\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[dependencies]\n{dependencies}"
        );
        self.write("Cargo.toml", &text)
    }

    /// A kilobyte of what migrations are made of.
    fn migration(&mut self, version: usize) -> Result {
        const SIZE: usize = 1_000;
        let route = match version % 10 {
            0 => "everywhere",
            1..=3 => "group = \"catalog\"",
            _ => "group = \"users\"",
        };
        let mut text = format!(
            "-- What the warehouse counts is kept a day longer than what it sends: the two are compared at night.\n\
            -- #[route({route})]\n\
            CREATE TABLE table_{version} (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    \
            name text NOT NULL,\n    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'sent')),\n    \
            amount numeric(12, 2) NOT NULL DEFAULT 0,\n    created_at timestamptz NOT NULL DEFAULT now()\n);\n\
            CREATE INDEX table_{version}_name_idx ON table_{version} (lower(name)) WHERE state <> 'sent';\n\
            ALTER TABLE table_{version} ADD COLUMN parent_id bigint REFERENCES table_{version} (id) ON DELETE CASCADE;\n\
            INSERT INTO table_{version} (name, amount) VALUES\n    ('first', 1.5)"
        );
        let mut row = 0;
        while text.len() < SIZE - 20 {
            row += 1;
            text.push_str(&format!(",\n    ('row {row}', {row})"));
        }
        text.push_str(";\n");
        let file = self.tool.path(version);
        self.write(&format!("migrations/{file}"), &text)?;
        self.files.push(file);
        Ok(())
    }

    /// Edits a migration in the middle.
    pub(crate) fn touch(&self, round: usize) -> Result {
        let path = self.folder.join("migrations").join(&self.files[self.files.len() / 2]);
        let text = fs::read_to_string(&path)?;
        Ok(fs::write(path, format!("{text}-- round {round}\n"))?)
    }

    /// Adds a migration behind all others.
    pub(crate) fn add(&mut self) -> Result {
        self.migration(self.files.len() + 1)?;
        if self.tool == Tool::Raw {
            self.write("src/main.rs", &self.tool.code(&self.files))?;
        }
        Ok(())
    }

    /// Fetches what it depends on, so that no build waits for the network.
    pub(crate) fn fetch(&self) -> Result {
        let mut command = cargo();
        let status = command.args(["fetch", "--quiet"]).current_dir(&self.folder).status()?;
        if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}").into()) }
    }

    /// A debug build.
    pub(crate) fn build(&self, target: &Path) -> Command {
        let target = std::path::absolute(target).unwrap_or_else(|_| target.to_owned());
        let mut command = cargo();
        command.args(["build", "--quiet", "--target-dir"]).arg(target).current_dir(&self.folder);
        command
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn write(&self, path: &str, text: &str) -> Result {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, text)?)
    }
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Debug builds are incremental, whatever this benchmark is built with.
    command.env("CARGO_INCREMENTAL", "1");
    command
}
