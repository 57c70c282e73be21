//! What a file does to tables and their columns, from its facts.

use super::{Action, Class, Fact, Name, Named, Reading};
use crate::tables::{TableChange, TableChanges, TableName};

/// What a file does to tables; `None` where that depends on a database's variables.
pub(crate) fn of_file(readings: &[Reading]) -> Option<TableChanges> {
    let mut each = readings.iter().map(of_reading);
    let Some(first) = each.next() else { return Some(TableChanges::default()) };
    each.all(|other| other == first).then(|| TableChanges::new(&first))
}

fn of_reading(reading: &Reading) -> Vec<TableChange> {
    let mut path: Option<String> = None;
    let mut changes = Vec::new();
    for fact in reading.statements.iter().flat_map(|statement| &statement.facts) {
        match fact {
            Fact::SearchPath(schemas) => path = schemas.as_ref().and_then(|all| all.first()).cloned(),
            Fact::Named(named) => changes.extend(of_name(named, path.as_deref())),
            Fact::Opaque(_) => {}
        }
    }
    changes
}

/// What may not happen (in a branch of a `DO` body) makes nothing that has to be there; what it takes away, does
/// not have to be there any more.
fn of_name(named: &Named, path: Option<&str>) -> Option<TableChange> {
    let name = &named.name.name;
    if named.class == Class::Schema {
        return match &named.action {
            Action::Drop { cascade: true } => Some(TableChange::DropSchema(name.clone())),
            Action::Rename { to } => Some(TableChange::RenameSchema(name.clone(), to.clone())),
            _ => None,
        };
    }
    if named.class != Class::Relation {
        return None;
    }
    let table = table(&named.name, path);
    Some(match &named.action {
        Action::Create { noun: "table" | "foreign table", temporary: false, columns, .. } if !named.maybe => {
            TableChange::Make(table, columns.clone())
        }
        Action::Drop { .. } => TableChange::Drop(table),
        Action::Rename { .. } | Action::Move { .. } if named.maybe => TableChange::Drop(table),
        Action::Rename { to } => TableChange::Rename(table, to.clone()),
        Action::Move { schema } => TableChange::Move(table, schema.clone()),
        Action::AddColumn { column } if !named.maybe => TableChange::AddColumn(table, column.clone()),
        Action::DropColumn { column, .. } => TableChange::DropColumn(table, column.clone()),
        Action::RenameColumn { column, .. } if named.maybe => TableChange::DropColumn(table, column.clone()),
        Action::RenameColumn { column, to } => TableChange::RenameColumn(table, column.clone(), to.clone()),
        _ => return None,
    })
}

fn table(name: &Name, path: Option<&str>) -> TableName {
    let schema = name.schema.clone().or_else(|| path.map(str::to_owned));
    TableName { schema, name: name.name.clone() }
}

#[cfg(test)]
mod tests {
    use crate::compile::compile;
    use crate::project::Sources;
    use crate::tables::Tables;

    /// The tables that a file leaves behind, as in `account(id, name), shop.orders()`; `None` where nobody knows.
    fn left(databases: &str, sql: &str) -> Option<String> {
        let sources = Sources {
            folder: "migrations".into(),
            files: vec![("V1__a.sql".into(), format!("-- #[route(everywhere)]\n{sql}").into())],
            databases: "databases.toml".into(),
            databases_bytes: databases.into(),
            lock: None,
        };
        let set = compile(&sources).unwrap();
        let mut tables = Tables::default();
        tables.apply(set.migrations[0].tables.as_ref()?);
        let all = tables.iter().map(|(table, columns)| {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            format!("{table}({})", columns.join(", "))
        });
        Some(all.collect::<Vec<_>>().join(", "))
    }

    const POSTGRES: &str = "[databases.a]\nurl = \"postgres:a\"\n";
    const SQLITE: &str = "[databases.a]\nurl = \"sqlite:a.db\"\n";

    #[test]
    fn what_postgresql_is_told() {
        for (sql, tables) in [
            ("CREATE TABLE a (id serial, \"B c\" int DEFAULT f(1), CHECK (id > 0))", "a(B c, id)"),
            ("CREATE TABLE s.a (id int); CREATE TEMP TABLE b (id int); CREATE VIEW v AS SELECT 1", "s.a(id)"),
            ("CREATE TABLE a AS SELECT x.* FROM json_to_recordset('[]') AS x (b int)", "a()"),
            ("CREATE TABLE a (id int); CREATE TABLE b (LIKE a, c int)", "a(id), b(c)"),
            (
                "CREATE TABLE a (id int); ALTER TABLE a ADD b int, ADD COLUMN IF NOT EXISTS c int",
                "a(b, c, id)",
            ),
            ("CREATE TABLE a (b int, c int); ALTER TABLE a DROP b; ALTER TABLE a RENAME c TO d", "a(d)"),
            ("CREATE TABLE a (b int); ALTER TABLE a RENAME TO c; ALTER TABLE c SET SCHEMA s", "s.c(b)"),
            ("CREATE TABLE a (b int); DROP TABLE IF EXISTS a", ""),
            ("SET search_path TO s, t; CREATE TABLE a (b int)", "s.a(b)"),
            (
                "CREATE SCHEMA s; CREATE TABLE c (b int); CREATE SCHEMA t CREATE TABLE a (b int)",
                "c(b), t.a(b)",
            ),
            (
                "CREATE TABLE a (b int); DO $$ BEGIN IF true THEN CREATE TABLE c (d int); END IF; END $$",
                "a(b)",
            ),
            ("CREATE TABLE a (b int); DO $$ BEGIN IF true THEN DROP TABLE a; END IF; END $$", ""),
            ("CREATE TABLE a (b int, c int); DO $$ BEGIN ALTER TABLE a DROP b; END $$", "a(c)"),
        ] {
            assert_eq!(left(POSTGRES, sql).as_deref(), Some(tables), "{sql}");
        }
    }

    #[test]
    fn what_sqlite_is_told() {
        for (sql, tables) in [
            ("CREATE TABLE A (Id INTEGER PRIMARY KEY, b TEXT); ALTER TABLE a ADD c", "a(b, c, id)"),
            (
                "CREATE TABLE a (b); CREATE TABLE a_new (c); INSERT INTO a_new SELECT b FROM a; DROP TABLE a; \
                 ALTER TABLE a_new RENAME TO a",
                "a(c)",
            ),
        ] {
            assert_eq!(left(SQLITE, sql).as_deref(), Some(tables), "{sql}");
        }
    }

    #[test]
    fn a_table_of_a_database_of_its_own_is_not_known() {
        let two = "[databases.a]\nurl = \"postgres:a\"\nvars = { v = \"x\" }\n\
                   [databases.b]\nurl = \"postgres:b\"\nvars = { v = \"y\" }\n";
        let vars = "-- #[vars(v)]\n";
        assert_eq!(left(two, &format!("{vars}CREATE TABLE a (b int DEFAULT ${{v}}1)")), Some("a(b)".into()));
        assert_eq!(left(two, &format!("{vars}CREATE TABLE a_${{v}} (b int)")), None);
    }
}
