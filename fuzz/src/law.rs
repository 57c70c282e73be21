//! What must hold of any project, however broken.

use sharded_migrations_core::compile::{Examined, examine};
use sharded_migrations_core::diagnostic::{Severity, Style};
use sharded_migrations_core::plan::plan;
use sharded_migrations_core::project::Sources;
use sharded_migrations_core::{Diagnostic, Migrations, vars};

/// Examines a project and panics where something does not hold.
pub fn holds(sources: &Sources) -> Examined {
    let examined = examine(sources);
    for diagnostic in &examined.diagnostics {
        shows(diagnostic);
        let is_known = |file: &str| {
            file == sources.databases || sources.files.iter().any(|(path, _)| file.ends_with(path.as_str()))
        };
        if let Some((file, _)) = diagnostic.position() {
            assert!(is_known(file), "a fault in `{file}`, which is no file of the project");
        }
    }
    let has_errors = examined.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    assert_eq!(examined.set.is_none(), has_errors, "a set is there if and only if no error is");
    if let Some(set) = &examined.set {
        can_run(set);
    }
    let reversed = Sources { files: sources.files.iter().rev().cloned().collect(), ..sources.clone() };
    assert_eq!(
        shown(&examined),
        shown(&examine(&reversed)),
        "what is found depends on the order of the files"
    );
    examined
}

/// A fault can be shown in every style, and says something.
pub fn shows(diagnostic: &Diagnostic) {
    for style in [Style::Bare, Style::Plain, Style::Coloured] {
        assert!(!diagnostic.render(style).trim().is_empty());
    }
    assert!(!diagnostic.message.contains("the SQL parser gave up"), "{}", diagnostic.render(Style::Plain));
}

/// What the build lets through can be planned and filled in on every database that it goes to.
fn can_run(set: &Migrations) {
    for database in set.topology.primaries() {
        let fresh = plan(&set.migrations, database, &[], None, set.topology.out_of_order);
        let steps =
            fresh.unwrap_or_else(|refusals| panic!("a fresh database is refused: {refusals:?}")).steps;
        for pair in steps.windows(2) {
            assert!(pair[0].migration.version < pair[1].migration.version, "two steps with one version");
        }
        for step in &steps {
            let migration = step.migration;
            let filled = vars::expand(&migration.sql, &migration.vars, database);
            assert!(filled.is_ok(), "{}: {filled:?}", migration.file);
            let mut end = 0;
            for span in migration.statements.iter() {
                assert!(
                    end <= span.start && !migration.sql[span.clone()].trim().is_empty(),
                    "{}",
                    migration.file
                );
                end = span.end;
            }
        }
    }
}

/// All that is found, as a user sees it.
fn shown(examined: &Examined) -> Vec<String> {
    examined.diagnostics.iter().map(|diagnostic| diagnostic.render(Style::Plain)).collect()
}
