//! One PostgreSQL server process and its data.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Binaries;
use crate::poll::poll;
use crate::port;
use crate::watchdog::Watchdog;

/// The signal of an immediate shutdown: no checkpoint, so the next start recovers as after a crash.
/// Unlike a `KILL` it leaves no shared memory behind.
const IMMEDIATE: &str = "QUIT";

#[derive(Debug)]
pub(super) struct Server {
    watchdog: Watchdog,
    port: u16,
}

impl Server {
    /// Has `fill` write the data folder, then starts the server on a port found free.
    pub(super) fn launch(fill: impl FnOnce(&mut Watchdog, &Path)) -> Self {
        let mut server = Self { watchdog: Watchdog::new(IMMEDIATE), port: 0 };
        let data = server.data();
        fill(&mut server.watchdog, &data);
        for _ in 0..port::TRIES {
            server.port = port::free();
            match server.try_start() {
                Ok(()) => return server,
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("PostgreSQL does not start. Its log:\n{log}"),
            }
        }
        panic!("found no port for PostgreSQL in {} tries", port::TRIES)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn folder(&self) -> &Path {
        self.watchdog.folder()
    }

    pub(super) fn stop_immediate(&mut self) {
        self.watchdog.stop();
    }

    /// Starts it again where it was, after a stop if need be.
    pub(super) fn restart(&mut self) {
        self.stop_immediate();
        if let Err(log) = self.try_start() {
            panic!("PostgreSQL does not start again. Its log:\n{log}");
        }
    }

    /// Starts the server and waits until it takes connections; its log is the error.
    fn try_start(&mut self) -> Result<(), String> {
        let mut command = Command::new(Binaries::get().path("postgres"));
        command.arg("-D").arg(self.data());
        command.arg("-p").arg(self.port.to_string());
        command.arg("-k").arg(self.folder());
        self.watchdog.start(&command);
        let ready = poll(|| match (self.watchdog.has_ended(), self.is_ready()) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        });
        if ready == Some(true) { Ok(()) } else { Err(self.watchdog.log_since_start()) }
    }

    /// Reads the state that the server keeps in `postmaster.pid`, as `pg_ctl` does (since
    /// PostgreSQL 10): the process on its first line, the state on its eighth. A crash leaves the
    /// file behind, so the process has to be ours.
    fn is_ready(&self) -> bool {
        let Ok(text) = fs::read_to_string(self.data().join("postmaster.pid")) else {
            return false;
        };
        let mut lines = text.lines().map(str::trim);
        let pid = lines.next().and_then(|line| line.parse().ok());
        pid.is_some() && pid == self.watchdog.pid() && lines.nth(6) == Some("ready")
    }

    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }
}
