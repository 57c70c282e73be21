//! A run as one HTML file, for whoever looks at it afterwards.
//!
//! ```no_run
//! # use sharded_migrations::{Fleet, Migrations, Migrator};
//! # static MIGRATIONS: Migrations = Migrations::EMPTY;
//! use std::sync::Arc;
//! use sharded_migrations::html::HtmlReport;
//!
//! # async fn migrate(fleet: Fleet) -> std::io::Result<()> {
//! let html = Arc::new(HtmlReport::new(&MIGRATIONS));
//! let listener = Arc::clone(&html);
//! let result = Migrator::new(&MIGRATIONS, fleet).on_event(move |event| listener.event(event)).run().await;
//! std::fs::write("rollout.html", html.render())?;
//! # Ok(())
//! # }
//! ```

mod markup;
mod matrix;
mod page;
mod timeline;

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use sharded_migrations_core::Migrations;

use crate::event::Event;
use crate::report::Report;
use timeline::Timeline;

/// Listens to a run and shows it as a page of its own: what each database has now, when each was at work, and
/// what failed. It refers to nothing outside, and needs no script.
pub struct HtmlReport<'m> {
    migrations: &'m Migrations,
    began: SystemTime,
    clock: Instant,
    recorded: Mutex<Recorded>,
}

/// What has happened so far.
#[derive(Default)]
struct Recorded {
    timeline: Timeline,
    report: Option<Report>,
}

impl<'m> HtmlReport<'m> {
    /// Before a run of these migrations; the page's times count from here.
    pub fn new(migrations: &'m Migrations) -> Self {
        let (began, clock) = (SystemTime::now(), Instant::now());
        Self { migrations, began, clock, recorded: Mutex::default() }
    }

    /// Takes note of an event.
    pub fn event(&self, event: &Event<'_>) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.timeline.event(self.clock.elapsed(), event);
        if let Event::RunFinished(report) = event {
            recorded.report = Some((*report).clone());
        }
    }

    /// The page, of the run as far as it has come.
    pub fn render(&self) -> String {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        page::render(self.migrations, self.began, &recorded.timeline, recorded.report.as_ref())
    }
}
