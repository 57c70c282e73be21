//! Talking to a server through `psql`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::thread;

use super::Binaries;
use crate::process::client_command;

/// The superuser of every server here, and its password.
pub(crate) const SUPERUSER: &str = "postgres";
pub(crate) const PASSWORD: &str = "harness";

/// The URL of a database on a port of 127.0.0.1, with everything in it escaped as a URL asks for.
///
/// ```
/// let url = sharded_migrations_tests::postgres::url("app", "p@ss", 5432, "users_01");
/// assert_eq!(url, "postgres://app:p%40ss@127.0.0.1:5432/users_01");
/// ```
#[must_use]
pub fn url(user: &str, password: &str, port: u16, database: &str) -> String {
    let [user, password, database] = [user, password, database].map(escape);
    format!("postgres://{user}:{password}@127.0.0.1:{port}/{database}")
}

/// The superuser's URL.
pub(crate) fn admin_url(port: u16, database: &str) -> String {
    url(SUPERUSER, PASSWORD, port, database)
}

/// Runs a script through `psql -XAt`: rows as lines, columns apart by `|`, no command tags, the
/// last newline cut off. Each statement is a transaction of its own unless the script says
/// otherwise; the first error ends it.
///
/// # Errors
///
/// What `psql` wrote to standard error.
///
/// # Panics
///
/// When `psql` is not installed.
pub fn psql(url: &str, sql: &str) -> Result<String, String> {
    let mut process = client_command(Binaries::get().path("psql"))
        .args(["-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run psql: {error}"));
    let mut input = process.stdin.take().expect("the input was asked for");
    let script = sql.to_owned();
    // From a thread, as psql may wait for its answers to be read before it reads on. It may also
    // end early, at the first error, and then the rest of the script is nobody's.
    let writer = thread::spawn(move || {
        let _ = input.write_all(script.as_bytes());
    });
    let output = process.wait_with_output().expect("psql was started");
    let _ = writer.join();
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Like [`psql`], for what must succeed.
pub(crate) fn must_psql(url: &str, sql: &str) -> String {
    psql(url, sql).unwrap_or_else(|error| panic!("psql failed:\n{error}in:\n{sql}"))
}

/// Percent-encodes all but the characters that mean nothing in a URL.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
