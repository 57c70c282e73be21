//! The syntax tree of a text as a flat list of nodes, in the order of the text.

use std::ops::Range;

use squawk_parser::{EntryPoint, LexedStr, StrStep, SyntaxKind};

/// The number of a node in its tree; a parent comes before its children.
pub(super) type Id = usize;

/// A tree.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    text: &'t str,
    nodes: Vec<Node>,
    /// Where the text does not follow the grammar, and what the parser says there, in the text's order.
    pub(super) errors: Vec<(usize, String)>,
}

#[derive(Debug)]
struct Node {
    kind: SyntaxKind,
    parent: Id,
    /// The number after that of the last node below.
    end: Id,
    /// Nothing for a node without a token.
    span: Option<Range<usize>>,
}

impl Node {
    fn cover(&mut self, span: &Range<usize>) {
        self.span = Some(match &self.span {
            Some(own) => own.start.min(span.start)..own.end.max(span.end),
            None => span.clone(),
        });
    }
}

impl<'t> Tree<'t> {
    /// The tree of an SQL file.
    pub(super) fn of_file(text: &'t str) -> Self {
        Self::read(text, EntryPoint::SourceFile)
    }

    /// The tree of a PL/pgSQL body.
    pub(super) fn of_body(text: &'t str) -> Self {
        Self::read(text, EntryPoint::Plpgsql)
    }

    fn read(text: &'t str, entry: EntryPoint) -> Self {
        let lexed = LexedStr::new(text);
        let output = entry.parse(&lexed.to_input());
        let mut tree = Self { text, nodes: Vec::new(), errors: Vec::new() };
        let mut open: Vec<Id> = Vec::new();
        let mut at = 0;
        lexed.intersperse_trivia(&output, &mut |step| match step {
            StrStep::Enter { kind } => {
                let parent = open.last().copied().unwrap_or(0);
                open.push(tree.nodes.len());
                tree.nodes.push(Node { kind, parent, end: 0, span: None });
            }
            StrStep::Exit => {
                let Some(id) = open.pop() else { return };
                let end = tree.nodes.len();
                tree.nodes[id].end = end;
                let span = tree.nodes[id].span.clone();
                if let (Some(parent), Some(span)) = (open.last(), span) {
                    tree.nodes[*parent].cover(&span);
                }
            }
            StrStep::Token { kind, text } => {
                let span = at..at + text.len();
                at = span.end;
                if kind.is_trivia() {
                    return;
                }
                let parent = open.last().copied().unwrap_or(0);
                if let Some(node) = tree.nodes.get_mut(parent) {
                    node.cover(&span);
                }
                let end = tree.nodes.len() + 1;
                tree.nodes.push(Node { kind, parent, end, span: Some(span) });
            }
            StrStep::Error { msg, pos } => tree.errors.push((pos, msg.to_owned())),
        });
        tree
    }

    /// The statements: what stands directly in the file.
    pub(super) fn statements(&self) -> impl Iterator<Item = Id> + '_ {
        self.children(0).filter(|id| {
            let kind = self.kind(*id);
            !self.is_token(*id) && kind != SyntaxKind::ERROR && kind != SyntaxKind::EMPTY_STMT
        })
    }

    pub(super) fn kind(&self, id: Id) -> SyntaxKind {
        self.nodes[id].kind
    }

    pub(super) fn parent(&self, id: Id) -> Id {
        self.nodes[id].parent
    }

    /// From the first to the last byte, white space around it left out; empty for an empty node.
    pub(super) fn span(&self, id: Id) -> Range<usize> {
        self.nodes[id].span.clone().unwrap_or(0..0)
    }

    pub(super) fn text(&self, id: Id) -> &'t str {
        &self.text[self.span(id)]
    }

    pub(super) fn is_token(&self, id: Id) -> bool {
        self.kind(id) <= SyntaxKind::WHITESPACE
    }

    /// A node and all below it.
    pub(super) fn subtree(&self, id: Id) -> Range<Id> {
        match self.nodes.get(id) {
            Some(node) => id..node.end,
            None => 0..0,
        }
    }

    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let Range { start, end } = self.subtree(id);
        let mut next = start + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then_some(next)?;
            next = self.nodes[child].end;
            Some(child)
        })
    }

    pub(super) fn child(&self, id: Id, kind: SyntaxKind) -> Option<Id> {
        self.children(id).find(|child| self.kind(*child) == kind)
    }

    pub(super) fn has(&self, id: Id, kind: SyntaxKind) -> bool {
        self.child(id, kind).is_some()
    }

    /// The first node of a kind below.
    pub(super) fn find(&self, id: Id, kind: SyntaxKind) -> Option<Id> {
        self.subtree(id).find(|below| self.kind(*below) == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_know_their_bytes_and_children() {
        let sql = "  SELECT 1;\n-- two\nCREATE TABLE a (id int);";
        let tree = Tree::of_file(sql);
        let statements: Vec<_> = tree.statements().map(|id| (tree.kind(id), tree.text(id))).collect();
        assert_eq!(
            statements,
            [(SyntaxKind::SELECT, "SELECT 1;"), (SyntaxKind::CREATE_TABLE, "CREATE TABLE a (id int);")]
        );
        let table = tree.find(0, SyntaxKind::TABLE_NAME).unwrap();
        assert_eq!((tree.text(table), tree.kind(tree.parent(table))), ("a", SyntaxKind::CREATE_TABLE));
        assert_eq!(tree.errors, []);
    }

    #[test]
    fn an_empty_text_has_no_statement() {
        assert_eq!(Tree::of_file("").statements().count(), 0);
        assert_eq!(Tree::of_file(" -- x\n;;").statements().count(), 0);
    }
}
