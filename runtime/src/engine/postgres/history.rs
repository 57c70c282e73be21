//! The history and the audit beside it, in SQL: how they are made, written and read.

use sharded_migrations_core::{Direction, State, Version};

use super::lock::take_history;
use super::sql::{RESET, literal, or_null, settings, wait_for_disk};
use crate::amend::Action;
use crate::engine::{
    AUDIT_TABLE, Change, Entry, HISTORY_TABLE, Mark, Progress, RowChange, Server, Since, Step,
};

/// The whole history, oldest first; times are those of Greenwich, whatever the session's zone is.
pub(super) fn records(schema: &str) -> String {
    format!(
        "SELECT version, name, checksum, state, statements_done, \
         pg_catalog.to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), \
         execution_ms, applied_by, host, application_version FROM {} h ORDER BY h.applied_at, version",
        table(schema)
    )
}

/// The whole audit, oldest first.
pub(super) fn audit_records(schema: &str) -> String {
    format!(
        "SELECT id, pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), who, host, \
         application_version, action, version, name, detail FROM {} ORDER BY id",
        audit_table(schema)
    )
}

/// Safe when two processes come here at once: the lock lets in one at a time. It has no CHECK: each would be
/// compiled by every new backend at its first row, some hundredths of what twenty migrations take.
pub(super) fn create(schema: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         version bigint PRIMARY KEY,\n\
         name text NOT NULL,\n\
         checksum text NOT NULL,\n\
         state text NOT NULL,\n\
         statements_done integer NOT NULL,\n\
         applied_at timestamptz NOT NULL,\n\
         execution_ms bigint NOT NULL,\n\
         applied_by text NOT NULL,\n\
         host text NOT NULL,\n\
         application_version text,\n\
         checkpoint text)",
        table(schema)
    )
}

/// Made when something is changed by hand for the first time.
fn create_audit(schema: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n\
         id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n\
         at timestamptz NOT NULL,\n\
         who text NOT NULL,\n\
         host text NOT NULL,\n\
         application_version text,\n\
         action text NOT NULL,\n\
         version bigint NOT NULL,\n\
         name text NOT NULL,\n\
         detail text)",
        audit_table(schema)
    )
}

/// Which of the two tables are there: to make one `IF NOT EXISTS` takes the right to make it, also where it does.
pub(super) fn tables(schema: &str) -> String {
    let is_there = |table: &str| format!("pg_catalog.to_regclass({}) IS NOT NULL", literal(table));
    format!("SELECT {}, {}", is_there(&table(schema)), is_there(&audit_table(schema)))
}

/// The history row of a migration in a transaction. It refuses itself (a NULL version) unless the history is
/// what it should be.
///
/// A transaction's own start is that of the whole message, so the time counts from the row before, where
/// that is of the same message.
pub(super) fn insert_applied(schema: &str, step: &Step<'_>, since: Since, is_behind_another: bool) -> String {
    let before = if is_behind_another { "pg_catalog.max(applied_at)" } else { "NULL" };
    let elapsed = format!(
        "(extract(epoch from pg_catalog.clock_timestamp() - \
         coalesce({before}, pg_catalog.transaction_timestamp())) * 1000)::bigint"
    );
    insert(schema, step, since, "applied", step.script.statements.len(), &elapsed)
}

/// Deletes the history row of a migration that is taken back, and keeps in the audit table that it was. It
/// refuses itself (a NULL version there) unless the history is what it should be: what a statement counts is what
/// was there before it, its own deletion included.
pub(super) fn delete_applied(schema: &str, step: &Step<'_>, since: Since) -> String {
    let migration = step.migration;
    format!(
        "WITH gone AS (DELETE FROM {table} WHERE version = {version}) \
         INSERT INTO {audit} (at, who, host, application_version, action, version, name) \
         SELECT pg_catalog.clock_timestamp(), session_user, {host}, {application_version}, '{action}', {guarded}, {name} \
         FROM {table}",
        table = table(schema),
        audit = audit_table(schema),
        version = migration.version,
        host = literal(&step.who.host),
        application_version = or_null(step.who.application_version.as_deref()),
        action = Action::Down,
        guarded = if_it_is_there(step, since),
        name = literal(&migration.name),
    )
}

/// The version of a migration that is to be taken back, unless the history is another than it should be.
fn if_it_is_there(step: &Step<'_>, Since { rows, sum, .. }: Since) -> String {
    let version = step.migration.version;
    format!(
        "CASE WHEN pg_catalog.count(*) = {rows} AND coalesce(pg_catalog.sum(version), 0) = {sum} \
         AND pg_catalog.count(*) FILTER (WHERE version = {version} AND checksum = '{}') = 1 THEN {version} END",
        step.migration.checksum
    )
}

