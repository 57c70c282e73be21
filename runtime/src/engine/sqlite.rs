//! SQLite, through rusqlite. A database is a file; each call runs on tokio's threads for blocking
//! work.

mod client;
#[cfg(feature = "adopt")]
mod foreign;
mod lock;
mod sql;
mod transaction;

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};
use sharded_migrations_core::{HistoryRow, Resume, Script};

#[cfg(feature = "adopt")]
use super::foreign::{Foreign, ForeignTable};
use super::{
    AUDIT_TABLE, Batch, Canceller, Done, Engine, Entry, Facts, Found, FoundTable, HISTORY_TABLE, Lock,
    Progress, RowChange, Rows, Server, Session, Since, Step, Stop, Why, audited_version, history_row,
    milliseconds,
};
use crate::audit::AuditRecord;
use crate::error::{DatabaseError, SqlPlace};
use crate::fleet::Target;
use crate::history::HistoryRecord;
use lock::FileLock;

/// The engine.
pub(super) struct Sqlite;

/// How long a write waits for another connection's, such as the application's own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

#[async_trait]
impl Engine for Sqlite {
    async fn connect(&self, target: &Target) -> Result<Box<dyn Session>, DatabaseError> {
        Ok(Box::new(SqliteSession { path: path(target.url.expose())?, connection: None, lock: None }))
    }
}

/// The file of a URL: `sqlite:users.db`, `sqlite:/var/lib/users.db`, `sqlite:///var/lib/users.db`.
fn path(url: &str) -> Result<PathBuf, DatabaseError> {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        return Err(DatabaseError::new("the URL names no file")
            .help("write `sqlite:path/to/file.db`; a database in memory would be gone with the connection"));
    }
    if path.contains('?') {
        return Err(DatabaseError::new("a URL of SQLite takes no parameters here")
            .help("write the path alone, or give migrations a URL of their own: `migrate_url`"));
    }
    Ok(PathBuf::from(path))
}

struct SqliteSession {
    path: PathBuf,
    /// Opened when it is needed: opening a file that does not exist would make it.
    connection: Option<Connection>,
    lock: Option<FileLock>,
}

#[async_trait]
impl Session for SqliteSession {
    async fn survey(&mut self) -> Result<Facts, DatabaseError> {
        self.blocking(|session| session.read_facts()).await
    }

    async fn history(&mut self) -> Result<Vec<HistoryRecord>, DatabaseError> {
        self.blocking(|session| read(session.open()?, sql::RECORDS, record_of_history)).await
    }

    async fn audit(&mut self) -> Result<Vec<AuditRecord>, DatabaseError> {
        self.blocking(|session| match session.open_existing()? {
            Some(connection) if has_table(connection, AUDIT_TABLE)? => {
                read(connection, sql::AUDITS, record_of_audit)
            }
            _ => Ok(Vec::new()),
        })
        .await
    }

    async fn tables(&mut self) -> Result<Vec<FoundTable>, DatabaseError> {
        self.blocking(|session| {
            let Some(connection) = session.open_existing()? else { return Ok(Vec::new()) };
            let columns = read(connection, sql::TABLES, |row| {
                Ok((column::<String>(row, 0)?, column::<String>(row, 1)?))
            })?;
            let mut tables: Vec<FoundTable> = Vec::new();
            for (name, column) in columns {
                match tables.last_mut().filter(|last| last.name == name) {
                    Some(table) => table.columns.push(column),
                    None => {
                        tables.push(FoundTable {
                            schema: None,
                            name,
                            is_visible: true,
                            columns: vec![column],
                        });
                    }
                }
            }
            Ok(tables)
        })
        .await
    }

    /// The file's path says all.
    fn assume(&mut self, _: Server) {}

    async fn apply(&mut self, batch: &Batch<'_>, done: &Done<'_>) -> Result<(), Stop> {
        self.prepare(batch.since).await.map_err(Stop::at_once)?;
        for (index, step) in batch.steps.iter().enumerate() {
            let row = sql::Row::new(step);
            let sql = step.sql.to_owned();
            let run = self.blocking(move |session| {
                let path = session.path.clone();
                transaction::run(session.open_anew()?, &path, &sql, &row)
            });
            let counts = run.await.map_err(|error| Stop { committed: index, why: Why::Failed(error) })?;
            done(rows(step.script, &counts));
        }
        Ok(())
    }

