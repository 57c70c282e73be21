//! Names that stand in values: of functions that are called, of sequences in texts, of schemas in a search path.

use squawk_parser::SyntaxKind::*;

use super::super::name::{self, identifier};
use super::super::tree::Id;
use super::super::{Action, Class, Fact};
use super::Walker;

/// Options of aggregates, operators and types whose value is a type.
const OF_TYPES: [&str; 8] =
    ["basetype", "element", "leftarg", "like", "mstype", "rightarg", "stype", "subtype"];

/// Options whose value is a function, beside those that end in `func`.
const OF_FUNCTIONS: [&str; 6] = ["canonical", "function", "join", "procedure", "restrict", "subtype_diff"];

/// Functions whose first argument is the name of a sequence.
const OF_SEQUENCES: [&str; 3] = ["nextval", "setval", "currval"];

impl Walker<'_> {
    pub(super) fn call(&self, id: Id, facts: &mut Vec<Fact>) {
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
        let is_of_trigger = matches!(tree.kind(tree.parent(id)), CREATE_TRIGGER | CREATE_EVENT_TRIGGER);
        let is_soft = name.schema.is_none() && !is_of_trigger;
        let action = if is_soft { Action::Call } else { Action::Use };
        facts.push(self.named(action, Class::Routine, name, callee));
    }

    /// The value of an option, such as `SFUNC = f`, which the grammar takes for a type.
    pub(super) fn attribute(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        let option = tree.parent(tree.parent(id));
        let word = tree.text(tree.child(option, ATTRIBUTE_NAME)?).to_ascii_lowercase();
        let name = self.name(id)?;
        let at = tree.find(id, PATH_REF).unwrap_or(id);
        if OF_TYPES.contains(&word.as_str()) {
            return Some(self.named(Action::Use, Class::Type, name, at));
        }
        let is_function = word.ends_with("func") || OF_FUNCTIONS.contains(&word.as_str());
        let action = if name.schema.is_none() { Action::Call } else { Action::Use };
        is_function.then(|| self.named(action, Class::Routine, name, at))
    }

    fn text_of_argument(&self, argument: Id) -> Option<String> {
        self.text_literal(self.tree.children(argument).next()?)
    }

    /// `'orders'::regclass`
    pub(super) fn regclass(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        let target = tree.child(id, PATH_TYPE)?;
        let literal = tree.child(id, LITERAL)?;
        let name = name::in_text(&self.text_literal(literal)?)?;
        let is_number = name.name.bytes().all(|byte| byte.is_ascii_digit());
        (self.name(target)?.name == "regclass" && !is_number)
            .then(|| self.named(Action::Use, Class::Relation, name, literal))
    }

    pub(super) fn text_literal(&self, id: Id) -> Option<String> {
        let text = self.tree.text(id);
        let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
        (self.tree.kind(id) == LITERAL).then(|| inner.replace("''", "'"))
    }

    pub(super) fn search_path(&self, id: Id) -> Option<Fact> {
        let tree = self.tree;
        // One of a function's own holds in that function only.
        if tree.kind(self.root) == CREATE_FUNCTION || tree.kind(self.root) == CREATE_PROCEDURE {
            return None;
        }
        if tree.kind(id) == SET_SCHEMA_VALUE {
            let schema = tree.child(id, LITERAL).and_then(|schema| self.text_literal(schema));
            return Some(Fact::SearchPath(schema.and_then(|schema| known(vec![schema]))));
        }
        if tree.kind(id) == RESET && tree.has(id, ALL) {
            return Some(Fact::SearchPath(None));
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
}

/// A search path that names the user's schema can't be followed.
fn known(schemas: Vec<String>) -> Option<Vec<String>> {
    let is_known = !schemas.iter().any(|schema| schema == "$user");
    is_known.then_some(schemas)
}
