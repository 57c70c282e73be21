//! A fleet of throw-away databases, and sets of migrations for it made at run time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sharded_migrations::fleet::FleetError;
use sharded_migrations::{Fleet, Migration, Migrations, Migrator, Selection};
use sharded_migrations_core::Rerouted;
use sharded_migrations_core::diagnostic::Style;
use sharded_migrations_core::lock::{Lock, Locked};
use sharded_migrations_core::{compile::compile, project::Sources};
use sharded_migrations_tests::postgres::{Cluster, TestRole};
use sharded_migrations_tests::project::Project;
use sharded_migrations_tests::wait_for;

use super::outcome::{Run, ending, error};
use super::{Engine, Target};

/// Databases and the `databases.toml` that names them. The URL of each is the variable of its name.
pub(crate) struct TestFleet {
    pub(crate) engine: Engine,
    databases: Vec<Target>,
    /// URLs that are not the ones of their databases.
    urls: BTreeMap<String, String>,
    first: String,
    more: String,
}

impl TestFleet {
    /// A fleet of empty databases. `users_01` is the first member of the group `users`, and the value
    /// of its variable `shard` is `1`; a name without a number is in no group.
    pub(crate) fn new(engine: Engine, names: &[&str]) -> Self {
        Self {
            engine,
            databases: engine.databases(names),
            urls: BTreeMap::new(),
            first: String::new(),
            more: String::new(),
        }
    }

    /// A global database and two shards.
    pub(crate) fn of_three(engine: Engine) -> Self {
        Self::new(engine, &["default", "users_01", "users_02"])
    }

    /// One database, `default`.
    pub(crate) fn of_one(engine: Engine) -> Self {
        Self::new(engine, &["default"])
    }

    /// Adds lines to `databases.toml`.
    pub(crate) fn toml(mut self, lines: &str) -> Self {
        self.more.push_str(lines);
        self
    }

    /// Lines above all tables of `databases.toml`.
    pub(crate) fn first_line(mut self, line: &str) -> Self {
        self.first.push_str(line);
        self
    }

    /// Gives a database another URL.
    pub(crate) fn url(mut self, name: &str, url: impl Into<String>) -> Self {
        self.set_url(name, url);
        self
    }

    pub(crate) fn set_url(&mut self, name: &str, url: impl Into<String>) {
        self.urls.insert(name.to_owned(), url.into());
    }

    /// From here on a database of PostgreSQL is reached as a role that may change its history, and make nothing.
    pub(crate) fn let_only_change_the_history(&mut self, name: &str) -> TestRole {
        let role = Cluster::shared().create_role("weak");
        let database = self.database(name);
        let rights = "SELECT, INSERT, UPDATE, DELETE ON sharded_migrations_history";
        database.execute(&format!("GRANT {rights} TO {}", role.name));
        let url = database.postgres().url_with_user(&role.name, &role.password);
        self.set_url(name, url);
        role
    }

    pub(crate) fn databases(&self) -> &[Target] {
        &self.databases
    }

    pub(crate) fn database(&self, name: &str) -> &Target {
        self.databases.iter().find(|database| database.name == name).expect("a database of the fleet")
    }

