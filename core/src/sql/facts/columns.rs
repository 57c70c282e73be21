//! Columns: the sequences that the server makes for them, and the tables that they are named with.

use squawk_parser::SyntaxKind::*;

use super::super::name::{self, Name, identifier};
use super::super::tree::Id;
use super::super::{Action, Class, Fact};
use super::Walker;

/// The types that a table makes a sequence for.
const SERIAL: [&str; 6] = ["smallserial", "serial", "bigserial", "serial2", "serial4", "serial8"];

impl Walker<'_> {
    /// The sequence behind a `serial` or identity column.
    pub(super) fn sequence_of_column(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        let is_serial = || {
            let path = tree.child(id, PATH_TYPE).and_then(|path| self.name(path));
            path.is_some_and(|path| SERIAL.contains(&path.name.as_str()))
        };
        let column = match tree.kind(id) {
            ADD_GENERATED => tree.child(tree.parent(id), COLUMN_NAME_REF)?,
            _ if is_serial() || tree.find(id, GENERATED_IDENTITY).is_some() => tree.child(id, COLUMN_NAME)?,
            _ => return None,
        };
        let statement = match tree.kind(id) {
            ADD_GENERATED => tree.parent(tree.parent(id)),
            COLUMN => tree.parent(tree.parent(id)),
            _ => tree.parent(id),
        };
        if tree.has(statement, TEMP) {
            return None;
        }
        let table = match tree.child(statement, TABLE_NAME) {
            Some(table) => self.name(table)?,
            None => self.table_below(statement)?,
        };
        let sequence = name::sequence_of(&table.name, &identifier(tree.text(column)));
        let name = Name { schema: table.schema.clone(), name: sequence };
        let mut fact = self.named(Action::Implicit, Class::Relation, name, column);
        if let Fact::Named(named) = &mut fact {
            named.on = Some(table);
            named.mentions = vec![identifier(tree.text(column))];
        }
        Some(fact)
    }

    /// The columns that the statement writes out for the table it makes.
    pub(super) fn columns_of(&self, statement: Id) -> Vec<String> {
        let tree = self.tree;
        let is_own = |id: &Id| tree.kind(*id) == COLUMN && tree.parent(tree.parent(*id)) == statement;
        let names = tree.subtree(statement).filter(is_own).filter_map(|id| tree.child(id, COLUMN_NAME));
        names.map(|name| identifier(tree.text(name))).collect()
    }

    /// A column that a table gets.
    pub(super) fn added_column(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        let table = self.table_below(tree.parent(id))?;
        let name = tree.child(id, COLUMN_NAME)?;
        let action = Action::AddColumn { column: identifier(tree.text(name)) };
        Some(self.named(action, Class::Relation, table, name))
    }

    /// A column that a table loses, or that gets another name: what the server keeps with it follows.
    pub(super) fn change_of_column(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        let table = self.table_below(tree.parent(id))?;
        let old = tree.child(id, COLUMN_NAME_REF)?;
        let column = identifier(tree.text(old));
        let action = match tree.child(id, COLUMN_NAME) {
            Some(new) => Action::RenameColumn { column, to: identifier(tree.text(new)) },
            None => Action::DropColumn { column, cascade: tree.has(id, CASCADE) },
        };
        Some(self.named(action, Class::Relation, table, old))
    }

    /// The sequence goes with a column's identity; it may have another name than the server gives one.
    pub(super) fn dropped_identity(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        let alteration = tree.parent(id);
        let column = identifier(tree.text(tree.child(alteration, COLUMN_NAME_REF)?));
        let table = self.table_below(tree.parent(alteration))?;
        Some(Fact::Opaque(vec![name::sequence_of(&table.name, &column)]))
    }

    /// The table in `OWNED BY s.t.c`.
    pub(super) fn owner(&self, option: Id) -> Option<Name> {
        table_of_column(self.segments(self.tree.child(option, QUALIFIED_COLUMN_NAME_REF)?))
    }

    /// The table of a column that is named with it.
    pub(super) fn column(&self, id: Id) -> Option<Fact> {
        let table = table_of_column(self.segments(id))?;
        // `%TYPE` in a body may as well be of a variable.
        let in_body = self.tree.kind(0) == PLPGSQL;
        (!in_body).then(|| self.named(Action::Use, Class::Relation, table, id))
    }
}

fn table_of_column(mut segments: Vec<String>) -> Option<Name> {
    segments.pop()?;
    let name = segments.pop()?;
    Some(Name { schema: segments.pop(), name })
}
