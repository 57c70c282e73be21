//! The facts of one statement, from its tree.

mod columns;
mod names;
mod values;

use std::collections::HashSet;

use squawk_parser::SyntaxKind::*;

use super::body::words;
use super::kinds::{self, Holds};
use super::name::{Name, identifier};
use super::tree::{Id, Tree};
use super::{Action, Class, Fact, Named};

/// What the nodes of a range, all below or at `root`, say.
pub(super) fn facts(tree: &Tree<'_>, root: Id, nodes: impl Iterator<Item = Id>) -> Vec<Fact> {
    let ctes = tree.subtree(root).filter(|id| tree.kind(*id) == CTE_NAME).map(|id| identifier(tree.text(id)));
    let walker = Walker { tree, root, ctes: ctes.collect(), conditional: tree.has(root, IF_EXISTS) };
    let mut facts = Vec::new();
    for id in nodes.filter(|id| !tree.is_token(*id)) {
        walker.visit(id, &mut facts);
    }
    facts
}

struct Walker<'a> {
    tree: &'a Tree<'a>,
    /// The statement.
    root: Id,
    ctes: HashSet<String>,
    /// `IF EXISTS`
    conditional: bool,
}

impl Walker<'_> {
    fn visit(&self, id: Id, facts: &mut Vec<Fact>) {
        let tree = self.tree;
        match tree.kind(id) {
            CALL_EXPR => self.call(id, facts),
            CAST_EXPR => facts.extend(self.regclass(id)),
            SET_CONFIG | SET_SCHEMA_VALUE | RESET => facts.extend(self.search_path(id)),
            ADD_COLUMN => {
                facts.extend(self.added_column(id));
                facts.extend(self.sequence_of_column(id));
            }
            COLUMN | ADD_GENERATED => facts.extend(self.sequence_of_column(id)),
            DROP_COLUMN | RENAME_COLUMN => facts.extend(self.change_of_column(id)),
            DROP_IDENTITY => facts.extend(self.dropped_identity(id)),
            USING_INDEX_NAME
                if matches!(tree.kind(tree.parent(id)), UNIQUE_CONSTRAINT | PRIMARY_KEY_CONSTRAINT) =>
            {
                // The index gets the constraint's name, and goes with that.
                let index = tree.child(id, INDEX_REF).and_then(|index| self.name(index));
                facts.extend(index.map(|index| Fact::Opaque(vec![index.name])));
            }
            QUALIFIED_COLUMN_NAME_REF | PERCENT_TYPE => facts.extend(self.column(id)),
            PLPGSQL_PERCENT_ROWTYPE => {
                facts.extend(self.name(id).map(|name| self.named(Action::Use, Class::Relation, name, id)));
            }
            PATH_TYPE if tree.kind(tree.parent(id)) == ATTRIBUTE_VALUE => facts.extend(self.attribute(id)),
            kind => match kinds::named(kind) {
                Some((class, Holds::Definition)) => facts.extend(self.definition(id, class)),
                Some((class, Holds::Reference)) => facts.extend(self.reference(id, class)),
                None => {}
            },
        }
    }

    fn named(&self, action: Action, class: Class, name: Name, at: Id) -> Fact {
        Fact::Named(Named {
            action,
            class,
            name,
            on: None,
            signature: None,
            mentions: Vec::new(),
            span: self.tree.span(at),
            conditional: self.conditional,
            maybe: false,
        })
    }

    fn definition(&self, id: Id, class: Class) -> Option<Fact> {
        let tree = self.tree;
        let clause = tree.parent(id);
        let noun = kinds::noun(tree.kind(clause))?;
        let statement = if tree.kind(clause) == NAMED_SCHEMA { tree.parent(clause) } else { clause };
        let mut name = self.name(id)?;
        let on = match noun {
            "index" | "trigger" | "policy" => Some(self.table_below(statement)?),
            "sequence" => tree.child(statement, OPTION_OWNED_BY).and_then(|option| self.owner(option)),
            "table" => self.partitioned(statement),
            _ => None,
        };
        if noun == "index" {
            name.schema = on.as_ref().and_then(|table| table.schema.clone());
        }
        if name.schema.is_none() && tree.kind(self.root) == CREATE_SCHEMA && class != Class::Schema {
            name.schema = tree.find(self.root, SCHEMA).map(|schema| identifier(tree.text(schema)));
        }
        let mut fact = self.named(
            Action::Create {
                noun,
                replaces: tree.has(statement, OR_REPLACE),
                temporary: tree.has(statement, TEMP) || name.schema.as_deref() == Some("pg_temp"),
                columns: self.columns_of(statement),
            },
            class,
            name,
            id,
        );
        if let Fact::Named(named) = &mut fact {
            named.on = on;
            named.signature = self.signature(statement);
            named.conditional = tree.has(statement, IF_NOT_EXISTS);
            if noun == "index" {
                named.mentions = words(tree.text(statement));
            }
        }
        Some(fact)
    }

    fn reference(&self, id: Id, class: Class) -> Option<Fact> {
        let tree = self.tree;
        let mut carrier = id;
        let mut parent = tree.parent(id);
        while kinds::carries(tree.kind(parent)) {
            (carrier, parent) = (parent, tree.parent(parent));
        }
        let kind = tree.kind(parent);
        let name = self.name(id)?;
        let is_target = matches!(kind, INSERT | UPDATE | DELETE | MERGE);
        if class == Class::Relation && !is_target && self.is_cte(&name, id) {
            return None;
        }
        // In `DROP TRIGGER t ON a`, `t` is the subject and `a` lies deeper; a name that stands beside the
        // subject of an ALTER is its `DEPENDS ON` or the like.
        let is_subject = self.is_direct(carrier, parent, id);
        let mut action = match kind {
            REFERENCES_CONSTRAINT | FOREIGN_KEY_CONSTRAINT => Action::ForeignKey,
            INHERITS | PARTITION_OF => Action::Parent,
            kind if kinds::drops(kind) && is_subject => Action::Drop { cascade: tree.has(parent, CASCADE) },
            kind if kinds::alters(kind) && is_subject && self.is_first(carrier, parent) => {
                self.alteration(parent)
            }
            _ => Action::Use,
        };
        let mut on = None;
        if matches!(kind, ATTACH_PARTITION | DETACH_PARTITION) && tree.kind(id) == TABLE_NAME_REF {
            // It goes with the table from now on, or no longer.
            action = Action::Give;
            on = self.table_below(self.root).filter(|_| kind == ATTACH_PARTITION);
        }
        if matches!(class, Class::Trigger | Class::Policy) {
            on = Some(self.table_below(self.owner_clause(parent))?);
        }
        if class == Class::Relation && kind == ALTER_SEQUENCE && action == Action::Use {
            let owner = tree.child(parent, OPTION_OWNED_BY).and_then(|option| self.owner(option));
            if owner.is_some() {
                (action, on) = (Action::Give, owner);
            }
        }
        let signature = match class {
            Class::Routine if tree.kind(id) == AGGREGATE => self.signature(id),
            Class::Routine => self.signature(tree.parent(id)),
            _ => None,
        };
        // Of a type that is an array or a routine's argument the name alone counts.
        let at = if tree.kind(id) == PATH_TYPE { tree.find(id, PATH_REF).unwrap_or(id) } else { id };
        let mut fact = self.named(action, class, name, at);
        if let Fact::Named(named) = &mut fact {
            named.on = on;
            named.signature = signature;
        }
        Some(fact)
    }

    /// Whether a name, or what carries it, stands right below the statement.
    fn is_direct(&self, carrier: Id, parent: Id, id: Id) -> bool {
        self.tree.parent(carrier) == parent && self.tree.kind(id) != PATH_TYPE
    }

    /// Whether it is the first name of the statement.
    fn is_first(&self, carrier: Id, parent: Id) -> bool {
        let named = |id: &Id| !self.tree.is_token(*id) && self.tree.kind(*id) != IF_EXISTS;
        self.tree.children(parent).find(named) == Some(carrier)
    }

    fn alteration(&self, statement: Id) -> Action {
        let tree = self.tree;
        for clause in tree.children(statement) {
            if kinds::renames(tree.kind(clause)) {
                let new = tree.children(clause).find(|id| kinds::named(tree.kind(*id)).is_some());
                if let Some(new) = new.and_then(|new| self.name(new)) {
                    return Action::Rename { to: new.name };
                }
            }
            if tree.kind(clause) == SET_SCHEMA
                && let Some(schema) = tree.child(clause, SCHEMA_REF)
            {
                return Action::Move { schema: identifier(tree.text(schema)) };
            }
        }
        Action::Use
    }

    /// Whether a name is that of a `WITH` query. A query that is not recursive does not see itself.
    fn is_cte(&self, name: &Name, at: Id) -> bool {
        if name.schema.is_some() || !self.ctes.contains(&name.name) {
            return false;
        }
        let tree = self.tree;
        let mut above = at;
        while above != self.root && above != 0 {
            above = tree.parent(above);
            let own = || tree.child(above, CTE_NAME).map(|cte| identifier(tree.text(cte)));
            if tree.kind(above) == WITH_TABLE && own().as_ref() == Some(&name.name) {
                return tree.has(tree.parent(above), RECURSIVE_KW);
            }
        }
        true
    }

    /// The clause whose first table a trigger or policy belongs to.
    fn owner_clause(&self, parent: Id) -> Id {
        let inner = matches!(self.tree.kind(parent), OBJECT_TRIGGER | OBJECT_POLICY);
        let alters = kinds::alters(self.tree.kind(parent)) || kinds::drops(self.tree.kind(parent));
        if inner || alters { parent } else { self.root }
    }

    fn table_below(&self, id: Id) -> Option<Name> {
        let is_table = |id: &Id| matches!(self.tree.kind(*id), TABLE_NAME_REF | RELATION_NAME_REF);
        self.name(self.tree.subtree(id).find(is_table)?)
    }

    /// The table that a table is a partition of: it goes with that.
    fn partitioned(&self, statement: Id) -> Option<Name> {
        self.table_below(self.tree.child(statement, PARTITION_OF)?)
    }
}
