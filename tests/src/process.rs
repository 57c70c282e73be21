//! How the harness runs other programs: as whom, and with which environment.

use std::ffi::OsStr;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// User and group.
type Account = (u32, u32);

/// A command of a server. Servers refuse to run as root, so root hands them to an unprivileged
/// account.
pub(crate) fn server_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = client_command(program);
    // Root's own folders, the caller's current one perhaps, are closed to that account.
    command.current_dir("/");
    if let Some((user, group)) = server_account() {
        command.uid(user).gid(group);
    }
    command
}

/// A command of a client, free of what the caller's environment says about PostgreSQL: a stray
/// `PGPORT` or `PGOPTIONS` must not reach a test. Messages are in English, as tests read them. No TLS, as
/// the harness looks after servers whose certificates libpq would not take.
pub(crate) fn client_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command
        .env("LC_ALL", "C")
        .env("PGCLIENTENCODING", "UTF8")
        .env("PGCONNECT_TIMEOUT", "20")
        .env("PGSSLMODE", "disable")
        .stdin(Stdio::null());
    command
}

/// Hands a file that the harness wrote to the account that servers run as.
pub(crate) fn give_to_server(path: &Path) {
    if let Some((user, group)) = server_account() {
        chown(path, Some(user), Some(group))
            .unwrap_or_else(|error| panic!("cannot chown {}: {error}", path.display()));
    }
}

/// Runs a command to its end and returns its standard output, or all it said as the error.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot run {program}: {error}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}\n{stdout}{stderr}", output.status))
}

/// The account to hand servers to; none when the harness itself is unprivileged.
fn server_account() -> Option<Account> {
    static ACCOUNT: OnceLock<Option<Account>> = OnceLock::new();
    *ACCOUNT.get_or_init(|| {
        if id(&["-u"]) != Some(0) {
            return None;
        }
        let found = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some((id(&["-u", name])?, id(&["-g", name])?)));
        Some(found.expect("servers refuse to run as root, and there is no user `postgres` or `nobody`"))
    })
}

/// Asks `id`, which also knows the accounts that are not in `/etc/passwd`.
fn id(arguments: &[&str]) -> Option<u32> {
    run(Command::new("id").args(arguments)).ok()?.trim().parse().ok()
}
