//! `peer TOOL URL FOLDER [TABLE]` applies what is pending in a folder to one database, with the tool's own migrator, which
//! keeps its history in that table where one is named.
//!
//! A URL of SQLite is `sqlite:` and the path of a file, anything else is PostgreSQL's.

mod diesel;
mod refinery;
mod sqlx;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// What `main` does.
#[tokio::main(flavor = "current_thread")]
pub async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [tool, url, folder, table @ ..] = arguments.as_slice() else {
        eprintln!("usage: peer refinery|sqlx|diesel URL FOLDER [TABLE]");
        return ExitCode::from(2);
    };
    let folder = Path::new(folder);
    let migrated = match (tool.as_str(), table) {
        ("refinery", [] | [_]) => refinery::migrate(url, folder, table.first()).await,
        ("sqlx", [] | [_]) => sqlx::migrate(url, folder, table.first()).await,
        ("diesel", []) => diesel::migrate(url, folder),
        (other, _) => Err(format!("no tool is called `{other}`, or it has one table alone").into()),
    };
    match migrated {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The file of a URL of SQLite.
fn file(url: &str) -> Option<&str> {
    url.strip_prefix("sqlite:")
}
