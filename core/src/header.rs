//! The attributes in the leading comment block of a migration.
//!
//! ```sql
//! -- Adds the address that the mailer reads.
//! -- #[route(group = "users")]
//! -- #[lock_timeout = "2s"]
//! ALTER TABLE account ADD COLUMN email text;
//! ```

pub mod attribute;
pub mod code;
pub mod predicate;

use std::ops::Range;
use std::sync::Arc;

use attribute::{Cursor, Literal, Meta, SyntaxError};
use predicate::RouteSource;

use crate::allow::Allowed;
use crate::lex::Token;
use crate::migration::Timeouts;
use crate::source::{SourceFile, Spanned};
use crate::{DatabaseName, Diagnostic, Requirement, Version, suggest};

/// What a header says.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// `route(..)`
    pub route: Option<RouteSource>,
    /// Whether there is a `route(..)` at all, also one that could not be read, or something else
    /// unreadable that may have been one.
    pub has_route: bool,
    /// `no_transaction`, or sqlx's line `-- no-transaction`.
    pub no_transaction: bool,
    /// `lock_timeout` and `statement_timeout`
    pub timeouts: Timeouts,
    /// `barrier`, where it stands.
    pub barrier: Option<Range<usize>>,
    /// `requires(..)`
    pub requires: Vec<Spanned<Requirement>>,
    /// Each `replaces(..)`: the versions of one way in which a database may have come to what the file makes.
    pub replaces: Vec<Vec<Spanned<Version>>>,
    /// `vars(..)`
    pub vars: Vec<Spanned<String>>,
    /// `touches(..)`: what the blocks work on that cannot be read.
    pub touches: Vec<Spanned<String>>,
    /// `allow(..)`: what is accepted in this file.
    pub allow: Vec<Spanned<Allowed>>,
    /// The lines that hold attributes, with their line ends.
    pub lines: Vec<Range<usize>>,
}

/// The attributes there are, and how each is written.
const ATTRIBUTES: [(&str, &str); 10] = [
    ("allow", "#[allow(index-not-concurrent)]"),
    ("route", "#[route(group = \"users\")]"),
    ("barrier", "#[barrier]"),
    ("replaces", "#[replaces(1, 2, 3)]"),
    ("requires", "#[requires(\"default:12\")]"),
    ("no_transaction", "#[no_transaction]"),
    ("lock_timeout", "#[lock_timeout = \"2s\"]"),
    ("statement_timeout", "#[statement_timeout = \"1min\"]"),
    ("touches", "#[touches(orders, \"shop.order_line\")]"),
    ("vars", "#[vars(shard_id)]"),
];

/// Those that have as many items as one likes, and at least one.
const LISTS: [&str; 5] = ["allow", "replaces", "requires", "touches", "vars"];

/// Each `allow` may stand below a reason of its own, and each `replaces` is another way.
const MAY_REPEAT: [&str; 2] = ["allow", "replaces"];

/// The comment that sqlx reads as `no_transaction`; there it has to be the first line, here it may
/// stand anywhere in the header.
const SQLX_NO_TRANSACTION: &str = "no-transaction";

/// Reads the header of a file, whose tokens are given, and says what is wrong with it.
pub fn read(source: &Arc<SourceFile>, tokens: &[Token], faults: &mut Vec<Diagnostic>) -> Header {
    let language = Language::Sql;
    let mut reader = Reader { source, header: Header::default(), seen: Vec::new(), faults, language };
    let mut in_header = true;
    for token in tokens {
        let text = || &source.text[token.span.clone()];
        if token.is_line_comment() {
            reader.line(text(), token.span.clone(), in_header);
        } else if !in_header {
        } else if token.is_block_comment() {
            reader.block(text(), token.span.start);
        } else if token.is_code() {
            in_header = false;
        }
    }
    reader.header
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    header: Header,
    seen: Vec<Spanned<String>>,
    faults: &'a mut Vec<Diagnostic>,
    language: Language,
}

