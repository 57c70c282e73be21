//! What migrations do to tables and their columns, as far as their texts tell: enough to see at run time whether
//! a database that has no history has what they would have made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::Text;

/// The name of a table, with its schema where the migration says that.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema; `None` for the one that names without a schema are looked up in.
    pub schema: Option<String>,
    /// The name itself.
    pub name: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema.as_ref();
        schema.map_or(Ok(()), |schema| write!(f, "{schema}."))?;
        f.write_str(&self.name)
    }
}

/// One thing that a migration does to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableChange {
    /// It is made, with at least these columns.
    Make(TableName, Vec<String>),
    /// It is dropped, or may be.
    Drop(TableName),
    /// It gets another name.
    Rename(TableName, String),
    /// It goes to another schema.
    Move(TableName, String),
    /// It gets a column.
    AddColumn(TableName, String),
    /// It loses a column, or may.
    DropColumn(TableName, String),
    /// A column gets another name.
    RenameColumn(TableName, String, String),
    /// A schema is dropped with all that is in it.
    DropSchema(String),
    /// A schema gets another name.
    RenameSchema(String, String),
}

/// All that a migration does to tables, in order.
///
/// It is embedded as one text, a line for each change: what is written out as an expression is paid for in every
/// build, and hardly any run asks for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableChanges(
    /// As [`new`](Self::new) writes it.
    #[doc(hidden)]
    pub Text,
);

impl TableChanges {
    /// Of these changes.
    pub fn new(changes: &[TableChange]) -> Self {
        use TableChange::*;
        let lines = changes.iter().map(|change| match change {
            Make(table, columns) => line("make", Some(table), columns),
            Drop(table) => line("drop", Some(table), []),
            Rename(table, to) => line("rename", Some(table), [to]),
            Move(table, schema) => line("move", Some(table), [schema]),
            AddColumn(table, column) => line("add", Some(table), [column]),
            DropColumn(table, column) => line("lose", Some(table), [column]),
            RenameColumn(table, column, to) => line("call", Some(table), [column, to]),
            DropSchema(schema) => line("drop-schema", None, [schema]),
            RenameSchema(schema, to) => line("rename-schema", None, [schema, to]),
        });
        Self(lines.collect::<String>().into())
    }

    /// The changes.
    pub fn iter(&self) -> impl Iterator<Item = TableChange> {
        self.0.lines().filter_map(change)
    }
}

fn line<'a>(word: &str, table: Option<&TableName>, names: impl IntoIterator<Item = &'a String>) -> String {
    let mut line = word.to_owned();
    if let Some(TableName { schema, name }) = table {
        let schema = schema.as_ref().map(|schema| escaped(schema) + ".").unwrap_or_default();
        line.push_str(&format!(" {schema}{}", escaped(name)));
    }
    names.into_iter().for_each(|name| line.push_str(&format!(" {}", escaped(name))));
    line + "\n"
}

fn change(line: &str) -> Option<TableChange> {
    let mut words = line.split(' ');
    let word = words.next()?;
    let mut name = || words.next().map(unescaped);
    Some(match word {
        "drop-schema" => TableChange::DropSchema(name()?),
        "rename-schema" => TableChange::RenameSchema(name()?, name()?),
        _ => {
            let table = words.next()?;
            let (schema, table) = table.split_once('.').map_or((None, table), |(s, t)| (Some(s), t));
            let table = TableName { schema: schema.map(unescaped), name: unescaped(table) };
            let mut name = || words.next().map(unescaped);
            match word {
                "make" => TableChange::Make(table, words.map(unescaped).collect()),
                "drop" => TableChange::Drop(table),
                "rename" => TableChange::Rename(table, name()?),
                "move" => TableChange::Move(table, name()?),
                "add" => TableChange::AddColumn(table, name()?),
                "lose" => TableChange::DropColumn(table, name()?),
                "call" => TableChange::RenameColumn(table, name()?, name()?),
                _ => return None,
            }
        }
    })
}

