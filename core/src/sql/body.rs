//! Bodies of `DO`: what they do happens when the migration runs, so it counts as far as it can be read.

use std::ops::Range;

use squawk_parser::SyntaxKind::*;

use super::reading::{DEEPEST, LONGEST};
use super::tree::{Id, Tree};
use super::{Fact, facts};
use crate::lex;

/// The text of a body and the byte at which it begins, if the statement has one that can be read.
pub(super) fn of_do<'t>(tree: &Tree<'t>, statement: Id) -> Option<(&'t str, usize)> {
    let literal = tree.child(statement, LITERAL)?;
    let text = tree.text(literal);
    let start = tree.span(literal).start;
    if let Some(body) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        // With doubled quotes in it, places in the body would not be places in the file.
        return (!body.contains(['\'', '\\'])).then_some((body, start + 1));
    }
    let tag = text.get(..=text.get(1..)?.find('$')? + 1)?;
    let body = text.strip_prefix(tag)?.strip_suffix(tag)?;
    Some((body, start + tag.len()))
}

/// What a part of a body does, and its bytes.
pub(super) type Part = (Range<usize>, Vec<Fact>);

/// What a body does, part after part, places counted from its own start; `None` where it cannot be read.
pub(super) fn parts_of(body: &str) -> Option<Vec<Part>> {
    let tokens = lex::tokens(body);
    // Blocks nest without parentheses, and hold whole statements.
    if tokens.len() > LONGEST || lex::deeper_than(body, &tokens, DEEPEST).is_some() {
        return None;
    }
    let tree = Tree::of_body(body);
    if !tree.errors.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    part(&tree, 0, false, &mut found);
    // What a text in quotes does when it runs is not known: later files find these names uncertain.
    if tree.subtree(0).any(|id| matches!(tree.kind(id), PLPGSQL_DYN_EXECUTE_STMT | PLPGSQL_FOR_DYN_STMT)) {
        found.push((0..body.len(), vec![Fact::Opaque(words(body))]));
    }
    Some(found)
}

/// What stands below a node. `maybe`: in a branch, which may not be taken.
fn part(tree: &Tree<'_>, id: Id, maybe: bool, found: &mut Vec<Part>) {
    for child in tree.children(id).filter(|child| !tree.is_token(*child)) {
        match tree.kind(child) {
            PLPGSQL_IF_STMT
            | PLPGSQL_CASE_STMT
            | PLPGSQL_FOR_QUERY_STMT
            | PLPGSQL_FOR_I_STMT
            | PLPGSQL_FOR_EACH_STMT
            | PLPGSQL_FOR_CURSOR_STMT
            | PLPGSQL_LOOP_STMT
            | PLPGSQL_WHILE_STMT
            | PLPGSQL_EXCEPTION_SECTION => part(tree, child, true, found),
            // What a handler catches did not happen.
            PLPGSQL_BLOCK => {
                part(tree, child, maybe || tree.has(child, PLPGSQL_EXCEPTION_SECTION), found);
            }
            PLPGSQL_BODY
            | PLPGSQL_DECLARE_SECTION
            | PLPGSQL_ELSIF_CLAUSE
            | PLPGSQL_ELSE_CLAUSE
            | PLPGSQL_EXCEPTION_HANDLER
            | PLPGSQL_EXEC_SQL_STMT => part(tree, child, maybe, found),
            // A query into a variable looks as if it made a table.
            SELECT_INTO => {}
            _ => {
                let facts = facts::facts(tree, child, tree.subtree(child));
                let marked = facts.into_iter().map(|fact| match fact {
                    Fact::Named(mut named) => {
                        named.maybe = maybe;
                        Fact::Named(named)
                    }
                    other => other,
                });
                found.push((tree.span(child), marked.collect()));
            }
        }
    }
}

/// The words of a text that cannot be read: what it works on is among them.
pub(super) fn words(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words: Vec<String> = text
        .split(|c| !is_word(c))
        .filter(|word| !word.is_empty())
        .flat_map(|word| [word.to_owned(), word.to_ascii_lowercase()])
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}
