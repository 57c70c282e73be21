//! What is asked of a server and its sessions, in SQL, and how texts go in: names and texts of users quoted.

use crate::engine::{Commits, Server, Step};
use crate::step::Value;

/// One message, two statements: what the server and the database are, then the history.
///
/// The identity is the server's start (in microseconds), the database and the schema: it needs no
/// special right and is the same through every name and port. A history table that is on the
/// `search_path` already is the one to use; else it will be made in the current schema. A backend that is new
/// has to read each catalog that a query names, so this one names none (1259 is `pg_class`).
pub(super) const SURVEY: &str = "\
SELECT pg_catalog.pg_is_in_recovery(), \
pg_catalog.concat_ws('/', extract(epoch from pg_catalog.pg_postmaster_start_time()), pg_catalog.current_database()), \
coalesce(o.schema, pg_catalog.quote_ident(pg_catalog.current_schema())), \
pg_catalog.current_setting('server_version_num')::int >= 140000 AND pg_catalog.strpos(pg_catalog.version(), 'linux') > 0, \
o.schema IS NOT NULL OR pg_catalog.has_schema_privilege(pg_catalog.current_schema(), 'CREATE'), \
pg_catalog.current_setting('transaction_read_only'), \
CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off' THEN 'nothing' \
WHEN pg_catalog.current_setting('synchronous_standby_names') = '' THEN 'disk' ELSE 'others' END \
FROM pg_catalog.pg_identify_object(1259, pg_catalog.to_regclass('sharded_migrations_history'), 0) o;\n\
SELECT version, name, checksum, state, statements_done FROM sharded_migrations_history ORDER BY version";

/// All tables that are not the server's, a row for each column, and one for a table that has none.
pub(super) const TABLES: &str = "\
SELECT n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid), a.attname \
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
ORDER BY 1, 2, a.attnum";

/// The schemas that are not the server's and have something in them, each with the number of its tables. A schema is what
/// others depend on; that of extensions alone counts too.
pub(super) const CONTENTS: &str = "\
SELECT pg_catalog.quote_ident(n.nspname), pg_catalog.count(c.oid) FROM pg_catalog.pg_namespace n \
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'f') \
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND (n.nspname <> 'public' OR EXISTS (SELECT 1 FROM pg_catalog.pg_depend d \
WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid)) GROUP BY n.nspname ORDER BY 1";

/// The statements that make the schema `public` as it is now, empty.
pub(super) const PUBLIC_AGAIN: &str = "\
SELECT pg_catalog.concat('CREATE SCHEMA public AUTHORIZATION ', pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(nspowner)), \
';\nGRANT USAGE ON SCHEMA public TO PUBLIC', \
CASE WHEN pg_catalog.has_schema_privilege('public', 'public', 'CREATE') THEN ';\nGRANT CREATE ON SCHEMA public TO PUBLIC' END) \
FROM pg_catalog.pg_namespace WHERE nspname = 'public'";

/// Drops schemas, and makes `public` again where it is one of them.
pub(super) fn empty(schemas: &[String], public: Option<&str>) -> String {
    let drops: String = schemas.iter().map(|schema| format!("DROP SCHEMA {schema} CASCADE;\n")).collect();
    let again = public.filter(|_| schemas.iter().any(|schema| schema == "public"));
    let again = again.map(|again| format!("{again};\n")).unwrap_or_default();
    format!(
        "BEGIN;\nSET LOCAL lock_timeout = '10s';\nSET LOCAL client_min_messages = 'warning';\n{drops}{again}COMMIT"
    )
}

/// For a transaction that another one behind it makes durable with itself.
pub(super) const COMMIT_AT_ONCE: &str = "SET LOCAL synchronous_commit = off";

/// For a transaction whose role or database would not wait: what is told of as applied stays.
pub(super) const WAIT_FOR_DISK: &str = "SET LOCAL synchronous_commit = local";

/// Gives a session back its start when a migration is done with it, so that nothing leaks into the next: not
/// `DISCARD ALL`, which would take the lock as well. The role comes first, as the rest is ours to do.
pub(super) const RESET: [&str; 7] = [
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "CLOSE ALL",
    "UNLISTEN *",
    "DISCARD TEMP",
    "DEALLOCATE ALL",
];

/// Lets the client hear that a migration's row is written. The server holds back its answers until a message
/// ends, except for a notice (seen with 15): this one is that there is no such thing. What it is a notice of
/// is nothing that somebody's event trigger would keep from being dropped.
pub(super) const PROGRESS: &str = "DROP TEXT SEARCH PARSER IF EXISTS pg_temp.sharded_migrations";

/// Lets the server look now and then whether anybody still waits for its work: a migration whose
/// process is gone would otherwise hold its place in the queue for a table, and everybody behind it, for as
/// long as it waits. PostgreSQL 14 and later, where the system can tell (Linux; others refuse the setting).
const NOTICE_A_LOST_CLIENT: (&str, u128) = ("client_connection_check_interval", 2_000);

/// The settings of a migration.
pub(super) fn settings(server: &Server, step: &Step<'_>, set: &str) -> impl Iterator<Item = String> {
    let (name, interval) = NOTICE_A_LOST_CLIENT;
    let limit = |timeout: Option<std::time::Duration>| timeout.map(|timeout| timeout.as_millis());
    let settings = [
        (name, server.notices_lost_clients.then_some(interval)),
        ("lock_timeout", limit(step.limits.lock)),
        ("statement_timeout", limit(step.limits.statement)),
    ];
    settings.into_iter().filter_map(move |(name, value)| Some(format!("{set} {name} = {}", value?)))
}

/// What a transaction begins with, where it would not wait by itself.
pub(super) fn wait_for_disk(server: &Server) -> String {
    if server.commits == Commits::Nothing { format!("{WAIT_FOR_DISK};\n") } else { String::new() }
}

/// What there is of an index: nothing, or its full name and whether it is valid.
pub(super) fn index_of(index: &str, table: &str) -> String {
    format!(
        "SELECT c.oid::regclass, i.indisvalid FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
         WHERE i.indrelid = pg_catalog.to_regclass({}) AND c.relname = (pg_catalog.parse_ident({}))[1]::name",
        literal(table),
        literal(index)
    )
}

/// Whether there is an index of that name.
pub(super) fn has_relation(name: &str) -> String {
    format!("SELECT 1 WHERE pg_catalog.to_regclass({}) IS NOT NULL", literal(name))
}

/// A commit that waits for the disk, and with it for all before it. A row of the history would do as well,
/// but for whoever has locked that.
pub(super) const SETTLE: &str = "BEGIN; SET LOCAL synchronous_commit = local; \
    SELECT pg_catalog.pg_logical_emit_message(true, 'sharded_migrations', ''); COMMIT";

/// A text for the server, if there is one.
pub(super) fn or_null(text: Option<&str>) -> String {
    text.map_or("NULL".to_owned(), literal)
}

/// A value of a step, in a place whose type the server finds out: a quoted one may become any.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(value) => literal(&value.to_string()),
        Value::Integer(value) => literal(&value.to_string()),
        Value::Real(value) if value.is_infinite() => {
            literal(if *value > 0.0 { "Infinity" } else { "-Infinity" })
        }
        Value::Real(value) => literal(&value.to_string()),
        Value::Text(text) => literal(text),
        Value::Bytes(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            literal(&format!("\\x{digits}"))
        }
    }
}

/// A text for the server, read alike with `standard_conforming_strings` on and off.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
