//! One database of either engine, looked at with its own tools and never through the code under
//! test.

use std::fmt::Write as _;
use std::rc::Rc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use sharded_migrations_tests::postgres::{Cluster, TestDatabase};
use sharded_migrations_tests::sqlite::SqliteFolder;

/// What a scenario runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Sqlite,
}

impl Engine {
    /// The one of two values that is meant for this engine.
    pub(crate) fn pick<T>(self, postgres: T, sqlite: T) -> T {
        match self {
            Self::Postgres => postgres,
            Self::Sqlite => sqlite,
        }
    }

    /// Empty databases.
    pub(crate) fn databases(self, names: &[&str]) -> Vec<Target> {
        let folder = Rc::new(SqliteFolder::new());
        let place = |name: &str| match self {
            Self::Postgres => Place::Postgres(Cluster::shared().create_database(name)),
            Self::Sqlite => Place::Sqlite(Rc::clone(&folder)),
        };
        names.iter().map(|name| Target { name: (*name).to_owned(), place: place(name) }).collect()
    }
}

/// A database, which is gone with this value.
pub(crate) struct Target {
    /// Its name in the fleet.
    pub(crate) name: String,
    place: Place,
}

enum Place {
    Postgres(TestDatabase),
    /// A file that the first connection makes.
    Sqlite(Rc<SqliteFolder>),
}

const HISTORY: &str = "sharded_migrations_history";
const AUDIT: &str = "sharded_migrations_audit";

impl Target {
    pub(crate) fn url(&self) -> String {
        match &self.place {
            Place::Postgres(database) => database.url(),
            Place::Sqlite(folder) => folder.url(&self.name),
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Postgres(_))
    }

    /// What only PostgreSQL has.
    pub(crate) fn postgres(&self) -> &TestDatabase {
        match &self.place {
            Place::Postgres(database) => database,
            Place::Sqlite(_) => panic!("{} is an SQLite file", self.name),
        }
    }

    /// What only SQLite has.
    pub(crate) fn folder(&self) -> &SqliteFolder {
        match &self.place {
            Place::Postgres(_) => panic!("{} is a PostgreSQL database", self.name),
            Place::Sqlite(folder) => folder,
        }
    }

    /// Runs statements, as somebody does by hand.
    pub(crate) fn execute(&self, sql: &str) {
        match &self.place {
            Place::Postgres(database) => drop(database.psql(sql)),
            Place::Sqlite(folder) => {
                Connection::open(folder.path(&self.name)).unwrap().execute_batch(sql).unwrap();
            }
        }
    }

    /// The rows of a query, a line each, with `|` between the columns.
    pub(crate) fn query(&self, sql: &str) -> String {
        match &self.place {
            Place::Postgres(database) => database.psql(sql),
            Place::Sqlite(folder) => {
                let path = folder.path(&self.name);
                if !path.exists() {
                    return String::new();
                }
                rows(&Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap(), sql)
            }
        }
    }

    /// The tables, also the history's.
    fn tables(&self) -> Vec<String> {
        let list = match &self.place {
            Place::Postgres(_) => {
                "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' \
                 AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"
            }
            Place::Sqlite(_) => "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1",
        };
        self.query(list).lines().map(str::to_owned).collect()
    }

    /// What is there in one line: the tables, then the history, as in
    /// `account note | 1 accounts, 2 notes (started, 1 done)`; `nothing` if there is nothing at all.
    pub(crate) fn contents(&self) -> String {
        let mut tables = self.tables();
        if tables.is_empty() {
            return "nothing".into();
        }
        let has_history = tables.iter().any(|table| table == HISTORY);
        tables.retain(|table| table != HISTORY && table != AUDIT);
        let mut text = tables.join(" ");
        if has_history {
            let rows = self
                .query(&format!("SELECT version, name, state, statements_done FROM {HISTORY} ORDER BY 1"));
            let row = |line: &str| {
                let mut columns = line.split('|');
                let [version, name, state, done] = std::array::from_fn(|_| columns.next().unwrap());
                match state {
                    "applied" => format!("{version} {name}"),
                    other => format!("{version} {name} ({other}, {done} done)"),
                }
            };
            let _ = write!(text, " | {}", rows.lines().map(row).collect::<Vec<_>>().join(", "));
        }
        text
    }