/// The history row of a migration outside a transaction, at each stage of it. The first one also
/// makes the settings, for the whole session.
pub(super) fn record(
    schema: &str,
    server: &Server,
    tables: Tables,
    step: &Step<'_>,
    progress: Progress,
) -> String {
    let version = step.migration.version;
    let table = table(schema);
    let settings =
        || settings(server, step, "SET").map(|setting| format!(";\n{setting}")).collect::<String>();
    let reset = || RESET.map(|reset| format!(";\n{reset}")).concat();
    let wait = wait_for_disk(server);
    // The migration may have set both for its own statements.
    let change = |change: String| {
        format!(
            "BEGIN;\nSET LOCAL lock_timeout = '1min';\nSET LOCAL synchronous_commit TO DEFAULT;\n{wait}{change};\nCOMMIT"
        )
    };
    let update = |set: String| change(format!("UPDATE {table} SET {set} WHERE version = {version}"));
    let state = State::running(step.direction).as_str();
    let create: String = tables.missing(schema).map(|create| create + ";\n").collect();
    match progress {
        Progress::Started(since) => {
            let row = match step.direction {
                Direction::Up => insert(schema, step, since, state, 0, "0"),
                Direction::Down => begin_to_undo(schema, step, since, state),
            };
            format!("BEGIN;\n{create}{};\n{row};\nCOMMIT{}", take_history(schema), settings())
        }
        Progress::Resumed(done) => {
            // A step in Rust may have been mended since.
            let checksum = match step.direction {
                Direction::Up => format!(", checksum = '{}'", step.migration.checksum),
                Direction::Down => String::new(),
            };
            let update = format!("UPDATE {table} SET state = '{state}', statements_done = {done}{checksum}");
            change(format!("{create}{update} WHERE version = {version}")) + &settings()
        }
        Progress::Statements(done) => update(format!("statements_done = {done}")),
        Progress::Paused(done) => {
            let state = State::paused(step.direction).as_str();
            update(format!("state = '{state}', statements_done = {done}")) + &reset()
        }
        Progress::Finished(elapsed) => {
            let finish = match step.direction {
                Direction::Up => update(format!(
                    "state = 'applied', applied_at = pg_catalog.clock_timestamp(), execution_ms = {}",
                    elapsed.as_millis()
                )),
                Direction::Down => {
                    let delete = format!("DELETE FROM {table} WHERE version = {version}");
                    let entry = Entry { action: Action::Down, who: step.who.clone() };
                    change(format!(
                        "{delete};\n{}",
                        audit(schema, version, &step.migration.name, None, &entry)
                    ))
                }
            };
            finish + &reset()
        }
    }
}

/// Makes the row of an applied migration one that is being taken back: it is there already, so it is changed. It
/// refuses itself as [`delete_applied`] does.
fn begin_to_undo(schema: &str, step: &Step<'_>, since: Since, state: &str) -> String {
    let guarded = if_it_is_there(step, since);
    insert_guarded(schema, step, &guarded, state, 0, "0")
        + " ON CONFLICT (version) DO UPDATE SET state = EXCLUDED.state, statements_done = 0"
}

/// Which of our tables are there, and needed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables {
    pub(super) has_history: bool,
    pub(super) has_audit: bool,
}

impl Tables {
    /// All that applying migrations needs.
    pub(super) fn to_apply(since: Since) -> Self {
        Self { has_history: since.has_history, has_audit: true }
    }

    /// What makes the missing ones.
    pub(super) fn missing(self, schema: &str) -> impl Iterator<Item = String> {
        let all = [(self.has_history, create(schema)), (self.has_audit, create_audit(schema))];
        all.into_iter().filter(|(is_there, _)| !is_there).map(|(_, create)| create)
    }
}

/// Rows that somebody changes by hand, in one transaction. It is typed by hand, so it says soon that somebody
/// else has locked the table.
pub(super) fn change_rows(
    schema: &str,
    server: &Server,
    tables: Tables,
    changes: &[RowChange],
    entry: &Entry,
) -> String {
    let mut message = format!("BEGIN;\nSET LOCAL lock_timeout = '10s';\n{}", wait_for_disk(server));
    for create in tables.missing(schema) {
        message.push_str(&format!("{create};\n"));
    }
    for change in changes {
        message.push_str(&format!(
            "{};\n{};\n",
            change_row(schema, change, entry),
            audit(schema, change.version, &change.name, change.detail.as_deref(), entry)
        ));
    }
    message + "COMMIT"
}

