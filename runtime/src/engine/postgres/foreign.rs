//! Tables of other tools, wherever they are on the `search_path`.

use tokio_postgres::error::SqlState;

use super::failure::describe;
use super::{PostgresSession, rows};
use crate::engine::foreign::{Foreign, ForeignTable, Shown};
use crate::engine::{AUDIT_TABLE, HISTORY_TABLE};
use crate::error::DatabaseError;

impl PostgresSession {
    pub(super) async fn foreign(&self, table: &ForeignTable) -> Result<Foreign, DatabaseError> {
        for table in spellings(table) {
            let rows = match rows(&self.client, &select(&table)).await {
                Ok(rows) => rows,
                Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => continue,
                Err(error) => return Err(unreadable(&table, describe(&error))),
            };
            let cell = |row: &tokio_postgres::SimpleQueryRow, index| row.get(index).map(str::to_owned);
            let cells = rows.iter().map(|row| (0..row.len()).map(|index| cell(row, index)).collect());
            return Ok(Foreign::Rows(cells.collect()));
        }
        Ok(Foreign::Absent { is_new: self.text(&is_new()).await?.as_deref() == Some("t") })
    }
}

/// The table as it is named, and as the server reads that name where it is not quoted: refinery and sqlx do not.
fn spellings(table: &ForeignTable) -> Vec<ForeignTable> {
    let lower = ForeignTable {
        schema: table.schema.as_deref().map(str::to_ascii_lowercase),
        name: table.name.to_ascii_lowercase(),
        ..table.clone()
    };
    let is_another = (&lower.schema, &lower.name) != (&table.schema, &table.name);
    std::iter::once(table.clone()).chain(is_another.then_some(lower)).collect()
}

fn unreadable(table: &ForeignTable, error: DatabaseError) -> DatabaseError {
    DatabaseError {
        message: format!("the table {table} cannot be read: {}", error.message),
        place: None,
        ..error
    }
}

fn select(ForeignTable { schema, name, columns }: &ForeignTable) -> String {
    let column = |(column, shown): &(&str, Shown)| match shown {
        Shown::Text => format!("t.\"{column}\"::text"),
        Shown::Hex => format!("pg_catalog.encode(t.\"{column}\", 'hex')"),
        Shown::Time => format!(
            "pg_catalog.to_char(t.\"{column}\"::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
        ),
    };
    let list: Vec<String> = columns.iter().map(column).collect();
    let order = columns.first().map(|(first, _)| format!(" ORDER BY t.\"{first}\"")).unwrap_or_default();
    let schema = schema.iter().map(|schema| format!("\"{schema}\".")).collect::<String>();
    format!("SELECT {} FROM {schema}\"{name}\" t{order}", list.join(", "))
}

/// Whether no schema has a table or view but the system's, an extension's and ours. Not only that of the connection: a
/// tool whose table is in a schema off the `search_path` has not left a new database.
fn is_new() -> String {
    format!(
        "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> 'information_schema' \
         AND n.nspname NOT LIKE 'pg\\_%' AND c.relname NOT IN ('{HISTORY_TABLE}', '{AUDIT_TABLE}') \
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::regclass \
         AND d.objid = c.oid AND d.deptype = 'e'))"
    )
}
