//! What a verb has found, and the forms that it is shown in.

mod github;
mod human;
mod json;

use std::io::{self, Write};

use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::fold::Names;
use sharded_migrations_core::{Diagnostic, Route, Version, lock};

use crate::args::Format;

/// What a verb has found.
pub(crate) struct Findings {
    /// The verb.
    pub(crate) command: &'static str,
    /// What is wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What the verb is about, where it came so far.
    pub(crate) product: Option<Product>,
    /// What there is to say where it went well; for people.
    pub(crate) result: String,
    /// What there is to say where it did not; for people.
    pub(crate) failure: Option<String>,
    /// How the program ends.
    pub(crate) code: u8,
}

/// What a verb has made or found, beside faults.
pub(crate) enum Product {
    /// The lock.
    Lock(Locked),
    /// A new migration.
    New(Created),
    /// The migrations.
    Migrations(Vec<Listed>),
    /// The first files of a crate.
    Init(Started),
    /// What takes the place of migrations.
    Squash(Squashed),
}

/// Files in the place of migrations.
pub(crate) struct Squashed {
    pub(crate) files: Vec<SquashedFile>,
    /// The files that are deleted, as messages show them.
    pub(crate) deleted: Vec<String>,
    /// Whether that was done.
    pub(crate) written: bool,
}

/// One of them.
pub(crate) struct SquashedFile {
    pub(crate) listed: Listed,
    /// As messages show it.
    pub(crate) created: String,
    /// The versions of each way to what it makes.
    pub(crate) replaces: Vec<Vec<Version>>,
}

/// What was made for a crate, and what is left to do by hand.
pub(crate) struct Started {
    /// The files that were made, as messages show them.
    pub(crate) created: Vec<String>,
    /// What adds the dependencies.
    pub(crate) commands: Vec<String>,
    /// The build script that was there, and has to get a line more.
    pub(crate) build_script: Option<String>,
    /// An application, as `src/main.rs` may have it.
    pub(crate) main: &'static str,
}

/// A migration that was begun.
pub(crate) struct Created {
    /// What it is.
    pub(crate) listed: Listed,
    /// The files that were made, as messages show them.
    pub(crate) created: Vec<String>,
}

/// A migration and the databases that it reaches.
pub(crate) struct Listed {
    pub(crate) version: Version,
    pub(crate) name: String,
    /// From the folder of migrations.
    pub(crate) file: String,
    /// Its reverse file, if it has one.
    pub(crate) reverse: Option<String>,
    /// `None` where it is not known, which is an error.
    pub(crate) route: Option<Route>,
    /// In the fleet's order.
    pub(crate) databases: Vec<String>,
}

/// What became of the lock.
pub(crate) struct Locked {
    /// The file, as messages show it.
    pub(crate) file: String,
    /// Whether it was written.
    pub(crate) written: bool,
    /// The migrations that were not locked before.
    pub(crate) added: Vec<lock::Locked>,
}

/// Shows findings: results on standard output, and what is wrong, where it is text for people, on standard error.
pub(crate) fn show(findings: &Findings, format: Format) -> io::Result<()> {
    let results = match format {
        Format::Human => human::result(findings),
        Format::Json => json::document(findings),
        Format::Github => github::annotations(findings) + &human::result(findings),
    };
    if format != Format::Json {
        // The stream takes the colours out where nobody would see them.
        anstream::stderr().write_all(human::faults(findings).as_bytes())?;
    }
    let mut stdout = anstream::stdout();
    match stdout.write_all(results.as_bytes()).and_then(|()| stdout.flush()) {
        // A reader that is gone (`| head`) has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// `1 migration`, `2 migrations`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Names of databases, folded: `users_01..users_64 (64 databases)`.
pub(crate) fn databases(names: &[String]) -> String {
    let folded = Names::fold(names.iter().map(String::as_str));
    match folded.to_string() {
        none if none.is_empty() => "none".to_owned(),
        text if text.contains("..") => format!("{text} ({})", count(folded.count(), "database")),
        text => text,
    }
}

/// `2 errors, 1 warning`.
pub(crate) fn tally(diagnostics: &[Diagnostic]) -> String {
    let parts: Vec<String> = [Severity::Error, Severity::Warning]
        .into_iter()
        .map(|severity| (of(diagnostics, severity), severity.as_str()))
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| count(number, what))
        .collect();
    if parts.is_empty() { "nothing is wrong".to_owned() } else { parts.join(", ") }
}

fn of(diagnostics: &[Diagnostic], severity: Severity) -> usize {
    diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
}

#[cfg(test)]
mod testing {
    use std::sync::Arc;

    use sharded_migrations_core::source::SourceFile;

    use super::*;

    /// An error with two places in files, and a warning about a file as a whole.
    pub(super) fn findings() -> Findings {
        let source = |path: &str, text: &str| Arc::new(SourceFile { path: path.into(), text: text.into() });
        let sql = source("migrations/V7__é, 50%:x.sql", "-- Why.\n-- #[route(group = \"user\")]\n");
        let toml = source("databases.toml", "[groups.users]\n");
        Findings {
            command: "check",
            diagnostics: vec![
                Diagnostic::new("unknown-group", "no shard group is called `user`: 100%")
                    .at(&sql, 28..34, "unknown group")
                    .at(&toml, 8..13, "the nearest one")
                    .note("a note")
                    .help("did you mean `users`?"),
                Diagnostic::new("a-lint", "a warning").severity(Severity::Warning).in_file(&toml),
                Diagnostic::new("unreadable", "the folder cannot be read"),
            ],
            product: None,
            result: String::new(),
            failure: Some("2 errors, 1 warning".into()),
            code: 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_words_people_use() {
        assert_eq!((count(0, "error"), count(1, "error")), ("0 errors".to_owned(), "1 error".to_owned()));
        assert_eq!(tally(&[]), "nothing is wrong");
        assert_eq!(tally(&testing::findings().diagnostics), "2 errors, 1 warning");
    }
}
