//! What squawk's linter finds in a text, as our lints, without what is not so.
//!
//! The linter looks at one statement at a time and knows little of the others. The facts of the file tell what it does not
//! know: a table that the same file made is nobody's yet, and a name that comes back in the same transaction was never gone.

use std::collections::HashSet;

use squawk_linter::{Linter, LinterSettings, Rule, Version, Violation};
use squawk_parser::SyntaxKind::{self, *};
use squawk_syntax::SourceFile;

use super::name::{Name, identifier};
use super::tree::{Id, Tree};
use super::{Action, Class, Fact, Named, Statement};
use crate::lint::{Finding, Lint};

/// The rules that are asked for; what each finds is one of our lints, or nothing.
const RULES: [Rule; 23] = [
    Rule::RequireConcurrentIndexCreation,
    Rule::RequireConcurrentIndexDeletion,
    Rule::RequireConcurrentReindex,
    Rule::RequireConcurrentPartitionDetach,
    Rule::AddingForeignKeyConstraint,
    Rule::ConstraintMissingNotValid,
    Rule::DisallowedUniqueConstraint,
    Rule::AddingSerialPrimaryKeyField,
    Rule::AddingFieldWithDefault,
    Rule::AddingRequiredField,
    Rule::AddingNotNullableField,
    Rule::ChangingColumnType,
    Rule::BanAlterDomainWithAddConstraint,
    Rule::PreferRepack,
    Rule::BanTruncateCascade,
    Rule::RenamingTable,
    Rule::RenamingObject,
    Rule::RenamingColumn,
    Rule::BanSetSchema,
    Rule::BanDropTable,
    Rule::BanDropView,
    Rule::BanDropColumn,
    Rule::BanDropSchema,
];

/// The version from which on the linter has a word against `VACUUM FULL`; what it says of older ones holds there too.
const NEWEST: &str = "19";

/// Types whose columns have a default that is not written.
const SERIAL: [&str; 6] = ["smallserial", "serial", "bigserial", "serial2", "serial4", "serial8"];

/// The findings in a text, whose statements are those of its tree. `place` leads from a byte of the text to one of the file.
pub(super) fn findings(
    text: &str,
    tree: &Tree<'_>,
    statements: &[Statement],
    in_transaction: bool,
    place: impl Fn(usize) -> usize,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = ask(text, &RULES, in_transaction)
        .into_iter()
        .filter_map(|(rule, at, end)| {
            let root = tree.statements().find(|id| tree.span(*id).contains(&at))?;
            let start = place(tree.span(root).start);
            let index = statements.iter().position(|statement| statement.span.start == start)?;
            let site = Site { tree, root, at, statements, index, in_transaction };
            let lint = site.lint(rule)?;
            let subject = site.subjects().first().map(|name| name.to_string());
            let end = at + text[at..end].trim_end_matches(|c: char| c.is_whitespace() || c == ';').len();
            Some(Finding { span: place(at)..place(end), lint, subject })
        })
        .collect();
    findings.sort_by_key(|finding| (finding.span.start, finding.lint));
    findings
}

/// What the linter says: rule, first and last byte.
fn ask(text: &str, rules: &[Rule], in_transaction: bool) -> Vec<(Rule, usize, usize)> {
    let Ok(pg_version) = NEWEST.parse::<Version>() else { return Vec::new() };
    let mut linter = Linter::from(rules.iter().copied());
    linter.settings = LinterSettings { pg_version, assume_in_transaction: in_transaction };
    let violations = linter.lint(&SourceFile::parse(text), text);
    let bytes = |found: Violation| {
        (found.code, usize::from(found.text_range.start()), usize::from(found.text_range.end()))
    };
    violations.into_iter().map(bytes).collect()
}

/// What the linter points at, and what stands around it.
struct Site<'a> {
    tree: &'a Tree<'a>,
    /// The statement in the tree.
    root: Id,
    /// The byte that is pointed at.
    at: usize,
    statements: &'a [Statement],
    /// The statement among the others.
    index: usize,
    in_transaction: bool,
}

