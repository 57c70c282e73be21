//! `cargo xtask captures`: a fleet of 400 databases is migrated on terminals and in a log, and what was seen is
//! written to `docs/output.md` and `docs/output/`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use sharded_migrations_tests::postgres::{Binaries, Cluster, Options, TestDatabase};
use sharded_migrations_tests::project::Project;
use sharded_migrations_tests::sqlite::SqliteFolder;
use sharded_migrations_tests::terminal::{Ended, Terminal};
use sharded_migrations_tests::wait_for;

use crate::{cargo, install};

/// SQLite files of the group `users`, and PostgreSQL databases of the group `ledger`.
const SQLITE: usize = 384;
const POSTGRES: usize = 16;
/// What the output of a whole run may take.
const MOST_BYTES: usize = 100_000;
/// The tables; each has a migration that makes it and one that alters it.
const TABLES: [&str; 13] = [
    "accounts",
    "addresses",
    "carts",
    "coupons",
    "invoices",
    "logins",
    "notes",
    "orders",
    "payments",
    "products",
    "refunds",
    "reviews",
    "shipments",
];

/// Migrates the fleet again and again, from the same start.
pub(crate) fn run() -> Result<ExitCode, String> {
    install::ensure(&[install::Needed::Postgres])?;
    let program = build()?;
    let cluster = Cluster::start(Options::default());
    let mut page = Page::open()?;
    for (name, rows, columns) in [("80x24", 24, 80), ("200x50", 50, 200)] {
        let fleet = Fleet::new(&cluster, &program)?;
        let (middle, ended) = fleet.on_a_terminal(rows, columns)?;
        page.save(&format!("{name}-middle.txt"), &middle)?;
        page.save(&format!("{name}-end.txt"), &ended.lines)?;
        page.count(&format!("a terminal of {columns} columns and {rows} lines"), ended.bytes.len())?;
    }
    let failed = Fleet::new(&cluster, &program)?.with_failures()?;
    page.save("80x24-failed.txt", &failed.lines)?;
    page.count("the same of 80 and 24, with failures", failed.bytes.len())?;
    let log = Fleet::new(&cluster, &program)?.in_a_log()?;
    page.save("ci.txt", &log)?;
    page.count("a log", log.len())?;
    page.close()?;
    Ok(ExitCode::SUCCESS)
}

/// `docs/output.md`, and the captures beside it.
struct Page {
    folder: PathBuf,
    text: String,
    bytes: String,
}