    /// The value of a variable of `databases.toml`.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let own = || Some(self.databases.iter().find(|database| database.name == name)?.url());
        self.urls.get(name).cloned().or_else(own)
    }

    pub(crate) fn databases_toml(&self) -> String {
        let mut text = self.first.clone();
        let group = |name: &str| {
            let (group, number) = name.rsplit_once('_')?;
            Some((group.to_owned(), number.parse::<u32>().ok()?))
        };
        let groups = self.databases.iter().filter_map(|database| Some(group(&database.name)?.0));
        for group in groups.collect::<std::collections::BTreeSet<_>>() {
            let _ = writeln!(text, "[groups.{group}]");
        }
        for Target { name, .. } in &self.databases {
            let _ = writeln!(text, "[databases.{name}]\nurl = \"${{{name}}}\"");
            // A URL that is all variable counts as PostgreSQL's, whose grammar the build checks.
            text.push_str(self.engine.pick("", "engine = \"sqlite\"\n"));
            if let Some((group, number)) = group(name) {
                let _ = writeln!(text, "group = \"{group}\"\nvars = {{ shard = \"{number}\" }}");
            }
        }
        text + &self.more
    }

    /// A set for this fleet, of files that are right. Like an embedded one it is never freed.
    pub(crate) fn set(&self, files: &[(&str, &str)]) -> &'static Migrations {
        self.set_with(files, None)
    }

    /// The same with a lock in which something is declared of the migrations of these versions.
    pub(crate) fn set_rerouted(
        &self,
        files: &[(&str, &str)],
        declared: &[(i64, Rerouted)],
    ) -> &'static Migrations {
        let locked = |migration: &Migration| {
            let mut of_it = declared.iter().filter(|(version, _)| *version == migration.version.get());
            let rerouted = of_it.next().map(|(_, rerouted)| *rerouted).unwrap_or_default();
            Locked { rerouted, ..Locked::of(migration) }
        };
        let lock = Lock::new(self.set(files).migrations.iter().map(locked).collect());
        self.set_with(files, Some(lock.to_string().into_bytes()))
    }

    fn set_with(&self, files: &[(&str, &str)], lock: Option<Vec<u8>>) -> &'static Migrations {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        let sources = Sources {
            folder: "migrations".into(),
            files: files.collect(),
            databases: "databases.toml".into(),
            databases_bytes: self.databases_toml().into(),
            lock,
        };
        Box::leak(Box::new(compile(&sources).unwrap_or_else(|faults| {
            let faults: Vec<_> = faults.iter().map(|fault| fault.render(Style::Plain)).collect();
            panic!("{}", faults.join("\n"))
        })))
    }

    /// The same as a folder of files, for a process.
    pub(crate) fn project(&self, files: &[(&str, &str)]) -> Project {
        let project = Project::new().databases_toml(&self.databases_toml());
        files.iter().fold(project, |project, (path, text)| project.file(path, text))
    }

    pub(crate) fn try_fleet(&self, set: &Migrations, selection: &Selection) -> Result<Fleet, FleetError> {
        Fleet::select_with(set, selection, |name| self.variable(name))
    }

    pub(crate) fn fleet(&self, set: &Migrations) -> Fleet {
        self.try_fleet(set, &Selection::default()).unwrap()
    }

    pub(crate) fn migrator(&self, set: &'static Migrations) -> Migrator<'static> {
        Migrator::new(set, self.fleet(set))
    }

    /// Applies what is pending on all databases.
    pub(crate) fn run(&self, set: &'static Migrations) -> Run {
        run(&self.migrator(set))
    }

    /// What is in every database, a line each; see [`Target::contents`].
    pub(crate) fn contents(&self) -> String {
        let line = |database: &Target| format!("{}: {}", database.name, database.contents());
        self.databases.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// All that a write on any database would change.
    pub(crate) fn fingerprint(&self) -> Vec<String> {
        self.databases.iter().map(Target::fingerprint).collect()
    }

    /// A server hears of a connection's end after its client.
    pub(crate) fn wait_until_unlocked(&self) {
        wait_for("the migration locks to be free", || {
            self.databases.iter().all(Target::is_unlocked).then_some(())
        });
    }
}

/// Runs to the end, on threads as an application's `#[tokio::main]` has them.
pub(crate) fn run(migrator: &Migrator<'_>) -> Run {
    block_on(migrator.run())
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Applies files to the one database that a URL leads to, and says how that ends, or its error.
pub(crate) fn run_at(url: &str, files: &[(&str, &str)]) -> String {
    let fleet =
        TestFleet::new(Engine::Postgres, &[]).toml("[databases.one]\nurl = \"${ONE}\"\n").url("ONE", url);
    let result = fleet.run(fleet.set(files));
    if result.is_ok() { ending(&result) } else { error(&result) }
}