    /// A commit waits for the disk.
    async fn settle(&mut self) -> Result<(), DatabaseError> {
        Ok(())
    }

    async fn try_lock(&mut self) -> Result<Lock, DatabaseError> {
        self.blocking(|session| {
            if session.lock.is_none() {
                // Beside the file itself, also where it is reached through a link.
                session.lock = FileLock::try_take(Path::new(&identity(&session.path)?))?;
            }
            Ok(if session.lock.is_some() { Lock::Free } else { Lock::Held(None) })
        })
        .await
    }

    /// Nothing tells who has a file's lock, nor whether anybody has, but a try.
    async fn look_at_lock(&mut self) -> Result<Lock, DatabaseError> {
        self.try_lock().await
    }

    async fn record(&mut self, step: &Step<'_>, progress: Progress) -> Result<(), Stop> {
        if let Progress::Started(since) = progress {
            self.prepare(since).await.map_err(Stop::at_once)?;
        }
        let row = sql::Row::new(step);
        let recorded = self.blocking(move |session| {
            let connection = match progress {
                Progress::Started(_) | Progress::Resumed(_) => session.open_anew()?,
                Progress::Statements(_) | Progress::Paused(_) | Progress::Finished(_) => session.open()?,
            };
            row.record(connection, progress).map_err(|error| describe(&error))
        });
        recorded.await.map_err(|error| Stop::at_once(Why::Failed(error)))
    }

    async fn change_rows(&mut self, changes: &[RowChange], entry: &Entry) -> Result<(), DatabaseError> {
        let (changes, entry) = (changes.to_vec(), entry.clone());
        self.blocking(move |session| {
            sql::change_rows(session.open()?, &changes, &entry).map_err(|error| describe(&error))
        })
        .await
    }

    /// Nothing here runs `CONCURRENTLY`.
    async fn look_for(&mut self, _: &Resume) -> Result<Found, DatabaseError> {
        Ok(Found::Undone)
    }

    /// Its statements run in this process, to their end.
    fn canceller(&self) -> Option<Canceller> {
        None
    }

    async fn contents(&mut self) -> Result<Vec<(String, u64)>, DatabaseError> {
        self.blocking(|session| {
            let Some(connection) = session.open_existing()? else { return Ok(Vec::new()) };
            let count = sql::contents(connection).map_err(|error| describe(&error))?;
            Ok(if count > 0 { vec![("main".to_owned(), count)] } else { Vec::new() })
        })
        .await
    }

    async fn empty(&mut self) -> Result<(), DatabaseError> {
        self.blocking(|session| sql::empty(session.open_anew()?).map_err(|error| describe(&error))).await
    }

    async fn statement(&mut self, sql: &str) -> Result<u64, DatabaseError> {
        let sql = sql.to_owned();
        let counts = self.blocking(move |session| batch(session.open()?, &sql)).await?;
        Ok(counts.last().copied().unwrap_or_default())
    }

    #[cfg(feature = "adopt")]
    async fn read_foreign(&mut self, table: ForeignTable) -> Result<Foreign, DatabaseError> {
        self.blocking(move |session| session.foreign(&table)).await
    }

    async fn close(self: Box<Self>) {
        // Closing writes the log back, which may take a while; the lock goes after the connection.
        let _ = tokio::task::spawn_blocking(move || {
            let Self { connection, lock, .. } = *self;
            drop(connection);
            drop(lock);
        })
        .await;
    }
}

