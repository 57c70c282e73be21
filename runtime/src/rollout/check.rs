//! A command that says whether a rollout may go on.

use std::process::Stdio;

use tokio::process::Command;

use crate::event::Wave;

/// Runs it in the system's shell, with the wave that is over in its environment. It may go on where the command
/// succeeds; else what it wrote to its standard error says why not.
pub(super) async fn run(command: &str, wave: &Wave<'_>) -> Result<(), String> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let databases: Vec<&str> = wave.databases.iter().map(|name| name.as_str()).collect();
    let output = Command::new(shell)
        .args([flag, command])
        .env("SHARDED_MIGRATIONS_WAVE", wave.number.to_string())
        .env("SHARDED_MIGRATIONS_WAVES", wave.of.to_string())
        .env("SHARDED_MIGRATIONS_DATABASES", databases.join(","))
        .stdin(Stdio::null())
        // Its output is none of the run's, which may be JSON.
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("`{command}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.trim();
    Err(format!("`{command}` ended with {}{}{said}", output.status, if said.is_empty() { "" } else { ": " }))
}
