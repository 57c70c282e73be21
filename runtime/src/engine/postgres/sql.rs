//! Every statement that is ours. Names and texts of users go in quoted.

use crate::engine::{HISTORY_TABLE, Progress, Step};

/// One message, two statements: what the server and the database are, then the history.
///
/// The identity is the server's start (in microseconds), the database and the schema: it needs no
/// special right and is the same through every name and port. A history table that is on the
/// `search_path` already is the one to use; else it will be made in the current schema.
pub(super) const SURVEY: &str = "\
SELECT pg_catalog.pg_is_in_recovery(), \
pg_catalog.concat_ws('/', extract(epoch from pg_catalog.pg_postmaster_start_time()), d.oid, s.name), s.name \
FROM pg_catalog.pg_database d, \
(SELECT coalesce((SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
WHERE c.oid = pg_catalog.to_regclass('sharded_migrations_history')), pg_catalog.current_schema()) AS name) s \
WHERE d.datname = pg_catalog.current_database();\n\
SELECT version, name, checksum, state, statements_done FROM sharded_migrations_history ORDER BY version";

pub(super) fn try_lock(schema: &str) -> String {
    format!("SELECT pg_catalog.pg_try_advisory_lock({}); {NOTICE_A_LOST_CLIENT}", lock_key(schema))
}

/// Who holds the lock, as a text; NULL when it has just been let go.
pub(super) fn lock_holder(schema: &str) -> String {
    format!(
        "SELECT (SELECT pg_catalog.format('pid %s (%s)', l.pid, \
         coalesce(nullif(a.application_name, ''), a.usename, 'unknown')) \
         FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid) \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
         AND ((l.classid::bigint << 32) | l.objid::bigint) = {} LIMIT 1)",
        lock_key(schema)
    )
}

/// The server keeps the advisory locks of its databases apart; within one, a lock is a history
/// table's.
fn lock_key(schema: &str) -> String {
    format!("pg_catalog.hashtextextended({}, 0)", literal(&format!("{schema}.{HISTORY_TABLE}")))
}

/// Safe when two processes come here at once: the lock lets in one at a time.
pub(super) fn create_history(schema: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         version bigint PRIMARY KEY CHECK (version >= 0),\n\
         name text NOT NULL,\n\
         checksum text NOT NULL,\n\
         state text NOT NULL CHECK (state IN ('started', 'applied')),\n\
         statements_done integer NOT NULL,\n\
         applied_at timestamptz NOT NULL,\n\
         execution_ms bigint NOT NULL,\n\
         applied_by text NOT NULL,\n\
         host text NOT NULL,\n\
         application_version text)",
        table(schema)
    )
}

/// What surrounds a migration's text in its message.
pub(super) struct Around {
    pub(super) before: String,
    /// How many statements `before` has.
    pub(super) statements_before: usize,
    pub(super) after: String,
}

/// Gives a session back its start when a migration is done with it, so that nothing leaks into the
/// next: not `DISCARD ALL`, which would take the advisory lock as well. They come after the `COMMIT`: in
/// front of a `BEGIN` in the same message they would be too late for it, as its transaction has taken
/// its isolation level by then.
const RESET: &str =
    "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP; DEALLOCATE ALL";

/// Lets the server look now and then whether anybody still waits for its work: a migration whose
/// process is gone would otherwise hold its place in the queue for a table, and everybody behind it, for as
/// long as it waits. PostgreSQL 14 and later; a reset takes it back.
const NOTICE_A_LOST_CLIENT: &str = "SELECT pg_catalog.set_config('client_connection_check_interval', '2s', false) \
    WHERE pg_catalog.current_setting('server_version_num')::int >= 140000";

/// One transaction: the settings, the migration, the history row.
pub(super) fn transaction(schema: &str, step: &Step<'_>) -> Around {
    let mut before = vec!["BEGIN".to_owned()];
    before.extend(settings(step, "SET LOCAL"));
    let row = history_row(step, "applied", step.migration.statements.len(), ELAPSED);
    // The new line and the semicolon end what the migration may leave open: a `--` comment, its
    // last statement. It may also have changed its role, and the row is ours to write.
    let insert = insert(schema, &row);
    let after = format!(
        "\n;\nRESET SESSION AUTHORIZATION;\nRESET ROLE;\n{insert};\nCOMMIT;\n{RESET};\n{NOTICE_A_LOST_CLIENT}"
    );
    Around { statements_before: before.len(), before: before.join(";\n") + ";\n", after }
}

/// Milliseconds since the transaction began.
const ELAPSED: &str =
    "(extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.transaction_timestamp()) * 1000)::bigint";

/// The history row of a migration outside a transaction, at each stage of it. The first one also
/// makes the settings, for the whole session.
pub(super) fn record(schema: &str, step: &Step<'_>, progress: Progress) -> String {
    let version = step.migration.version;
    let table = table(schema);
    match progress {
        Progress::Started => {
            let mut statements = vec![insert(schema, &history_row(step, "started", 0, "0"))];
            statements.extend(settings(step, "SET"));
            statements.join("; ")
        }
        Progress::Statements(done) => {
            format!("UPDATE {table} SET statements_done = {done} WHERE version = {version}")
        }
        Progress::Applied(elapsed) => format!(
            "UPDATE {table} SET state = 'applied', applied_at = pg_catalog.clock_timestamp(), execution_ms = {} \
             WHERE version = {version}; {RESET}; {NOTICE_A_LOST_CLIENT}",
            elapsed.as_millis()
        ),
    }
}

fn settings(step: &Step<'_>, set: &str) -> impl Iterator<Item = String> {
    let timeouts = step.migration.timeouts;
    [("lock_timeout", timeouts.lock), ("statement_timeout", timeouts.statement)]
        .into_iter()
        .filter_map(move |(name, value)| Some(format!("{set} {name} = {}", value?.as_millis())))
}

fn insert(schema: &str, row: &str) -> String {
    format!(
        "INSERT INTO {} (version, name, checksum, state, statements_done, applied_at, execution_ms, applied_by, host, \
         application_version) VALUES ({row})",
        table(schema)
    )
}

fn history_row(step: &Step<'_>, state: &str, statements_done: usize, execution_ms: &str) -> String {
    let migration = step.migration;
    let application_version = step.who.application_version.as_deref().map_or("NULL".to_owned(), literal);
    format!(
        "{}, {}, '{}', '{state}', {statements_done}, pg_catalog.clock_timestamp(), {execution_ms}, session_user, {}, \
         {application_version}",
        migration.version,
        literal(&migration.name),
        migration.checksum,
        literal(&step.who.host),
    )
}

fn table(schema: &str) -> String {
    format!("{}.{HISTORY_TABLE}", identifier(schema))
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text for the server, read alike with `standard_conforming_strings` on and off.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
