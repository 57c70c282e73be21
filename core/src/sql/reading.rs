//! Reads every file of a project, once for each text that its variables make of it.

use std::collections::HashMap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::thread;

use squawk_parser::SyntaxKind::*;

use super::guard::{caught, on_stacks};
#[cfg(feature = "lint")]
use super::lint;
use super::tree::Tree;
use super::{
    Action, Class, Fact, Fault, Named, Reading, Statement, body, facts, locks, name, sqlite, transaction,
};
use crate::lex::{self, Token};
use crate::lint::{Finding, Levels};
use crate::project::{MigrationFile, Project};
use crate::vars::{Expanded, expand};
use crate::{Database, Diagnostic, EngineKind, Text};

/// The stack for the parser, which calls itself for what is nested.
const STACK: usize = 256 << 20;

/// How deep parentheses and the like may nest. A level costs the parser a few kilobytes of stack.
pub(super) const DEEPEST: usize = 1_000;

/// How many tokens may follow each other without a comma. A level of anything but parentheses costs the parser less
/// than two kilobytes of stack where nothing is optimised (seen with 2.68), and each takes a token at least.
pub(super) const LONGEST: usize = 50_000;

/// How the safety lints take a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lints {
    /// They don't look: at what ran long ago, and at a reverse file, which undoes what nobody uses yet.
    None,
    InTransaction,
    OutsideTransaction,
}

impl Lints {
    /// For a forward file.
    fn of(file: &MigrationFile, levels: &Levels) -> Self {
        match (levels.looks_at(file.name.version), file.header.no_transaction) {
            (false, _) => Self::None,
            (true, false) => Self::InTransaction,
            (true, true) => Self::OutsideTransaction,
        }
    }
}

/// Puts what a file declares in `touches(..)` in the place of what could not be read.
fn declare(file: &MigrationFile, readings: &mut [Reading]) {
    let names: Vec<_> =
        file.header.touches.iter().filter_map(|touch| Some((name::in_text(&touch.value)?, touch))).collect();
    if names.is_empty() {
        return;
    }
    for statement in readings.iter_mut().flat_map(|reading| &mut reading.statements) {
        let is_opaque = |fact: &Fact| matches!(fact, Fact::Opaque(_));
        if !statement.facts.iter().any(is_opaque) {
            continue;
        }
        statement.facts.retain(|fact| !is_opaque(fact));
        statement.facts.extend(names.iter().map(|(name, touch)| {
            Fact::Named(Named {
                action: Action::Use,
                class: Class::Relation,
                name: name.clone(),
                on: None,
                signature: None,
                mentions: Vec::new(),
                span: touch.span.clone(),
                conditional: false,
                maybe: false,
            })
        }));
        statement.facts.push(Fact::Opaque(names.iter().map(|(name, _)| name.name.clone()).collect()));
    }
}

/// Fills in the readings of all files; what is wrong if that cannot be done at all.
pub(crate) fn read(project: &mut Project) -> Option<Diagnostic> {
    let topology = project.topology.as_ref()?;
    let databases = &topology.topology.databases;
    let forward = project.migrations.iter_mut().map(|file| {
        let lints = Lints::of(file, &topology.lints);
        (file, lints)
    });
    let reverse = project.reverses.iter_mut().map(|file| (file, Lints::None));
    let files: Vec<(&mut MigrationFile, Lints)> = forward.chain(reverse).collect();
    let jobs: Vec<(&mut MigrationFile, Lints, Vec<usize>)> = {
        let mut selected: HashMap<String, Vec<usize>> = HashMap::new();
        let mut of_route = |file: &MigrationFile| -> Vec<usize> {
            let Some(route) = &file.route else { return Vec::new() };
            let is_for = |database: &Database| !database.is_replica() && route.route.selects(database);
            let select = || (0..databases.len()).filter(|index| is_for(&databases[*index])).collect();
            selected.entry(route.route.to_string()).or_insert_with(select).clone()
        };
        files
            .into_iter()
            .map(|(file, lints)| {
                let databases = of_route(file);
                (file, lints, databases)
            })
            .collect()
    };
    let first = jobs.first().map(|(file, ..)| Arc::clone(&file.source))?;
    let readers = thread::available_parallelism().map_or(1, NonZero::get).min(jobs.len());
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().ok()?.next();
    let work = || {
        while let Some((file, lints, selected)) = next() {
            file.readings = of_file(file, lints, databases, selected);
        }
    };
    let unread = on_stacks(readers, STACK, work).err()?;
    let mebibytes = STACK >> 20;
    Some(
        Diagnostic::new("unread", "the SQL of this file, and of those behind it, could not be read")
            .in_file(&first)
            .note(format!("the parser needs a thread with a stack of {mebibytes} MiB: {unread}"))
            .help("let the build use more memory or threads (`ulimit -v`, `ulimit -u`, the limits of a container)"),
    )
}

