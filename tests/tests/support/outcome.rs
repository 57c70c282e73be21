//! How a run ended, as short texts that can be compared.

use sharded_migrations::{Outcome, Report, RunError};

/// What `Migrator::run` gives.
pub(crate) type Run = Result<Report, RunError>;

/// The exit code and a line for each database, as in
///
/// ```text
/// exit 4
/// default: done 1 2, 0 before
/// users_01: failed at migrations/V3__notes.sql:2:8, 1 2 applied, 0 before
/// users_02: refused dirty out-of-order
/// users_03: not started
/// ```
pub(crate) fn ending(run: &Run) -> String {
    let report = match run {
        Ok(report) => report,
        Err(error) => &error.report,
    };
    assert_eq!(run.is_ok(), report.exit_code() == 0, "an error has a code of its own, and only an error");
    let mut lines = vec![format!("exit {}", report.exit_code())];
    for database in &report.databases {
        let applied: String = database.applied.iter().map(|step| format!(" {}", step.version)).collect();
        let before = database.applied_before;
        let outcome = match &database.outcome {
            Outcome::Done => format!("done{applied}, {before} before"),
            Outcome::Failed(error) => {
                let place = error.position().map(|position| format!(":{position}")).unwrap_or_default();
                format!("failed at {}{place},{applied} applied, {before} before", error.path())
            }
            Outcome::Refused(reasons) => {
                assert_eq!(applied, "", "nothing is applied where it is refused");
                let kinds: Vec<_> = reasons.iter().map(|reason| reason.kind()).collect();
                format!("refused {}", kinds.join(" "))
            }
            Outcome::NotStarted => "not started".into(),
            Outcome::Interrupted => format!("interrupted,{applied} applied, {before} before"),
            Outcome::Halted => format!("halted,{applied} applied, {before} before"),
            Outcome::Waits(blocker) => format!("waits,{applied} applied: {blocker}"),
            other => panic!("what is {other:?}?"),
        };
        lines.push(format!("{}: {outcome}", database.name));
    }
    lines.join("\n")
}

/// What a user reads of a run that did not end well.
pub(crate) fn error(run: &Run) -> String {
    run.as_ref().expect_err("a run that does not end well").to_string()
}
