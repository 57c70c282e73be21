//! When each database was at work, and what it waited for.

use std::time::Duration;

use sharded_migrations_core::DatabaseName;

use crate::event::Event;
use crate::figures::{and_rows, duration};
use crate::report::Outcome;

/// The run so far. Times count from its start.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// In the order in which the databases were first heard of.
    pub(super) tracks: Vec<Track>,
    pub(super) waves: Vec<WaveBar>,
    pub(super) end: Duration,
}

/// One wave.
#[derive(Debug)]
pub(super) struct WaveBar {
    /// `wave 2 of 4`
    pub(super) name: String,
    pub(super) databases: usize,
    pub(super) begin: Duration,
}

/// One database.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) database: DatabaseName,
    pub(super) spans: Vec<Span>,
    /// What goes on, and when something was last heard of it.
    open: Option<(Span, Duration)>,
}

/// Something that took a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) kind: Kind,
    pub(super) begin: Duration,
    pub(super) end: Duration,
    /// What there is to say of it, a line each.
    pub(super) notes: Vec<String>,
}

/// What a database is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Migrations are applied or taken back.
    Applying,
    /// Somebody else has the migration lock, or one that a migration needs.
    Locked,
    /// Others were in the way, and it is tried again soon.
    Retrying,
}

impl Timeline {
    pub(super) fn event(&mut self, now: Duration, event: &Event<'_>) {
        self.end = now;
        match event {
            Event::WaveStarted(wave) => {
                let stage = if wave.stages > 1 { format!("stage {}, ", wave.stage) } else { String::new() };
                let name = format!("{stage}wave {} of {}", wave.number, wave.of);
                self.waves.push(WaveBar { name, databases: wave.databases.len(), begin: now });
            }
            Event::DatabaseStarted { database, .. } => {
                let track = self.track(database);
                // What came before ended in an earlier stage.
                track.close(None);
                track.open(Kind::Applying, now, None);
            }
            Event::LockWaiting { database, holder } => {
                let holder = holder.unwrap_or("another process");
                self.track(database).turn(
                    Kind::Locked,
                    now,
                    Some(format!("{holder} has the migration lock")),
                );
            }
            Event::TableLockWaiting { database, migration, holder } => {
                let note = format!("{holder} has a lock that {migration} waits for");
                self.track(database).turn(Kind::Locked, now, Some(note));
            }
            Event::TableLockGiven { database, .. } => self.track(database).turn(Kind::Applying, now, None),
            Event::MigrationRetried { database, migration, error, .. } => {
                let note = format!("{migration} is tried again: {}", error.message);
                self.track(database).turn(Kind::Retrying, now, Some(note));
            }
            Event::MigrationStarted { database, .. } => self.track(database).turn(Kind::Applying, now, None),
            Event::MigrationApplied { database, migration, elapsed, rows }
            | Event::MigrationTakenBack { database, migration, elapsed, rows } => {
                let (elapsed, rows) = (duration(*elapsed), and_rows(*rows));
                let note = format!("{migration}: {elapsed}{rows}");
                self.track(database).turn(Kind::Applying, now, Some(note));
            }
            Event::DatabaseFinished(report) => {
                // What waits or was stopped ended its work when it was last heard of.
                let is_late = matches!(report.outcome, Outcome::Waits(_) | Outcome::Halted);
                self.track(&report.name).close((!is_late).then_some(now));
            }
            _ => {}
        }
    }

    fn track(&mut self, database: &DatabaseName) -> &mut Track {
        let position = self.tracks.iter().position(|track| track.database == *database);
        let position = position.unwrap_or_else(|| {
            self.tracks.push(Track { database: database.clone(), spans: Vec::new(), open: None });
            self.tracks.len() - 1
        });
        &mut self.tracks[position]
    }
}

impl Track {
    fn open(&mut self, kind: Kind, now: Duration, note: Option<String>) {
        self.open = Some((Span { kind, begin: now, end: now, notes: note.into_iter().collect() }, now));
    }

    /// Goes on with the same, or begins something else.
    fn turn(&mut self, kind: Kind, now: Duration, note: Option<String>) {
        match &mut self.open {
            Some((span, heard)) if span.kind == kind => {
                *heard = now;
                span.notes.extend(note);
            }
            _ => {
                self.close(Some(now));
                self.open(kind, now, note);
            }
        }
    }

    /// Ends what is open, now or when it was last heard of.
    fn close(&mut self, now: Option<Duration>) {
        if let Some((span, heard)) = self.open.take() {
            self.spans.push(Span { end: now.unwrap_or(heard), ..span });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_waits_works_and_ends() {
        let name = DatabaseName::embedded("users_01");
        let mut timeline = Timeline::default();
        let at = Duration::from_millis;
        timeline.event(at(10), &Event::DatabaseStarted { database: &name, pending: 2 });
        timeline.event(at(20), &Event::LockWaiting { database: &name, holder: Some("pid 7 (psql)") });
        timeline.event(at(80), &Event::DatabaseStarted { database: &name, pending: 2 });
        let spans: Vec<_> = timeline.tracks[0].spans.iter().map(|s| (s.kind, s.begin, s.end)).collect();
        assert_eq!(spans, [(Kind::Applying, at(10), at(20)), (Kind::Locked, at(20), at(20))]);
        assert_eq!(timeline.tracks[0].spans[1].notes, ["pid 7 (psql) has the migration lock"]);
        assert_eq!(timeline.end, at(80));
    }
}
