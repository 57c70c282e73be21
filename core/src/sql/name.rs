//! Names as PostgreSQL reads them.

use std::fmt;

/// How many bytes of a name count; the server drops the rest without an error.
const LONGEST: usize = 63;

/// The name of an object, with its schema where that is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The schema in front of it.
    pub schema: Option<String>,
    /// The name itself.
    pub name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A word as an identifier: folded to lower case unless it is quoted, and cut to what the server keeps.
pub(super) fn identifier(text: &str) -> String {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let whole = match quoted {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_ascii_lowercase(),
    };
    cut(&whole, LONGEST).to_owned()
}

/// The end of the name, with its schema, that begins at a byte.
pub(crate) fn end(text: &str, at: usize) -> usize {
    let mut in_quotes = false;
    let rest = text.get(at..).unwrap_or_default();
    let ends = |c: char| {
        in_quotes ^= c == '"';
        !in_quotes && !c.is_alphanumeric() && !"_$.\"".contains(c)
    };
    at + rest.find(ends).unwrap_or(rest.len())
}

/// The name in a text such as `'public.order_id'`, as a cast to `regclass` reads it.
pub(super) fn in_text(text: &str) -> Option<Name> {
    let mut parts = vec![String::new()];
    let mut in_quotes = false;
    for c in text.trim().chars() {
        match c {
            '"' => in_quotes = !in_quotes,
            '.' if !in_quotes => parts.push(String::new()),
            c => parts.last_mut()?.push(if in_quotes { c } else { c.to_ascii_lowercase() }),
        }
    }
    let name = cut(&parts.pop().filter(|name| !name.is_empty())?, LONGEST).to_owned();
    Some(Name { schema: parts.pop(), name })
}

/// The name that the server makes for the sequence of a `serial` or identity column: the longer of the
/// two words gives way until all fits.
pub(super) fn sequence_of(table: &str, column: &str) -> String {
    let room = LONGEST - "__seq".len();
    let (mut left, mut right) = (table.len(), column.len());
    while left + right > room {
        if left > right { left -= 1 } else { right -= 1 }
    }
    format!("{}_{}_seq", cut(table, left), cut(column, right))
}

/// At most `length` bytes, and no half character.
fn cut(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_unquoted_and_cut() {
        assert_eq!(identifier("Orders"), "orders");
        assert_eq!(identifier("\"Or\"\"ders\""), "Or\"ders");
        assert_eq!(identifier(&"x".repeat(70)).len(), 63);
        assert_eq!(identifier(&format!("\"{}é\"", "x".repeat(62))), "x".repeat(62), "no half character");
    }

    #[test]
    fn a_name_ends_where_a_text_goes_on() {
        assert_eq!(end("drop x.y1, z", 5), 9);
        assert_eq!(end("\"a b\".c(", 0), 7);
        assert_eq!((end("a", 0), end("a", 1), end("a", 9)), (1, 1, 9));
    }

    #[test]
    fn a_name_may_stand_in_a_text() {
        let name = |text| in_text(text).unwrap().to_string();
        assert_eq!(name("Shop.Order_Id"), "shop.order_id");
        assert_eq!(name("\"Shop\".\"a.b\""), "Shop.a.b");
        assert_eq!(in_text(""), None);
    }

    /// As PostgreSQL 15 names them.
    #[test]
    fn the_sequence_of_a_long_column_is_cut_in_the_middle() {
        assert_eq!(sequence_of("orders", "id"), "orders_id_seq");
        let long = sequence_of(&"t".repeat(60), "identity");
        assert_eq!(long, format!("{}_identity_seq", "t".repeat(50)));
        assert_eq!(long.len(), 63);
    }
}
