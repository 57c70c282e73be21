//! What keeps runs apart, in SQL: the migration lock and the lock on the history, and who holds them.

use super::history::table;
use super::sql::literal;

/// Takes the migration lock for the session.
pub(super) fn try_take(schema: &str) -> String {
    format!("SELECT pg_catalog.pg_try_advisory_lock({})", lock_key(schema))
}

/// Takes the migration lock for a transaction, or fails with an error that the server's log is clear about.
pub(super) fn take_or_fail(schema: &str) -> String {
    format!(
        "SELECT pg_catalog.current_setting('sharded_migrations: the migration lock is held by another session') \
         WHERE NOT pg_catalog.pg_try_advisory_xact_lock({})",
        lock_key(schema)
    )
}

/// Keeps everybody else from writing to the history until the transaction ends, or fails at once. Unlike a
/// query it leaves a migration free to choose its transaction's isolation level.
pub(super) fn take_history(schema: &str) -> String {
    format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE NOWAIT", table(schema))
}

/// Who is at work there, as a text: holds the migration lock, or the history's.
pub(super) fn holder(schema: &str) -> String {
    format!(
        "SELECT pg_catalog.format('pid %s (%s)', l.pid, \
         coalesce(nullif(a.application_name, ''), a.usename, 'unknown')) \
         FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid) \
         WHERE {} ORDER BY l.granted DESC LIMIT 1",
        is_at_work(schema),
    )
}

/// Who keeps whoever is at work there from going on, as a text. Whose session that is need not be known: the
/// lock is the run's, whatever pooler it goes through.
pub(super) fn table_lock_holder(schema: &str) -> String {
    format!(
        "SELECT CASE WHEN b.pid = 0 THEN 'a prepared transaction' ELSE pg_catalog.format('pid %s (%s%s)', b.pid, \
         coalesce(nullif(a.application_name, ''), a.usename, a.backend_type, 'unknown'), \
         CASE WHEN a.state LIKE 'idle in transaction%' THEN ', idle in a transaction' END) END \
         FROM pg_catalog.pg_locks l CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(l.pid)) b (pid) \
         LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid \
         WHERE {} AND l.granted LIMIT 1",
        is_at_work(schema),
    )
}

/// The rows of `pg_locks` that are of whoever migrates the database now.
fn is_at_work(schema: &str) -> String {
    format!(
        "l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
         AND (l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND ((l.classid::bigint << 32) | l.objid::bigint) = {} \
         OR l.locktype = 'relation' AND l.relation = pg_catalog.to_regclass({}) \
         AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'))",
        lock_key(schema),
        literal(&table(schema)),
    )
}

/// The server keeps the advisory locks of its databases apart; within one, a lock is a history
/// table's.
fn lock_key(schema: &str) -> String {
    format!("pg_catalog.hashtextextended({}, 0)", literal(&table(schema)))
}

/// Fails unless the transaction still has the lock on the history that it began with.
pub(super) fn still_locked_or_fail(schema: &str) -> String {
    format!(
        "SELECT pg_catalog.current_setting('sharded_migrations: the step has ended its transaction') \
         WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'relation' \
         AND pid = pg_catalog.pg_backend_pid() AND relation = pg_catalog.to_regclass({}) \
         AND mode = 'ShareRowExclusiveLock' AND granted)",
        literal(&table(schema))
    )
}