impl Site<'_> {
    /// Which lint it is; `None` where there is nothing to say.
    fn lint(&self, rule: Rule) -> Option<Lint> {
        use Lint::*;
        let tree = self.tree;
        let lint = match rule {
            Rule::RequireConcurrentIndexCreation => IndexNotConcurrent,
            Rule::RequireConcurrentIndexDeletion => IndexDropNotConcurrent,
            Rule::RequireConcurrentReindex => ReindexNotConcurrent,
            Rule::RequireConcurrentPartitionDetach => DetachNotConcurrent,
            Rule::AddingForeignKeyConstraint if self.is_checked_at_once() => ForeignKeyWithoutNotValid,
            Rule::ConstraintMissingNotValid => {
                self.node(&[VALIDATE_CONSTRAINT]).map_or_else(
                    || {
                        let added = self.node(&[ADD_CONSTRAINT])?;
                        tree.children(added).find_map(|constraint| match tree.kind(constraint) {
                            CHECK_CONSTRAINT => Some(CheckWithoutNotValid),
                            EXCLUDE_CONSTRAINT => Some(ExclusionConstraint),
                            NOT_NULL_CONSTRAINT => Some(SetNotNull),
                            // The others have rules of their own.
                            _ => None,
                        })
                    },
                    |_| Some(ValidateInOneTransaction),
                )?
            }
            Rule::DisallowedUniqueConstraint => UniqueWithoutIndex,
            Rule::AddingSerialPrimaryKeyField => PrimaryKeyWithoutIndex,
            Rule::AddingFieldWithDefault => match self.node(&[GENERATED_CONSTRAINT]) {
                Some(generated) if tree.find(generated, VIRTUAL_KW).is_some() => return None,
                Some(_) => GeneratedColumn,
                None if self.is_volatile() => VolatileDefault,
                None => return None,
            },
            Rule::AddingRequiredField if !self.is_serial() => RequiredColumn,
            Rule::AddingNotNullableField => SetNotNull,
            Rule::ChangingColumnType if self.is(&[ALTER_TABLE]) => ColumnType,
            Rule::BanAlterDomainWithAddConstraint if tree.find(self.root, NOT_VALID).is_none() => {
                DomainConstraint
            }
            Rule::PreferRepack => TableRewrite,
            Rule::BanTruncateCascade => TruncateCascade,
            Rule::RenamingTable => RenameTable,
            Rule::RenamingObject if self.node(&[TABLE_RENAME_TO, VIEW_RENAME_TO]).is_some() => RenameTable,
            Rule::RenamingObject if self.node(&[RENAME_VALUE]).is_some() => RenameEnumValue,
            Rule::RenamingColumn if self.is_of_relation() => RenameColumn,
            Rule::BanSetSchema if self.is_of_relation() => MoveTable,
            Rule::BanDropTable => DropTable,
            Rule::BanDropView => DropView,
            Rule::BanDropColumn if self.is_of_relation() => DropColumn,
            Rule::BanDropSchema => DropSchema,
            _ => return None,
        };
        (!self.is_new() && !self.comes_back(lint)).then_some(lint)
    }

    /// The node of one of these kinds that is pointed at.
    fn node(&self, kinds: &[SyntaxKind]) -> Option<Id> {
        let tree = self.tree;
        let is_here = |id: &Id| kinds.contains(&tree.kind(*id)) && tree.span(*id).start == self.at;
        tree.subtree(self.root).find(is_here)
    }

    fn is(&self, kinds: &[SyntaxKind]) -> bool {
        kinds.contains(&self.tree.kind(self.root))
    }

    fn is_of_relation(&self) -> bool {
        self.is(&[ALTER_TABLE, ALTER_FOREIGN_TABLE, ALTER_VIEW, ALTER_MATERIALIZED_VIEW])
    }

    /// The clause of a kind around what is pointed at.
    fn around(&self, kind: SyntaxKind) -> Option<Id> {
        let tree = self.tree;
        tree.subtree(self.root).find(|id| tree.kind(*id) == kind && tree.span(*id).contains(&self.at))
    }

    /// Whether rows are checked against a foreign key. A new column without a default is NULL in all of them, which the
    /// server knows.
    fn is_checked_at_once(&self) -> bool {
        let Some(column) = self.around(ADD_COLUMN) else { return true };
        self.tree.has(column, DEFAULT_CONSTRAINT)
    }

    /// Whether a default calls a function that gives each row its own value, or may do so.
    fn is_volatile(&self) -> bool {
        let tree = self.tree;
        let Some(default) = self.around(DEFAULT_CONSTRAINT) else { return true };
        let calls = tree.subtree(default).filter(|id| tree.kind(*id) == CALL_EXPR);
        let names: HashSet<Option<String>> = calls.map(|call| called(tree, call)).collect();
        names.into_iter().any(|name| name.is_none_or(|name| is_volatile(&name)))
    }

    /// Whether a new column gets its values from a sequence.
    fn is_serial(&self) -> bool {
        let tree = self.tree;
        let path = self.around(ADD_COLUMN).and_then(|column| tree.child(column, PATH_TYPE));
        path.is_some_and(|path| SERIAL.contains(&identifier(tree.text(path)).as_str()))
    }

    fn named(&self) -> impl Iterator<Item = &Named> {
        self.statements[self.index].facts.iter().filter_map(named)
    }

    /// What the statement works on.
    fn subjects(&self) -> Vec<&Name> {
        let dropped: Vec<&Name> = self
            .named()
            .filter(|named| matches!(named.action, Action::Drop { .. }))
            .map(|named| &named.name)
            .collect();
        if !dropped.is_empty() {
            return dropped;
        }
        let index_on = self.named().find_map(|named| match named.action {
            Action::Create { noun: "index", .. } => named.on.as_ref(),
            _ => None,
        });
        let is_subject =
            |named: &&Named| matches!(named.class, Class::Relation | Class::Type | Class::Schema);
        let first = || self.named().find(is_subject).map(|named| &named.name);
        index_on.or_else(first).into_iter().collect()
    }

    /// Whether the file made it all itself, before.
    fn is_new(&self) -> bool {
        let mut made: Vec<Name> = Vec::new();
        for named in
            self.statements[..self.index].iter().flat_map(|statement| &statement.facts).filter_map(named)
        {
            let is_made = made.iter().any(|known| is_same(known, &named.name));
            match &named.action {
                Action::Create { .. } => made.push(named.name.clone()),
                Action::Rename { to } if is_made => {
                    made.push(Name { schema: named.name.schema.clone(), name: to.clone() });
                }
                Action::Move { schema } if is_made => {
                    made.push(Name { schema: Some(schema.clone()), name: named.name.name.clone() });
                }
                _ => {}
            }
        }
        let subjects = self.subjects();
        !subjects.is_empty()
            && subjects.iter().all(|subject| made.iter().any(|known| is_same(known, subject)))
    }

    /// Whether what goes is there again when the transaction ends, so that nobody misses it.
    fn comes_back(&self, lint: Lint) -> bool {
        match lint {
            Lint::RenameTable | Lint::MoveTable | Lint::DropTable | Lint::DropView if self.in_transaction => {
                let later = &self.statements[self.index + 1..];
                let made: Vec<Name> = later
                    .iter()
                    .flat_map(|statement| &statement.facts)
                    .filter_map(named)
                    .filter_map(|named| {
                        let Name { schema, name } = named.name.clone();
                        match &named.action {
                            Action::Create { temporary: false, .. } => Some(Name { schema, name }),
                            Action::Rename { to } => Some(Name { schema, name: to.clone() }),
                            Action::Move { schema } => Some(Name { schema: Some(schema.clone()), name }),
                            _ => None,
                        }
                    })
                    .collect();
                self.subjects().iter().all(|subject| made.iter().any(|name| is_same(name, subject)))
            }
            Lint::RenameColumn | Lint::DropColumn => self.column_is_new_or_comes_back(),
            _ => false,
        }
    }

    /// Whether a column that goes was made by the same file, or is made by it anew.
    fn column_is_new_or_comes_back(&self) -> bool {
        let tree = self.tree;
        let Some(clause) = self.node(&[DROP_COLUMN, RENAME_COLUMN]) else { return false };
        let Some(old) = tree.child(clause, COLUMN_NAME_REF).map(|id| identifier(tree.text(id))) else {
            return false;
        };
        let table = table_of(tree, self.root);
        let statements =
            tree.statements().filter(|id| tree.kind(*id) == ALTER_TABLE && table_of(tree, *id) == table);
        statements.flat_map(|id| tree.subtree(id)).any(|id| {
            let makes = matches!(tree.kind(id), ADD_COLUMN | RENAME_COLUMN)
                && tree.child(id, COLUMN_NAME).is_some_and(|name| identifier(tree.text(name)) == old);
            makes && (id < clause || self.in_transaction)
        })
    }
}

