//! The attributes of a migration that is written in Rust: they stand before its function, as rustc reads them.
//!
//! ```ignore
//! #[route(group = "users")]
//! pub async fn backfill(context: &mut Context) -> Result { .. }
//! ```

use std::ops::Range;
use std::sync::Arc;

use super::attribute::Cursor;
use super::{ATTRIBUTES, Header, Language, Reader};
use crate::rust::{self, Function, Item, Kind, Token};
use crate::source::SourceFile;
use crate::{Diagnostic, suggest};

/// What the function looks like, for messages.
const FUNCTION: &str = "#[route(group = \"users\")] pub async fn backfill(context: &mut Context) -> Result";

/// Reads the header of a file, and finds the function that is run; says what is wrong with them.
pub fn read(source: &Arc<SourceFile>, faults: &mut Vec<Diagnostic>) -> (Header, Option<Function>) {
    let text = &source.text;
    let tokens = rust::tokens(text);
    let items = rust::items(text, &tokens);
    let before = faults.len();
    let mut reader =
        Reader { source, header: Header::default(), seen: Vec::new(), faults, language: Language::Rust };
    let mut marked: Vec<(&Function, Range<usize>)> = Vec::new();
    for item in &items {
        let ours: Vec<Ours<'_>> = item.attributes.iter().filter_map(|span| ours(text, span)).collect();
        let Some(first) = ours.first() else { continue };
        let span = first.span.clone();
        match &item.function {
            Some(function) if marked.is_empty() => {
                ours.into_iter().for_each(|attribute| reader.code(attribute));
                marked.push((function, span));
            }
            Some(function) => marked.push((function, span)),
            None => reader.stray(span),
        }
    }
    for span in nested_routes(text, &tokens, &items) {
        reader.stray(span);
    }
    let function = match marked.as_slice() {
        [(function, _)] => reader.sound(function),
        [] if reader.faults.len() > before => None,
        [] => reader.unmarked(&items),
        [(first, _), (_, again), ..] => {
            let fault = Diagnostic::new("step-function", "two functions have attributes of a migration")
                .at(source, again.clone(), "again here")
                .at(source, first.span.clone(), "first here")
                .help("a file is one migration: give the other one a file and a version of its own");
            reader.faults.push(fault);
            None
        }
    };
    // Without a function there is nothing that could have a route.
    let has_route = reader.header.has_route || function.is_none();
    (Header { has_route, ..reader.header }, function)
}

/// One of our attributes.
struct Ours<'a> {
    /// Its text behind a path that leads to it: `route(group = "users")`.
    text: &'a str,
    start: usize,
    /// From `#` to `]`.
    span: Range<usize>,
}

/// Takes one of our attributes apart. `allow` is Rust's own here.
fn ours<'a>(text: &'a str, span: &Range<usize>) -> Option<Ours<'a>> {
    let (start, inner) = inside(text, span)?;
    let path = path(inner);
    let name = path.rsplit("::").next().unwrap_or_default().trim();
    let is_known = ATTRIBUTES.iter().any(|(known, _)| *known == name && name != "allow");
    // A slip: rustc does not know it either, but says less.
    let is_slip = !path.contains("::") && suggest::nearest(name, ["route"]).is_some();
    if !is_known && !is_slip {
        return None;
    }
    let skipped = path.len() - path.rsplit("::").next().unwrap_or_default().trim_start().len();
    Some(Ours { text: &inner[skipped..], start: start + skipped, span: span.clone() })
}

/// What stands in the brackets of an attribute, and where it begins.
fn inside<'a>(text: &'a str, span: &Range<usize>) -> Option<(usize, &'a str)> {
    let open = span.start + text[span.clone()].find('[')? + 1;
    let inner = text.get(open..span.end)?;
    let inner = inner.strip_suffix(']').unwrap_or(inner);
    let trimmed = inner.trim_start();
    Some((open + inner.len() - trimmed.len(), trimmed))
}

/// `sharded_migrations::step::route`
fn path(inner: &str) -> &str {
    let is_path = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == ':';
    &inner[..inner.find(|c| !is_path(c)).unwrap_or(inner.len())]
}

/// Routes that stand deeper in the file, where they say nothing to anybody.
fn nested_routes(text: &str, tokens: &[Token], items: &[Item]) -> Vec<Range<usize>> {
    let code: Vec<&Token> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let word = |token: &&Token| &text[token.span.clone()];
    let routes = code.windows(4).filter(|four| {
        four.iter().map(word).eq(["#", "[", "route", "("])
            && items.iter().any(|item| item.span.contains(&four[0].span.start))
    });
    routes.map(|four| four[0].span.start..four[2].span.end).collect()
}

