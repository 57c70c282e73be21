//! What the server answers, read. Everything comes as text.

use std::str::FromStr;

use sharded_migrations_core::HistoryRow;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::audit::AuditRecord;
use crate::engine::{Commits, HISTORY_TABLE, Server, audited_version, history_row, milliseconds};
use crate::error::DatabaseError;
use crate::history::HistoryRecord;

/// The rows that a message gives.
pub(super) async fn rows(client: &Client, sql: &str) -> Result<Vec<SimpleQueryRow>, tokio_postgres::Error> {
    let answers = client.simple_query(sql).await?.into_iter();
    let rows = answers.filter_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows.collect())
}

pub(super) fn no_schema() -> DatabaseError {
    DatabaseError::new(
        "no schema of the connection's `search_path` exists, so there is none for the history table",
    )
    .help("create the schema, or set a `search_path` for the role: `ALTER ROLE .. SET search_path = ..`")
}

/// The first row of a survey.
pub(super) struct About {
    pub(super) is_replica: bool,
    pub(super) identity: String,
    pub(super) server: Server,
    may_create: bool,
    is_read_only: bool,
}

impl About {
    pub(super) fn read(row: &SimpleQueryRow) -> Result<Self, DatabaseError> {
        let is = |index, value: &str| Ok::<_, DatabaseError>(column(row, index)? == value);
        Ok(Self {
            is_replica: is(0, "t")?,
            identity: [Some(column(row, 1)?), row.get(2)].into_iter().flatten().collect::<Vec<_>>().join("/"),
            server: Server {
                schema: row.get(2).map(str::to_owned),
                notices_lost_clients: is(3, "t")?,
                commits: match column(row, 6)? {
                    "disk" => Commits::Disk,
                    "nothing" => Commits::Nothing,
                    _ => Commits::Others,
                },
            },
            may_create: row.get(4) == Some("t"),
            is_read_only: is(5, "on")?,
        })
    }

    /// Why nothing can be applied.
    pub(super) fn obstacle(&self, has_history: bool) -> Option<DatabaseError> {
        let Some(schema) = &self.server.schema else { return Some(no_schema()) };
        if self.is_read_only {
            return Some(
                DatabaseError::new("the database takes no writes: transactions are read-only by default (`default_transaction_read_only`)")
                    .help("set it off for this role or database, or let `migrate_url` use another role"),
            );
        }
        (!has_history && !self.may_create).then(|| {
            DatabaseError::new(format!(
                "the role of the URL may create nothing in the schema `{schema}`, where the table {HISTORY_TABLE} would be"
            ))
            .help("GRANT CREATE on the schema, or let migrations use a role that may: `migrate_url` in databases.toml")
        })
    }
}

pub(super) fn row_of_history(row: &SimpleQueryRow) -> Result<HistoryRow, DatabaseError> {
    let name = column(row, 1)?.to_owned();
    history_row(number(row, 0)?, name, column(row, 2)?, column(row, 3)?, number(row, 4)?)
}

pub(super) fn record_of_history(row: &SimpleQueryRow) -> Result<HistoryRecord, DatabaseError> {
    Ok(HistoryRecord {
        row: row_of_history(row)?,
        applied_at: column(row, 5)?.to_owned(),
        execution: milliseconds(number(row, 6)?),
        applied_by: column(row, 7)?.to_owned(),
        host: column(row, 8)?.to_owned(),
        application_version: row.get(9).map(str::to_owned),
    })
}

pub(super) fn record_of_audit(row: &SimpleQueryRow) -> Result<AuditRecord, DatabaseError> {
    Ok(AuditRecord {
        id: number(row, 0)?,
        at: column(row, 1)?.to_owned(),
        who: column(row, 2)?.to_owned(),
        host: column(row, 3)?.to_owned(),
        application_version: row.get(4).map(str::to_owned),
        action: column(row, 5)?.to_owned(),
        version: audited_version(number(row, 6)?)?,
        name: column(row, 7)?.to_owned(),
        detail: row.get(8).map(str::to_owned),
    })
}

/// A column that the server keeps as a whole number.
pub(super) fn number<T: FromStr>(row: &SimpleQueryRow, index: usize) -> Result<T, DatabaseError> {
    let text = column(row, index)?;
    text.parse().map_err(|_| {
        DatabaseError::new(format!("the server's answer `{text}` is not the number it should be"))
    })
}

pub(super) fn column(row: &SimpleQueryRow, index: usize) -> Result<&str, DatabaseError> {
    let value = row.try_get(index).ok().flatten();
    value.ok_or_else(|| {
        DatabaseError::new(format!("the server left column {} of its answer empty", index + 1))
    })
}
