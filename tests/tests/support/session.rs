//! Somebody else's connection to a PostgreSQL database, which stays open between statements.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use sharded_migrations_tests::postgres::Binaries;

/// A `psql` that waits for the next statement. It is ended with this value.
pub(crate) struct Session {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

const DONE: &str = "-- done --";

impl Session {
    pub(crate) fn new(url: &str) -> Self {
        let mut process = Command::new(Binaries::find().unwrap().path("psql"))
            .env_clear()
            .args(["-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    /// Runs statements to their end.
    pub(crate) fn run(&mut self, sql: &str) -> String {
        writeln!(self.input, "{sql};\n\\echo {DONE}").unwrap();
        let mut answer = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "psql ended at: {sql}");
            match line.trim_end() {
                DONE => return answer.join("\n"),
                line => answer.push(line.to_owned()),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
