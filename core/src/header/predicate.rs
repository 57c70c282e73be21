//! The predicate in `route(..)` and in `[routes]`, read from an attribute.

use std::ops::Range;
use std::sync::Arc;

use super::attribute::{Cursor, Literal, Meta};
use crate::source::{SourceFile, Spanned};
use crate::{DatabaseName, Diagnostic, GroupName, Label, Route, suggest};

/// A route, where it stands, and every name in it.
#[derive(Debug, Clone)]
pub struct RouteSource {
    /// The predicate.
    pub route: Route,
    /// The names it mentions.
    pub mentions: Vec<Mention>,
    /// The file it stands in.
    pub source: Arc<SourceFile>,
    /// Its bytes there.
    pub span: Range<usize>,
}

/// A name in a route.
#[derive(Debug, Clone)]
pub struct Mention {
    /// What it names.
    pub key: Key,
    /// The name, and its bytes with the quotes.
    pub name: Spanned<String>,
}

/// What a route can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// `group = ".."`
    Group,
    /// `database = ".."`
    Database,
    /// `label = ".."`
    Label,
}

impl Key {
    const ALL: [(&'static str, Self); 3] =
        [("group", Self::Group), ("database", Self::Database), ("label", Self::Label)];
}

const WORDS: [&str; 7] = ["group", "database", "label", "any", "all", "not", "everywhere"];

const FORMS: &str = "a route is `group = \"..\"`, `database = \"..\"`, `label = \"..\"`, `any(..)`, `all(..)`, `not(..)` \
    or `everywhere`";

/// Reads a predicate that is all of a text. `base` is the offset of `text` in the file.
pub fn read_text(text: &str, base: usize, source: &Arc<SourceFile>) -> Result<RouteSource, Diagnostic> {
    let mut cursor = Cursor::new(text, base);
    let meta = cursor.meta().and_then(|meta| {
        if cursor.is_done() { Ok(meta) } else { Err(cursor.error("expected the end of the route")) }
    });
    let meta = meta
        .map_err(|error| Diagnostic::new("header", error.message).at(source, error.span, "").help(FORMS))?;
    read(&meta, source)
}

/// Reads a predicate.
pub fn read(meta: &Meta, source: &Arc<SourceFile>) -> Result<RouteSource, Diagnostic> {
    let mut mentions = Vec::new();
    let route = predicate(meta, source, &mut mentions)?;
    Ok(RouteSource { route, mentions, source: Arc::clone(source), span: meta.span() })
}

fn predicate(
    meta: &Meta,
    source: &Arc<SourceFile>,
    mentions: &mut Vec<Mention>,
) -> Result<Route, Diagnostic> {
    let fault = |message: String, span: Range<usize>, label: &str| {
        Diagnostic::new("header", message).at(source, span, label)
    };
    let unknown = |word: &Spanned<String>| {
        fault(format!("`{}` is not part of a route", word.value), word.span.clone(), "unknown")
            .help(suggest::help(&word.value, "a route is made of", WORDS))
    };
    match meta {
        Meta::Word(word) if word.value == "everywhere" => Ok(Route::Everywhere),
        Meta::Word(word) | Meta::List { name: word, .. }
            if Key::ALL.iter().any(|(name, _)| *name == word.value) =>
        {
            let example = format!("write `{} = \"..\"`", word.value);
            Err(fault(format!("`{}` has no value", word.value), meta.span(), "").help(example))
        }
        Meta::List { name, items, span } => {
            let mut routes =
                || items.iter().map(|item| predicate(item, source, mentions)).collect::<Result<Vec<_>, _>>();
            match name.value.as_str() {
                "any" | "all" if items.is_empty() => {
                    Err(fault(format!("`{}()` is empty", name.value), span.clone(), "").help(FORMS))
                }
                "not" if items.len() != 1 => {
                    Err(fault("`not(..)` takes exactly one route".into(), span.clone(), "")
                        .help("for several, write `not(any(..))`"))
                }
                "any" => Ok(Route::Any(routes()?.into())),
                "all" => Ok(Route::All(routes()?.into())),
                "not" => Ok(Route::Not(routes()?.into())),
                _ => Err(unknown(name)),
            }
        }
        Meta::Value { key, value } => {
            let Some((_, kind)) = Key::ALL.iter().find(|(name, _)| *name == key.value) else {
                return Err(unknown(key));
            };
            let Literal::Text(text) = &value.value else {
                return Err(fault(format!("`{}` takes a name in quotes", key.value), value.span.clone(), ""));
            };
            let invalid = |error: crate::names::InvalidName| fault(error.to_string(), value.span.clone(), "");
            let route = match kind {
                Key::Group => Route::Group(GroupName::new(text).map_err(invalid)?),
                Key::Database => Route::Database(DatabaseName::new(text).map_err(invalid)?),
                Key::Label => Route::Label(Label::new(text).map_err(invalid)?),
            };
            mentions.push(Mention { key: *kind, name: Spanned::new(text.clone(), value.span.clone()) });
            Ok(route)
        }
        Meta::Word(word) => Err(unknown(word)),
        Meta::Literal(literal) => {
            Err(fault("a value alone is not a route".into(), literal.span.clone(), "").help(FORMS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(text: &str) -> Result<String, String> {
        let source = Arc::new(SourceFile { path: "x".into(), text: text.into() });
        let read = read_text(text, 0, &source);
        read.map(|read| read.route.to_string()).map_err(|fault| fault.message)
    }

    #[test]
    fn predicates_of_every_form() {
        for text in [
            r#"group = "users""#,
            r#"database = "default""#,
            r#"label = "eu""#,
            "everywhere",
            r#"any(group = "users", all(label = "eu", not(database = "users_01")))"#,
        ] {
            assert_eq!(route(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn faults_of_every_form() {
        let cases = [
            ("group", "`group` has no value"),
            ("group(\"users\")", "`group` has no value"),
            ("grp = \"users\"", "`grp` is not part of a route"),
            ("anny(everywhere)", "`anny` is not part of a route"),
            ("nowhere", "`nowhere` is not part of a route"),
            ("group = 1", "`group` takes a name in quotes"),
            ("group = \"a b\"", "`a b` is not a name"),
            ("any()", "`any()` is empty"),
            ("not(everywhere, everywhere)", "`not(..)` takes exactly one"),
            ("\"users\"", "a value alone"),
            ("everywhere everywhere", "expected the end"),
        ];
        for (text, message) in cases {
            let error = route(text).expect_err(text);
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
