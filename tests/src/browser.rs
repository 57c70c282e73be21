//! A browser without a window, to look at pages with.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What Chromium and its kin are called.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Where an application lies that is in no `PATH`.
const MORE: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/// Finds the program: `CHROME_BIN` if it is set, else the first in the `PATH`.
///
/// # Errors
///
/// A message that says what to do when none is installed.
pub fn find() -> Result<PathBuf, String> {
    if let Some(program) = std::env::var_os("CHROME_BIN") {
        return Ok(program.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let in_path = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let more = MORE.iter().map(PathBuf::from);
    in_path.chain(more).find(|program| program.is_file()).ok_or_else(|| {
        "no Chromium is installed here: run `cargo xtask test`, which installs one, or set CHROME_BIN to the program"
            .to_owned()
    })
}

/// Opens a page in a window of that size, runs its scripts, and gives what has become of it as HTML. The
/// picture goes into a file.
///
/// # Panics
///
/// When no browser is installed, or it fails; then with what it said.
#[must_use]
pub fn open(page: &Path, (width, height): (u32, u32), picture: &Path) -> String {
    let browser = || {
        let program = find().unwrap_or_else(|message| panic!("{message}"));
        let profile = TempDir::new().expect("a folder for the browser's profile");
        let mut command = Command::new(program);
        command
            // The sandbox cannot be had as root, and the page is our own.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("--window-size={width},{height}"))
            .stdin(Stdio::null());
        (command, profile)
    };
    let address = format!("file://{}", page.display());
    let run = |argument: String| {
        let (mut command, _profile) = browser();
        let output = command.arg(argument).arg(&address).output().expect("a browser that can be started");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "the browser failed at {address}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(format!("--screenshot={}", picture.display()));
    run("--dump-dom".to_owned())
}
