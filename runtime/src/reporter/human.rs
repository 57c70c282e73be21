//! Lines for people: a heading for each database when it is done, and a line for each migration
//! below it, so that the lines of databases migrated at the same time don't mix.

use std::io::Write;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use sharded_migrations_core::{DatabaseName, GroupName, diagnostic, suggest};

use super::{Out, Reporter, Verbosity};
use crate::error::{DatabaseError, StepError};
use crate::event::{Event, Wave};
use crate::interrupt::Urgency;
use crate::report::{DatabaseReport, Outcome, Reason, Report};

const HEADING: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default();
const DIM: Style = Style::new().dimmed();

/// Results to one stream, failures and warnings to the other.
pub(crate) struct Human<O, E> {
    verbosity: Verbosity,
    out: Out<O>,
    err: Out<E>,
}

impl<O: Write, E: Write> Human<O, E> {
    pub(crate) fn new(verbosity: Verbosity, out: O, err: E) -> Self {
        Self { verbosity, out: Out::new(out), err: Out::new(err) }
    }

    /// Shows a text unless only failures are to be shown.
    fn show(&self, at_least: Verbosity, text: &str) {
        if self.verbosity >= at_least {
            self.out.write(text);
        }
    }
}

impl<O: Write + Send, E: Write + Send> Reporter for Human<O, E> {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::StaleBinary(stale) => {
                let mut text = format!(
                    "{WARNING}warning{WARNING:#}: this binary was built from other migration files\n"
                );
                stale.added.iter().for_each(|file| text.push_str(&format!("  not in the binary: {file}\n")));
                stale
                    .removed
                    .iter()
                    .for_each(|file| text.push_str(&format!("  gone from the folder: {file}\n")));
                text.push_str(
                    "  `sharded_migrations_build::track()` in build.rs lets cargo see it; for now, `touch` the file with the macro\n",
                );
                self.err.write(&text);
            }
            Event::RunPlanned { databases, of, migrations } => {
                let (migrations, of) = (count(*migrations, "migration"), count(*of, "database"));
                let text = format!("{DIM}{migrations} pending on {databases} of {of}{DIM:#}\n");
                self.show(Verbosity::Verbose, &text);
            }
            Event::WaveStarted(wave) if wave.of * wave.stages == 1 => {}
            Event::WaveStarted(wave) => self.show(Verbosity::Normal, &self::wave(wave)),
            Event::WavePaused { pause } => {
                self.show(Verbosity::Normal, &format!("{DIM}pause of {}{DIM:#}\n", duration(*pause)));
            }
            Event::RolloutStopped(why) => {
                self.err.write(&format!("{BAD}nothing new is started{BAD:#}: {why}\n"));
            }
            Event::DatabaseStarted { database, pending } => {
                self.show(Verbosity::Verbose, &format!("{DIM}{database}: {pending} pending{DIM:#}\n"));
            }
            Event::LockWaiting { database, holder } => {
                let holder = holder.unwrap_or("another process");
                let text =
                    format!("{WARNING}{database} waits for the migration lock held by {holder}{WARNING:#}\n");
                if self.verbosity >= Verbosity::Normal {
                    self.err.write(&text);
                }
            }
            Event::MigrationStarted { database, migration } => {
                self.show(Verbosity::Verbose, &format!("{DIM}{database}: {migration} ..{DIM:#}\n"));
            }
            Event::MigrationApplied { database, migration, elapsed } => {
                let text = format!("{DIM}{database}: {migration} done in {}{DIM:#}\n", duration(*elapsed));
                self.show(Verbosity::Verbose, &text);
            }
            Event::MigrationRetried { database, migration, error, pause } => {
                let (why, pause) = (&error.message, duration(*pause));
                let text = format!("{WARNING}{database}: {migration} is tried again in {pause}{WARNING:#}: {why}\n");
                if self.verbosity >= Verbosity::Normal {
                    self.err.write(&text);
                }
            }
            Event::Interrupted(urgency) => self.err.write(match urgency {
                Urgency::Cancel => "interrupted again: the statements that run are cancelled\n",
                _ => "interrupted: what is in flight is finished, nothing new is started; once more cancels it\n",
            }),
            Event::DatabaseFinished(report) => match report.outcome {
                Outcome::Refused(_) => self.err.write(&database(report)),
                // Why a migration failed comes at the end, on the other stream.
                Outcome::Failed(_)
                | Outcome::Done
                | Outcome::Halted
                | Outcome::Waits(_)
                | Outcome::Interrupted => self.show(Verbosity::Normal, &database(report)),
                // The summary counts them.
                Outcome::NotStarted => self.show(Verbosity::Verbose, &database(report)),
            },
            Event::RunFinished(report) => {
                self.err.write(&failures(report));
                self.show(Verbosity::Normal, &summary(report));
            }
        }
    }
}

