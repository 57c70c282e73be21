//! The grammar of an attribute: `name`, `name = "value"`, `name(item, ..)`.
//!
//! `syn` would read it too, but its spans of a text parsed inside a macro don't point into that
//! text; here each part knows its bytes in the user's file.

use std::ops::Range;

use crate::source::Spanned;

/// How deep lists may nest.
const DEPTH: usize = 32;

/// An attribute, or an item of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meta {
    /// `everywhere`, `drop-table`
    Word(Spanned<String>),
    /// `group = "users"`
    Value {
        /// The key.
        key: Spanned<String>,
        /// The value.
        value: Spanned<Literal>,
    },
    /// `any(..)`
    List {
        /// The word before the parenthesis.
        name: Spanned<String>,
        /// What is in the parentheses.
        items: Vec<Meta>,
        /// From the word to the closing parenthesis.
        span: Range<usize>,
    },
    /// A literal alone.
    Literal(Spanned<Literal>),
}

/// A literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `"text"`
    Text(String),
    /// `12`
    Number(i64),
}

/// What does not follow the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// What was found or expected.
    pub message: String,
    /// Where.
    pub span: Range<usize>,
}

impl Meta {
    /// All of its bytes.
    pub fn span(&self) -> Range<usize> {
        match self {
            Self::Word(word) => word.span.clone(),
            Self::Value { key, value } => key.span.start..value.span.end,
            Self::List { span, .. } => span.clone(),
            Self::Literal(literal) => literal.span.clone(),
        }
    }
}

