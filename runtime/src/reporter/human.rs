//! For people: where a run stands while it goes on, what goes wrong as it happens, and what all came to at the
//! end. What happens meanwhile goes to the one stream, the results to the other.

use std::io::Write;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::display::{Display, Meanwhile};
use super::progress::Progress;
use super::screen::Screen;
use super::text::{BAD, DIM, WARNING, to_do};
use super::{Reporter, Verbosity, fitted, lines, put, summary};
use crate::event::Event;
use crate::figures::{and_rows, duration};
use crate::interrupt::Urgency;
use crate::report::{DatabaseReport, Outcome, Report};

/// Results to one stream, all else to the other.
pub(crate) struct Human<O, E> {
    display: Display,
    state: Mutex<State<O, E>>,
}

struct State<O, E> {
    out: O,
    err: E,
    progress: Progress,
    /// Where progress is drawn.
    screen: Option<Screen>,
    /// What was refused and has not been told of.
    refused: Vec<DatabaseReport>,
    /// What went wrong and was told of.
    troubles: Vec<Outcome>,
}

/// A text, and where it belongs.
enum Text {
    Result(String),
    Aside(String),
}

impl<O: Write, E: Write> Human<O, E> {
    pub(crate) fn new(display: Display, out: O, err: E) -> Self {
        let screen = (display.meanwhile == Meanwhile::Bar).then(Screen::new);
        let progress = Progress::new(Instant::now());
        let state = State { out, err, progress, screen, refused: Vec::new(), troubles: Vec::new() };
        Self { display, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State<O, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be said of an event, in order.
    fn texts(&self, state: &mut State<O, E>, event: &Event<'_>) -> Vec<Text> {
        let meanwhile = self.display.meanwhile;
        let aside = |is_said: bool, text: String| {
            if is_said { vec![Text::Aside(text)] } else { Vec::new() }
        };
        let detail = |text| aside(meanwhile == Meanwhile::Details, text);
        let line = |text| aside(matches!(meanwhile, Meanwhile::Details | Meanwhile::Lines), text);
        let warning = |text| aside(self.display.verbosity > Verbosity::Quiet, text);
        match event {
            Event::StaleBinary(stale) => aside(true, lines::stale(stale)),
            Event::RunPlanned { direction, databases, of, migrations } => {
                let mut texts = aside(true, self.refusals(state));
                texts.extend(detail(lines::planned(*direction, *databases, *of, *migrations)));
                texts
            }
            Event::WaveStarted(wave) => line(lines::wave(wave)),
            Event::WavePaused { pause } => line(lines::pause(*pause)),
            Event::RolloutStopped(why) => {
                aside(true, format!("{BAD}nothing new is started{BAD:#}: {why}\n"))
            }
            Event::DatabaseStarted { database, pending } => {
                let to_do = to_do(state.progress.direction());
                detail(format!("{DIM}{database}: {pending} {to_do}{DIM:#}\n"))
            }
            Event::LockWaiting { database, holder } => {
                let holder = holder.unwrap_or("another process");
                warning(format!(
                    "{WARNING}{database} waits for the migration lock held by {holder}{WARNING:#}\n"
                ))
            }
            Event::MigrationStarted { database, migration } => {
                detail(format!("{DIM}{database}: {migration} ..{DIM:#}\n"))
            }
            Event::MigrationApplied { database, migration, elapsed, rows } => {
                let (elapsed, rows) = (duration(*elapsed), and_rows(*rows));
                detail(format!("{DIM}{database}: {migration} done in {elapsed}{rows}{DIM:#}\n"))
            }
            Event::MigrationTakenBack { database, migration, elapsed, rows } => {
                let (elapsed, rows) = (duration(*elapsed), and_rows(*rows));
                detail(format!("{DIM}{database}: {migration} taken back in {elapsed}{rows}{DIM:#}\n"))
            }
            Event::TableLockWaiting { database, migration, holder } => warning(format!(
                "{WARNING}{database}: {migration} waits for a lock held by {holder}{WARNING:#}\n"
            )),
            Event::TableLockGiven { database, migration } => {
                detail(format!("{DIM}{database}: {migration} goes on{DIM:#}\n"))
            }
            Event::MigrationProgress { database, migration, done, of } => {
                detail(format!("{DIM}{database}: {migration} at {done} of {of}{DIM:#}\n"))
            }
            Event::MigrationRetried { database, migration, error, pause } => {
                let (why, pause) = (&error.message, duration(*pause));
                warning(format!(
                    "{WARNING}{database}: {migration} is tried again in {pause}{WARNING:#}: {why}\n"
                ))
            }
            Event::Interrupted(urgency) => aside(
                true,
                match urgency {
                    Urgency::Cancel => "interrupted again: the statements that run are cancelled\n".into(),
                    _ => "interrupted: what is in flight is finished, nothing new is started; once more cancels it\n".into(),
                },
            ),
            Event::DatabaseFinished(report) => {
                if matches!(report.outcome, Outcome::Refused(_)) {
                    state.refused.push((*report).clone());
                }
                // What is refused or up to date before the plan is told of with it, or at the end.
                if !state.progress.is_planned() {
                    return Vec::new();
                }
                let is_news = state.is_news(&report.outcome);
                match meanwhile {
                    Meanwhile::Lines | Meanwhile::Details => {
                        aside(true, lines::finished(report, state.progress.direction(), state.progress.databases(), is_news))
                    }
                    _ if is_news => warning(lines::trouble(report)),
                    _ => Vec::new(),
                }
            }
            Event::RunFinished(report) => self.end(state, report),
        }
    }

    /// What was refused and has not been told of.
    fn refusals(&self, state: &mut State<O, E>) -> String {
        fitted(&summary::refusals(mem::take(&mut state.refused).iter()), self.display.aside_columns)
    }

    fn end(&self, state: &mut State<O, E>, report: &Report) -> Vec<Text> {
        let wrong = self.refusals(state) + &summary::failures(report);
        if self.display.verbosity == Verbosity::Quiet {
            return vec![Text::Aside(wrong)];
        }
        let results = summary::results(report, self.display.columns);
        vec![Text::Result(results), Text::Aside(wrong), Text::Result(summary::total(report))]
    }
}

impl<O, E> State<O, E> {
    /// Whether it is a trouble, and one that was not told of yet.
    fn is_news(&mut self, outcome: &Outcome) -> bool {
        let is_known = self.troubles.iter().any(|known| match (known, outcome) {
            (Outcome::Failed(known), Outcome::Failed(error)) => known.is_alike(error),
            (known, outcome) => known == outcome,
        });
        let is_trouble = matches!(outcome, Outcome::Failed(_) | Outcome::Refused(_));
        if is_trouble && !is_known {
            self.troubles.push(outcome.clone());
        }
        is_trouble && !is_known
    }
}

impl<O: Write + Send, E: Write + Send> Reporter for Human<O, E> {
    fn event(&self, event: &Event<'_>) {
        let now = Instant::now();
        let mut state = self.state();
        state.progress.note(event, now);
        let texts = self.texts(&mut state, event);
        let State { out, err, progress, screen, .. } = &mut *state;
        let has_text = texts.iter().any(|(Text::Result(text) | Text::Aside(text))| !text.is_empty());
        if has_text && let Some(screen) = screen {
            screen.clear();
        }
        for text in texts {
            match text {
                Text::Result(text) => put(out, &text),
                Text::Aside(text) => put(err, &text),
            }
        }
        match event {
            Event::RunFinished(_) => *screen = None,
            _ => screen.iter_mut().for_each(|screen| screen.show(progress, now)),
        }
    }

    fn tick(&self) {
        let State { progress, screen, .. } = &mut *self.state();
        screen.iter_mut().for_each(|screen| screen.show(progress, Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sharded_migrations_core::Direction;

    use super::super::display::{Place, Wish};
    use super::super::samples::{failed, migration, milliseconds, plain, report};
    use super::*;
    use crate::error::DatabaseError;
    use crate::event::Wave;
    use crate::report::Reason;

    /// Both streams in one, as a log has them.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn human(verbosity: Verbosity, wish: Wish) -> (Human<Log, Log>, Log) {
        let log = Log::default();
        let ci = Place { has_screen: false, is_ci: true, columns: None, aside_columns: None };
        (Human::new(Display::choose(ci, verbosity, wish), log.clone(), log.clone()), log)
    }

    impl Log {
        fn text(&self) -> String {
            plain(std::str::from_utf8(&self.0.lock().unwrap()).unwrap())
        }
    }

    /// A fleet that is migrated in two waves, with one thing of each kind on the way.
    fn log_of_a_run(verbosity: Verbosity, wish: Wish) -> String {
        let (human, log) = human(verbosity, wish);
        let step = migration(2, "step_2");
        let refused = Outcome::Refused(vec![Reason::Error(DatabaseError::new("the server is a replica"))]);
        let databases = vec![
            report("users_01", 2, 5, Outcome::Done),
            report("users_02", 1, 5, failed("users_02", 2, "no such table: gone")),
            report("users_03", 1, 5, failed("users_03", 2, "no such table: gone")),
            report("users_04", 0, 0, refused),
            report("users_05", 0, 0, Outcome::NotStarted),
            report("users_06", 0, 0, Outcome::Done),
        ];
        human.event(&Event::DatabaseFinished(&databases[5]));
        human.event(&Event::RunPlanned { direction: Direction::Up, databases: 5, of: 6, migrations: 10 });
        let names: Vec<_> = databases.iter().map(|database| &database.name).collect();
        let wave = |number, range: std::ops::Range<usize>| Wave {
            number,
            of: 2,
            stage: 1,
            stages: 1,
            databases: names[range].to_vec(),
        };
        human.event(&Event::WaveStarted(&wave(1, 0..1)));
        human.event(&Event::DatabaseStarted { database: names[0], pending: 2 });
        human.event(&Event::LockWaiting { database: names[0], holder: Some("pid 4711 (psql)") });
        human.event(&Event::MigrationStarted { database: names[0], migration: &step });
        let error = DatabaseError::new("canceling statement due to lock timeout");
        let pause = milliseconds(20);
        human.event(&Event::MigrationRetried { database: names[0], migration: &step, error: &error, pause });
        human.event(&Event::MigrationApplied {
            database: names[0],
            migration: &step,
            elapsed: pause,
            rows: Some(48_000),
        });
        human.event(&Event::DatabaseFinished(&databases[0]));
        human.event(&Event::WavePaused { pause: milliseconds(3_000) });
        human.event(&Event::WaveStarted(&wave(2, 1..5)));
        for database in &databases[1..4] {
            human.event(&Event::DatabaseFinished(database));
        }
        human.event(&Event::RolloutStopped(&crate::Stopped::Failures(3)));
        human.event(&Event::DatabaseFinished(&databases[4]));
        let elapsed = milliseconds(3_210);
        human.event(&Event::RunFinished(&Report {
            direction: Direction::Up,
            databases,
            elapsed,
            interrupted: false,
            stopped: None,
        }));
        log.text()
    }

    #[test]
    fn a_log_has_a_line_for_each_database_and_then_the_results() {
        insta::assert_snapshot!(log_of_a_run(Verbosity::Normal, Wish::Auto));
    }

    #[test]
    fn without_progress_it_has_what_goes_wrong_and_the_results() {
        insta::assert_snapshot!(log_of_a_run(Verbosity::Normal, Wish::Never));
    }

    #[test]
    fn a_quiet_one_has_failures_and_warnings_alone() {
        insta::assert_snapshot!(log_of_a_run(Verbosity::Quiet, Wish::Auto));
    }

    #[test]
    fn a_verbose_one_has_everything() {
        insta::assert_snapshot!(log_of_a_run(Verbosity::Verbose, Wish::Auto));
    }

    /// What is refused before the plan is told of once: with the plan, where the run goes on.
    #[test]
    fn refusals_are_shown_once() {
        for goes_on in [false, true] {
            let (human, log) = human(Verbosity::Normal, Wish::Auto);
            let refused = Outcome::Refused(vec![Reason::Error(DatabaseError::new("it is a replica"))]);
            let databases: Vec<_> =
                (1..=40).map(|number| report(&format!("users_{number:02}"), 0, 0, refused.clone())).collect();
            databases.iter().for_each(|database| human.event(&Event::DatabaseFinished(database)));
            assert_eq!(log.text(), "");
            if goes_on {
                human.event(&Event::RunPlanned {
                    direction: Direction::Up,
                    databases: 0,
                    of: 40,
                    migrations: 0,
                });
            }
            let report = Report {
                direction: Direction::Up,
                databases,
                elapsed: milliseconds(5),
                interrupted: false,
                stopped: None,
            };
            human.event(&Event::RunFinished(&report));
            assert_eq!(
                log.text(),
                "== users_01..users_40 (users): 40 databases ==\n  refused: it is a replica\n\n\
                 0 migrations applied on 0 of 40 databases in 5 ms; 40 refused\n"
            );
        }
    }

    #[test]
    fn a_log_of_400_databases_stays_small() {
        let (human, log) = human(Verbosity::Normal, Wish::Auto);
        human.event(&Event::RunPlanned {
            direction: Direction::Up,
            databases: 400,
            of: 400,
            migrations: 10_400,
        });
        // The worst case: each waits for a lock, and every tenth one fails.
        let database = |number: u64| {
            let name = format!("customer_database_{number:03}");
            let outcome =
                if number.is_multiple_of(10) { failed(&name, 27, "no such table") } else { Outcome::Done };
            report(&name, 26, number, outcome)
        };
        let databases: Vec<_> = (1..=400).map(database).collect();
        for database in &databases {
            human.event(&Event::DatabaseStarted { database: &database.name, pending: 27 });
            human.event(&Event::LockWaiting {
                database: &database.name,
                holder: Some("pid 12345 (application)"),
            });
            human.event(&Event::DatabaseFinished(database));
        }
        let report = Report {
            direction: Direction::Up,
            databases,
            elapsed: milliseconds(5),
            interrupted: false,
            stopped: None,
        };
        human.event(&Event::RunFinished(&report));
        let text = log.text();
        assert!(text.contains("[400/400] customer_database_400: failed at 27 step_27 after 26 applied\n"));
        assert!(text.contains("the same on 39 other databases: customer_database_020, "), "{text}");
        assert!(text.len() < 100_000, "{} bytes", text.len());
    }
}
