//! What the build has to say that does not stop it.

use std::path::Path;

use sharded_migrations_core::Diagnostic;
use sharded_migrations_core::compile::examine;
use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::project::Sources;

/// How many warnings are shown. An application that switches the lints on may have hundreds of old migrations.
const MOST: usize = 20;

/// Prints a warning of the build for each thing in `migrations/` and `databases.toml` that the safety lints find.
///
/// ```no_run
/// // build.rs
/// fn main() {
///     sharded_migrations_build::track();
///     sharded_migrations_build::warn();
/// }
/// ```
///
/// Errors are the macro's to report: they don't stop the build script, and are not repeated here.
pub fn warn() {
    warn_at("migrations", "databases.toml");
}

/// Like [`warn`], for a folder of migrations and a fleet's file elsewhere; both relative to the crate's `Cargo.toml`.
#[allow(clippy::print_stdout, reason = "cargo reads a build script's standard output")]
pub fn warn_at(migrations: &str, databases: &str) {
    let show = |path: &Path| path.display().to_string().replace('\\', "/");
    let Ok(sources) = Sources::read(Path::new(migrations), Path::new(databases), show) else { return };
    for line in lines(&examine(&sources).diagnostics) {
        println!("cargo::warning={line}");
    }
}

/// A line for each warning, as cargo shows them: its own word `warning` stands before, and no line may follow.
fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    let warnings = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning);
    let mut lines: Vec<String> = warnings.map(line).collect();
    if lines.len() > MOST {
        let rest = lines.split_off(MOST).len();
        lines.push(format!(
            "and {rest} warnings more about migrations: `[lints] since = ..` in databases.toml leaves out old ones"
        ));
    }
    lines
}

fn line(diagnostic: &Diagnostic) -> String {
    let place = match diagnostic.position() {
        Some((file, Some(position))) => format!("{file}:{position}: "),
        Some((file, None)) => format!("{file}: "),
        None => String::new(),
    };
    let help = diagnostic.help.first().map_or_else(String::new, |help| format!("; {help}"));
    format!("{place}{} [{}]{help}", diagnostic.message, diagnostic.check).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(migrations: &[(&str, &str)]) -> Vec<String> {
        let files = migrations.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        let sources = Sources {
            folder: "migrations".into(),
            files: files.collect(),
            databases: "databases.toml".into(),
            databases_bytes: b"[databases.default]\nurl = \"${DATABASE_URL}\"\n".to_vec(),
            lock: None,
        };
        lines(&examine(&sources).diagnostics)
    }

    #[test]
    fn a_warning_is_one_line_with_its_place() {
        let lines = said(&[("V1__a.sql", "-- #[route(everywhere)]\nDROP TABLE\n    orders;\nCOMMIT;\n")]);
        insta::assert_snapshot!(lines.join("\n"), @"migrations/V1__a.sql:2:1: running code that uses `orders` fails from here on, and its rows are gone [drop-table]; drop it in the release after the one whose code no longer uses it, and say so: `-- #[allow(drop-table)]`");
    }

    #[test]
    fn hundreds_are_cut() {
        let text = format!("-- #[route(everywhere)]\n{}", "DROP VIEW v;\n".repeat(50));
        let lines = said(&[("V1__a.sql", &text)]);
        assert_eq!(lines.len(), MOST + 1);
        assert!(lines[MOST].starts_with("and 30 warnings more"), "{}", lines[MOST]);
    }
}