impl Page {
    fn open() -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/output");
        fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        let path = folder.with_extension("md");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(Self { folder, text, bytes: String::new() })
    }

    /// Writes a capture, and puts it into the page where that wants it.
    fn save(&mut self, name: &str, capture: &str) -> Result<(), String> {
        let capture = capture.trim_end();
        write(&self.folder.join(name), &format!("{capture}\n"))?;
        self.put(name, &format!("```text\n{capture}\n```\n"));
        Ok(())
    }

    /// Puts something between the marks of a name.
    fn put(&mut self, name: &str, what: &str) {
        let mark = format!("<!-- {name} -->\n");
        if let Some((before, behind)) = self.text.split_once(&mark)
            && let Some((_, behind)) = behind.split_once("<!-- end -->")
        {
            self.text = format!("{before}{mark}{what}<!-- end -->{behind}");
        }
    }

    fn count(&mut self, shown: &str, bytes: usize) -> Result<(), String> {
        eprintln!("{shown}: {bytes} bytes");
        let _ = writeln!(self.bytes, "| {shown} | {bytes} |");
        if bytes < MOST_BYTES { Ok(()) } else { Err(format!("that is more than {MOST_BYTES}")) }
    }

    fn close(mut self) -> Result<(), String> {
        let table = format!("| the whole output of a run on | bytes |\n|---|---|\n{}", self.bytes);
        self.put("bytes", &table);
        write(&self.folder.with_extension("md"), &self.text)
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn build() -> Result<PathBuf, String> {
    let mut command = cargo();
    command.args(["build", "--package", "sharded-migrations-tests", "--features", "fleet", "--bin", "fleet"]);
    let status = command.status().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name("fleet");
    if status.success() { Ok(program) } else { Err("the program `fleet` cannot be built".to_owned()) }
}

/// Databases that have the first migration.
struct Fleet {
    program: PathBuf,
    project: Project,
    postgres: Vec<TestDatabase>,
    _sqlite: SqliteFolder,
}

impl Fleet {
    fn new(cluster: &Cluster, program: &Path) -> Result<Self, String> {
        let sqlite = SqliteFolder::new();
        let names = || (1..=POSTGRES).map(|number| format!("ledger_{number:02}"));
        let postgres: Vec<_> = names().map(|name| cluster.create_database(&name)).collect();
        let mut databases =
            String::from("[groups.users]\n[groups.ledger]\n[rollout]\ncanary = [\"users_001\"]\n");
        for (name, database) in names().zip(&postgres) {
            let url = database.url();
            let _ = write!(databases, "[databases.{name}]\ngroup = \"ledger\"\nurl = \"{url}\"\n");
        }
        let url = sqlite.url("x").replace("/x.db", &format!("/users_{{001..{SQLITE}}}.db"));
        let _ = write!(
            databases,
            "[databases.\"users_{{001..{SQLITE}}}\"]\ngroup = \"users\"\nurl = \"{url}\"\n"
        );
        let mut project = Project::new().databases_toml(&databases);
        for (index, table) in TABLES.iter().enumerate() {
            let create = format!("CREATE TABLE {table} (id bigint PRIMARY KEY, account bigint);");
            let alter = format!("ALTER TABLE {table} ADD changed_at text;");
            let route = "-- #[route(everywhere)]";
            project = project
                .file(&format!("V{}__{table}.sql", 2 * index + 1), format!("{route}\n{create}\n"))
                .file(&format!("V{}__{table}_changed_at.sql", 2 * index + 2), format!("{route}\n{alter}\n"));
        }
        let fleet = Self { program: program.to_owned(), project, postgres, _sqlite: sqlite };
        let mut first = fleet.migrate();
        let output = first.args(["--to", "1", "--verbosity", "quiet"]).output();
        let output = output.map_err(|error| format!("cannot run {first:?}: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(fleet)
    }

    fn migrate(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("FLEET_PROJECT", self.project.path()).arg("--migrate").stdin(Stdio::null());
        command
    }

    /// The screen while one database waits for a table, and what the run left.
    fn on_a_terminal(&self, rows: u16, columns: u16) -> Result<(String, Ended), String> {
        let backup = self.hold_a_table()?;
        let mut command = self.migrate();
        command.args(["--lock-timeout", "0"]);
        let terminal = Terminal::start(command, rows, columns);
        let middle = terminal.wait_until("a part of the fleet to be done", |screen| {
            let done =
                screen.split("%  ").nth(1).and_then(|text| text.split('/').next()?.parse::<usize>().ok());
            done.is_some_and(|done| done > 150)
                && screen.contains("ledger_07: 2 accounts_changed_at waits for")
        });
        drop(backup);
        let ended = terminal.end();
        if ended.code == Some(0) { Ok((middle, ended)) } else { Err(ended.lines) }
    }

    /// Somebody has made a column by hand on five of them.
    fn with_failures(&self) -> Result<Ended, String> {
        for index in [2, 8, 9, 10, 14] {
            self.postgres[index].psql("ALTER TABLE accounts ADD changed_at date");
        }
        let mut command = self.migrate();
        command.args(["--on-failure", "continue"]);
        let ended = Terminal::start(command, 24, 80).end();
        if ended.code == Some(4) { Ok(ended) } else { Err(ended.lines) }
    }

    fn in_a_log(&self) -> Result<String, String> {
        let mut command = self.migrate();
        let (mut reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
        let both = || writer.try_clone().map_err(|error| error.to_string());
        command.env("CI", "true").stdout(both()?).stderr(both()?);
        let mut process = command.spawn().map_err(|error| format!("cannot run {command:?}: {error}"))?;
        drop((command, writer));
        let mut log = String::new();
        std::io::Read::read_to_string(&mut reader, &mut log).map_err(|error| error.to_string())?;
        let status = process.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(log) } else { Err(log) }
    }

    /// A backup that is at a table for as long as the value lives.
    fn hold_a_table(&self) -> Result<Backup, String> {
        let database = &self.postgres[6];
        let mut command = Command::new(Binaries::find()?.path("psql"));
        command.env_clear().env("PGAPPNAME", "pg_dump").args(["-X", "-q", "-d", &database.url()]);
        command.args(["-c", "BEGIN; LOCK TABLE accounts IN ACCESS SHARE MODE; SELECT pg_sleep(600)"]);
        let process = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot run psql: {error}"))?;
        let held = "SELECT count(*) FROM pg_locks WHERE relation = 'accounts'::regclass AND mode = 'AccessShareLock' AND granted";
        wait_for("the backup to have its table", || (database.psql(held) == "1").then_some(()));
        Ok(Backup { process, url: database.url() })
    }
}

struct Backup {
    process: Child,
    url: String,
}

impl Drop for Backup {
    fn drop(&mut self) {
        // The server would not notice that its client is gone.
        let _ = sharded_migrations_tests::postgres::psql(
            &self.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_dump'",
        );
        let _ = self.process.wait();
    }
}
