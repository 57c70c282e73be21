//! Names and signatures as they stand in a tree.

use std::ops::Range;

use squawk_parser::SyntaxKind::{self, *};

use super::super::name::{Name, identifier};
use super::super::tree::{Id, Tree};
use super::Walker;

impl Walker<'_> {
    /// The types of a routine's arguments, as far as they count for its identity.
    pub(super) fn signature(&self, holder: Id) -> Option<String> {
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

    pub(super) fn name(&self, id: Id) -> Option<Name> {
        let mut segments = self.segments(id);
        let name = segments.pop()?;
        Some(Name { schema: segments.pop(), name })
    }

    /// The parts of a name, or the name itself where it has none.
    pub(super) fn segments(&self, id: Id) -> Vec<String> {
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