/// What the file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Sql,
    Rust,
}

impl Language {
    /// How an attribute is written there: a macro of Rust takes no `=`.
    fn usage(self, usage: &str) -> String {
        match (self, usage.split_once(" = \"")) {
            (Self::Rust, Some((name, value))) if !name.contains('(') => {
                format!("write `{name}(\"{})]`", value.trim_end_matches(']'))
            }
            _ => format!("write `{usage}`"),
        }
    }
}

impl Reader<'_> {
    fn fault(&mut self, message: impl Into<String>, span: Range<usize>, help: impl Into<String>) {
        self.faults.push(Diagnostic::new("header", message).at(self.source, span, "").help(help));
    }

    /// One `--` comment.
    fn line(&mut self, line: &str, span: Range<usize>, in_header: bool) {
        let comment = line.trim_start_matches('-');
        let text = comment.trim_start();
        let start = span.start + line.len() - text.len();
        if !is_attribute(text) {
            self.header.no_transaction |= in_header && text.trim_end() == SQLX_NO_TRANSACTION;
            if in_header && looks_like_attribute(text) {
                self.header.has_route = true;
                self.fault(
                    "this looks like an attribute and is not one",
                    start..span.end,
                    "an attribute is written `-- #[name(..)]`",
                );
            }
            return;
        }
        if !in_header {
            self.header.has_route = true;
            self.fault(
                "an attribute after the first statement has no effect",
                start..span.end,
                "move it into the comment at the top of the file",
            );
            return;
        }
        let end = self.source.text[span.end..].find('\n').map_or(span.end, |at| span.end + at + 1);
        self.header.lines.push(span.start..end);
        let mut cursor = Cursor::new(text, start);
        loop {
            if !cursor.is_at("#") {
                let error = cursor.error("only attributes may stand on a line with one");
                return self.fault(error.message, error.span, "write what explains it on a line of its own");
            }
            match attribute(&mut cursor) {
                Ok(meta) => self.attribute(&meta),
                Err(error) => {
                    self.header.has_route = true;
                    self.fault(
                        error.message,
                        error.span,
                        "an attribute is written `-- #[name]`, `-- #[name = \"value\"]` or `-- #[name(..)]`",
                    );
                    return;
                }
            }
            if cursor.is_done() {
                return;
            }
        }
    }

    /// A `/* .. */` comment of the header: attributes don't count there.
    fn block(&mut self, text: &str, start: usize) {
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let trimmed = line.trim_start_matches(|c: char| c.is_whitespace() || c == '*' || c == '/');
            if is_attribute(trimmed) {
                self.header.has_route = true;
                let at = start + offset + line.len() - trimmed.len();
                self.fault(
                    "an attribute in a block comment has no effect",
                    at..at + trimmed.trim_end().len(),
                    "write it in a `--` comment",
                );
            }
            offset += line.len();
        }
    }

    fn attribute(&mut self, meta: &Meta) {
        let name = match meta {
            Meta::Word(name) | Meta::Value { key: name, .. } | Meta::List { name, .. } => name.clone(),
            Meta::Literal(literal) => {
                self.header.has_route = true;
                return self.fault(
                    "expected a name",
                    literal.span.clone(),
                    "an attribute begins with its name",
                );
            }
        };
        let Some((_, usage)) = ATTRIBUTES.iter().find(|(known, _)| *known == name.value) else {
            let fault =
                Diagnostic::new("unknown-attribute", format!("no attribute is called `{}`", name.value))
                    .at(self.source, name.span.clone(), "unknown attribute")
                    .help(suggest::help(&name.value, "attributes", ATTRIBUTES.map(|(known, _)| known)));
            self.header.has_route |= suggest::nearest(&name.value, ["route"]).is_some();
            return self.faults.push(fault);
        };
        let first =
            self.seen.iter().find(|seen| seen.value == name.value && !MAY_REPEAT.contains(&&*name.value));
        if let Some(first) = first {
            let help = match name.value.as_str() {
                "route" => "keep one; several are joined with `any(..)` or `all(..)`",
                _ => "keep one of them",
            };
            let fault = Diagnostic::new("header", format!("`{}` is given twice", name.value))
                .at(self.source, name.span.clone(), "again here")
                .at(self.source, first.span.clone(), "first given here")
                .help(help);
            return self.faults.push(fault);
        }
        self.seen.push(name.clone());
        let usage = self.language.usage(usage);
        if let Meta::List { items, span, .. } = meta
            && items.is_empty()
            && LISTS.contains(&&*name.value)
        {
            self.fault(format!("`{}()` is empty", name.value), span.clone(), usage.clone());
        }
        match (name.value.as_str(), meta) {
            ("route", Meta::List { items, span, .. }) => {
                self.header.has_route = true;
                match items.as_slice() {
                    [item] => match predicate::read(item, self.source) {
                        Ok(route) => self.header.route = Some(route),
                        Err(fault) => self.faults.push(fault),
                    },
                    [] => self.fault("the route is empty", span.clone(), usage),
                    [_, second, ..] => self.fault(
                        "a route is one predicate",
                        second.span(),
                        "join several with `any(..)` or `all(..)`",
                    ),
                }
            }
            ("no_transaction", Meta::Word(_)) => self.header.no_transaction = true,
            ("barrier", Meta::Word(word)) => self.header.barrier = Some(word.span.clone()),
            ("requires", Meta::List { items, .. }) => {
                for item in items {
                    let requirement = match item {
                        Meta::Literal(Spanned { value: Literal::Text(text), .. }) => requirement(text),
                        _ => None,
                    };
                    match requirement {
                        Some(value) => self.header.requires.push(Spanned::new(value, item.span())),
                        None => self.fault("expected a database and a version", item.span(), usage.clone()),
                    }
                }
            }
            ("replaces", Meta::List { items, .. }) => self.replaces(items, &usage),
            ("lock_timeout" | "statement_timeout", Meta::Value { value, .. })
                if self.language == Language::Sql =>
            {
                self.timeout(&name.value, value, usage);
            }
            ("lock_timeout" | "statement_timeout", Meta::List { items, .. })
                if matches!(items.as_slice(), [Meta::Literal(_)]) =>
            {
                if let [Meta::Literal(value)] = items.as_slice() {
                    self.timeout(&name.value, value, usage);
                }
            }
            ("vars", Meta::List { items, .. }) => {
                for item in items {
                    match item {
                        Meta::Word(word) if !word.value.contains('-') => self.header.vars.push(word.clone()),
                        other => self.fault("expected the name of a variable", other.span(), usage.clone()),
                    }
                }
            }
            ("allow", Meta::List { items, .. }) => {
                for item in items {
                    match item {
                        Meta::Word(word) => self.allow(word),
                        other => {
                            self.fault("expected the name of a lint or a check", other.span(), usage.clone())
                        }
                    }
                }
            }
            ("touches", Meta::List { items, .. }) => {
                for item in items {
                    match item {
                        Meta::Word(word) if !word.value.contains('-') => {
                            self.header.touches.push(word.clone());
                        }
                        Meta::Literal(Spanned { value: Literal::Text(text), span }) => {
                            self.header.touches.push(Spanned::new(text.clone(), span.clone()));
                        }
                        other => self.fault("expected the name of a table", other.span(), usage.clone()),
                    }
                }
            }
            _ => {
                self.header.has_route |= name.value == "route";
                self.fault(format!("`{}` is not written like this", name.value), meta.span(), usage);
            }
        }
    }

    /// One way in which a database may have come to what the file makes.
    fn replaces(&mut self, items: &[Meta], usage: &str) {
        let mut way: Vec<Spanned<Version>> = Vec::new();
        for item in items {
            let version = match item {
                Meta::Literal(Spanned { value: Literal::Number(number), .. }) => Version::new(*number),
                _ => None,
            };
            match version {
                Some(version) if way.iter().any(|known| known.value == version) => {
                    self.fault(format!("{version} is replaced twice"), item.span(), "keep one of them");
                }
                Some(version) => way.push(Spanned::new(version, item.span())),
                None => self.fault("expected the version of a migration", item.span(), usage),
            }
        }
        if !way.is_empty() {
            self.header.replaces.push(way);
        }
    }

    /// `lock_timeout` or `statement_timeout`.
    fn timeout(&mut self, name: &str, value: &Spanned<Literal>, usage: String) {
        let duration = match &value.value {
            Literal::Text(text) => crate::duration::parse(text),
            Literal::Number(number) => {
                Err(format!("`{number}` has no unit: write it as `\"500ms\"` or `\"2s\"`"))
            }
        };
        match duration {
            Ok(duration) if name == "lock_timeout" => self.header.timeouts.lock = Some(duration),
            Ok(duration) => self.header.timeouts.statement = Some(duration),
            Err(message) => self.fault(message, value.span.clone(), usage),
        }
    }

    /// One name in `allow(..)`.
    fn allow(&mut self, word: &Spanned<String>) {
        let allow = &mut self.header.allow;
        let fault = match Allowed::by_name(&word.value) {
            None => Diagnostic::new(
                "unknown-lint",
                format!("no lint, and no check that can be allowed, is called `{}`", word.value),
            )
            .at(self.source, word.span.clone(), "unknown name")
            .help(suggest::help(&word.value, "lints and checks", Allowed::names())),
            Some(allowed) => match allow.iter().find(|known| known.value == allowed) {
                Some(first) => Diagnostic::new("header", format!("`{allowed}` is allowed twice"))
                    .at(self.source, word.span.clone(), "again here")
                    .at(self.source, first.span.clone(), "first allowed here")
                    .help("keep one of them"),
                None => return allow.push(Spanned::new(allowed, word.span.clone())),
            },
        };
        self.faults.push(fault);
    }
}