impl Reader<'_> {
    /// Reads one attribute.
    fn code(&mut self, attribute: Ours<'_>) {
        let Ours { text, start, span } = attribute;
        self.header.lines.push(self.lines(&span));
        let mut cursor = Cursor::new(text, start);
        let error = match cursor.meta() {
            Ok(meta) if cursor.is_done() => return self.attribute(&meta),
            Ok(_) => cursor.error("expected the end of the attribute"),
            Err(error) => error,
        };
        self.header.has_route = true;
        self.fault(error.message, error.span, "an attribute is written `#[name]` or `#[name(..)]`");
    }

    /// The bytes that go from the checksum with an attribute: its whole lines, where it has them for itself.
    fn lines(&self, span: &Range<usize>) -> Range<usize> {
        let text = &self.source.text;
        let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
        let is_blank = |span: Range<usize>| text[span].trim().is_empty();
        if is_blank(line..span.start) && is_blank(span.end..end) { line..end } else { span.clone() }
    }

    /// An attribute where it has no effect.
    fn stray(&mut self, span: Range<usize>) {
        let fault = Diagnostic::new("header", "an attribute of a migration has no effect here")
            .at(self.source, span, "")
            .help(format!("put it before the function that is run, directly in the file: `{FUNCTION}`"));
        self.faults.push(fault);
    }

    /// The function, if it can be called and waited for.
    fn sound(&mut self, function: &Function) -> Option<Function> {
        let missing = match (function.is_public, function.is_async) {
            (true, true) => return Some(function.clone()),
            (false, true) => "pub",
            (true, false) => "async",
            (false, false) => "pub async",
        };
        let fault =
            Diagnostic::new("step-function", format!("the function `{}` is not `{missing}`", function.name))
                .at(self.source, function.span.clone(), "")
                .help(format!("write `{FUNCTION}`"));
        self.faults.push(fault);
        None
    }

    /// Where no function has an attribute, it is the only one that could be meant.
    fn unmarked(&mut self, items: &[Item]) -> Option<Function> {
        let functions = items.iter().filter_map(|item| item.function.as_ref());
        let candidates: Vec<&Function> =
            functions.filter(|function| function.is_public && function.is_async).collect();
        let fault = match candidates.as_slice() {
            [function] => return Some((*function).clone()),
            [] => Diagnostic::new("step-function", "the file has no function that could be run")
                .in_file(self.source)
                .help(format!("write `{FUNCTION}`")),
            [first, second, ..] => {
                Diagnostic::new("step-function", "several functions could be the one that is run")
                    .at(self.source, second.span.clone(), "this one")
                    .at(self.source, first.span.clone(), "or this one")
                    .help("put `#[route(..)]` before it, or make the others private")
            }
        };
        self.faults.push(fault);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Style;
    use std::time::Duration;

    fn of(text: &str) -> (Header, Option<String>, Vec<Diagnostic>) {
        let source = Arc::new(SourceFile { path: "V7__x.rs".into(), text: text.into() });
        let mut faults = Vec::new();
        let (header, function) = read(&source, &mut faults);
        (header, function.map(|function| function.name), faults)
    }

    #[test]
    fn attributes_stand_before_the_function() {
        let text = "//! Why.\nuse sharded_migrations::step::*;\n\n/// #[route(everywhere)]\n#[step::route(\n    group = \"users\",\n)]\n\
            #[allow(dead_code)]\n#[no_transaction] #[lock_timeout(\"2s\")]\n#[tracing::instrument(skip(context))]\n#[vars(shard_id)]\n\
            pub async fn backfill(context: &mut Context) -> Result {\n    // #[route(everywhere)]\n    let x = \"#[route(everywhere)]\";\n    Ok(())\n}\n\
            async fn helper() {}\n";
        let (header, function, faults) = of(text);
        assert_eq!(faults, []);
        assert_eq!(function.as_deref(), Some("backfill"));
        assert_eq!(header.route.unwrap().route.to_string(), "group = \"users\"");
        assert!(header.no_transaction);
        assert_eq!(header.timeouts.lock, Some(Duration::from_secs(2)));
        assert_eq!(header.vars[0].value, "shard_id");
        assert!(header.allow.is_empty());
        let lines: Vec<&str> = header.lines.into_iter().map(|span| &text[span]).collect();
        let whole = "#[step::route(\n    group = \"users\",\n)]\n";
        assert_eq!(lines, [whole, "#[no_transaction]", "#[lock_timeout(\"2s\")]", "#[vars(shard_id)]\n"]);
    }

    #[test]
    fn without_an_attribute_it_is_the_only_one_that_can_be_meant() {
        let (header, function, faults) = of("pub fn a() {}\nasync fn b() {}\npub async fn c() {}\n");
        assert_eq!((faults, function.as_deref(), header.has_route), (Vec::new(), Some("c"), false));
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let function = "pub async fn a(context: &mut Context) -> Result { Ok(()) }\n";
        let route = "#[route(everywhere)]\n";
        let cases = [
            format!("{route}pub async fn a() {{}}\n{route}pub async fn b() {{}}\n"),
            format!("{route}async fn a() {{}}\n"),
            format!("{route}pub fn a() {{}}\n"),
            "pub fn migration() -> String { String::new() }\n".to_owned(),
            "pub async fn a() {}\npub async fn b() {}\n".to_owned(),
            format!("#[rout(everywhere)]\n{function}"),
            format!("#[route(grop = \"users\")]\n{function}"),
            format!("#[route(group = \"users\" everywhere)]\n{function}"),
            format!("{route}#[lock_timeout = \"2s\"]\n{function}"),
            format!("{route}#[lock_timeout(2)]\n{function}"),
            format!("{route}#[no_transaction()]\n{function}"),
            format!("{route}{route}{function}"),
            format!("{route}struct A;\n"),
            format!("{route}{function}mod m {{ {route} pub async fn b() {{}} }}\n"),
        ];
        let rendered: Vec<String> = cases
            .iter()
            .map(|text| {
                let faults = of(text).2;
                assert_eq!(faults.len(), 1, "{text}: {faults:?}");
                faults[0].render(Style::Plain)
            })
            .collect();
        insta::assert_snapshot!(rendered.join("\n\n"));
    }
}
