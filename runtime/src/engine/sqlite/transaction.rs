//! A migration and its history row in one transaction.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::{batch, describe, open, sql};
use crate::error::DatabaseError;

/// For each statement the rows that it changed, if it is one that changes rows.
///
/// `BEGIN IMMEDIATE`, because a transaction that begins by reading and then writes does not wait
/// for others (it ignores the busy timeout).
///
/// Foreign keys are not enforced while it runs, and checked before it commits. Enforced, SQLite's
/// way to change a table (make a new one, copy, drop, rename) would delete or refuse the rows that refer to it,
/// and `PRAGMA foreign_keys` has no effect inside a transaction.
pub(super) fn run(
    connection: &mut Connection,
    path: &Path,
    text: &str,
    row: &sql::Row,
) -> Result<Vec<u64>, DatabaseError> {
    begin(connection)?;
    let ran = batch(connection, text);
    end(connection, path, row, ran)
}

/// Begins the transaction.
pub(super) fn begin(connection: &mut Connection) -> Result<(), DatabaseError> {
    let failed = |error: rusqlite::Error| describe(&error);
    connection.execute_batch("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE").map_err(failed)?;
    keep_open(connection)
}

/// Ends it, with the migration's row where that has run well; gives what it gave.
pub(super) fn end<T>(
    connection: &mut Connection,
    path: &Path,
    row: &sql::Row,
    ran: Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let failed = |error: rusqlite::Error| describe(&error);
    may_end(connection)?;
    let applied = ran.and_then(|given| {
        if connection.is_autocommit() {
            return Err(DatabaseError::new("the migration ended the transaction it ran in")
                .help("remove what ends it, such as `ON CONFLICT ROLLBACK`"));
        }
        check_foreign_keys(connection, path)?;
        row.finish(connection).map_err(failed)?;
        connection.execute_batch("COMMIT").map_err(failed)?;
        Ok(given)
    });
    if applied.is_err() {
        roll_back(connection);
    }
    applied
}

/// Has nothing begin or end a transaction from here on.
pub(super) fn keep_open(connection: &mut Connection) -> Result<(), DatabaseError> {
    connection.authorizer(Some(authorize)).map_err(|error| describe(&error))
}

/// Gives that up.
pub(super) fn may_end(connection: &mut Connection) -> Result<(), DatabaseError> {
    let nothing = None::<fn(AuthContext<'_>) -> Authorization>;
    connection.authorizer(nothing).map_err(|error| describe(&error))
}

/// Undoes what is open. What it says does not matter beside the error that led here.
pub(super) fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
}

/// The build refuses transaction control it can see; this is for what it cannot.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

/// Refuses rows that refer to nothing, unless there were as many of them before.
fn check_foreign_keys(connection: &Connection, path: &Path) -> Result<(), DatabaseError> {
    let failed = |error: rusqlite::Error| describe(&error);
    let broken = broken_references(connection).map_err(failed)?;
    let Some((table, parent)) = broken.first() else { return Ok(()) };
    // Another connection sees the file as it was.
    let before = broken_references(&open(path)?).map_err(failed)?;
    if broken.len() <= before.len() {
        return Ok(());
    }
    let parent = parent.as_deref().unwrap_or("a table");
    Err(DatabaseError::new(format!(
        "rows of `{table}` refer to rows of `{parent}` that do not exist ({} such rows)",
        broken.len()
    ))
    .help("foreign keys are not enforced while a migration runs, so nothing cascades: delete or change these rows in it"))
}

/// The rows that refer to nothing: their table, and the table they refer to.
fn broken_references(connection: &Connection) -> rusqlite::Result<Vec<(String, Option<String>)>> {
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(2)?)))?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(sql: &str) -> (tempfile::TempDir, std::path::PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let connection = open(&path).unwrap();
        connection.execute_batch(&sql::create_history()).unwrap();
        connection.execute_batch(sql).unwrap();
        (folder, path, connection)
    }

    const FAMILY: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE child (parent REFERENCES parent (id) ON DELETE CASCADE);
        INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1), (2);";

    fn count(connection: &Connection, table: &str) -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_table_can_be_made_anew_without_losing_what_refers_to_it() {
        let (_folder, path, mut connection) = database(FAMILY);
        let rebuild = "CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT);
            INSERT INTO parent_new (id) SELECT id FROM parent; DROP TABLE parent; ALTER TABLE parent_new RENAME TO parent;";
        run(&mut connection, &path, rebuild, &sql::Row::for_tests()).unwrap();
        assert_eq!((count(&connection, "child"), count(&connection, "sharded_migrations_history")), (2, 1));
    }

    #[test]
    fn rows_that_refer_to_nothing_are_refused() {
        let (_folder, path, mut connection) = database(FAMILY);
        let error = run(&mut connection, &path, "DELETE FROM parent WHERE id = 1", &sql::Row::for_tests())
            .unwrap_err();
        assert!(error.message.contains("rows of `child` refer to rows of `parent`"), "{error}");
        assert_eq!((count(&connection, "parent"), count(&connection, "sharded_migrations_history")), (2, 0));
    }

    #[test]
    fn what_was_broken_before_does_not_matter() {
        let (_folder, path, mut connection) = database(FAMILY);
        connection.execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM parent WHERE id = 1").unwrap();
        run(&mut connection, &path, "CREATE TABLE a (id)", &sql::Row::for_tests()).unwrap();
    }

    #[test]
    fn transactions_cannot_be_ended() {
        for sql in ["CREATE TABLE a (id); COMMIT; BEGIN", "SAVEPOINT a", "ROLLBACK"] {
            let (_folder, path, mut connection) = database("");
            let error = run(&mut connection, &path, sql, &sql::Row::for_tests()).unwrap_err();
            assert!(error.message.contains("cannot begin or end transactions"), "{sql}: {error}");
            assert!(!connection.table_exists(None, "a").unwrap());
            assert_eq!(count(&connection, "sharded_migrations_history"), 0);
        }
    }
}