impl SqliteSession {
    /// Runs blocking work on a thread for it. The session goes there and comes back; when this
    /// future is dropped meanwhile, it is dropped there, and with it the lock.
    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let empty = Self { path: self.path.clone(), connection: None, lock: None };
        let mut session = std::mem::replace(self, empty);
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&mut session);
            (session, result)
        });
        let (session, result) =
            done.await.map_err(|error| DatabaseError::new(format!("the work was lost: {error}")))?;
        *self = session;
        result
    }

    /// Takes the lock, and looks whether the history is still what a plan was made from.
    async fn prepare(&mut self, since: Since) -> Result<(), Why> {
        if self.try_lock().await.map_err(Why::Unprepared)? != Lock::Free {
            return Err(Why::Locked);
        }
        if Since::of(&self.survey().await.map_err(Why::Unprepared)?) != since {
            return Err(Why::Stale);
        }
        if since.has_history {
            return Ok(());
        }
        let create = self.blocking(|session| {
            session.open()?.execute_batch(&sql::create_history()).map_err(|error| describe(&error))
        });
        create.await.map_err(Why::Unprepared)
    }

    fn open(&mut self) -> Result<&mut Connection, DatabaseError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            empty => Ok(empty.insert(open(&self.path)?)),
        }
    }

    /// A file that does not exist has nothing in it, and is not made.
    fn open_existing(&mut self) -> Result<Option<&Connection>, DatabaseError> {
        if self.connection.is_none() && !self.path.exists() {
            return Ok(None);
        }
        self.open().map(|connection| Some(&*connection))
    }

    /// A connection for the next migration, so that nothing leaks into it from the one before:
    /// temporary tables, attached files, pragmas.
    fn open_anew(&mut self) -> Result<&mut Connection, DatabaseError> {
        self.connection = None;
        self.open()
    }

    fn read_facts(&mut self) -> Result<Facts, DatabaseError> {
        let identity = identity(&self.path)?;
        let empty = Facts {
            identity,
            exists: false,
            is_replica: false,
            has_history: false,
            history: Vec::new(),
            obstacle: None,
            server: Server::default(),
        };
        let Some(connection) = self.open_existing()? else { return Ok(empty) };
        let has_history = has_table(connection, HISTORY_TABLE)?;
        let history = if has_history { read(connection, sql::HISTORY, row_of_history)? } else { Vec::new() };
        Ok(Facts { exists: true, has_history, history, ..empty })
    }
}

/// Opens a file, or makes it. Writable in any case: what a crash left has to be rolled back before
/// anything can be read.
fn open(path: &Path) -> Result<Connection, DatabaseError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    });
    connection.map_err(|error| {
        let mut described = describe(&error);
        described.message = format!("the file {} cannot be opened: {}", path.display(), described.message);
        described.help("does its folder exist, and may this user write there?")
    })
}

