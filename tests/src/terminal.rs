//! A terminal: a program runs on a pseudo-terminal, and what it writes there is read as a terminal reads it.

use std::io::Read;
use std::num::NonZeroU16;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use pty_process::Size;
use pty_process::blocking::{Pty, open};

use crate::poll::poll;

/// As many lines as a long output has.
const ALL_LINES: NonZeroU16 = NonZeroU16::new(20_000).expect("it is not zero");

/// A program on a terminal of its own. It is ended with this value.
pub struct Terminal {
    process: Child,
    pty: Arc<Pty>,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
}

/// What came so far.
struct Seen {
    parser: vt100::Parser,
    columns: NonZeroU16,
    bytes: Vec<u8>,
}

/// What a program left behind.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// The terminal's lines from the first one on, those that scrolled away included.
    pub lines: String,
    /// All that it wrote.
    pub bytes: Vec<u8>,
}

impl Terminal {
    /// Starts a command on a terminal of so many rows and columns.
    ///
    /// # Panics
    ///
    /// When the system has no pseudo-terminal left, or the command cannot be started.
    #[must_use]
    pub fn start(mut command: Command, rows: u16, columns: u16) -> Self {
        let (pty, pts) = open().expect("a pseudo-terminal");
        pty.resize(Size::new(rows, columns)).expect("a pseudo-terminal has a size");
        let has_term = command.get_envs().any(|(name, _)| name == "TERM");
        if !has_term {
            command.env("TERM", "xterm-256color");
        }
        let process =
            pty_process::blocking::Command::from(command).spawn(pts).expect("a program that starts");
        let [rows, columns] =
            [rows, columns].map(|size| NonZeroU16::new(size).expect("a terminal has a size"));
        let parser = vt100::Parser::new(rows, columns, 0);
        let seen = Arc::new(Mutex::new(Seen { parser, columns, bytes: Vec::new() }));
        let pty = Arc::new(pty);
        let reader = std::thread::spawn({
            let (pty, seen) = (Arc::clone(&pty), Arc::clone(&seen));
            move || {
                let mut buffer = [0; 4096];
                // The end is an error: nobody has the other side open any more.
                while let Ok(count @ 1..) = (&*pty).read(&mut buffer) {
                    let mut seen = lock(&seen);
                    seen.bytes.extend_from_slice(&buffer[..count]);
                    seen.parser.process(&buffer[..count]);
                }
            }
        });
        Self { process, pty, seen, reader: Some(reader) }
    }

    /// What stands on the terminal now.
    #[must_use]
    pub fn screen(&self) -> String {
        text(&lock(&self.seen).parser)
    }

    /// How many bytes were written so far.
    #[must_use]
    pub fn written(&self) -> usize {
        lock(&self.seen).bytes.len()
    }

    /// Waits until the terminal shows something, and returns what stands there then.
    ///
    /// # Panics
    ///
    /// When it does not within a minute.
    pub fn wait_until(&self, what: &str, mut shows: impl FnMut(&str) -> bool) -> String {
        let screen = poll(|| Some(self.screen()).filter(|screen| shows(screen)));
        screen.unwrap_or_else(|| panic!("waited in vain for {what} on the terminal:\n{}", self.screen()))
    }

    /// Makes the terminal larger or smaller.
    ///
    /// # Panics
    ///
    /// When that is to no rows or columns.
    pub fn resize(&self, rows: u16, columns: u16) {
        let [height, width] =
            [rows, columns].map(|size| NonZeroU16::new(size).expect("a terminal has a size"));
        let mut seen = lock(&self.seen);
        seen.parser.screen_mut().set_size(height, width);
        seen.columns = width;
        self.pty.resize(Size::new(rows, columns)).expect("a pseudo-terminal has a size");
    }

    /// Types something.
    ///
    /// # Panics
    ///
    /// When the terminal is gone.
    pub fn type_in(&self, text: &str) {
        std::io::Write::write_all(&mut &*self.pty, text.as_bytes()).expect("a terminal takes what is typed");
    }

    /// Waits for the program's end.
    ///
    /// # Panics
    ///
    /// When it does not end within a minute.
    #[must_use]
    pub fn end(mut self) -> Ended {
        let status = poll(|| self.process.try_wait().expect("an own process can be waited for"));
        let status = status.unwrap_or_else(|| panic!("the program does not end:\n{}", self.screen()));
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading does not panic");
        }
        let seen = lock(&self.seen);
        // A terminal that is as high as need be has all lines.
        let mut all = vt100::Parser::new(ALL_LINES, seen.columns, 0);
        all.process(&seen.bytes);
        Ended { code: status.code(), lines: text(&all), bytes: seen.bytes.clone() }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(parser: &vt100::Parser) -> String {
    let screen = parser.screen();
    let rows: Vec<String> =
        screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect();
    rows.join("\n").trim_end().to_owned()
}
