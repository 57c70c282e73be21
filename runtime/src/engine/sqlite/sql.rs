//! Every statement that is ours.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use sharded_migrations_core::{Direction, State};

use crate::amend::Action;
use crate::engine::{AUDIT_TABLE, Change, Entry, HISTORY_TABLE, Progress, RowChange, Step, Who};

/// The history, oldest version first.
pub(super) const HISTORY: &str = "SELECT version, name, checksum, state, statements_done FROM main.sharded_migrations_history ORDER BY version";

/// The whole history, oldest first.
pub(super) const RECORDS: &str = "SELECT version, name, checksum, state, statements_done, applied_at, execution_ms, \
    applied_by, host, application_version FROM main.sharded_migrations_history ORDER BY applied_at, version";

/// The whole audit, oldest first.
pub(super) const AUDITS: &str = "SELECT id, at, who, host, application_version, action, version, name, detail \
    FROM main.sharded_migrations_audit ORDER BY id";

/// The tables, a row for each column; names count without their case.
pub(super) const TABLES: &str = "SELECT lower(t.name), lower(c.name) FROM main.sqlite_schema t \
    JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    ORDER BY 1, c.cid";

/// Whether there is a table of ours. A query sees what another connection has just committed;
/// rusqlite's `table_exists` asks the schema as this connection has last read it.
pub(super) fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1)";
    connection.query_row(sql, [name], |row| row.get(0))
}

const NOW: &str = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

pub(super) fn create_history() -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS main.{HISTORY_TABLE} (\n\
         version INTEGER PRIMARY KEY CHECK (version >= 0),\n\
         name TEXT NOT NULL,\n\
         checksum TEXT NOT NULL,\n\
         state TEXT NOT NULL CHECK (state IN ('started', 'paused', 'applied', 'undoing')),\n\
         statements_done INTEGER NOT NULL,\n\
         applied_at TEXT NOT NULL,\n\
         execution_ms INTEGER NOT NULL,\n\
         applied_by TEXT NOT NULL,\n\
         host TEXT NOT NULL,\n\
         application_version TEXT,\n\
         checkpoint TEXT)"
    )
}

/// Whether the history has a column for checkpoints, which older ones have not.
pub(super) fn has_checkpoints(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1, 'main') WHERE name = 'checkpoint')";
    connection.query_row(sql, [HISTORY_TABLE], |row| row.get(0))
}

/// Gives it one.
pub(super) fn add_checkpoints() -> String {
    format!("ALTER TABLE main.{HISTORY_TABLE} ADD COLUMN checkpoint TEXT")
}

/// The checkpoint of a migration.
pub(super) fn checkpoint(connection: &Connection, version: i64) -> rusqlite::Result<Option<String>> {
    let sql = format!("SELECT checkpoint FROM main.{HISTORY_TABLE} WHERE version = ?1");
    let found = connection.query_row(&sql, [version], |row| row.get::<_, Option<String>>(0)).optional()?;
    Ok(found.flatten())
}

/// Saves a checkpoint, where the row is as this run has left it; says whether it was.
pub(super) fn save(
    connection: &Connection,
    version: i64,
    before: Option<&str>,
    now: &str,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "UPDATE main.{HISTORY_TABLE} SET checkpoint = ?3 \
         WHERE version = ?1 AND state = 'started' AND checkpoint IS ?2"
    );
    Ok(connection.execute(&sql, params![version, before, now])? == 1)
}

/// Made when something is changed by hand for the first time.
fn create_audit() -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS main.{AUDIT_TABLE} (\n\
         id INTEGER PRIMARY KEY,\n\
         at TEXT NOT NULL,\n\
         who TEXT NOT NULL,\n\
         host TEXT NOT NULL,\n\
         application_version TEXT,\n\
         action TEXT NOT NULL,\n\
         version INTEGER NOT NULL,\n\
         name TEXT NOT NULL,\n\
         detail TEXT)"
    )
}

/// What somebody has made; virtual tables first, because others of theirs go with them.
const MADE: &str = "SELECT type, name FROM main.sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
    ORDER BY sql NOT LIKE 'CREATE VIRTUAL%'";

