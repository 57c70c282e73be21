//! The words of a Rust file, as far as finding attributes and functions takes: what is a comment or a literal, and what
//! stands in brackets. Nothing here can fail; what is no Rust is rustc's to say.

use std::ops::Range;

/// A token and its bytes. White space is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes in the text.
    pub span: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `// ..` and `/* .. */`
    Comment,
    /// A string, a character, or what is like them.
    Literal,
    /// A name, a keyword or a number.
    Word,
    /// `'a`
    Lifetime,
    /// Any other character, alone.
    Mark(char),
}

/// The tokens of a text. What is never closed ends with the text.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '/' if rest.starts_with("//") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => (Kind::Comment, block_comment(rest)),
            '"' => (Kind::Literal, quoted(rest, '"')),
            '\'' => quote(rest),
            c if is_word(c) => word(rest),
            c => (Kind::Mark(c), c.len_utf8()),
        };
        found.push(Token { kind, span: at..at + length });
        at += length;
    }
    found
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `/* .. */`, which may have others in it.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// From a quote to the next one that no backslash stands before.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return at + c.len_utf8();
        }
        if c == '\\' {
            chars.next();
        }
    }
    text.len()
}

/// A character or a lifetime.
fn quote(text: &str) -> (Kind, usize) {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => (Kind::Literal, quoted(text, '\'')),
        (Some(c), Some('\'')) => (Kind::Literal, 2 + c.len_utf8()),
        (Some(c), _) if is_word(c) => {
            let name = &text[1..];
            (Kind::Lifetime, 1 + name.find(|c| !is_word(c)).unwrap_or(name.len()))
        }
        _ => (Kind::Mark('\''), 1),
    }
}

/// A word, or the literal that it begins: `r#".."#`, `b".."`, `c".."`, `b'x'`.
fn word(text: &str) -> (Kind, usize) {
    let length = text.find(|c| !is_word(c)).unwrap_or(text.len());
    let (word, rest) = text.split_at(length);
    let is_raw = matches!(word, "r" | "br" | "cr");
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    if is_raw && rest[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let body = length + hashes + 1;
        return (Kind::Literal, text[body..].find(&end).map_or(text.len(), |at| body + at + end.len()));
    }
    match word {
        "b" | "c" if rest.starts_with('"') => (Kind::Literal, length + quoted(rest, '"')),
        "b" if rest.starts_with('\'') => (Kind::Literal, length + quoted(rest, '\'')),
        // `r#async`
        "r" if hashes == 1 && rest[1..].starts_with(is_word) => {
            let name = &rest[1..];
            (Kind::Word, 2 + name.find(|c| !is_word(c)).unwrap_or(name.len()))
        }
        _ => (Kind::Word, length),
    }
}

/// What stands directly in a file: a function, or anything else that attributes may stand before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its attributes, from `#` to `]`.
    pub attributes: Vec<Range<usize>>,
    /// The function, if it is one.
    pub function: Option<Function>,
    /// From its first word to its end.
    pub span: Range<usize>,
}

/// How a function begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The bytes of its name.
    pub span: Range<usize>,
    /// `pub`, with or without a restriction.
    pub is_public: bool,
    /// `async`
    pub is_async: bool,
}

/// The items of a file, in order.
pub fn items(text: &str, tokens: &[Token]) -> Vec<Item> {
    let code: Vec<&Token> = tokens.iter().filter(|token| token.kind != Kind::Comment).collect();
    let is = |index: usize, mark: char| code.get(index).is_some_and(|token| token.kind == Kind::Mark(mark));
    let mut items = Vec::new();
    let mut attributes = Vec::new();
    let mut at = 0;
    while at < code.len() {
        if is(at, '#') && is(at + 1, '!') && is(at + 2, '[') {
            at = closed(&code, at + 2);
        } else if is(at, '#') && is(at + 1, '[') {
            let end = closed(&code, at + 1);
            attributes.push(code[at].span.start..code[end - 1].span.end);
            at = end;
        } else {
            let end = item_end(&code, at);
            items.push(Item {
                attributes: std::mem::take(&mut attributes),
                function: function(text, &code[at..end]),
                span: code[at].span.start..code[end - 1].span.end,
            });
            at = end;
        }
    }
    items
}