/// `default:12`
fn requirement(text: &str) -> Option<Requirement> {
    let (database, version) = text.rsplit_once(':')?;
    let version = Version::new(version.parse().ok()?)?;
    Some(Requirement { database: DatabaseName::new(database).ok()?, version })
}

/// `#[meta]`
fn attribute(cursor: &mut Cursor<'_>) -> Result<Meta, SyntaxError> {
    cursor.expect("#")?;
    cursor.expect("[")?;
    let meta = cursor.meta()?;
    cursor.expect("]")?;
    Ok(meta)
}

/// Whether a comment's text begins with `#[`.
fn is_attribute(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|rest| rest.trim_start().starts_with('['))
}

/// Whether a comment of the header is most likely meant to be an attribute: `#route(..)`,
/// `#![route(..)]`, `[route(..)]`, `route(group = ..)`.
fn looks_like_attribute(text: &str) -> bool {
    let word = text.trim_start_matches(|c: char| c.is_whitespace() || "#![".contains(c));
    let marked = word.len() < text.len();
    let name = &word[..word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len())];
    let known = ATTRIBUTES.iter().any(|(known, _)| *known == name);
    let rest = &word[name.len()..];
    // A sentence may begin with "allow (..)".
    let may_be_prose = name == "allow" && !marked && rest.starts_with(' ');
    match rest.trim_start().chars().next() {
        Some('(') => known && !may_be_prose,
        Some('=' | ']') | None => known && marked,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Style;
    use crate::lex;
    use crate::lint::Lint;
    use std::time::Duration;

    fn header(text: &str) -> (Header, Vec<Diagnostic>) {
        let source = Arc::new(SourceFile { path: "V1__x.sql".into(), text: text.into() });
        let mut faults = Vec::new();
        let header = read(&source, &lex::tokens(text), &mut faults);
        (header, faults)
    }

    #[test]
    fn attributes_of_every_kind() {
        let (header, faults) = header(
            "/* a licence */\n-- Prose first.\n--#[route(group = \"users\")] #[no_transaction]\n\n-- # [lock_timeout = \"2s\"]\n\
             -- #[statement_timeout = \"1min\"]\n-- #[vars(shard_id, region)] #[touches(a, \"s.b\")]\n\
             -- #[allow(drop-table)]\n-- #[allow(index-not-concurrent)]\nselect 1; -- tail\n",
        );
        assert_eq!(faults, []);
        assert_eq!(header.route.unwrap().route.to_string(), "group = \"users\"");
        assert!(header.no_transaction);
        assert_eq!(header.timeouts.lock, Some(Duration::from_secs(2)));
        assert_eq!(header.timeouts.statement, Some(Duration::from_secs(60)));
        let vars: Vec<_> = header.vars.iter().map(|var| var.value.as_str()).collect();
        assert_eq!(vars, ["shard_id", "region"]);
        let touches: Vec<_> = header.touches.iter().map(|name| name.value.as_str()).collect();
        assert_eq!(touches, ["a", "s.b"]);
        let allowed: Vec<_> = header.allow.iter().map(|lint| lint.value).collect();
        assert_eq!(allowed, [Allowed::Lint(Lint::DropTable), Allowed::Lint(Lint::IndexNotConcurrent)]);
        assert_eq!(header.lines.len(), 6);
    }

    #[test]
    fn the_comment_of_sqlx_counts() {
        assert!(header("-- no-transaction\nselect 1").0.no_transaction);
        assert!(header("-- #[route(everywhere)]\n-- no-transaction\nselect 1").0.no_transaction);
        assert!(!header("select 1;\n-- no-transaction").0.no_transaction);
        assert!(!header("-- no-transaction is needed here\nselect 1").0.no_transaction);
    }

    #[test]
    fn prose_is_prose() {
        let text = "-- the route (see below) [sic] # 1\n-- vars = x\n-- allow (for now) what is old\n-- everywhere\n--\n-- no_transaction needed\nselect '-- #[x]'; /* #[x] */";
        assert_eq!(header(text).1, []);
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let cases = [
            "-- #[rout(group = \"users\")]",
            "-- #[route(group = \"users\")\n",
            "-- #[route(group = \"users\")] and more",
            "-- #[route]",
            "-- #[route()]",
            "-- #[route(everywhere, everywhere)]",
            "-- #[route(grop = \"users\")]",
            "-- #[route(everywhere)]\n-- #[route(everywhere)]",
            "-- #[no_transaction = \"yes\"]",
            "-- #[lock_timeout = \"2 weeks\"]",
            "-- #[lock_timeout = 2]",
            "-- #[replaces()]",
            "-- #[replaces(1, \"2\")]",
            "-- #[replaces(1, 99999999999999999999)]",
            "-- #[replaces(1, 2, 1)]",
            "-- #[replaces]",
            "-- #[vars()]",
            "-- #[vars(\"a\")]",
            "-- #[\"x\"]",
            "-- #[touches()]",
            "-- #[touches(1)]",
            "-- #[touches(a-b)]",
            "-- #[vars(shard-id)]",
            "-- #[no-transaction]",
            "-- #[allow]",
            "-- #[allow()]",
            "-- #[allow(\"drop-table\")]",
            "-- #[allow(drop_table)]",
            "-- #[allow(drop-table)]\n-- #[allow(drop-view, drop-table)]",
            "-- allow(drop-table)",
            "-- #route(everywhere)",
            "-- #![no_transaction]",
            "-- route(group = \"users\")",
            "/*\n * #[route(everywhere)]\n */",
            "select 1;\n-- #[no_transaction]",
        ];
        let rendered: Vec<String> = cases
            .iter()
            .map(|text| {
                let faults = header(text).1;
                assert_eq!(faults.len(), 1, "{text}: {faults:?}");
                faults[0].render(Style::Plain)
            })
            .collect();
        insta::assert_snapshot!(rendered.join("\n\n"));
    }
}