/// `-- wave 2 of 4: 12 databases --`
fn wave(wave: &Wave<'_>) -> String {
    let stage = match wave.stages {
        1 => String::new(),
        stages => format!("stage {} of {stages}, ", wave.stage),
    };
    let (number, of, databases) = (wave.number, wave.of, count(wave.databases.len(), "database"));
    format!("{HEADING}-- {stage}wave {number} of {of}: {databases} --{HEADING:#}\n")
}

/// `== users_01 (users) ==`
pub(crate) fn heading(name: &DatabaseName, group: Option<&GroupName>) -> String {
    let group = group.map(|group| format!(" ({group})")).unwrap_or_default();
    format!("{HEADING}== {name}{group} =={HEADING:#}\n")
}

/// Why a database is not touched, a line each.
pub(crate) fn reasons(reasons: &[Reason]) -> String {
    let mut text = String::new();
    for reason in reasons {
        text.push_str(&format!("  {BAD}refused{BAD:#}: {reason}\n"));
        text.extend(reason.help().map(|help| format!("    {HEADING}help{HEADING:#}: {help}\n")));
    }
    text
}

/// Why a database could not be worked on.
pub(crate) fn failure(error: &DatabaseError) -> String {
    let help = error.help.iter().map(|help| format!("    {HEADING}help{HEADING:#}: {help}\n"));
    format!("  {BAD}failed{BAD:#}: {error}\n{}", help.collect::<String>())
}

fn database(report: &DatabaseReport) -> String {
    let mut text = heading(&report.name, report.group.as_ref());
    for step in &report.applied {
        let (version, name, elapsed) = (step.version, &step.name, duration(step.elapsed));
        text.push_str(&format!("  {GOOD}applied{GOOD:#} {version} {name} {DIM}({elapsed}){DIM:#}\n"));
    }
    match &report.outcome {
        Outcome::Done if report.applied.is_empty() => {
            text.push_str(&format!("  up to date ({} applied before)\n", report.applied_before));
        }
        Outcome::Done => {}
        Outcome::Failed(error) => {
            let place = error.position().map(|position| format!(":{position}")).unwrap_or_default();
            let (version, name) = (error.version, &error.name);
            text.push_str(&format!("  {BAD}failed{BAD:#} {version} {name} at {}{place}\n", error.path()));
        }
        Outcome::Refused(why) => text.push_str(&reasons(why)),
        Outcome::NotStarted => text.push_str("  not started\n"),
        Outcome::Halted => text.push_str("  stopped: the rest is still pending\n"),
        Outcome::Waits(blocker) => text.push_str(&format!("  the rest waits: {blocker}\n")),
        Outcome::Interrupted => text.push_str("  interrupted: the rest is still pending\n"),
    }
    text
}

/// The failed migrations, each with the lines of its file; what failed alike on many databases is
/// shown once.
fn failures(report: &Report) -> String {
    let show = |(error, others): (&StepError, Vec<&DatabaseName>)| {
        let mut fault = error.diagnostic();
        if !others.is_empty() {
            fault = fault
                .note(format!("the same on: {}", suggest::list(others.iter().map(|name| name.as_str()))));
        }
        format!("\n{}\n", fault.render(diagnostic::Style::Coloured))
    };
    report.failures().into_iter().map(show).collect()
}

fn summary(report: &Report) -> String {
    let of =
        |is: fn(&Outcome) -> bool| report.databases.iter().filter(|database| is(&database.outcome)).count();
    let changed = report.databases.iter().filter(|database| !database.applied.is_empty()).count();
    let mut text = format!(
        "\n{} applied on {} of {} in {}",
        count(report.applied(), "migration"),
        changed,
        count(report.databases.len(), "database"),
        duration(report.elapsed),
    );
    let others = [
        (of(|outcome| matches!(outcome, Outcome::Failed(_))), "failed"),
        (of(|outcome| matches!(outcome, Outcome::Refused(_))), "refused"),
        (of(|outcome| matches!(outcome, Outcome::NotStarted)), "not started"),
        (of(|outcome| matches!(outcome, Outcome::Halted)), "stopped"),
        (of(|outcome| matches!(outcome, Outcome::Waits(_))), "waiting"),
        (of(|outcome| matches!(outcome, Outcome::Interrupted)), "interrupted"),
    ];
    for (number, word) in others.into_iter().filter(|(number, _)| *number > 0) {
        text.push_str(&format!("; {BAD}{number} {word}{BAD:#}"));
    }
    text.push('\n');
    text
}

/// `1 database`, `2 databases`
pub(crate) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// `8 ms`, `1.25 s`, `3 min 5 s`
fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{:02} s", duration.subsec_millis() / 10),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let text = |milliseconds| duration(Duration::from_millis(milliseconds));
        assert_eq!(
            [text(0), text(999), text(1_050), text(59_999), text(185_000)],
            ["0 ms", "999 ms", "1.05 s", "59.99 s", "3 min 5 s"]
        );
    }
}
