//! URLs with `${NAME}` and `${NAME:-default}`, filled from the environment at run time.

use std::ops::Range;

/// A URL with places for variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Literal(&'a str),
    Variable { name: &'a str, default: Option<&'a str>, in_userinfo: bool },
}

/// A malformed `${..}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong with it.
    pub message: &'static str,
    /// Its bytes.
    pub span: Range<usize>,
}

impl<'a> Template<'a> {
    /// Takes a text apart.
    pub fn parse(text: &'a str) -> Result<Self, TemplateError> {
        let userinfo = userinfo(text);
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(start) = text[at..].find("${").map(|found| at + found) {
            let error = |message, end| Err(TemplateError { message, span: start..end });
            let Some(end) = text[start..].find('}').map(|found| start + found) else {
                return error("`${` is never closed: write `${NAME}`", text.len());
            };
            let (name, default) = match text[start + 2..end].split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (&text[start + 2..end], None),
            };
            if !is_variable(name) {
                return error("not a variable's name: use letters, digits and `_`", end + 1);
            }
            if default.is_some_and(|default| default.contains("${")) {
                return error("a default can't contain another variable", end + 1);
            }
            if start > at {
                parts.push(Part::Literal(&text[at..start]));
            }
            parts.push(Part::Variable { name, default, in_userinfo: userinfo.contains(&start) });
            at = end + 1;
        }
        if at < text.len() {
            parts.push(Part::Literal(&text[at..]));
        }
        Ok(Self { parts })
    }

    /// The text before the first variable.
    pub fn literal_start(&self) -> &'a str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// Fills in the variables. A variable that is unset, or empty where it has a default, takes its
    /// default; the error lists the variables that have neither.
    ///
    /// A value that becomes part of a URL's user or password is percent-encoded where it has to
    /// be, so that a password may contain `@` or `/`; `%` with two hexadecimal digits stays as it
    /// is, so that an encoded password works as well.
    pub fn fill(&self, environment: impl Fn(&str) -> Option<String>) -> Result<String, Vec<&'a str>> {
        let mut filled = String::new();
        let mut unset = Vec::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Variable { name, default, in_userinfo } => {
                    let value = match (environment(name), default) {
                        (Some(value), Some(default)) if value.is_empty() => (*default).to_owned(),
                        (Some(value), _) => value,
                        (None, Some(default)) => (*default).to_owned(),
                        (None, None) => {
                            unset.push(*name);
                            continue;
                        }
                    };
                    if *in_userinfo {
                        encode_userinfo(&value, &mut filled);
                    } else {
                        filled.push_str(&value);
                    }
                }
            }
        }
        if unset.is_empty() { Ok(filled) } else { Err(unset) }
    }
}

/// A name that a shell can set.
fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The bytes between `://` and the `@` before the host.
fn userinfo(text: &str) -> Range<usize> {
    let Some(start) = text.find("://").map(|at| at + 3) else { return 0..0 };
    // A default may contain `/` and `@`, so look at the text outside `${..}` only.
    let mut in_variable = false;
    let mut at_sign = None;
    for (at, c) in text[start..].char_indices() {
        match c {
            '$' if text[start + at..].starts_with("${") => in_variable = true,
            '}' => in_variable = false,
            '@' if !in_variable => at_sign = Some(start + at),
            '/' | '?' | '#' if !in_variable => break,
            _ => {}
        }
    }
    at_sign.map_or(0..0, |end| start..end)
}

/// Percent-encodes what cannot stand in a URL's user or password.
fn encode_userinfo(value: &str, out: &mut String) {
    for (at, c) in value.char_indices() {
        let encoded =
            value.as_bytes().get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let stands = c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(c) || (c == '%' && encoded);
        if stands {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, Vec<&str>> {
        Template::parse(text).unwrap().fill(|name| match name {
            "HOST" => Some("db01".into()),
            "PASSWORD" => Some("p@ss/w:rd%41%é".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn variables_and_defaults() {
        assert_eq!(fill("sqlite:x.db").unwrap(), "sqlite:x.db");
        assert_eq!(fill("${HOST}:${PORT:-5432}${EMPTY}").unwrap(), "db01:5432");
        assert_eq!(fill("${EMPTY:-x}$5").unwrap(), "x$5");
        assert_eq!(fill("${A}${HOST}${B}").unwrap_err(), ["A", "B"]);
    }

    #[test]
    fn a_password_may_have_any_character() {
        assert_eq!(
            fill("postgres://app:${PASSWORD}@h/x").unwrap(),
            "postgres://app:p%40ss%2Fw%3Ard%41%25%C3%A9@h/x"
        );
        assert_eq!(fill("postgres://${NONE:-a@b/c}@h/x").unwrap(), "postgres://a%40b%2Fc@h/x");
        assert_eq!(fill("${PASSWORD}").unwrap(), "p@ss/w:rd%41%é", "a whole URL is taken as it is");
        assert_eq!(fill("postgres://h/${PASSWORD}@").unwrap(), "postgres://h/p@ss/w:rd%41%é@");
    }

    #[test]
    fn malformed_places_are_pointed_at() {
        let error = |text: &str| Template::parse(text).unwrap_err();
        assert_eq!(error("a${B").span, 1..4);
        assert_eq!(error("${}").span, 0..3);
        assert_eq!(error("x${A B}y").span, 1..7);
        assert_eq!(error("${1}").span, 0..4);
        assert_eq!(error("${A:-${B}}").span, 0..9);
    }

    #[test]
    fn the_scheme_is_literal_or_unknown() {
        assert_eq!(Template::parse("postgres://${H}").unwrap().literal_start(), "postgres://");
        assert_eq!(Template::parse("${H}").unwrap().literal_start(), "");
    }
}