/// Reads a text from left to right. `text` is the line's part of the file, `base` the offset of its
/// first byte in the file.
pub struct Cursor<'a> {
    text: &'a str,
    base: usize,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of `text`.
    pub fn new(text: &'a str, base: usize) -> Self {
        Self { text, base, at: 0 }
    }

    /// Whether nothing is left but white space.
    pub fn is_done(&mut self) -> bool {
        self.skip_space();
        self.at == self.text.len()
    }

    /// Takes `token` if it is next.
    pub fn take(&mut self, token: &str) -> bool {
        let found = self.is_at(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Takes `token`, or says that it is expected.
    pub fn expect(&mut self, token: &str) -> Result<(), SyntaxError> {
        if self.take(token) { Ok(()) } else { Err(self.error(format!("expected `{token}`"))) }
    }

    /// Whether `token` is next.
    pub fn is_at(&mut self, token: &str) -> bool {
        self.skip_space();
        self.text[self.at..].starts_with(token)
    }

    /// An error at the next character.
    pub fn error(&mut self, message: impl Into<String>) -> SyntaxError {
        self.skip_space();
        let width = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        SyntaxError { message: message.into(), span: self.span(self.at, self.at + width) }
    }

    /// Reads one attribute or item.
    pub fn meta(&mut self) -> Result<Meta, SyntaxError> {
        self.nested(DEPTH)
    }

    fn nested(&mut self, depth: usize) -> Result<Meta, SyntaxError> {
        if depth == 0 {
            return Err(self.error("too many nested parentheses"));
        }
        if let Some(literal) = self.literal()? {
            return Ok(Meta::Literal(literal));
        }
        let name = self.word()?;
        if self.take("=") {
            let value = self.literal()?;
            let value = value
                .ok_or_else(|| self.error(format!("expected a value in quotes after `{} =`", name.value)))?;
            return Ok(Meta::Value { key: name, value });
        }
        if !self.take("(") {
            return Ok(Meta::Word(name));
        }
        let mut items = Vec::new();
        while !self.take(")") {
            if self.is_done() {
                return Err(self.error("expected `)`: an attribute has to end on its line"));
            }
            items.push(self.nested(depth - 1)?);
            if !self.take(",") && !self.is_at(")") {
                return Err(self.error("expected `,` or `)`"));
            }
        }
        let span = name.span.start..self.base + self.at;
        Ok(Meta::List { name, items, span })
    }

    fn word(&mut self) -> Result<Spanned<String>, SyntaxError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.error("expected a name"));
        }
        let start = self.at;
        self.at += length;
        Ok(Spanned::new(rest[..length].to_owned(), self.span(start, self.at)))
    }

    fn literal(&mut self) -> Result<Option<Spanned<Literal>>, SyntaxError> {
        self.skip_space();
        let rest = &self.text[self.at..];
        let start = self.at;
        if rest.starts_with('"') {
            let text = self.quoted()?;
            return Ok(Some(Spanned::new(Literal::Text(text), self.span(start, self.at))));
        }
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            if word > digits {
                let message = format!("`{}` needs quotes: write `\"{0}\"`", &rest[..word]);
                return Err(SyntaxError { message, span: self.span(start, start + word) });
            }
            self.at += digits;
            let span = self.span(start, self.at);
            let number = rest[..digits].parse();
            let number = number
                .map_err(|_| SyntaxError { message: "the number is too large".into(), span: span.clone() })?;
            return Ok(Some(Spanned::new(Literal::Number(number), span)));
        }
        Ok(None)
    }

    /// A text in double quotes, with `\"` and `\\` as in Rust.
    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.text[start + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + 1 + at + 1;
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    _ => {
                        let slash = start + 1 + at;
                        return Err(SyntaxError {
                            message: r#"only `\"` and `\\` can be escaped"#.into(),
                            span: self.span(slash, slash + 1),
                        });
                    }
                },
                c => text.push(c),
            }
        }
        Err(SyntaxError {
            message: "the quote is never closed".into(),
            span: self.span(start, self.text.len()),
        })
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn span(&self, start: usize, end: usize) -> Range<usize> {
        self.base + start..self.base + end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_knows_its_bytes() {
        let text = r#"route(any(group = "users", not(x), 12))"#;
        let meta = Cursor::new(text, 100).meta().unwrap();
        assert_eq!(meta.span(), 100..100 + text.len());
        let Meta::List { name, items, .. } = meta else { panic!("{meta:?}") };
        assert_eq!(name, Spanned::new("route".into(), 100..105));
        let Meta::List { items, .. } = &items[0] else { panic!("{items:?}") };
        let Meta::Value { key, value } = &items[0] else { panic!("{items:?}") };
        assert_eq!(&text[key.span.start - 100..key.span.end - 100], "group");
        assert_eq!(&text[value.span.start - 100..value.span.end - 100], "\"users\"");
        assert_eq!(items[1].span(), 127..133);
        assert_eq!(items[2], Meta::Literal(Spanned::new(Literal::Number(12), 135..137)));
    }

    #[test]
    fn what_does_not_follow_the_grammar_is_pointed_at() {
        let cases = [
            ("", "expected a name", 0..0),
            ("=", "expected a name", 0..1),
            ("a(", "expected `)`", 2..2),
            ("a(b c)", "expected `,` or `)`", 4..5),
            ("a(,)", "expected a name", 2..3),
            ("a = b", "expected a value", 4..5),
            ("a = 2min", "needs quotes", 4..8),
            ("a = \"b", "never closed", 4..6),
            (r#"a = "\n""#, "can be escaped", 5..6),
            ("a(99999999999999999999)", "too large", 2..22),
            ("é", "expected a name", 0..2),
        ];
        for (text, message, span) in cases {
            let error = Cursor::new(text, 0).meta().expect_err(text);
            assert!(error.message.contains(message), "{text}: {error:?}");
            assert_eq!(error.span, span, "{text}");
        }
        let deep = "a(".repeat(100_000);
        assert!(Cursor::new(&deep, 0).meta().unwrap_err().message.contains("too many nested"));
    }

    #[test]
    fn quotes_may_be_escaped_and_a_list_may_end_in_a_comma() {
        let meta = Cursor::new(r#"a("x\"\\y",)"#, 0).meta().unwrap();
        let Meta::List { items, .. } = meta else { panic!() };
        assert_eq!(items, [Meta::Literal(Spanned::new(Literal::Text("x\"\\y".into()), 2..10))]);
    }
}
