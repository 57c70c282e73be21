//! Tables of other tools.

use rusqlite::Connection;
use rusqlite::types::FromSql;

use super::{SqliteSession, column, describe, read};
use crate::engine::foreign::{Foreign, ForeignTable, Shown};
use crate::engine::{AUDIT_TABLE, HISTORY_TABLE};
use crate::error::DatabaseError;

impl SqliteSession {
    pub(super) fn foreign(&mut self, table: &ForeignTable) -> Result<Foreign, DatabaseError> {
        // To open it would make it.
        if self.connection.is_none() && !self.path.exists() {
            return Ok(Foreign::Absent { is_new: true });
        }
        if let Some(schema) = table.schema.as_deref().filter(|schema| !schema.eq_ignore_ascii_case("main")) {
            let message = format!("there is no table {table} here: SQLite has no schema `{schema}`");
            return Err(DatabaseError::new(message).help(
                "name the table alone; where other databases have it in a schema, choose with `--database`",
            ));
        }
        let connection = &*self.open()?;
        let of_that_name = "SELECT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE)";
        if !one(connection, of_that_name, [&table.name])? {
            let others = format!(
                "SELECT NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type IN ('table', 'view') \
                 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('{HISTORY_TABLE}', '{AUDIT_TABLE}'))"
            );
            return Ok(Foreign::Absent { is_new: one(connection, &others, [])? });
        }
        let rows = read(connection, &select(table), |row| {
            (0..row.as_ref().column_count()).map(|index| column(row, index)).collect()
        });
        Ok(Foreign::Rows(rows.map_err(|error| unreadable(table, error))?))
    }
}

fn one<T: FromSql>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<T, DatabaseError> {
    connection.query_row(sql, values, |row| row.get(0)).map_err(|error| describe(&error))
}

fn unreadable(table: &ForeignTable, error: DatabaseError) -> DatabaseError {
    DatabaseError { message: format!("the table {table} cannot be read: {}", error.message), ..error }
}

fn select(ForeignTable { name, columns, .. }: &ForeignTable) -> String {
    let column = |(column, shown): &(&str, Shown)| match shown {
        Shown::Text => format!("CAST(t.\"{column}\" AS TEXT)"),
        Shown::Hex => format!("lower(hex(t.\"{column}\"))"),
        Shown::Time => format!("strftime('%Y-%m-%dT%H:%M:%fZ', t.\"{column}\")"),
    };
    let list: Vec<String> = columns.iter().map(column).collect();
    let order = columns.first().map(|(first, _)| format!(" ORDER BY t.\"{first}\"")).unwrap_or_default();
    format!("SELECT {} FROM main.\"{name}\" t{order}", list.join(", "))
}
