//! tokio-postgres's errors in full: by itself one prints only `db error`.

use std::error::Error as _;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::error::{DatabaseError, SqlPlace};

/// What to do about some of the codes a server answers with.
const ADVICE: &[(SqlState, &str)] = &[
    (
        SqlState::INSUFFICIENT_PRIVILEGE,
        "let migrations use a role that may do this: `migrate_url` in databases.toml",
    ),
    (
        SqlState::READ_ONLY_SQL_TRANSACTION,
        "let the URL lead to the primary, and see that `default_transaction_read_only` is off there for this role",
    ),
    (
        SqlState::ACTIVE_SQL_TRANSACTION,
        "this statement cannot run inside a transaction: put it into a file of its own with `-- #[no_transaction]`",
    ),
    (
        SqlState::LOCK_NOT_AVAILABLE,
        "another session has the table: `pg_stat_activity` and `pg_blocking_pids` show which; `lock_timeout` in the \
         header and `--lock-timeout` say how long each try waits, `--retry-for` for how long it is tried",
    ),
    (
        SqlState::QUERY_CANCELED,
        "it took longer than its `statement_timeout`, or somebody cancelled it: give it longer in the header or with \
         `--statement-timeout`",
    ),
    (SqlState::DISK_FULL, "make room on the server's disk (or move its logs elsewhere), then run this again"),
    (SqlState::OUT_OF_MEMORY, "the server has no memory left: migrate fewer databases at a time (`--jobs`)"),
    (
        SqlState::ADMIN_SHUTDOWN,
        "the server is going down, or somebody ended the session; run this again once it is up",
    ),
    (SqlState::CRASH_SHUTDOWN, "a process of the server crashed: look at its log before you run this again"),
    (SqlState::CANNOT_CONNECT_NOW, "the server is starting or stopping: run this again in a moment"),
];

/// What may go well a little later: other sessions had the table, or were in each other's way.
const TRANSIENT: [SqlState; 3] =
    [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE];

/// Whether the server asks for data, or sends it, in the middle of a message (COPY): the connection is
/// of no more use then. tokio-postgres tells it by this text alone.
pub(super) fn exchanges_data(error: &Error) -> bool {
    error.to_string() == "unexpected message from server"
}

/// Any error.
pub(super) fn describe(error: &Error) -> DatabaseError {
    match error.as_db_error() {
        Some(said) => from_server(said),
        None if error.is_closed() => DatabaseError::new("the server closed the connection"),
        None => DatabaseError::new(chain(error)),
    }
}

/// The error of a message: where in it, if the server says; else which statement.
pub(super) fn describe_at(error: &Error, sql: &str, statements_done: usize) -> DatabaseError {
    let place = match error.as_db_error().map(DbError::position) {
        Some(Some(ErrorPosition::Original(position))) => byte_of(sql, *position).map(SqlPlace::Byte),
        Some(_) => Some(SqlPlace::Statement(statements_done)),
        None if exchanges_data(error) => {
            let copy = DatabaseError::new(
                "the statement exchanges data with its client, which a migration cannot do",
            )
            .help("in place of COPY .. FROM STDIN, write INSERT statements");
            return DatabaseError { place: Some(SqlPlace::Statement(statements_done)), ..copy };
        }
        None => None,
    };
    DatabaseError { place, ..describe(error) }
}

/// What a server said, in full.
pub(super) fn from_server(said: &DbError) -> DatabaseError {
    let facts = [
        ("detail", said.detail()),
        ("hint", said.hint()),
        ("constraint", said.constraint()),
        ("context", said.where_()),
    ];
    let mut notes: Vec<String> =
        facts.iter().filter_map(|(word, fact)| Some(format!("{word}: {}", (*fact)?))).collect();
    if let Some(ErrorPosition::Internal { query, .. }) = said.position() {
        notes.push(format!("in the query: {query}"));
    }
    let advice = ADVICE.iter().find(|(code, _)| code == said.code());
    DatabaseError {
        message: said.message().to_owned(),
        sqlstate: Some(said.code().code().to_owned()),
        notes,
        help: advice.map(|(_, help)| (*help).to_owned()),
        place: None,
        is_transient: TRANSIENT.contains(said.code()),
        is_cancelled: *said.code() == SqlState::QUERY_CANCELED,
    }
}

/// The error and what caused it, without what only repeats.
pub(super) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(&format!(": {inner_text}"));
        }
        cause = inner.source();
    }
    text
}

/// The byte of a character; the server counts characters from 1.
fn byte_of(sql: &str, position: u32) -> Option<usize> {
    let index = usize::try_from(position).ok()?.checked_sub(1)?;
    sql.char_indices().map(|(byte, _)| byte).chain([sql.len()]).nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_characters_from_one() {
        assert_eq!(byte_of("aéb", 1), Some(0));
        assert_eq!(byte_of("aéb", 3), Some(3));
        assert_eq!(byte_of("aéb", 4), Some(4), "the end");
        assert_eq!(byte_of("aéb", 5), None);
        assert_eq!(byte_of("aéb", 0), None);
    }
}
