//! The SQL of a set, read into facts: what each statement creates, drops, renames and refers to.
//!
//! The parser is squawk's, and reads PostgreSQL's; of SQLite's statements the first words are read. It is given a thread with a large stack, and whatever it does there is caught: a file that
//! it cannot take is a fault of that file, never the end of the build.

mod body;
mod facts;
mod guard;
mod kinds;
#[cfg(feature = "lint")]
mod lint;
pub(crate) mod locks;
mod name;
mod reading;
mod sqlite;
#[cfg(test)]
mod table;
pub(crate) mod tables;
mod transaction;
mod tree;

use std::ops::Range;

use crate::lint::Finding;

pub use name::Name;
pub(crate) use name::end as name_end;
pub(crate) use reading::read;

/// A text as a class of databases gets it: the file with their values filled in.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The databases, as positions in the topology's list.
    pub databases: Vec<usize>,
    /// Its statements, those in the bodies of `DO` among them.
    pub statements: Vec<Statement>,
    /// Where it does not follow the grammar; places are bytes of the file as it was written.
    pub faults: Vec<Fault>,
    /// What the safety lints found, or why they could not look. Nothing without the feature `lint`, in a reverse file, and
    /// where there are faults.
    pub findings: Result<Vec<Finding>, String>,
}

/// A place where a text does not follow the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The name of the check it belongs to.
    pub check: &'static str,
    /// Where.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What the checks know of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its bytes in the file.
    pub span: Range<usize>,
    /// Whether it makes a view.
    pub is_view: bool,
    /// How it begins, if the server runs it outside a transaction only.
    pub outside: Option<&'static str>,
    /// What it does, in the order of its text.
    pub facts: Vec<Fact>,
    /// What it locks; `None` where nobody knows.
    pub locks: Option<locks::Taken>,
}

/// One thing that a statement does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// It names an object.
    Named(Named),
    /// It sets the schemas that names without one are looked up in; `None` where that cannot be told.
    SearchPath(Option<Vec<String>>),
    /// It does what cannot be read, with these words in it: whatever has such a name is uncertain from here on.
    Opaque(Vec<String>),
}

/// An object that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What happens to it.
    pub action: Action,
    /// What it is.
    pub class: Class,
    /// Its name.
    pub name: Name,
    /// The table it belongs to: of an index, a trigger, a policy, a column's sequence.
    pub on: Option<Name>,
    /// The types of a routine's arguments, where they are written.
    pub signature: Option<String>,
    /// Of an index or a column's sequence that is made: the words of the statement, the columns among them.
    pub mentions: Vec<String>,
    /// The name's bytes in the file.
    pub span: Range<usize>,
    /// `IF EXISTS` and `IF NOT EXISTS`: nothing fails.
    pub conditional: bool,
    /// In a branch of a `DO` body: it may happen or not.
    pub maybe: bool,
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is made.
    Create {
        /// What people call it: `table`, `view`.
        noun: &'static str,
        /// `OR REPLACE`.
        replaces: bool,
        /// It is gone with the session, and hides what else has its name.
        temporary: bool,
        /// Of a table: its columns, those that come from other tables left out.
        columns: Vec<String>,
    },
    /// It is made by the server for a column; the server finds a free name.
    Implicit,
    /// It is dropped.
    Drop {
        /// With all that depends on it.
        cascade: bool,
    },
    /// It gets another name.
    Rename {
        /// The new one.
        to: String,
    },
    /// It goes to another schema.
    Move {
        /// The new one.
        schema: String,
    },
    /// It is given to the table [`Named::on`] and goes with that.
    Give,
    /// A table gets a column.
    AddColumn {
        /// The column.
        column: String,
    },
    /// A table loses a column, and with it the indexes and sequences of that.
    DropColumn {
        /// The column.
        column: String,
        /// With all that depends on it.
        cascade: bool,
    },
    /// A table's column gets another name.
    RenameColumn {
        /// The old one.
        column: String,
        /// The new one.
        to: String,
    },
    /// It is altered or used, and has to be there.
    Use,
    /// It is called without a schema: it has to be there, unless the server or an extension has a function of its name.
    Call,
    /// A foreign key refers to it.
    ForeignKey,
    /// It is the parent of the table that the statement makes.
    Parent,
}

/// What shares a name: two objects of one class and schema cannot have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Tables, views, sequences, indexes.
    Relation,
    /// Types and domains.
    Type,
    /// Functions, procedures, aggregates.
    Routine,
    /// Schemas.
    Schema,
    /// Extensions.
    Extension,
    /// Triggers, each of a table.
    Trigger,
    /// Policies, each of a table.
    Policy,
}
