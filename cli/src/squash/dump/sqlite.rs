//! SQLite, from its own `sqlite_schema`.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::{Dump, Extent, OURS, Undumped};

/// Numbers that an application keeps in a file, and that a migration can set.
const NUMBERS: [&str; 2] = ["application_id", "user_version"];

/// What is in a file.
///
/// # Errors
/// Why it cannot be read, or not be written as SQL.
pub(super) fn dump(path: &str, extent: Extent) -> Result<Dump, Undumped> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    read(&connection, extent)
}

impl From<rusqlite::Error> for Undumped {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unread(error.to_string())
    }
}

fn read(connection: &Connection, extent: Extent) -> Result<Dump, Undumped> {
    let objects = objects(connection)?;
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object.kind == kind);
    let mut statements: Vec<String> = of_kind("table").map(|table| table.sql.clone()).collect();
    if extent == Extent::All {
        for table in of_kind("table") {
            let rows = rows(connection, table)
                .map_err(|error| Undumped::Unread(format!("the rows of `{}`: {error}", table.name)))?;
            if table.is_virtual && !rows.is_empty() {
                return Err(Undumped::NoSql(format!(
                    "the virtual table `{}` has rows, and what its module keeps of them cannot be written as SQL: end the \
                     range before the migration that fills it",
                    table.name
                )));
            }
            statements.extend(rows);
        }
        statements.extend(counters(connection)?);
    }
    for kind in ["index", "view", "trigger"] {
        statements.extend(of_kind(kind).map(|object| object.sql.clone()));
    }
    for number in NUMBERS {
        let value: i64 = connection.pragma_query_value(None, number, |row| row.get(0))?;
        if value != 0 {
            statements.push(format!("PRAGMA {number} = {value}"));
        }
    }
    Ok(Dump { statements })
}

/// A table, an index, a view or a trigger.
struct Object {
    kind: String,
    name: String,
    sql: String,
    is_virtual: bool,
    has_rowid: bool,
}

/// What was made by a statement, in the order in which that was done. What SQLite makes by itself, and the tables in which a
/// virtual one keeps what it has, come with these.
fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut query = connection.prepare(
        "SELECT o.type, o.name, o.sql, coalesce(t.type = 'virtual', 0), coalesce(t.wr = 0, 0) \
         FROM sqlite_schema o LEFT JOIN pragma_table_list t ON t.schema = 'main' AND t.name = o.tbl_name \
         WHERE o.sql IS NOT NULL AND o.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND t.type IS NOT 'shadow' \
         AND o.tbl_name NOT IN (?1, ?2) ORDER BY o.rowid",
    )?;
    let object = |row: &rusqlite::Row<'_>| {
        Ok(Object {
            kind: row.get(0)?,
            name: row.get(1)?,
            sql: row.get(2)?,
            is_virtual: row.get(3)?,
            has_rowid: row.get(4)?,
        })
    };
    query.query_map(OURS, object)?.collect()
}

/// A statement for each row.
fn rows(connection: &Connection, table: &Object) -> rusqlite::Result<Vec<String>> {
    // Of what is worked out nothing can be written, and what a module hides is its own.
    let mut query =
        connection.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid")?;
    let columns: Vec<String> =
        query.query_map([&table.name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let (name, columns) = (quoted(&table.name), columns.join(", "));
    // In the order in which they were put in, so that those without a key of their own get the same again.
    let order = if table.has_rowid && !table.is_virtual { " ORDER BY _rowid_" } else { "" };
    let mut query = connection.prepare(&format!("SELECT {columns} FROM {name}{order}"))?;
    let count = query.column_count();
    let mut rows = query.query([])?;
    let mut statements = Vec::new();
    while let Some(row) = rows.next()? {
        let values: Vec<String> =
            (0..count).map(|index| row.get_ref(index).map(literal)).collect::<rusqlite::Result<_>>()?;
        statements.push(format!("INSERT INTO {name} ({columns}) VALUES ({})", values.join(", ")));
    }
    Ok(statements)
}

/// How far the keys of tables with `AUTOINCREMENT` have come.
fn counters(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let is_there = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    if connection.query_row(is_there, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(Vec::new());
    }
    let mut query = connection
        .prepare("SELECT name, seq FROM sqlite_sequence WHERE name NOT IN (?1, ?2) ORDER BY name")?;
    let counter = |row: &rusqlite::Row<'_>| {
        let (name, value): (String, i64) = (row.get(0)?, row.get(1)?);
        let name = text_literal(&name);
        // The rows above have made one already, where there are any.
        Ok([
            format!("DELETE FROM sqlite_sequence WHERE name = {name}"),
            format!("INSERT INTO sqlite_sequence (name, seq) VALUES ({name}, {value})"),
        ])
    };
    let counters: Vec<[String; 2]> = query.query_map(OURS, counter)?.collect::<rusqlite::Result<_>>()?;
    Ok(counters.into_iter().flatten().collect())
}

fn literal(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) if number.is_infinite() => {
            if number > 0.0 { "9e999" } else { "-9e999" }.to_owned()
        }
        // The shortest text that is read back as the same number.
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) if !text.contains('\0') => text_literal(text),
            _ => format!("CAST({} AS TEXT)", blob_literal(text)),
        },
        ValueRef::Blob(bytes) => blob_literal(bytes),
    }
}

fn text_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn blob_literal(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("X'{digits}'")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(sql: &str) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(sql).unwrap();
        connection
    }

    const ALL: &str = "
        CREATE TABLE sharded_migrations_history (version INTEGER PRIMARY KEY);
        CREATE TABLE \"a b\" (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT, r REAL, x BLOB, n, twice AS (id * 2));
        INSERT INTO \"a b\" (t, r, x, n) VALUES ('it''s; -- ü', 0.1, X'00ff', NULL), (CAST(X'6100' AS TEXT), 9e999, '', 3);
        INSERT INTO \"a b\" (id) VALUES (9);
        DELETE FROM \"a b\" WHERE id = 9;
        CREATE TABLE pair (a TEXT, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
        INSERT INTO pair VALUES ('x', 'y');
        CREATE TABLE late (id INTEGER REFERENCES \"a b\" (id));
        ALTER TABLE late ADD COLUMN more TEXT DEFAULT 'm';
        CREATE VIEW seen AS SELECT * FROM pair -- all of it
        ;
        CREATE INDEX by_t ON \"a b\" (t) WHERE t IS NOT NULL;
        CREATE TRIGGER told AFTER INSERT ON pair BEGIN DELETE FROM late; INSERT INTO late VALUES (1, 'x'); END;
        CREATE VIRTUAL TABLE words USING fts5(body);
        PRAGMA user_version = 7;
    ";

    #[test]
    fn what_is_run_again_makes_the_same() {
        let first = read(&made(ALL), Extent::All).unwrap();
        insta::assert_snapshot!(first.text());
        let again = read(&made(&first.text()), Extent::All).unwrap();
        assert_eq!(first.difference(&again), None);
        let schema = read(&made(ALL), Extent::Schema).unwrap();
        assert!(!schema.text().contains("INSERT INTO \"a b\""), "{}", schema.text());
    }

    #[test]
    fn rows_of_a_virtual_table_are_no_sql() {
        let connection = made("CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES ('x');");
        let error = read(&connection, Extent::All).unwrap_err();
        assert!(matches!(&error, Undumped::NoSql(why) if why.contains("`words` has rows")), "{error:?}");
        assert!(read(&connection, Extent::Schema).is_ok());
    }
}
