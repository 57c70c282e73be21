//! A text file as the user wrote it, and positions in it.

use std::ops::Range;

/// A text with the path to show for it.
///
/// The text is normalised when it is read (no byte order mark, `\n` line ends), which changes no
/// line number and no column, so every offset here points to the same place in the user's file.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as messages show it.
    pub path: String,
    /// The normalised text.
    pub text: String,
}

/// A place in a text as people name it: both numbers count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Position {
    /// The position of a byte offset; an offset past the end is the end.
    pub fn of(text: &str, offset: usize) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            // Not byte by byte: a macro is not optimised, and files are long.
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The path of a file in a folder, as messages show it. The folder may be the one that everything is
/// shown from.
pub fn path_in(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

/// Removes what differs between two checkouts of one file: a byte order mark and `\r\n` line ends.
pub fn normalise(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// A text without these parts of it, which are in order.
pub fn without(text: &str, parts: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for part in parts {
        kept.push_str(&text[from..part.start]);
        from = part.end;
    }
    kept + &text[from..]
}

/// A value and the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was read.
    pub value: T,
    /// Where it stands in its [`SourceFile`].
    pub span: Range<usize>,
}

impl<T> Spanned<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let text = "aé\nb\n";
        let at = |offset| Position::of(text, offset).to_string();
        assert_eq!(at(0), "1:1");
        assert_eq!(at(1), "1:2");
        assert_eq!(at(2), "1:2", "inside é is at é");
        assert_eq!(at(3), "1:3");
        assert_eq!(at(4), "2:1", "the start of a line is column 1");
        assert_eq!(at(6), "3:1");
        assert_eq!(at(99), "3:1");
        assert_eq!(Position::of("", 0).to_string(), "1:1");
    }

    #[test]
    fn what_is_left_without_parts() {
        assert_eq!(without("abcdef", []), "abcdef");
        assert_eq!(without("abcdef", [0..1, 2..4]), "bef");
        assert_eq!(without("abcdef", [3..4, 4..6]), "abc");
    }

    #[test]
    fn windows_and_unix_checkouts_are_one_text() {
        assert_eq!(normalise("\u{feff}a\r\nb\r"), "a\nb\r");
    }
}
