//! What is wrong, where, and what to do: one fault each, shown as rustc shows its own.

use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use crate::source::{Position, SourceFile};

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the build.
    pub severity: Severity,
    /// The stable name of the check that found it, such as `unknown-group`.
    pub check: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where, if it has a place: the first is the fault's own, the others are related.
    pub places: Vec<Place>,
    /// Facts that help to understand it.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The set is not built.
    Error,
    /// The set is built, and the user is told.
    Warning,
}

/// A place in a file, with a word on what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    source: Arc<SourceFile>,
    span: Option<Range<usize>>,
    label: String,
}

impl Place {
    /// The file, as messages show it.
    pub fn file(&self) -> &str {
        &self.source.path
    }

    /// Where it begins, and where it ends (behind the last character); `None` for a file as a whole.
    pub fn range(&self) -> Option<Range<Position>> {
        let Range { start, end } = self.span.clone()?;
        let text = &self.source.text;
        Some(Position::of(text, start)..Position::of(text, end.max(start)))
    }

    /// What is there; may be empty.
    pub fn label(&self) -> &str {
        &self.label
    }
}

/// How a rendered diagnostic begins and whether it has colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without the leading `error: `, for a message that something else prefixes (`compile_error!`).
    Bare,
    /// Plain text.
    Plain,
    /// With ANSI colours.
    Coloured,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Diagnostic {
    /// A fault without a place yet.
    pub fn new(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            check,
            message: message.into(),
            places: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// The same fault, as bad as this.
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Adds the bytes at fault, or a related place after the first.
    pub fn at(mut self, source: &Arc<SourceFile>, span: Range<usize>, label: impl Into<String>) -> Self {
        self.places.push(Place { source: Arc::clone(source), span: Some(span), label: label.into() });
        self
    }

    /// Adds a file as a whole.
    pub fn in_file(mut self, source: &Arc<SourceFile>) -> Self {
        self.places.push(Place { source: Arc::clone(source), span: None, label: String::new() });
        self
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The file and, if known, the position of the fault itself.
    pub fn position(&self) -> Option<(&str, Option<Position>)> {
        let place = self.places.first()?;
        let position = place.span.as_ref().map(|span| Position::of(&place.source.text, span.start));
        Some((&place.source.path, position))
    }

    /// The file and the byte, which order faults as their positions do, and cost no counting of lines.
    #[cfg(feature = "compile")]
    pub(crate) fn place(&self) -> Option<(&str, Option<usize>)> {
        let place = self.places.first()?;
        Some((&place.source.path, place.span.as_ref().map(|span| span.start)))
    }

    /// The diagnostic as text, in rustc's form, without a line end at the end.
    pub fn render(&self, style: Style) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let level = if style == Style::Bare { level.no_name() } else { level };
        let renderer = match style {
            Style::Bare | Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let group = Group::with_title(level.primary_title(self.message.as_str()))
            .elements(self.snippets())
            .elements(self.notes.iter().map(|note| Level::NOTE.message(note.as_str())))
            .elements(self.help.iter().map(|help| Level::HELP.message(help.as_str())));
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// One snippet a file: places in the same file share it.
    fn snippets(&self) -> Vec<Element<'_>> {
        let mut files: Vec<&Arc<SourceFile>> = Vec::new();
        for place in &self.places {
            if !files.iter().any(|file| Arc::ptr_eq(file, &place.source)) {
                files.push(&place.source);
            }
        }
        let primary = self.places.first();
        let element = |file: &Arc<SourceFile>| -> Element<'_> {
            let here = self.places.iter().filter(|place| Arc::ptr_eq(&place.source, file));
            let shown = here.filter_map(|place| Some((place, visible(&file.text, place.span.clone()?))));
            let shown: Vec<(&Place, Range<usize>)> = shown.collect();
            let Some(lines) = lines_of(&file.text, shown.iter().map(|(_, span)| span)) else {
                return Origin::path(file.path.clone()).into();
            };
            let annotations = shown.into_iter().map(|(place, span)| {
                let is_primary = primary.is_some_and(|first| std::ptr::eq(first, place));
                let kind = if is_primary { AnnotationKind::Primary } else { AnnotationKind::Context };
                let annotation = kind.span(span.start - lines.start..span.end - lines.start);
                if place.label.is_empty() { annotation } else { annotation.label(place.label.clone()) }
            });
            // The lines around them would be folded away, but only after all of a long file was looked at.
            Snippet::source(file.text[lines.clone()].to_owned())
                .line_start(Position::of(&file.text, lines.start).line)
                .path(file.path.clone())
                .annotations(annotations)
                .into()
        };
        files.into_iter().map(element).collect()
    }
}

/// A span that can be shown: inside the text, on character boundaries, on one line (a fault that
/// runs to the end of the file is shown where it begins).
fn visible(text: &str, span: Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    start..floor(span.end).clamp(start, line_end.max(start))
}

/// The bytes of all lines from the first span's to the last one's; `None` without any span.
fn lines_of<'s>(text: &str, spans: impl Iterator<Item = &'s Range<usize>> + Clone) -> Option<Range<usize>> {
    let first = spans.clone().map(|span| span.start).min()?;
    let last = spans.map(|span| span.end).max()?;
    let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
    Some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile { path: path.into(), text: text.into() })
    }

    #[test]
    fn looks_like_rustc() {
        let sql =
            file("migrations/V7__add_email.sql", "-- Adds the address.\n-- #[route(group = \"user\")]\n");
        let toml = file("databases.toml", "[groups.users]\n");
        let fault = Diagnostic::new("unknown-group", "no shard group is called `user`")
            .at(&sql, 40..46, "unknown group")
            .at(&toml, 8..13, "the nearest one")
            .note("a note")
            .help("did you mean `users`?");
        insta::assert_snapshot!(fault.render(Style::Plain), @r#"
        error: no shard group is called `user`
         --> migrations/V7__add_email.sql:2:20
          |
        2 | -- #[route(group = "user")]
          |                    ^^^^^^ unknown group
          |
         ::: databases.toml:1:9
          |
        1 | [groups.users]
          |         ----- the nearest one
          |
          = note: a note
          = help: did you mean `users`?
        "#);
        assert!(fault.render(Style::Bare).starts_with("no shard group is called"));
    }

    #[test]
    fn a_file_as_a_whole_has_a_path_and_no_line() {
        let fault = Diagnostic::new("file-name", "bad name").in_file(&file("a/b.sql", "x"));
        insta::assert_snapshot!(fault.render(Style::Plain), @r"
        error: bad name
        --> a/b.sql
        ");
        assert_eq!(fault.position(), Some(("a/b.sql", None)));
        assert_eq!((fault.places[0].file(), fault.places[0].range()), ("a/b.sql", None));
    }

    #[test]
    fn a_place_ends_behind_its_last_character() {
        let fault = Diagnostic::new("x", "y").at(&file("x.sql", "é = 1;\nSELECT"), 0..10, "here");
        let range = fault.places[0].range().unwrap();
        assert_eq!((range.start.to_string(), range.end.to_string()), ("1:1".into(), "2:3".into()));
        assert_eq!(fault.places[0].label(), "here");
    }

    #[test]
    fn any_span_can_be_shown() {
        let source = file("x.sql", "é'a\nb");
        for start in 0..9 {
            for end in 0..9 {
                let fault = Diagnostic::new("x", "y").at(&source, Range { start, end }, "here");
                assert!(fault.render(Style::Plain).contains("x.sql"));
            }
        }
        let empty = file("x.sql", "");
        assert!(Diagnostic::new("x", "y").at(&empty, 0..0, "").render(Style::Plain).contains("x.sql"));
    }
}