/// The file itself, whatever name it is reached by.
fn identity(path: &Path) -> Result<String, DatabaseError> {
    let unknown = |error: std::io::Error| {
        let message = format!("the folder of the file {} cannot be read: {error}", path.display());
        DatabaseError::new(message).help("create the folder first")
    };
    if let Ok(file) = path.canonicalize() {
        return Ok(file.display().to_string());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(unknown)?;
    Ok(folder.join(path.file_name().unwrap_or_default()).display().to_string())
}

/// The rows of a query.
fn read<T>(
    connection: &Connection,
    sql: &str,
    row_of: fn(&Row<'_>) -> Result<T, DatabaseError>,
) -> Result<Vec<T>, DatabaseError> {
    let failed = |error: rusqlite::Error| describe(&error);
    let mut statement = connection.prepare(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut read = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        read.push(row_of(row)?);
    }
    Ok(read)
}

fn row_of_history(row: &Row<'_>) -> Result<HistoryRow, DatabaseError> {
    let (checksum, state): (String, String) = (column(row, 2)?, column(row, 3)?);
    history_row(column(row, 0)?, column(row, 1)?, &checksum, &state, column(row, 4)?)
}

fn record_of_history(row: &Row<'_>) -> Result<HistoryRecord, DatabaseError> {
    Ok(HistoryRecord {
        row: row_of_history(row)?,
        applied_at: column(row, 5)?,
        execution: milliseconds(column(row, 6)?),
        applied_by: column(row, 7)?,
        host: column(row, 8)?,
        application_version: column(row, 9)?,
    })
}

fn record_of_audit(row: &Row<'_>) -> Result<AuditRecord, DatabaseError> {
    Ok(AuditRecord {
        id: column(row, 0)?,
        at: column(row, 1)?,
        who: column(row, 2)?,
        host: column(row, 3)?,
        application_version: column(row, 4)?,
        action: column(row, 5)?,
        version: audited_version(column(row, 6)?)?,
        name: column(row, 7)?,
        detail: column(row, 8)?,
    })
}

fn has_table(connection: &Connection, name: &str) -> Result<bool, DatabaseError> {
    sql::has_table(connection, name).map_err(|error| describe(&error))
}

fn column<T: FromSql>(row: &Row<'_>, index: usize) -> Result<T, DatabaseError> {
    row.get(index).map_err(|error| describe(&error))
}

/// What the counts of a migration's statements come to.
fn rows(script: Script<'_>, counts: &[u64]) -> Rows {
    let mut rows = Rows::default();
    for (index, count) in counts.iter().enumerate() {
        rows.add(script.statement(index).unwrap_or_default(), *count);
    }
    rows
}

/// Runs a text statement by statement, to know which one failed. For each the rows of the last one, up to it, that
/// changed any.
fn batch(connection: &Connection, sql: &str) -> Result<Vec<u64>, DatabaseError> {
    // SQLite copies what is left of a text for each statement, unless a zero byte ends it.
    let terminated = format!("{sql}\0");
    let mut statements = rusqlite::Batch::new(connection, &terminated);
    let mut counts = Vec::new();
    loop {
        let placed = |error: rusqlite::Error| place(&error, sql, counts.len());
        let Some(mut statement) = statements.next().map_err(placed)? else { return Ok(counts) };
        let mut rows = statement.raw_query();
        while rows.next().map_err(placed)?.is_some() {}
        counts.push(connection.changes());
    }
}

/// The error of a text, with its place: the byte, where SQLite could not read on; else the
/// statement.
fn place(error: &rusqlite::Error, sql: &str, done: usize) -> DatabaseError {
    let place = match error {
        // `rest` is what was left of the text when the statement was read.
        rusqlite::Error::SqlInputError { sql: rest, offset, .. } => {
            let start = sql.len().checked_sub(rest.trim_end_matches('\0').len());
            start.zip(usize::try_from(*offset).ok()).map(|(start, offset)| SqlPlace::Byte(start + offset))
        }
        _ => None,
    };
    DatabaseError { place: place.or(Some(SqlPlace::Statement(done))), ..describe(error) }
}

fn describe(error: &rusqlite::Error) -> DatabaseError {
    let message = match error {
        // By itself it would repeat the whole text.
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    };
    let help = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy) => "another connection holds a write open; end it and run this again",
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            return DatabaseError::new("a migration cannot begin or end transactions")
                .help("remove it: the migration runs in a transaction of its own");
        }
        Some(ErrorCode::ReadOnly) => "may this user write to the file and its folder?",
        Some(ErrorCode::NotADatabase) => "the URL names a file that is no SQLite database",
        _ => return DatabaseError::new(message),
    };
    DatabaseError::new(message).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file() {
        assert_eq!(path("sqlite:a/b.db").unwrap(), Path::new("a/b.db"));
        assert_eq!(path("sqlite:/a/b.db").unwrap(), Path::new("/a/b.db"));
        assert_eq!(path("sqlite:///a/b.db").unwrap(), Path::new("/a/b.db"));
        for bad in ["sqlite:", "sqlite://", "sqlite::memory:", "sqlite:a.db?mode=ro"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_has_its_place() {
        let connection = Connection::open_in_memory().unwrap();
        let run = |sql: &str| batch(&connection, sql).unwrap_err().place;
        assert_eq!(run("create table a (b unique);\nselect c from a;"), Some(SqlPlace::Byte(34)));
        assert_eq!(
            run("insert into a values (1);insert into a values (1);select 1"),
            Some(SqlPlace::Statement(1))
        );
        assert_eq!(run("-- x\nselekt"), Some(SqlPlace::Byte(5)));
    }
}