/// What a file says, whatever happens to whoever reads it.
fn of_file(file: &MigrationFile, lints: Lints, databases: &[Database], selected: Vec<usize>) -> Vec<Reading> {
    let all = selected.clone();
    let read = caught(|| {
        let mut readings = readings(file, lints, databases, selected);
        declare(file, &mut readings);
        readings
    });
    read.unwrap_or_else(|reason| vec![Reading { databases: all, ..gave_up(&reason) }])
}

/// The distinct readings of a file.
fn readings(
    file: &MigrationFile,
    lints: Lints,
    databases: &[Database],
    selected: Vec<usize>,
) -> Vec<Reading> {
    let source = &file.source.text;
    let declared: Vec<Text> = file.header.vars.iter().map(|var| var.value.clone().into()).collect();
    let mut distinct: Vec<Reading> = Vec::new();
    let mut seen: HashMap<(bool, Vec<Option<&str>>), usize> = HashMap::new();
    if selected.is_empty() {
        return distinct;
    }
    // What Rust does cannot be read: it is as the body of a `DO` in a language that nobody knows here.
    if let Some(function) = &file.code {
        let statements =
            vec![Statement { span: function.span.clone(), ..opaque(0..source.len(), source, &|at| at) }];
        return vec![Reading {
            databases: selected,
            statements,
            faults: Vec::new(),
            findings: Ok(Vec::new()),
        }];
    }
    let is_sqlite = |index: &usize| databases[*index].declared_engine() == Some(EngineKind::Sqlite);
    if declared.is_empty() {
        let (of_sqlite, of_postgres): (Vec<usize>, Vec<usize>) = selected.into_iter().partition(is_sqlite);
        if !of_postgres.is_empty() {
            distinct.push(Reading {
                databases: of_postgres,
                ..guarded(source, &file.tokens, &file.statements, lints, |at| at)
            });
        }
        if !of_sqlite.is_empty() {
            distinct.push(Reading { databases: of_sqlite, ..sqlite::read(source, &file.tokens, |at| at) });
        }
        return distinct;
    }
    for index in selected {
        let database = &databases[index];
        let is_sqlite = is_sqlite(&index);
        // A number that stands alone reads as any other: a thousand shards are one reading.
        let values: Vec<Option<&str>> = declared
            .iter()
            .map(|var| {
                database.var(var).map(|value| if reads_as_number(source, var, value) { "0" } else { value })
            })
            .collect();
        let values = (is_sqlite, values);
        if let Some(known) = seen.get(&values) {
            distinct[*known].databases.push(index);
            continue;
        }
        let Ok(expanded) = expand(source, &declared, database) else { continue };
        let tokens = lex::tokens(&expanded.text);
        let place = |at| Expanded::source_offset(&expanded, at);
        let reading = match is_sqlite {
            true => sqlite::read(&expanded.text, &tokens, place),
            false => {
                let pieces = lex::statements(&expanded.text, &tokens);
                guarded(&expanded.text, &tokens, &pieces, lints, place)
            }
        };
        let same = distinct.iter().position(|known| {
            known.statements == reading.statements
                && known.faults == reading.faults
                && known.findings == reading.findings
        });
        let at = same.unwrap_or(distinct.len());
        match same {
            Some(known) => distinct[known].databases.push(index),
            None => distinct.push(Reading { databases: vec![index], ..reading }),
        }
        seen.insert(values, at);
    }
    distinct
}

/// Whether a value is a number, and stands by itself wherever it is used.
fn reads_as_number(source: &str, var: &str, value: &str) -> bool {
    let place = format!("${{{var}}}");
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_$\"'.{}".contains(c));
    let stands_alone = |at: usize| {
        let before = source[..at].chars().next_back();
        !joins(before) && !joins(source[at + place.len()..].chars().next())
    };
    let is_number = !value.is_empty() && value.len() < 10 && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number && source.match_indices(&place).all(|(at, _)| stands_alone(at))
}

