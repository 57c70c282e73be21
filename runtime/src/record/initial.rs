//! Whether a database without a history has what its first migrations would make.

use sharded_migrations_core::Migration;
use sharded_migrations_core::tables::{TableName, Tables};

use crate::engine::{FoundTable, Session};
use crate::error::DatabaseError;
use crate::report::Reason;
use crate::survey::patiently;

/// How many things that are missing are named.
const MOST: usize = 8;

/// What a database without a history is.
pub(super) enum Initial {
    /// It has none of the tables: it is new, and the migrations are to be run.
    New,
    /// It has all of them, with all their columns.
    There,
}

/// Looks for what these migrations, in this order, would leave behind; an error where a part of it is there.
pub(super) async fn look(
    session: &mut dyn Session,
    migrations: &[&Migration],
) -> Result<Initial, Vec<Reason>> {
    let mut tables = Tables::default();
    let mut unknown = None;
    for migration in migrations {
        match &migration.tables {
            Some(changes) => tables.apply(changes),
            None => unknown = unknown.or(Some(*migration)),
        }
    }
    let found = patiently(session.tables()).await.map_err(|error| vec![Reason::Error(error)])?;
    let mut missing = Vec::new();
    let mut is_new = true;
    for (table, columns) in tables.iter() {
        let Some(there) = found.iter().find(|found| is_it(found, table)) else {
            missing.push(format!("the table `{table}`"));
            continue;
        };
        is_new = false;
        let lacks = columns.iter().filter(|column| !there.columns.contains(column));
        missing.extend(lacks.map(|column| format!("the column `{column}` of `{table}`")));
    }
    match (is_new, missing.is_empty(), unknown, migrations.last()) {
        (true, ..) => Ok(Initial::New),
        (false, true, None, _) => Ok(Initial::There),
        (false, _, _, last) => Err(vec![in_part(&missing, unknown, last.copied())]),
    }
}

fn is_it(found: &FoundTable, table: &TableName) -> bool {
    let is_there = match &table.schema {
        Some(schema) => found.schema.as_ref() == Some(schema),
        None => found.is_visible,
    };
    is_there && found.name == table.name
}

fn in_part(missing: &[String], unknown: Option<&Migration>, last: Option<&Migration>) -> Reason {
    let last = last.map(|last| last.version.to_string()).unwrap_or_default();
    let message = match unknown {
        Some(migration) if missing.is_empty() => format!(
            "nobody knows whether all is there that the migrations up to {last} make: the text of {migration} is another \
             one for each database"
        ),
        _ => {
            let named = missing.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
            let more = match missing.len().saturating_sub(MOST) {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            format!(
                "it has a part of what the migrations up to {last} make, and not all: it lacks {named}{more}"
            )
        }
    };
    Reason::Error(DatabaseError::new(message).help(format!(
        "choose a version up to which all is there, or make what is missing; `--migrate=baseline --to {last}` records \
         these migrations without looking"
    )))
}
