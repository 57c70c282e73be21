//! The facts of one statement, from its tree.

use std::collections::HashSet;
use std::ops::Range;

use squawk_parser::SyntaxKind::{self, *};

use super::kinds::{self, Holds};
use super::name::{self, Name, identifier};
use super::tree::{Id, Tree};
use super::{Action, Class, Fact, Named};

/// The types that a table makes a sequence for.
const SERIAL: [&str; 6] = ["smallserial", "serial", "bigserial", "serial2", "serial4", "serial8"];

/// Functions whose first argument is the name of a sequence.
const OF_SEQUENCES: [&str; 3] = ["nextval", "setval", "currval"];

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
            SET_CONFIG | RESET => facts.extend(self.search_path(id)),
            COLUMN | ADD_COLUMN | ADD_GENERATED => facts.extend(self.sequence_of_column(id)),
            QUALIFIED_COLUMN_NAME_REF | PERCENT_TYPE => facts.extend(self.column(id)),
            PLPGSQL_PERCENT_ROWTYPE => {
                facts.extend(self.name(id).map(|name| self.named(Action::Use, Class::Relation, name, id)));
            }
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
            },
            class,
            name,
            id,
        );
        if let Fact::Named(named) = &mut fact {
            named.on = on;
            named.signature = self.signature(statement);
            named.conditional = tree.has(statement, IF_NOT_EXISTS);
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

    fn call(&self, id: Id, facts: &mut Vec<Fact>) {
        let tree = self.tree;
        let Some(callee) = tree.children(id).next() else { return };
        if !matches!(tree.kind(callee), NAME_REF | FIELD_EXPR) {
            return;
        }
        let Some(name) = self.name(callee) else { return };
        let arguments = || -> Vec<Id> {
            let list = tree.child(id, ARG_LIST).unwrap_or(id);
            tree.children(list).filter(|argument| tree.kind(*argument) == ARG).collect()
        };
        if OF_SEQUENCES.contains(&name.name.as_str())
            && let Some(literal) = arguments().first().and_then(|argument| tree.children(*argument).next())
            && let Some(sequence) = self.text_literal(literal).and_then(|text| name::in_text(&text))
        {
            facts.push(self.named(Action::Use, Class::Relation, sequence, literal));
        }
        if name.name == "set_config"
            && let [parameter, value, ..] = arguments()[..]
            && self.text_of_argument(parameter).as_deref() == Some("search_path")
        {
            let schemas = self.text_of_argument(value).map(|value| {
                value
                    .split(',')
                    .map(|schema| identifier(schema.trim()))
                    .filter(|schema| !schema.is_empty())
                    .collect()
            });
            facts.push(Fact::SearchPath(schemas.and_then(known)));
        }
        facts.push(self.named(Action::Use, Class::Routine, name, callee));
    }

    fn text_of_argument(&self, argument: Id) -> Option<String> {
        self.text_literal(self.tree.children(argument).next()?)
    }

    /// `'orders'::regclass`
    fn regclass(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        let target = tree.child(id, PATH_TYPE)?;
        let literal = tree.child(id, LITERAL)?;
        let name = name::in_text(&self.text_literal(literal)?)?;
        let is_number = name.name.bytes().all(|byte| byte.is_ascii_digit());
        (self.name(target)?.name == "regclass" && !is_number)
            .then(|| self.named(Action::Use, Class::Relation, name, literal))
    }

    fn text_literal(&self, id: Id) -> Option<String> {
        let text = self.tree.text(id);
        let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
        (self.tree.kind(id) == LITERAL).then(|| inner.replace("''", "'"))
    }

    fn search_path(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        // One of a function's own holds in that function only.
        if tree.kind(self.root) == CREATE_FUNCTION || tree.kind(self.root) == CREATE_PROCEDURE {
            return None;
        }
        let parameter = tree.find(id, CONFIG_PARAMETER_REF)?;
        if self.name(parameter)?.name != "search_path" {
            return None;
        }
        let Some(values) = tree.child(id, TO_CONFIG_VALUE) else { return Some(Fact::SearchPath(None)) };
        let mut schemas = Vec::new();
        for value in tree.children(values) {
            match tree.kind(value) {
                CONFIG_VALUE_NAME => schemas.push(identifier(tree.text(value))),
                LITERAL => schemas.push(self.text_literal(value)?),
                DEFAULT_KW => return Some(Fact::SearchPath(None)),
                _ => {}
            }
        }
        schemas.retain(|schema| !schema.is_empty());
        Some(Fact::SearchPath(known(schemas)))
    }

    /// The sequence behind a `serial` or identity column.
    fn sequence_of_column(&self, id: Id) -> Option<Fact> {
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
        }
        Some(fact)
    }

    /// The table in `OWNED BY s.t.c`.
    fn owner(&self, option: Id) -> Option<Name> {
        table_of_column(self.segments(self.tree.child(option, QUALIFIED_COLUMN_NAME_REF)?))
    }

    /// The table of a column that is named with it.
    fn column(&self, id: Id) -> Option<Fact> {
        let table = table_of_column(self.segments(id))?;
        // `%TYPE` in a body may as well be of a variable.
        let in_body = self.tree.kind(0) == PLPGSQL;
        (!in_body).then(|| self.named(Action::Use, Class::Relation, table, id))
    }

    /// The types of a routine's arguments, as far as they count for its identity.
    fn signature(&self, holder: Id) -> Option<String> {
        let tree = self.tree;
        let list = tree.child(holder, PARAM_LIST)?;
        let parameters =
            tree.children(list).filter(|id| tree.kind(*id) == PARAM && !tree.has(*id, PARAM_OUT));
        let types: Vec<String> = parameters
            .map(|parameter| {
                let is_type = |id: &Id| {
                    !tree.is_token(*id)
                        && !matches!(
                            tree.kind(*id),
                            PARAM_NAME | PARAM_DEFAULT | PARAM_IN | PARAM_IN_OUT | PARAM_OUT | PARAM_VARIADIC
                        )
                };
                let spelled: Vec<String> = tree
                    .children(parameter)
                    .filter(is_type)
                    .map(|id| {
                        tree.text(id).split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase()
                    })
                    .collect();
                spelled.join(" ")
            })
            .collect();
        Some(types.join(", "))
    }

    fn name(&self, id: Id) -> Option<Name> {
        let mut segments = self.segments(id);
        let name = segments.pop()?;
        Some(Name { schema: segments.pop(), name })
    }

    /// The parts of a name, or the name itself where it has none.
    fn segments(&self, id: Id) -> Vec<String> {
        let tree = self.tree;
        let is_part = |kind: SyntaxKind| matches!(kind, PATH_SEGMENT | PATH_SEGMENT_REF | NAME_REF);
        let scope: Range<Id> = match tree.kind(id) {
            // The arguments of an aggregate, and what else a type has, are no part of its name.
            AGGREGATE | PATH_TYPE => tree.child(id, PATH_REF).map_or(0..0, |path| tree.subtree(path)),
            _ => tree.subtree(id),
        };
        let parts: Vec<String> = scope
            .filter(|part| is_part(tree.kind(*part)))
            .map(|part| identifier(part_text(tree, part)))
            .collect();
        match parts.is_empty() && !matches!(tree.kind(id), AGGREGATE | PATH_TYPE) {
            true => vec![identifier(tree.text(id))].into_iter().filter(|name| !name.is_empty()).collect(),
            false => parts,
        }
    }
}

/// A part of a name without the dot that the parser leaves beside it.
fn part_text<'t>(tree: &Tree<'t>, part: Id) -> &'t str {
    let word = tree.children(part).find(|token| tree.is_token(*token) && tree.kind(*token) != DOT);
    word.map_or("", |word| tree.text(word))
}

fn table_of_column(mut segments: Vec<String>) -> Option<Name> {
    segments.pop()?;
    let name = segments.pop()?;
    Some(Name { schema: segments.pop(), name })
}

/// A search path that names the user's schema can't be followed.
fn known(schemas: Vec<String>) -> Option<Vec<String>> {
    let is_known = !schemas.iter().any(|schema| schema == "$user");
    is_known.then_some(schemas)
}