/// Reads a text, of which the tokens and the statements are given, whatever the parser does. `place` leads from a byte of the
/// text to one of the file.
pub(super) fn guarded(
    text: &str,
    tokens: &[Token],
    pieces: &[lex::Statement],
    lints: Lints,
    place: impl Fn(usize) -> usize,
) -> Reading {
    if let Some(at) = lex::deeper_than(text, tokens, DEEPEST) {
        return unreadable(
            place(at)..place(at) + 1,
            format!("more than {DEEPEST} levels of parentheses, CASE, NOT or signs"),
            "no server takes that either: write it flatter",
        );
    }
    if let Some(at) = lex::longer_than(tokens, LONGEST) {
        return unreadable(
            place(at)..place(at) + 1,
            format!("more than {LONGEST} words of one statement without a comma"),
            "write several statements; is a `;` missing?",
        );
    }
    caught(|| read_text(text, tokens, pieces, lints, &place)).unwrap_or_else(|reason| gave_up(&reason))
}

/// The reading of a text that the parser cannot take.
fn gave_up(why: &str) -> Reading {
    unreadable(
        0..0,
        format!("the SQL parser gave up on this file: {why}"),
        "please report it to sharded-migrations with the file; until then, split the file to find the statement",
    )
}

fn unreadable(span: Range<usize>, message: String, help: &str) -> Reading {
    let faults = vec![Fault { check: "syntax", span, message, help: help.to_owned() }];
    Reading { databases: Vec::new(), statements: Vec::new(), faults, findings: Ok(Vec::new()) }
}

fn read_text(
    text: &str,
    tokens: &[Token],
    pieces: &[lex::Statement],
    lints: Lints,
    place: &impl Fn(usize) -> usize,
) -> Reading {
    let mut reading = Reading {
        databases: Vec::new(),
        statements: Vec::new(),
        faults: Vec::new(),
        findings: Ok(Vec::new()),
    };
    // What follows COPY .. FROM stdin is data.
    let copy = pieces.iter().find(|piece| lex::copies_from_stdin(text, tokens, piece));
    let end = copy.map_or(text.len(), |copy| copy.span.end);
    let tree = Tree::of_file(&text[..end]);
    let mut broken: Vec<usize> = Vec::new();
    for (at, said) in &tree.errors {
        let piece = pieces.partition_point(|piece| piece.span.end < *at);
        if broken.last() != Some(&piece) {
            broken.push(piece);
            reading.faults.push(syntax_fault(text, tokens, *at, said, place));
        }
    }
    for piece in broken.iter().filter_map(|index| pieces.get(*index)) {
        reading.statements.push(opaque(piece.span.clone(), &text[piece.span.clone()], place));
    }
    let mut last = None;
    for id in tree.statements() {
        let span = lex::without_semicolon(text, tree.span(id));
        let piece = pieces.partition_point(|piece| piece.span.end <= span.start);
        let piece = (piece < pieces.len()).then_some(piece);
        // Errors come in the order of the text, so that the numbers are sorted.
        if piece.is_some_and(|piece| broken.binary_search(&piece).is_ok()) {
            continue;
        }
        if piece.is_some() && piece == last {
            reading.faults.push(Fault {
                check: "syntax",
                span: place(span.start)..place(word_end(text, span.start)),
                message: "a `;` is missing before this statement".into(),
                help: "end the statement before it with `;`".into(),
            });
        }
        last = piece;
        if tree.kind(id) == DROP_TABLE && tree.child(id, TABLE_NAME_REF).is_none() {
            let help = "name the table".into();
            let span = place(span.start)..place(span.end);
            reading.faults.push(Fault {
                check: "syntax",
                span,
                message: "DROP TABLE of no table".into(),
                help,
            });
            continue;
        }
        let statement = |span: Range<usize>, offset: usize, mut facts: Vec<Fact>| {
            for fact in &mut facts {
                if let Fact::Named(named) = fact {
                    named.span = place(offset + named.span.start)..place(offset + named.span.end);
                }
            }
            Statement {
                span: place(offset + span.start)..place(offset + span.end),
                is_view: matches!(tree.kind(id), CREATE_VIEW | CREATE_MATERIALIZED_VIEW),
                outside: transaction::outside(&tree, id),
                facts,
                locks: None,
            }
        };
        if tree.kind(id) != DO {
            let facts = facts::facts(&tree, id, tree.subtree(id));
            let locks = Some(locks::of_statement(&tree, id, &facts));
            reading.statements.push(Statement { locks, ..statement(span, 0, facts) });
            continue;
        }
        match body::of_do(&tree, id).and_then(|(body, at)| Some((body::parts_of(body)?, at))) {
            Some((parts, at)) => {
                reading.statements.extend(parts.into_iter().map(|(span, facts)| statement(span, at, facts)));
            }
            None => {
                reading.statements.push(statement(span, 0, vec![Fact::Opaque(body::words(tree.text(id)))]))
            }
        }
    }
    if let Some(copy) = copy {
        reading.faults.retain(|fault| fault.span.start < place(copy.span.start));
        reading.faults.push(Fault {
            check: "psql",
            span: place(copy.span.start)..place(copy.span.end),
            message: "COPY .. FROM stdin takes its rows from psql, which does not run migrations".into(),
            help: "write the rows as `INSERT INTO .. VALUES ..`".into(),
        });
    }
    // What is never closed swallows the rest, and is another check's.
    if tokens.iter().any(|token| token.unclosed().is_some()) {
        reading.faults.clear();
    }
    reading.statements.sort_by_key(|statement| statement.span.start);
    if reading.faults.is_empty() {
        reading.findings = findings(text, &tree, &reading.statements, lints, place);
    }
    reading
}