/// A name without what separates names.
fn escaped(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        match c {
            '%' | '.' | ' ' | '\n' | '\r' => text.push_str(&format!("%{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('%');
    let mut name = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        name.extend(code.map(char::from));
        name.push_str(part.get(2..).unwrap_or_default());
    }
    name
}

/// Tables with their columns, as migrations leave them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables(BTreeMap<TableName, BTreeSet<String>>);

impl Tables {
    /// Does what a migration does.
    pub fn apply(&mut self, changes: &TableChanges) {
        changes.iter().for_each(|change| self.change(change));
    }

    /// Each table with its columns.
    pub fn iter(&self) -> impl Iterator<Item = (&TableName, &BTreeSet<String>)> {
        self.0.iter()
    }

    fn change(&mut self, change: TableChange) {
        match change {
            TableChange::Make(table, columns) => {
                if self.find(&table).is_none() {
                    self.0.insert(table, columns.into_iter().collect());
                }
            }
            TableChange::Drop(table) => drop(self.take(&table)),
            TableChange::Rename(table, to) => {
                if let Some((TableName { schema, .. }, columns)) = self.take(&table) {
                    self.0.insert(TableName { schema, name: to }, columns);
                }
            }
            TableChange::Move(table, schema) => {
                if let Some((TableName { name, .. }, columns)) = self.take(&table) {
                    self.0.insert(TableName { schema: Some(schema), name }, columns);
                }
            }
            TableChange::AddColumn(table, column) => {
                if let Some(columns) = self.columns_mut(&table) {
                    columns.insert(column);
                }
            }
            TableChange::DropColumn(table, column) => {
                if let Some(columns) = self.columns_mut(&table) {
                    columns.remove(&column);
                }
            }
            TableChange::RenameColumn(table, column, to) => {
                if let Some(columns) = self.columns_mut(&table)
                    && columns.remove(&column)
                {
                    columns.insert(to);
                }
            }
            TableChange::DropSchema(schema) => {
                self.0.retain(|table, _| table.schema.as_ref() != Some(&schema))
            }
            TableChange::RenameSchema(schema, to) => {
                let all = std::mem::take(&mut self.0);
                let renamed = |(table, columns): (TableName, _)| {
                    let is_in_it = table.schema.as_ref() == Some(&schema);
                    let schema = if is_in_it { Some(to.clone()) } else { table.schema };
                    (TableName { schema, name: table.name }, columns)
                };
                self.0 = all.into_iter().map(renamed).collect();
            }
        }
    }

    /// The table that a name refers to. One of the two may say a schema and the other not, and mean the same.
    fn find(&self, table: &TableName) -> Option<&TableName> {
        let exact = self.0.get_key_value(table).map(|(known, _)| known);
        exact.or_else(|| {
            let means = |known: &&TableName| {
                known.name == table.name && (known.schema.is_none() || table.schema.is_none())
            };
            self.0.keys().find(means)
        })
    }

    fn take(&mut self, table: &TableName) -> Option<(TableName, BTreeSet<String>)> {
        let known = self.find(table)?.clone();
        self.0.remove_entry(&known)
    }

    fn columns_mut(&mut self, table: &TableName) -> Option<&mut BTreeSet<String>> {
        let known = self.find(table)?.clone();
        self.0.get_mut(&known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use TableChange::*;
    use proptest::prelude::*;

    fn table(name: &str) -> TableName {
        let (schema, name) = name.split_once('.').map_or((None, name), |(s, t)| (Some(s.to_owned()), t));
        TableName { schema, name: name.to_owned() }
    }

    fn columns(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// `account(email, id), shop.orders()`
    fn left(changes: &[TableChange]) -> String {
        let mut tables = Tables::default();
        tables.apply(&TableChanges::new(changes));
        let all = tables.iter().map(|(table, columns)| {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            format!("{table}({})", columns.join(", "))
        });
        all.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn changes_follow_one_another() {
        let account = || Make(table("account"), columns("id name"));
        let cases: [(Vec<TableChange>, &str); 9] = [
            (vec![account(), AddColumn(table("account"), "email".into())], "account(email, id, name)"),
            (vec![account(), Make(table("account"), columns("x"))], "account(id, name)"),
            (vec![account(), Drop(table("public.account"))], ""),
            (vec![account(), Drop(table("other"))], "account(id, name)"),
            (vec![account(), DropColumn(table("account"), "name".into())], "account(id)"),
            (
                vec![account(), RenameColumn(table("account"), "name".into(), "a b".into())],
                "account(a b, id)",
            ),
            (
                vec![
                    account(),
                    Make(table("account_new"), columns("id")),
                    Drop(table("account")),
                    Rename(table("account_new"), "account".into()),
                ],
                "account(id)",
            ),
            (
                vec![
                    account(),
                    Move(table("account"), "shop".into()),
                    RenameSchema("shop".into(), "s".into()),
                ],
                "s.account(id, name)",
            ),
            (vec![Make(table("s.a"), vec![]), Make(table("b"), vec![]), DropSchema("s".into())], "b()"),
        ];
        for (changes, expected) in cases {
            assert_eq!(left(&changes), expected, "{changes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(schema in proptest::option::of("[^\0]{1,5}"), names in proptest::collection::vec("[^\0]{1,6}", 3)) {
            let table = TableName { schema, name: names[0].clone() };
            let [one, other] = [names[1].clone(), names[2].clone()];
            let changes = vec![
                Make(table.clone(), vec![]),
                Make(table.clone(), names.clone()),
                Drop(table.clone()),
                Rename(table.clone(), one.clone()),
                Move(table.clone(), one.clone()),
                AddColumn(table.clone(), one.clone()),
                DropColumn(table.clone(), other.clone()),
                RenameColumn(table, one.clone(), other.clone()),
                DropSchema(one.clone()),
                RenameSchema(one, other),
            ];
            let read: Vec<TableChange> = TableChanges::new(&changes).iter().collect();
            prop_assert_eq!(read, changes);
        }
    }
}
