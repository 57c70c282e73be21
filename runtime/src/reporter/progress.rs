//! Where a run stands: one bar for all of it, and a handful of lines for what has been in flight longest.
//!
//! It is fed with events and says what to show; it draws nothing and looks at no clock.

use std::time::{Duration, Instant};

use sharded_migrations_core::{DatabaseName, Direction, Version};

use super::text::{BAD, DIM, HEADING, WARNING, count, running, to_do};
use crate::event::Event;
use crate::report::Outcome;

/// How many databases in flight are shown at most.
const MOST_LINES: usize = 8;

/// How large the terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// A run in the middle of it.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    planned: Option<Planned>,
    wave: Option<String>,
    /// When the pause between two waves ends.
    pause_until: Option<Instant>,
    is_ending: bool,
    databases: usize,
    failed: usize,
    migrations: usize,
    flights: Vec<Flight>,
}

/// What is to be done.
#[derive(Debug, Clone, Copy)]
struct Planned {
    direction: Direction,
    databases: usize,
    migrations: usize,
}

/// A database that is being migrated.
#[derive(Debug)]
struct Flight {
    database: DatabaseName,
    /// Since when it does what it does.
    since: Instant,
    doing: Doing,
    /// How many migrations are pending here, in this stage.
    pending: usize,
    /// How many of them are applied.
    applied: usize,
    /// Which one runs, from 1, and its version.
    at: usize,
    version: Option<Version>,
}

#[derive(Debug)]
enum Doing {
    Beginning,
    /// Runs this migration.
    Migration(String),
    /// Cannot go on; this says why.
    Waiting(String),
}