fn change_row(schema: &str, row: &RowChange, entry: &Entry) -> String {
    let (table, version, name) = (table(schema), row.version, literal(&row.name));
    match &row.change {
        Change::Paused(done) => {
            format!("UPDATE {table} SET state = 'paused', statements_done = {done} WHERE version = {version}")
        }
        Change::Applied { checksum, statements } => format!(
            "UPDATE {table} SET state = 'applied', name = {name}, checksum = '{checksum}', \
             statements_done = {statements}, applied_at = pg_catalog.clock_timestamp() WHERE version = {version}"
        ),
        Change::Accepted(checksum) => {
            format!("UPDATE {table} SET name = {name}, checksum = '{checksum}' WHERE version = {version}")
        }
        Change::Restored { statements } => format!(
            "UPDATE {table} SET state = 'applied', statements_done = {statements} WHERE version = {version}"
        ),
        Change::Deleted => format!("DELETE FROM {table} WHERE version = {version}"),
        Change::Recorded { checksum, statements, applied_at } => {
            let applied_at = applied_at.as_deref().map_or("pg_catalog.clock_timestamp()".to_owned(), literal);
            format!(
                "INSERT INTO {table} (version, name, checksum, state, statements_done, applied_at, execution_ms, \
                 applied_by, host, application_version) VALUES ({version}, {name}, '{checksum}', 'applied', \
                 {statements}, {applied_at}, 0, session_user, {host}, {application_version})",
                host = literal(&entry.who.host),
                application_version = or_null(entry.who.application_version.as_deref()),
            )
        }
    }
}

/// What the audit keeps of a change.
fn audit(schema: &str, version: Version, name: &str, detail: Option<&str>, entry: &Entry) -> String {
    format!(
        "INSERT INTO {} (at, who, host, application_version, action, version, name, detail) VALUES \
         (pg_catalog.clock_timestamp(), session_user, {}, {}, '{}', {version}, {}, {})",
        audit_table(schema),
        literal(&entry.who.host),
        or_null(entry.who.application_version.as_deref()),
        entry.action,
        literal(name),
        or_null(detail),
    )
}

/// Whether the history has a column for checkpoints, which older ones have not.
pub(super) fn has_checkpoints(schema: &str) -> String {
    format!(
        "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) \
         AND attname = 'checkpoint' AND NOT attisdropped",
        literal(&table(schema))
    )
}

/// Gives it one.
pub(super) fn add_checkpoints(schema: &str) -> String {
    format!("ALTER TABLE {} ADD COLUMN IF NOT EXISTS checkpoint text", table(schema))
}

/// The checkpoint of a migration.
pub(super) fn checkpoint(schema: &str, version: Version) -> String {
    format!("SELECT checkpoint FROM {} WHERE version = {version}", table(schema))
}

/// Saves a checkpoint in the transaction that is open, and commits that. The row refuses itself (a NULL name) where it is
/// no longer as this run has left it.
pub(super) fn save(schema: &str, server: &Server, mark: Mark<'_>) -> String {
    let Mark { version, before, now, ends_part } = mark;
    let (begin, before) = (if ends_part { "" } else { "BEGIN;\n" }, or_null(before));
    format!(
        "{begin}SET LOCAL lock_timeout = '1min';\nSET LOCAL synchronous_commit TO DEFAULT;\n{wait}\
         UPDATE {table} SET checkpoint = {now}, name = CASE WHEN state = 'started' \
         AND checkpoint IS NOT DISTINCT FROM {before} THEN name END WHERE version = {version};\nCOMMIT",
        wait = wait_for_disk(server),
        table = table(schema),
        now = literal(now),
    )
}

fn insert(schema: &str, step: &Step<'_>, since: Since, state: &str, done: usize, elapsed: &str) -> String {
    let Since { rows, sum, .. } = since;
    let guarded = format!(
        "CASE WHEN pg_catalog.count(*) = {rows} AND coalesce(pg_catalog.sum(version), 0) = {sum} THEN {} END",
        step.migration.version
    );
    insert_guarded(schema, step, &guarded, state, done, elapsed)
}

fn insert_guarded(
    schema: &str,
    step: &Step<'_>,
    guarded: &str,
    state: &str,
    done: usize,
    elapsed: &str,
) -> String {
    let migration = step.migration;
    let application_version = or_null(step.who.application_version.as_deref());
    format!(
        "INSERT INTO {table} (version, name, checksum, state, statements_done, applied_at, execution_ms, \
         applied_by, host, application_version) \
         SELECT {guarded}, {name}, '{checksum}', '{state}', {done}, pg_catalog.clock_timestamp(), {elapsed}, \
         session_user, {host}, {application_version} FROM {table}",
        table = table(schema),
        name = literal(&migration.name),
        checksum = migration.checksum,
        host = literal(&step.who.host),
    )
}

/// The history table; a schema's name is quoted where it has to be, as the server gives it.
pub(super) fn table(schema: &str) -> String {
    format!("{schema}.{HISTORY_TABLE}")
}

/// The table beside it that says what was changed by hand.
pub(super) fn audit_table(schema: &str) -> String {
    format!("{schema}.{AUDIT_TABLE}")
}
