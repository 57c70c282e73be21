//! A temporary folder and a server in it, both gone when this process is, however it ends.
//!
//! A `Drop` is not enough: statics are never dropped, and a test that hangs is killed.
//! `watchdog.sh` is the process that stays behind for the moment that cleaning up takes.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::poll::wait_for;
use crate::process::server_command;

const SCRIPT: &str = include_str!("watchdog.sh");

/// The path of a socket has to fit into 107 bytes, so the folder of a long `TMPDIR` is not for
/// servers.
const LONGEST_PARENT: usize = 60;

#[derive(Debug)]
pub(crate) struct Watchdog {
    process: Child,
    /// The lifeline. Rust opens pipes close-on-exec, so no other child keeps it open.
    input: Option<ChildStdin>,
    folder: PathBuf,
    /// Where in the log the newest start begins.
    log_start: usize,
}

impl Watchdog {
    /// Makes the folder. `signal` is what stops the server at once, by its name without `SIG`.
    pub(crate) fn new(signal: &str) -> Self {
        let mut parent = std::env::temp_dir();
        if parent.as_os_str().len() > LONGEST_PARENT {
            parent = PathBuf::from("/tmp");
        }
        // Its own process group keeps it clear of a Ctrl-C and of a runner that kills a test's
        // group. Neither output may be inherited: a runner takes a test whose output stays open for
        // one that leaks processes.
        let mut process = server_command("sh")
            .args(["-c", SCRIPT, "watchdog"])
            .arg(&parent)
            .arg(signal)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start sh: {error}"));
        let input = process.stdin.take();
        let mut folder = String::new();
        let output = process.stdout.take().expect("the output was asked for");
        BufReader::new(output).read_line(&mut folder).expect("the watchdog prints UTF-8");
        let folder = folder.trim_end();
        assert!(
            !folder.is_empty(),
            "the account that runs servers can make a folder neither in {} nor in /tmp",
            parent.display()
        );
        Self { process, input, folder: PathBuf::from(folder), log_start: 0 }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs a command to its end, in the folder and as the account of servers. Its output is the
    /// error.
    ///
    /// The watchdog runs it and not this process, so that it is over before the folder is removed:
    /// an `initdb` that loses its folder leaves shared memory behind.
    pub(crate) fn run(&mut self, command: &Command) -> Result<(), String> {
        let ran = self.folder.join("ran");
        let _ = fs::remove_file(&ran);
        self.send(&format!("run {}", shell(command)));
        let status = wait_for("a command that prepares a server", || fs::read_to_string(&ran).ok());
        if status.trim() == "0" {
            return Ok(());
        }
        let output = fs::read(self.folder.join("output")).unwrap_or_default();
        let program = command.get_program().display();
        Err(format!("{program}: {}", String::from_utf8_lossy(&output)))
    }

    /// Starts the server. The caller waits for it to be ready, or [to have ended](Self::has_ended).
    pub(crate) fn start(&mut self, command: &Command) {
        for file in ["pid", "exit_status"] {
            let _ = fs::remove_file(self.folder.join(file));
        }
        self.log_start = self.log().len();
        self.send(&format!("start {}", shell(command)));
    }

    /// Stops the server at once and waits until it has ended.
    pub(crate) fn stop(&mut self) {
        if self.pid().is_some() && !self.has_ended() {
            self.send("stop");
            wait_for("a server to stop", || self.has_ended().then_some(()));
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.folder.join("exit_status").exists()
    }

    /// The server's process, once it is started.
    pub(crate) fn pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join("pid")).ok()?;
        text.trim().parse().ok()
    }

    /// What the server wrote since its newest start.
    pub(crate) fn log_since_start(&self) -> String {
        self.log().get(self.log_start..).unwrap_or_default().to_owned()
    }

    fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn send(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open until the drop");
        writeln!(input, "{line}").unwrap_or_else(|error| panic!("the watchdog is gone: {error}"));
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}

/// The command as one line of shell, whatever is in its words.
fn shell(command: &Command) -> String {
    let quote = |word: &OsStr| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''"));
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(quote).collect::<Vec<String>>().join(" ")
}