/// The table that a statement alters, as it is written.
fn table_of<'t>(tree: &Tree<'t>, statement: Id) -> Option<&'t str> {
    let is_table = |id: &Id| matches!(tree.kind(*id), TABLE_NAME_REF | RELATION_NAME_REF);
    tree.subtree(statement).find(is_table).map(|id| tree.text(id))
}

fn named(fact: &Fact) -> Option<&Named> {
    match fact {
        Fact::Named(named) => Some(named),
        Fact::SearchPath(_) | Fact::Opaque(_) => None,
    }
}

/// A name without a schema may be one of any schema.
fn is_same(a: &Name, b: &Name) -> bool {
    a.name == b.name && (a.schema.is_none() || b.schema.is_none() || a.schema == b.schema)
}

/// The function that a node calls, if it may be one of the server's own.
fn called(tree: &Tree<'_>, call: Id) -> Option<String> {
    let callee = tree.children(call).next()?;
    let name = identifier(tree.text(callee));
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name);
    let is_plain =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    is_plain.then(|| name.to_owned())
}

/// Whether a function may give each row its own value. The linter has the server's list of those which do not, and looks at
/// calls without arguments alone: so it is asked about the function by itself.
fn is_volatile(function: &str) -> bool {
    let text = format!("ALTER TABLE t ADD COLUMN c int DEFAULT {function}();");
    !ask(&text, &[Rule::AddingFieldWithDefault], true).is_empty()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_rules_that_are_asked_for_are_those_of_the_list() {
        let asked: BTreeSet<String> = RULES.iter().map(Rule::to_string).collect();
        let listed: BTreeSet<String> =
            Lint::ALL.iter().flat_map(|lint| lint.squawk_rule().split(", ")).map(str::to_owned).collect();
        assert_eq!(asked, listed);
    }

    #[test]
    fn the_servers_own_functions_are_told_from_others() {
        for steady in ["now", "timezone", "lower", "jsonb_build_object", "to_char", "md5"] {
            assert!(!is_volatile(steady), "{steady}");
        }
        for volatile in
            ["random", "gen_random_uuid", "clock_timestamp", "nextval", "uuid_generate_v4", "mine"]
        {
            assert!(is_volatile(volatile), "{volatile}");
        }
    }
}
