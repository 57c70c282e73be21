//! How a run ended, as short texts that can be compared.

use sharded_migrations::{Amended, Amendments, Outcome, Reason, Report, RunError};

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
///
/// What was taken back comes behind the word `back`.
pub(crate) fn ending(run: &Run) -> String {
    let report = match run {
        Ok(report) => report,
        Err(error) => &error.report,
    };
    assert_eq!(run.is_ok(), report.exit_code() == 0, "an error has a code of its own, and only an error");
    let mut lines = vec![format!("exit {}", report.exit_code())];
    for database in &report.databases {
        let back = if database.taken_back.is_empty() { "" } else { " back" };
        let steps = database.steps().iter().map(|step| format!(" {}", step.version));
        let applied: String = std::iter::once(back.to_owned()).chain(steps).collect();
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

/// The exit code of a change by hand and a line for each database, as in
///
/// ```text
/// exit 5
/// default: 2 b, 3 c
/// users_01: nothing
/// users_02: refused divergent
/// users_03: not started
/// ```
pub(crate) fn amended<T>(amendments: &Amendments<T>, row: impl Fn(&T) -> String) -> String {
    let lines = amendments.databases.iter().map(|database| {
        let outcome = match &database.outcome {
            Amended::Done(rows) if rows.is_empty() => "nothing".into(),
            Amended::Done(rows) => rows.iter().map(&row).collect::<Vec<_>>().join(", "),
            Amended::Refused(reasons) => {
                let kinds: Vec<_> = reasons.iter().map(Reason::kind).collect();
                format!("refused {}", kinds.join(" "))
            }
            Amended::Failed(error) => format!("failed: {error}"),
            Amended::NotStarted => "not started".into(),
            other => panic!("what is {other:?}?", other = other.kind()),
        };
        format!("\n{}: {outcome}", database.name)
    });
    format!("exit {}{}", amendments.exit_code(), lines.collect::<String>())
}

/// Why a change by hand was refused or failed, with what to do about it.
pub(crate) fn why<T>(amendments: &Amendments<T>) -> String {
    let mut text = String::new();
    for database in &amendments.databases {
        match &database.outcome {
            Amended::Refused(reasons) => {
                text.extend(reasons.iter().map(|one| format!("{one}\n{}\n", one.help().unwrap_or_default())));
            }
            Amended::Failed(error) => {
                text.push_str(&format!("{error}\n{}\n", error.help.as_deref().unwrap_or_default()));
            }
            _ => {}
        }
    }
    text
}