/// The index behind the bracket that closes the one at `open`.
fn closed(code: &[&Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in code.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Mark('(' | '[' | '{') => depth += 1,
            Kind::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    code.len()
}

/// The index behind an item: behind its `;` or its `{ .. }`.
fn item_end(code: &[&Token], start: usize) -> usize {
    let mut at = start;
    while at < code.len() {
        match code[at].kind {
            Kind::Mark(';') => return at + 1,
            Kind::Mark('{') => return closed(code, at),
            Kind::Mark('(' | '[') => at = closed(code, at),
            _ => at += 1,
        }
    }
    code.len()
}

/// `pub(crate) async unsafe fn name`
fn function(text: &str, code: &[&Token]) -> Option<Function> {
    let word = |index: usize| code.get(index).map(|token| &text[token.span.clone()]);
    let mut at = 0;
    let is_public = word(at) == Some("pub");
    if is_public {
        at += 1;
        if word(at) == Some("(") {
            at = closed(code, at);
        }
    }
    let mut is_async = false;
    loop {
        match word(at)? {
            "async" => is_async = true,
            "const" | "unsafe" | "safe" | "extern" => {}
            literal if literal.starts_with('"') => {}
            "fn" => break,
            _ => return None,
        }
        at += 1;
    }
    let name = code.get(at + 1).filter(|token| token.kind == Kind::Word)?;
    Some(Function { name: text[name.span.clone()].to_owned(), span: name.span.clone(), is_public, is_async })
}

/// Whether a byte of a file lies in a module that is written out in it: `mod name { .. }`.
pub fn is_in_inline_module(text: &str, byte: usize) -> bool {
    let tokens = tokens(text);
    let is_module = |item: &Item| {
        let mut words = text[item.span.clone()].split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
        item.function.is_none() && words.any(|word| word == "mod")
    };
    items(text, &tokens).iter().any(|item| item.span.contains(&byte) && is_module(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(Kind, &str)> {
        tokens(text).into_iter().map(|token| (token.kind, &text[token.span])).collect()
    }

    #[test]
    fn comments_and_literals_are_whole() {
        use Kind::{Comment, Lifetime, Literal, Mark, Word};
        assert_eq!(
            shown("a // \"x\n/* /* */ ' */ 'b' '\\'' 'c \"\\\"#[\" é"),
            [
                (Word, "a"),
                (Comment, "// \"x"),
                (Comment, "/* /* */ ' */"),
                (Literal, "'b'"),
                (Literal, "'\\''"),
                (Lifetime, "'c"),
                (Literal, "\"\\\"#[\""),
                (Word, "é"),
            ]
        );
        assert_eq!(
            shown("r#\"\"a\"# br\"\\\" b'\\'' c\"x\" r#fn 'é' '(' r ' "),
            [
                (Literal, "r#\"\"a\"#"),
                (Literal, "br\"\\\""),
                (Literal, "b'\\''"),
                (Literal, "c\"x\""),
                (Word, "r#fn"),
                (Literal, "'é'"),
                (Literal, "'('"),
                (Word, "r"),
                (Mark('\''), "'"),
            ]
        );
        for open in ["\"a\\", "/* /* */", "r##\"a\"#", "'\\", "b\"", "b'"] {
            assert_eq!(shown(open).last().map(|(_, text)| text.len()), Some(open.len()), "{open}");
        }
    }

    fn functions(text: &str) -> Vec<String> {
        let items = items(text, &tokens(text));
        let function = |item: Item| {
            let Function { name, is_public, is_async, .. } = item.function?;
            Some(format!("{name} {is_public} {is_async} {}", item.attributes.len()))
        };
        items.into_iter().filter_map(function).collect()
    }

    #[test]
    fn functions_stand_directly_in_the_file() {
        let text = "#![allow(x)]\nuse a::{b, c};\nconst X: [u8; 2] = [1, 2];\nstruct S { a: fn() }\n\
            impl S { pub async fn inner() {} }\nmod m { pub async fn inner() {} }\n\
            // #[a] pub async fn comment() {}\nconst T: &str = \"pub async fn text() {}\";\n\
            #[a] #[b(\"]\", [1])]\n/// doc\npub(crate) async fn one(a: [u8; 2]) -> X { fn inner() {} }\n\
            pub const unsafe extern \"C\" fn two() {}\nfn r#three() {}\ntrait Q: Fn() {}\n#[a] pub async fn";
        assert_eq!(functions(text), ["one true true 2", "two true false 0", "r#three false false 0"]);
    }

    #[test]
    fn modules_in_the_file_are_known() {
        let text = "static A: X = here!();\nmod a { static B: X = here!(); }\n#[x] pub mod b { mod c { here!() } }\nfn f() { here!() }";
        let places: Vec<bool> =
            text.match_indices("here!").map(|(at, _)| is_in_inline_module(text, at)).collect();
        assert_eq!(places, [false, true, true, false]);
    }
}