    /// What was changed by hand, in one line: `retry 2 b (the next statement ..), applied 3 c`.
    pub(crate) fn audit(&self) -> String {
        if !self.tables().iter().any(|table| table == AUDIT) {
            return String::new();
        }
        let rows = self.query(&format!("SELECT action, version, name, detail FROM {AUDIT} ORDER BY id"));
        let row = |line: &str| {
            let mut columns = line.splitn(4, '|');
            let [action, version, name, detail] = std::array::from_fn(|_| columns.next().unwrap());
            let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
            format!("{action} {version} {name}{detail}")
        };
        rows.lines().map(row).collect::<Vec<_>>().join(", ")
    }

    /// All that a write would change: two equal texts mean that nothing was written in between.
    pub(crate) fn fingerprint(&self) -> String {
        match &self.place {
            Place::Postgres(database) => {
                // A row that is written again has another xmin, also with the same values.
                let catalogs = ["namespace", "class", "type", "proc", "constraint", "trigger"];
                let catalog = |name| format!("SELECT '{name}', oid, xmin FROM pg_{name} WHERE oid >= 16384");
                let catalogs = catalogs.map(catalog).join(" UNION ALL ");
                let tables = "SELECT format('SELECT %L, xmin, t FROM %s t ORDER BY ctid', oid::regclass, oid::regclass) \
                              FROM pg_class WHERE relkind = 'r' AND oid >= 16384 ORDER BY oid";
                database.psql(&format!("{catalogs} ORDER BY 1, 2;\n{tables} \\gexec"))
            }
            Place::Sqlite(folder) => {
                let path = folder.path(&self.name);
                let mut text = String::new();
                let mut files: Vec<_> = path.parent().unwrap().read_dir().unwrap().flatten().collect();
                files.retain(|file| file.file_name().to_string_lossy().starts_with(&self.name));
                files.sort_by_key(std::fs::DirEntry::file_name);
                for file in files {
                    let bytes = std::fs::read(file.path()).unwrap();
                    let _ = writeln!(text, "{:?} {bytes:?}", file.file_name());
                }
                text
            }
        }
    }

    /// Adds a row to the history, as an older or newer binary would have.
    pub(crate) fn add_history_row(&self, version: i64, name: &str, checksum: &str, state: &str) {
        let now = match &self.place {
            Place::Postgres(_) => "now()",
            Place::Sqlite(_) => "datetime('now')",
        };
        self.execute(&format!(
            "INSERT INTO {HISTORY} (version, name, checksum, state, statements_done, applied_at, execution_ms, \
             applied_by, host) VALUES ({version}, '{name}', '{checksum}', '{state}', 0, {now}, 1, 'somebody', 'x')"
        ));
    }

    /// Whether nobody holds the migration lock, nor waits for it.
    pub(crate) fn is_unlocked(&self) -> bool {
        match &self.place {
            Place::Postgres(database) => {
                let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = \
                             (SELECT oid FROM pg_database WHERE datname = current_database())";
                database.psql(locks) == "0"
            }
            Place::Sqlite(folder) => {
                // Opened and not made: an open file that somebody else has locked cannot be locked.
                let path = folder.path(&self.name).with_extension("db.migrating");
                std::fs::File::open(path).map_or(true, |file| file.try_lock().is_ok())
            }
        }
    }
}

fn rows(connection: &Connection, sql: &str) -> String {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let cell = |index| match row.get_ref(index).unwrap() {
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        };
        lines.push((0..columns).map(cell).collect::<Vec<_>>().join("|"));
    }
    lines.join("\n")
}
