//! The words of SQL at run time, where there is no parser: what stands in quotes and in comments is passed over.

/// What a text is made of, white space and comments left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'s> {
    /// A name or a keyword that stands in no quotes, or a number.
    Word(&'s str),
    /// A text or a name in quotes.
    Quoted,
    /// Any other character, alone.
    Mark(char),
}

/// The tokens of a text. What is never closed ends with it.
#[derive(Debug, Clone)]
pub(crate) struct Tokens<'s> {
    rest: &'s str,
    quotes: &'static [char],
}

impl<'s> Tokens<'s> {
    /// With these quotes, besides those of dollars.
    pub(crate) fn of(sql: &'s str, quotes: &'static [char]) -> Self {
        Self { rest: sql, quotes }
    }
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest;
            let first = rest.chars().next()?;
            let (token, length) = match first {
                '-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
                '/' if rest.starts_with("/*") => (None, comment(rest)),
                _ if first.is_whitespace() => (None, first.len_utf8()),
                _ if self.quotes.contains(&first) => (Some(Token::Quoted), quoted(rest, first, false)),
                '$' => {
                    dollar_quoted(rest).map_or((Some(Token::Mark('$')), 1), |end| (Some(Token::Quoted), end))
                }
                _ if is_in_word(first) => {
                    let length = rest.find(|c| !is_in_word(c) && c != '$').unwrap_or(rest.len());
                    let (word, behind) = rest.split_at(length);
                    // `E'it\'s'`: the letter before a string is part of it.
                    if word.eq_ignore_ascii_case("e") && behind.starts_with('\'') {
                        (Some(Token::Quoted), length + quoted(behind, '\'', true))
                    } else {
                        (Some(Token::Word(word)), length)
                    }
                }
                _ => (Some(Token::Mark(first)), first.len_utf8()),
            };
            self.rest = &rest[length..];
            if token.is_some() {
                return token;
            }
        }
    }
}

fn is_in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// How long the quotes are that a text begins with. A quote in it is doubled, which ends it and begins another one.
fn quoted(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if character == quote {
            return at + quote.len_utf8();
        } else {
            is_escaped = has_escapes && character == '\\';
        }
    }
    text.len()
}

/// `$$ .. $$` and `$tag$ .. $tag$`; `$1` is a parameter.
fn dollar_quoted(text: &str) -> Option<usize> {
    let name = text[1..].split(|c| !is_in_word(c)).next().unwrap_or_default();
    let tag = &text[..1 + name.len()];
    if !text[tag.len()..].starts_with('$') || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let start = tag.len() + 1;
    Some(text[start..].find(&text[..start]).map_or(text.len(), |found| start + found + start))
}

/// Comments nest.
fn comment(text: &str) -> usize {
    let (mut open, mut at) = (0_usize, 0);
    while let Some(character) = text[at..].chars().next() {
        if text[at..].starts_with("/*") {
            (open, at) = (open + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (open, at) = (open - 1, at + 2);
            if open == 0 {
                break;
            }
        } else {
            at += character.len_utf8();
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_comments_are_passed_over() {
        let shown = |sql: &'static str| -> String {
            let tokens = Tokens::of(sql, &['\'', '"']).map(|token| match token {
                Token::Word(word) => word.to_owned(),
                Token::Quoted => "Q".to_owned(),
                Token::Mark(mark) => mark.to_string(),
            });
            tokens.collect::<Vec<_>>().join(" ")
        };
        for (sql, expected) in [
            ("", ""),
            ("-- a\nb /* c /* d */ e */ f_1", "b f_1"),
            ("'it''s' \"a;b\" x", "Q Q Q x"),
            ("E'it\\'s; ' x; e 'y'", "Q x ; e Q"),
            ("'it\\' x", "Q x"),
            ("$$;$$ $a$ $$ ;$a$ $1 $2$", "Q Q $ 1 $ 2$"),
            ("a$b$ c `d`", "a$b$ c ` d `"),
            ("'never", "Q"),
            ("$x$ never", "Q"),
            ("/* never é", ""),
            ("$é", "$ é"),
        ] {
            assert_eq!(shown(sql), expected, "{sql}");
        }
        assert_eq!(Tokens::of("`a;b`", &['`']).collect::<Vec<_>>(), [Token::Quoted]);
    }
}