/// How many tables and views there are.
pub(super) fn contents(connection: &Connection) -> rusqlite::Result<u64> {
    let count: i64 = connection.query_row(&format!("SELECT count(*) FROM ({MADE})"), [], |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Drops all tables and views, and with them their indexes and triggers, in one transaction.
pub(super) fn empty(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA foreign_keys = OFF")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let made = {
        let mut statement = transaction.prepare(MADE)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()?
    };
    for (kind, name) in made {
        transaction
            .execute_batch(&format!("DROP {kind} IF EXISTS main.\"{}\"", name.replace('"', "\"\"")))?;
    }
    transaction.execute_batch("PRAGMA user_version = 0")?;
    transaction.commit()
}

/// A row of the history, on its way to another thread.
pub(super) struct Row {
    direction: Direction,
    version: i64,
    name: String,
    checksum: String,
    statements: usize,
    who: Who,
    started: Instant,
}

impl Row {
    /// For a migration that begins now.
    pub(super) fn new(step: &Step<'_>) -> Self {
        Self {
            direction: step.direction,
            version: step.migration.version.get(),
            name: step.migration.name.to_string(),
            checksum: step.migration.checksum.to_string(),
            statements: step.script.statements.len(),
            who: step.who.clone(),
            started: Instant::now(),
        }
    }

    /// For a migration that began then.
    pub(super) fn since(step: &Step<'_>, started: Instant) -> Self {
        Self { started, ..Self::new(step) }
    }

    /// Of no migration in particular.
    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        let text = || "x".to_owned();
        Self {
            direction: Direction::Up,
            version: 1,
            name: text(),
            checksum: text(),
            statements: 1,
            who: Who { host: text(), application_version: None },
            started: Instant::now(),
        }
    }

    /// Records it as applied, or as taken back, in the transaction that did it.
    pub(super) fn finish(&self, connection: &Connection) -> rusqlite::Result<()> {
        match self.direction {
            Direction::Up => self.insert(connection, State::Applied, self.statements),
            Direction::Down => self.delete(connection),
        }
    }

    /// Deletes it, and keeps in the audit table that it was taken back.
    fn delete(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(&create_audit())?;
        let deleted = connection.execute(
            &format!("DELETE FROM main.{HISTORY_TABLE} WHERE version = ?1 AND checksum = ?2"),
            params![self.version, self.checksum],
        )?;
        // Nobody else has the lock: it was deleted by hand, a moment ago.
        if deleted != 1 {
            return Err(rusqlite::Error::StatementChangedRows(deleted));
        }
        let entry = Entry { action: Action::Down, who: self.who.clone() };
        audit(connection, self.version, &self.name, None, &entry).map(|_| ())
    }

    /// Records how far a migration outside a transaction has come.
    pub(super) fn record(&self, connection: &mut Connection, progress: Progress) -> rusqlite::Result<()> {
        let update = |set: &str, value: i64| {
            let sql = format!("UPDATE main.{HISTORY_TABLE} SET {set} WHERE version = ?2");
            connection.execute(&sql, params![value, self.version]).map(|_| ())
        };
        let state = |state: State| format!("state = '{}', statements_done = ?1", state.as_str());
        match (progress, self.direction) {
            (Progress::Started(_), Direction::Up) => self.insert(connection, State::Started, 0),
            (Progress::Started(_), Direction::Down) => update(&state(State::Undoing), 0),
            // A step in Rust may have been mended since.
            (Progress::Resumed(done), Direction::Up) => {
                let (state, checksum) = (state(State::Started), &self.checksum);
                update(&format!("{state}, checksum = '{checksum}'"), count(done))
            }
            (Progress::Resumed(done), direction) => update(&state(State::running(direction)), count(done)),
            (Progress::Statements(done), _) => update("statements_done = ?1", count(done)),
            (Progress::Paused(done), direction) => update(&state(State::paused(direction)), count(done)),
            (Progress::Finished(elapsed), Direction::Up) => update(
                &format!("state = 'applied', applied_at = {NOW}, execution_ms = ?1"),
                milliseconds(elapsed),
            ),
            (Progress::Finished(_), Direction::Down) => {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                self.delete(&transaction)?;
                transaction.commit()
            }
        }
    }

    fn insert(&self, connection: &Connection, state: State, statements: usize) -> rusqlite::Result<()> {
        let sql = format!(
            "INSERT INTO main.{HISTORY_TABLE} (version, name, checksum, state, statements_done, applied_at, execution_ms, \
             applied_by, host, application_version) VALUES (?1, ?2, ?3, ?4, ?5, {NOW}, ?6, ?7, ?8, ?9)"
        );
        let values = params![
            self.version,
            self.name,
            self.checksum,
            state.as_str(),
            count(statements),
            milliseconds(self.started.elapsed()),
            user(),
            self.who.host,
            self.who.application_version,
        ];
        connection.execute(&sql, values).map(|_| ())
    }
}