impl Progress {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            started: now,
            planned: None,
            wave: None,
            pause_until: None,
            is_ending: false,
            databases: 0,
            failed: 0,
            migrations: 0,
            flights: Vec::new(),
        }
    }

    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// How many databases with work are done, and how many there are.
    pub(super) fn databases(&self) -> (usize, usize) {
        (self.databases, self.planned.map_or(0, |planned| planned.databases))
    }

    /// Which way the run goes, as far as its plan is known.
    pub(super) fn direction(&self) -> Direction {
        self.planned.map_or(Direction::Up, |planned| planned.direction)
    }

    /// Whether the run has got as far as its plan.
    pub(super) fn is_planned(&self) -> bool {
        self.planned.is_some()
    }

    /// Takes note of what happened.
    pub(super) fn note(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::RunPlanned { direction, databases, migrations, .. } => {
                self.planned =
                    Some(Planned { direction: *direction, databases: *databases, migrations: *migrations });
            }
            Event::WaveStarted(wave) => {
                let stage = match wave.stages {
                    1 => String::new(),
                    stages => format!("stage {}/{stages}, ", wave.stage),
                };
                let is_alone = wave.of * wave.stages == 1;
                self.wave = (!is_alone).then(|| format!("{stage}wave {}/{}", wave.number, wave.of));
                self.pause_until = None;
                self.flights.clear();
            }
            Event::WavePaused { pause } => self.pause_until = Some(now + *pause),
            Event::RolloutStopped(_) | Event::Interrupted(_) => self.is_ending = true,
            Event::DatabaseStarted { database, pending } => self.flights.push(Flight {
                database: (*database).clone(),
                since: now,
                doing: Doing::Beginning,
                pending: *pending,
                applied: 0,
                at: 0,
                version: None,
            }),
            Event::LockWaiting { database, holder } => {
                let holder = holder.unwrap_or("another process");
                self.does(
                    database,
                    Doing::Waiting(format!("waits for the migration lock held by {holder}")),
                    now,
                );
            }
            Event::MigrationStarted { database, migration } => {
                self.does(database, Doing::Migration(migration.to_string()), now);
                if let Some(flight) = self.flight(database) {
                    // One that is tried again counts once.
                    let is_next = flight.version != Some(migration.version);
                    flight.at = (flight.at + usize::from(is_next)).min(flight.pending);
                    flight.version = Some(migration.version);
                }
            }
            Event::TableLockWaiting { database, migration, holder } => {
                if let Some(flight) = self.flight(database) {
                    flight.doing = Doing::Waiting(format!("{migration} waits for {holder}"));
                }
            }
            Event::TableLockGiven { database, migration } => {
                if let Some(flight) = self.flight(database) {
                    flight.doing = Doing::Migration(migration.to_string());
                }
            }
            Event::MigrationProgress { database, migration, done, of } => {
                if let Some(flight) = self.flight(database) {
                    flight.doing = Doing::Migration(format!("{migration} at {done} of {of}"));
                }
            }
            Event::MigrationRetried { database, migration, error, .. } => {
                let why = format!("{migration} is tried again: {}", error.message);
                self.does(database, Doing::Waiting(why), now);
            }
            Event::MigrationApplied { database, .. } | Event::MigrationTakenBack { database, .. } => {
                self.migrations += 1;
                if let Some(flight) = self.flight(database) {
                    flight.applied += 1;
                    let is_done = flight.applied >= flight.pending;
                    self.flights.retain(|flight| flight.database != **database || !is_done);
                }
            }
            Event::DatabaseFinished(report) => {
                let is_bad = matches!(report.outcome, Outcome::Failed(_) | Outcome::Refused(_));
                self.failed += usize::from(is_bad);
                // Those before the plan had nothing to do.
                self.databases += usize::from(self.planned.is_some());
                self.flights.retain(|flight| flight.database != report.name);
            }
            Event::StaleBinary(_) | Event::RunFinished(_) => {}
        }
    }

    fn flight(&mut self, database: &DatabaseName) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.database == *database)
    }

    fn does(&mut self, database: &DatabaseName, doing: Doing, now: Instant) {
        if let Some(flight) = self.flight(database) {
            (flight.doing, flight.since) = (doing, now);
        }
    }

    /// What to show on a terminal of this size. No line is wider than it.
    pub(super) fn lines(&self, size: Size, now: Instant) -> Vec<String> {
        let mut lines = vec![match self.planned {
            Some(Planned { migrations: 0, .. }) => return Vec::new(),
            None => format!("{DIM}asking all databases what they have{DIM:#} {}", running(self.elapsed(now))),
            Some(planned) => self.bar(planned, size.columns, now),
        }];
        let mut flights: Vec<&Flight> = self.flights.iter().collect();
        flights.sort_by_key(|flight| flight.since);
        // The bar and the line about the others have their place, and the prompt.
        let most = (size.rows / 4).clamp(1, MOST_LINES);
        let others = flights.len().saturating_sub(most);
        flights.truncate(most);
        let widest = flights.iter().map(|flight| flight.database.as_str().len()).max().unwrap_or_default();
        let name_columns = widest.min(size.columns / 3);
        lines.extend(flights.iter().map(|flight| flight.line(self.direction(), name_columns, now)));
        if others > 0 {
            lines.push(format!("  {DIM}.. and {others} more{DIM:#}"));
        }
        // The last column stays free: a terminal may wrap a line that fills it.
        let fit = |line: String| fit(&line, size.columns.saturating_sub(1));
        lines.into_iter().map(fit).collect()
    }

    /// `[=====>      ]  42%  168/400 databases, 1 failed, wave 2/4, 4368/10400 migrations, 12 s`
    fn bar(&self, planned: Planned, columns: usize, now: Instant) -> String {
        let in_flight: usize =
            self.flights.iter().map(|flight| flight.at.saturating_sub(flight.applied + 1)).sum();
        let done = (self.migrations + in_flight).min(planned.migrations);
        let width = (columns / 6).clamp(10, 40);
        let filled = (done * width).checked_div(planned.migrations).unwrap_or_default();
        let percent = (done * 100).checked_div(planned.migrations).unwrap_or_default();
        let head = if filled < width { ">" } else { "" };
        let bar = format!("{HEADING}[{:<width$}]{HEADING:#} {percent:>3}%  ", "=".repeat(filled) + head);
        let mut left = columns.saturating_sub(console::measure_text_width(&bar) + 1);

        // In the order of what has to be known first; what does not fit is left out.
        let mut text = String::new();
        let mut add = |style: anstyle::Style, part: String| {
            let separator = if text.is_empty() { "" } else { ", " };
            let width = separator.len() + part.len();
            if width <= left || text.is_empty() {
                text.push_str(&format!("{separator}{style}{part}{style:#}"));
                left = left.saturating_sub(width);
            }
        };
        let plain = anstyle::Style::new();
        add(plain, format!("{}/{}", self.databases, count(planned.databases, "database")));
        if self.failed > 0 {
            add(BAD, format!("{} failed", self.failed));
        }
        if self.is_ending {
            add(WARNING, "nothing new is started".to_owned());
        }
        if let Some(until) = self.pause_until {
            add(WARNING, format!("pause of another {}", running(until.saturating_duration_since(now))));
        }
        if let Some(wave) = &self.wave {
            add(plain, wave.clone());
        }
        add(plain, running(self.elapsed(now)));
        add(DIM, format!("{done}/{}", count(planned.migrations, "migration")));
        bar + &text
    }
}

