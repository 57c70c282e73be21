//! Text that cannot be mistaken for markup.

use std::fmt;

/// Displays as HTML text, also inside an attribute in double quotes.
pub(super) struct Text<T>(pub(super) T);

impl<T: AsRef<str>> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.as_ref().split_inclusive(['&', '<', '>', '"', '\'']) {
            let special = part.chars().next_back().filter(|c| "&<>\"'".contains(*c));
            f.write_str(&part[..part.len() - special.map_or(0, char::len_utf8)])?;
            match special {
                Some('&') => f.write_str("&amp;")?,
                Some('<') => f.write_str("&lt;")?,
                Some('>') => f.write_str("&gt;")?,
                Some('"') => f.write_str("&quot;")?,
                Some(_) => f.write_str("&#39;")?,
                None => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(Text("a <b> & \"c\" 'd'").to_string(), "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
        assert_eq!(Text("é<").to_string(), "é&lt;");
        assert_eq!(Text("").to_string(), "");
    }
}
