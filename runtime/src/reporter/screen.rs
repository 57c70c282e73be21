//! The last lines of a terminal, which are written again and again.
//!
//! It is an own one, on `console`: indicatif fills each line of each drawing to the terminal's width,
//! which comes to hundreds of kilobytes for a few minutes; here only lines that have changed are written.

use std::io;
use std::time::{Duration, Instant};

use console::Term;

use super::progress::{Progress, Size};

/// What is over before that has nothing to show on the way.
const FIRST: Duration = Duration::from_millis(200);
/// How often it is drawn at most, where many lines are written above it.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Standard error, where it is a terminal.
pub(super) struct Screen {
    term: Term,
    has_colours: bool,
    /// What stands there now.
    shown: Vec<String>,
    /// How wide the terminal was then.
    columns: usize,
    drawn: Option<Instant>,
}

impl Screen {
    pub(super) fn new() -> Self {
        let has_colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
        Self { term: Term::buffered_stderr(), has_colours, shown: Vec::new(), columns: 0, drawn: None }
    }

    /// Shows where a run stands, unless that was done just before.
    pub(super) fn show(&mut self, progress: &Progress, now: Instant) {
        let elapsed = progress.elapsed(now);
        if elapsed < FIRST {
            return;
        }
        // What was cleared for a line above it comes back soon.
        let pause = if self.shown.is_empty() { AT_ONCE } else { pause(elapsed) };
        if self.drawn.is_some_and(|drawn| now.saturating_duration_since(drawn) < pause) {
            return;
        }
        self.drawn = Some(now);
        let (rows, columns) = self.term.size();
        let size = Size { rows: rows.into(), columns: columns.into() };
        if size.columns != self.columns {
            self.clear();
            self.columns = size.columns;
        }
        let plain = |line: String| match self.has_colours {
            true => line,
            false => anstream::adapter::strip_str(&line).to_string(),
        };
        let lines = progress.lines(size, now).into_iter().map(plain).collect();
        // A terminal that is gone does not stop the run.
        let _ = self.draw(lines);
    }

    fn draw(&mut self, lines: Vec<String>) -> io::Result<()> {
        self.term.write_str("\r")?;
        self.term.move_cursor_up(self.shown.len())?;
        for (index, line) in lines.iter().enumerate() {
            if self.shown.get(index) == Some(line) {
                self.term.move_cursor_down(1)?;
            } else {
                self.term.clear_line()?;
                self.term.write_line(line)?;
            }
        }
        // What was below, and what somebody has typed.
        self.term.clear_to_end_of_screen()?;
        self.term.flush()?;
        self.shown = lines;
        Ok(())
    }

    /// Leaves nothing on the terminal, so that something else can be written there.
    pub(super) fn clear(&mut self) {
        if self.shown.is_empty() {
            return;
        }
        // Where it has become narrower meanwhile, a line takes more than one.
        let columns = usize::from(self.term.size().1).max(1);
        let rows = |line: &String| console::measure_text_width(line).div_ceil(columns).max(1);
        let height: usize = self.shown.iter().map(rows).sum();
        self.shown.clear();
        let clear = || {
            self.term.write_str("\r")?;
            self.term.move_cursor_up(height)?;
            self.term.clear_to_end_of_screen()?;
            self.term.flush()
        };
        let _ = clear();
    }
}

/// What goes on for long is drawn less often: nobody needs a terminal's log of it.
fn pause(elapsed: Duration) -> Duration {
    Duration::from_millis(match elapsed.as_secs() {
        0..10 => 250,
        10..60 => 500,
        _ => 1_000,
    })
}

/// However the run ends, the next thing on the terminal begins on a clean line.
impl Drop for Screen {
    fn drop(&mut self) {
        self.clear();
    }
}