/// What the safety lints find. They are no part of what makes a set right, so where they panic, nothing else is lost.
#[cfg(feature = "lint")]
fn findings(
    text: &str,
    tree: &Tree<'_>,
    statements: &[Statement],
    lints: Lints,
    place: &impl Fn(usize) -> usize,
) -> Result<Vec<Finding>, String> {
    let in_transaction = match lints {
        Lints::None => return Ok(Vec::new()),
        Lints::InTransaction => true,
        Lints::OutsideTransaction => false,
    };
    caught(|| lint::findings(text, tree, statements, in_transaction, place))
}

#[cfg(not(feature = "lint"))]
fn findings(
    _text: &str,
    _tree: &Tree<'_>,
    _statements: &[Statement],
    _lints: Lints,
    _place: &impl Fn(usize) -> usize,
) -> Result<Vec<Finding>, String> {
    Ok(Vec::new())
}

fn opaque(span: Range<usize>, text: &str, place: &impl Fn(usize) -> usize) -> Statement {
    Statement {
        span: place(span.start)..place(span.end),
        is_view: false,
        outside: None,
        facts: vec![Fact::Opaque(body::words(text))],
        locks: None,
    }
}

/// The fault of a place that the grammar does not allow, in the server's words.
fn syntax_fault(
    text: &str,
    tokens: &[Token],
    at: usize,
    said: &str,
    place: &impl Fn(usize) -> usize,
) -> Fault {
    let first = tokens.partition_point(|token| token.span.end <= at);
    let token = tokens[first..].iter().find(|token| token.is_code());
    let Some(token) = token else {
        return Fault {
            check: "syntax",
            span: place(text.trim_end().len())..place(text.trim_end().len()),
            message: "syntax error at the end of the file".into(),
            help: "the last statement is not complete".into(),
        };
    };
    let word = &text[token.span.clone()];
    let span = place(token.span.start)..place(token.span.end);
    if word.starts_with('\\') {
        let rest = &text[token.span.start..];
        let command: String = rest.chars().take_while(|c| !c.is_whitespace()).collect();
        return Fault {
            check: "psql",
            span,
            message: format!("`{command}` is a command of psql, which does not run migrations"),
            help: "write what it does as SQL; each file is a migration of its own".into(),
        };
    }
    Fault {
        check: "syntax",
        span,
        message: format!("syntax error at or near `{word}`"),
        help: for_people(said),
    }
}

/// What the parser says, with tokens as they are written instead of as it calls them.
fn for_people(said: &str) -> String {
    if said.starts_with("expected command") {
        return "a statement begins with a command such as `CREATE` or `SELECT`: is a word misspelt before this, or a \
                `;` missing?"
            .into();
    }
    let signs =
        [("L_PAREN", "("), ("R_PAREN", ")"), ("SEMICOLON", ";"), ("COMMA", ","), ("DOT", "."), ("EQ", "=")];
    let word = |word: &str| {
        let bare = word.trim_end_matches(',');
        let rest = &word[bare.len()..];
        if let Some((_, sign)) = signs.iter().find(|(name, _)| *name == bare) {
            return format!("`{sign}`{rest}");
        }
        match bare.strip_suffix("_KW") {
            Some(keyword) => format!("`{keyword}`{rest}"),
            None if bare == "IDENT" => format!("a name{rest}"),
            None => word.to_owned(),
        }
    };
    said.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The end of the word at a byte.
fn word_end(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parser_that_gives_up_is_a_fault_of_the_file() {
        let tokens = lex::tokens("SELECT 1");
        let torn = guarded("SELECT 1", &tokens, &lex::statements("SELECT 1", &tokens), Lints::None, |_| {
            panic!("torn")
        });
        assert_eq!(torn.faults[0].message, "the SQL parser gave up on this file: torn");
    }
}