impl Flight {
    /// `  users_07   3.2 s  12 add_index (13 of 26)`
    fn line(&self, direction: Direction, name_columns: usize, now: Instant) -> String {
        let name = console::truncate_str(self.database.as_str(), name_columns, "..");
        let time = running(now.saturating_duration_since(self.since));
        let doing = match &self.doing {
            Doing::Beginning => format!("{DIM}{} {}{DIM:#}", self.pending, to_do(direction)),
            Doing::Migration(migration) if self.pending == 1 => migration.clone(),
            Doing::Migration(migration) => {
                format!("{migration} {DIM}({} of {}){DIM:#}", self.at, self.pending)
            }
            Doing::Waiting(why) => format!("{WARNING}{why}{WARNING:#}"),
        };
        format!("  {name:<name_columns$}  {time:>6}  {doing}")
    }
}

/// A text in one line of so many columns.
fn fit(text: &str, columns: usize) -> String {
    let is_odd = |c: char| c.is_control() && c != '\x1b';
    let tail = if columns > 2 { ".." } else { "" };
    console::truncate_str(&text.replace(is_odd, "?"), columns, tail).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{failed, migration, milliseconds, name, plain, report};
    use super::*;
    use crate::error::DatabaseError;
    use crate::event::Wave;

    /// A run whose clock is the test's.
    struct Run {
        progress: Progress,
        started: Instant,
        now: Instant,
    }

    impl Run {
        fn new() -> Self {
            let now = Instant::now();
            Self { progress: Progress::new(now), started: now, now }
        }

        fn planned(databases: usize, migrations: usize) -> Self {
            let mut run = Self::new();
            let direction = Direction::Up;
            run.note(&Event::RunPlanned { direction, databases, of: databases, migrations });
            run
        }

        /// The time from here on, since the start.
        fn at(&mut self, since_start: u64) -> &mut Self {
            self.now = self.started + milliseconds(since_start);
            self
        }

        fn note(&mut self, event: &Event<'_>) -> &mut Self {
            self.progress.note(event, self.now);
            self
        }

        fn starts(&mut self, database: &str, pending: usize) -> &mut Self {
            self.note(&Event::DatabaseStarted { database: &name(database), pending })
        }

        fn runs(&mut self, database: &str, number: i64, text: &str) -> &mut Self {
            let migration = migration(number, text);
            self.note(&Event::MigrationStarted { database: &name(database), migration: &migration })
        }

        fn ends(&mut self, database: &str, applied: i64, outcome: Outcome) -> &mut Self {
            for number in 1..=applied {
                let (database, elapsed) = (&name(database), milliseconds(1));
                self.note(&Event::MigrationApplied {
                    database,
                    migration: &migration(number, "x"),
                    elapsed,
                    rows: None,
                });
            }
            self.note(&Event::DatabaseFinished(&report(database, applied, 1, outcome)))
        }

        fn screen(&self, columns: usize, rows: usize) -> String {
            let lines = self.progress.lines(Size { rows, columns }, self.now);
            assert!(lines.len() < rows.max(4), "{} lines", lines.len());
            for line in &lines {
                assert!(console::measure_text_width(line) < columns, "{line}");
            }
            plain(&lines.join("\n"))
        }
    }

    /// In the middle of 400 databases: 31 that were begun one behind the other, and one that waits.
    fn in_the_middle() -> Run {
        let mut run = Run::planned(400, 10_400);
        let databases: Vec<_> = (1..=150).map(|number| name(&format!("users_{number:03}"))).collect();
        let names = databases.iter().collect();
        run.note(&Event::WaveStarted(&Wave { number: 2, of: 3, stage: 1, stages: 1, databases: names }));
        for number in 1..=118 {
            let database = format!("users_{number:03}");
            run.starts(&database, 26);
            let outcome = if number == 7 { failed(&database, 27, "no") } else { Outcome::Done };
            run.ends(&database, 26, outcome);
        }
        for number in 119..=149 {
            run.at(number * 100).starts(&format!("users_{number:03}"), 26);
            run.runs(&format!("users_{number:03}"), 1, "accounts");
            run.runs(&format!("users_{number:03}"), 2, "an_index_on_accounts");
        }
        run.at(14_950).starts("users_150", 1);
        run.note(&Event::LockWaiting { database: &name("users_150"), holder: Some("pid 4711 (pgbackrest)") });
        run.at(16_000);
        run
    }

    #[test]
    fn on_a_common_terminal() {
        insta::assert_snapshot!(in_the_middle().screen(80, 24));
    }

    #[test]
    fn on_a_large_terminal() {
        insta::assert_snapshot!(in_the_middle().screen(200, 50));
    }

    #[test]
    fn on_a_narrow_one_of_a_few_lines() {
        insta::assert_snapshot!(in_the_middle().screen(40, 6));
    }

    #[test]
    fn no_terminal_is_too_small() {
        let run = in_the_middle();
        for (columns, rows) in [(1, 1), (2, 2), (5, 3), (12, 1), (30, 4), (1_000, 500)] {
            run.screen(columns, rows);
        }
        run.progress.lines(Size { rows: 0, columns: 0 }, run.now);
    }

    #[test]
    fn names_may_be_long_or_in_other_scripts() {
        let mut run = Run::planned(3, 6);
        run.starts("a-database-with-a-name-that-is-far-too-long-for-a-line-of-a-terminal.internal", 2);
        run.runs(
            "a-database-with-a-name-that-is-far-too-long-for-a-line-of-a-terminal.internal",
            1,
            &"long_".repeat(40),
        );
        run.at(1).starts("users_01", 2).runs(
            "users_01",
            20_260_131_120_000,
            "帳戶表格加上新的電子郵件地址欄位並且建立索引",
        );
        run.at(2).starts("users_02", 2).runs("users_02", 3, "odd\u{1b}[2J\nname");
        run.at(1_300);
        insta::assert_snapshot!(run.screen(60, 24));
    }

    #[test]
    fn what_a_run_does_is_on_its_bar() {
        let mut run = Run::new();
        run.at(1_200);
        let mut seen = vec![run.screen(100, 24)];
        run.note(&Event::RunPlanned { direction: Direction::Up, databases: 2, of: 9, migrations: 4 });
        let databases = [name("a"), name("b")];
        let wave = |number, stage| Wave {
            number,
            of: 2,
            stage,
            stages: 2,
            databases: databases.iter().take(1).collect(),
        };
        run.note(&Event::WaveStarted(&wave(1, 1))).starts("a", 2);
        seen.push(run.screen(100, 24));
        run.runs("a", 1, "x").runs("a", 2, "y");
        seen.push(run.screen(100, 24));
        // Another try of the same one is no progress.
        let error = DatabaseError::new("canceling statement due to lock timeout");
        let second = migration(2, "y");
        let pause = milliseconds(20);
        run.note(&Event::MigrationRetried {
            database: &databases[0],
            migration: &second,
            error: &error,
            pause,
        });
        seen.push(run.screen(100, 24));
        run.runs("a", 2, "y").at(2_000);
        seen.push(run.screen(100, 24));
        run.ends("a", 2, Outcome::Done).note(&Event::WavePaused { pause: milliseconds(90_000) }).at(12_000);
        seen.push(run.screen(100, 24));
        run.note(&Event::WaveStarted(&wave(2, 1))).starts("b", 2).runs("b", 1, "x");
        run.ends("b", 1, failed("b", 2, "no")).note(&Event::Interrupted(crate::Urgency::Drain));
        seen.push(run.screen(100, 24));
        run.note(&Event::WaveStarted(&wave(1, 2)));
        seen.push(run.screen(100, 24));
        insta::assert_snapshot!(seen.join("\n\n"));
    }
}