/// Rows that somebody changes by hand, in one transaction.
pub(super) fn change_rows(
    connection: &mut Connection,
    changes: &[RowChange],
    entry: &Entry,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(&format!("{};\n{}", create_history(), create_audit()))?;
    for change in changes {
        change_row(&transaction, change, entry)?;
        audit(&transaction, change.version.get(), &change.name, change.detail.as_deref(), entry)?;
    }
    transaction.commit()
}

fn change_row(transaction: &Transaction<'_>, row: &RowChange, entry: &Entry) -> rusqlite::Result<usize> {
    let version = row.version.get();
    let update = |set: &str| format!("UPDATE main.{HISTORY_TABLE} SET {set} WHERE version = ?1");
    match &row.change {
        Change::Paused(done) => {
            transaction.execute(&update("state = 'paused', statements_done = ?2"), params![version, done])
        }
        Change::Applied { checksum, statements } => {
            let set = "state = 'applied', name = ?2, checksum = ?3, statements_done = ?4";
            let sql = update(&format!("{set}, applied_at = {NOW}"));
            transaction.execute(&sql, params![version, row.name, checksum.to_string(), statements])
        }
        Change::Accepted(checksum) => transaction
            .execute(&update("name = ?2, checksum = ?3"), params![version, row.name, checksum.to_string()]),
        Change::Restored { statements } => transaction
            .execute(&update("state = 'applied', statements_done = ?2"), params![version, statements]),
        Change::Deleted => {
            let sql = format!("DELETE FROM main.{HISTORY_TABLE} WHERE version = ?1");
            transaction.execute(&sql, [version])
        }
        Change::Recorded { checksum, statements, applied_at } => {
            let sql = format!(
                "INSERT INTO main.{HISTORY_TABLE} (version, name, checksum, state, statements_done, applied_at, \
                 execution_ms, applied_by, host, application_version) \
                 VALUES (?1, ?2, ?3, 'applied', ?4, coalesce(?5, {NOW}), 0, ?6, ?7, ?8)"
            );
            let values = params![
                version,
                row.name,
                checksum.to_string(),
                statements,
                applied_at,
                user(),
                entry.who.host,
                entry.who.application_version,
            ];
            transaction.execute(&sql, values)
        }
    }
}

/// What the audit keeps of a change.
fn audit(
    transaction: &Connection,
    version: i64,
    name: &str,
    detail: Option<&str>,
    entry: &Entry,
) -> rusqlite::Result<usize> {
    let sql = format!(
        "INSERT INTO main.{AUDIT_TABLE} (at, who, host, application_version, action, version, name, detail) \
         VALUES ({NOW}, ?1, ?2, ?3, ?4, ?5, ?6, ?7)"
    );
    let values = params![
        user(),
        entry.who.host,
        entry.who.application_version,
        entry.action.as_str(),
        version,
        name,
        detail,
    ];
    transaction.execute(&sql, values)
}

/// SQLite has no roles: it is the user of the operating system.
fn user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "unknown".into())
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn milliseconds(elapsed: Duration) -> i64 {
    i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
}
