//! What the kinds of nodes say: the one table between the parser's grammar and the facts.

use squawk_parser::SyntaxKind::{self, *};

use super::Class;

/// What a node that holds a name does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// It gives an object its name.
    Definition,
    /// It refers to an object.
    Reference,
}

/// The class of the object that a node names, if it names one.
pub(super) fn named(kind: SyntaxKind) -> Option<(Class, Holds)> {
    use Holds::{Definition, Reference};
    Some(match kind {
        TABLE_NAME | VIEW | SEQUENCE | INDEX => (Class::Relation, Definition),
        TABLE_NAME_REF | RELATION_NAME_REF | VIEW_REF | SEQUENCE_REF | INDEX_REF => {
            (Class::Relation, Reference)
        }
        TYPE_NAME | DOMAIN => (Class::Type, Definition),
        TYPE_NAME_REF | DOMAIN_REF | PATH_TYPE => (Class::Type, Reference),
        FUNCTION_NAME | PROCEDURE_NAME | ROUTINE_NAME | AGGREGATE_NAME => (Class::Routine, Definition),
        FUNCTION_NAME_REF | PROCEDURE_NAME_REF | ROUTINE_NAME_REF | AGGREGATE => (Class::Routine, Reference),
        SCHEMA => (Class::Schema, Definition),
        SCHEMA_REF => (Class::Schema, Reference),
        EXTENSION => (Class::Extension, Definition),
        EXTENSION_REF => (Class::Extension, Reference),
        TRIGGER => (Class::Trigger, Definition),
        TRIGGER_REF => (Class::Trigger, Reference),
        POLICY => (Class::Policy, Definition),
        POLICY_REF => (Class::Policy, Reference),
        _ => return None,
    })
}

/// What the statement (or clause) that defines a name makes, in people's words.
pub(super) fn noun(statement: SyntaxKind) -> Option<&'static str> {
    Some(match statement {
        CREATE_TABLE | CREATE_TABLE_AS | INTO_CLAUSE => "table",
        CREATE_FOREIGN_TABLE => "foreign table",
        CREATE_VIEW => "view",
        CREATE_MATERIALIZED_VIEW => "materialized view",
        CREATE_SEQUENCE => "sequence",
        CREATE_INDEX => "index",
        CREATE_TYPE => "type",
        CREATE_DOMAIN => "domain",
        CREATE_FUNCTION => "function",
        CREATE_PROCEDURE => "procedure",
        CREATE_AGGREGATE => "aggregate",
        CREATE_SCHEMA | NAMED_SCHEMA => "schema",
        CREATE_EXTENSION => "extension",
        CREATE_TRIGGER => "trigger",
        CREATE_POLICY => "policy",
        _ => return None,
    })
}

/// Whether the names right below such a node are what it drops.
pub(super) fn drops(statement: SyntaxKind) -> bool {
    matches!(
        statement,
        DROP_TABLE
            | DROP_FOREIGN_TABLE
            | DROP_VIEW
            | DROP_MATERIALIZED_VIEW
            | DROP_SEQUENCE
            | DROP_INDEX
            | DROP_TYPE
            | DROP_DOMAIN
            | DROP_FUNCTION
            | DROP_PROCEDURE
            | DROP_ROUTINE
            | DROP_AGGREGATE
            | DROP_SCHEMA
            | DROP_EXTENSION
            | DROP_TRIGGER
            | DROP_POLICY
    )
}

/// Whether the first name right below such a node is what it alters.
pub(super) fn alters(statement: SyntaxKind) -> bool {
    matches!(
        statement,
        ALTER_TABLE
            | ALTER_FOREIGN_TABLE
            | ALTER_VIEW
            | ALTER_MATERIALIZED_VIEW
            | ALTER_SEQUENCE
            | ALTER_INDEX
            | ALTER_TYPE
            | ALTER_DOMAIN
            | ALTER_FUNCTION
            | ALTER_PROCEDURE
            | ALTER_ROUTINE
            | ALTER_AGGREGATE
            | ALTER_SCHEMA
            | ALTER_EXTENSION
            | ALTER_TRIGGER
            | ALTER_POLICY
    )
}

/// The clause that gives what is altered another name.
pub(super) fn renames(clause: SyntaxKind) -> bool {
    matches!(
        clause,
        TABLE_RENAME_TO
            | VIEW_RENAME_TO
            | SEQUENCE_RENAME_TO
            | INDEX_RENAME_TO
            | TYPE_RENAME_TO
            | DOMAIN_RENAME_TO
            | FUNCTION_RENAME_TO
            | PROCEDURE_RENAME_TO
            | ROUTINE_RENAME_TO
            | AGGREGATE_RENAME_TO
            | SCHEMA_RENAME_TO
            | TRIGGER_RENAME_TO
            | POLICY_RENAME_TO
    )
}

/// Nodes between a name and the statement that it is the subject of.
pub(super) fn carries(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        RELATION_NAME
            | TABLE_RELATION_NAME
            | FUNCTION_SIG
            | FUNCTION_SIG_LIST
            | PROCEDURE_SIG
            | PROCEDURE_SIG_LIST
            | ROUTINE_SIG
            | ROUTINE_SIG_LIST
            | NAMED_SCHEMA
    )
}
