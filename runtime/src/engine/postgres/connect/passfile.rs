//! The password file, `~/.pgpass`, by libpq's rules (its chapter "The Password File").

use std::fs;
use std::path::{Path, PathBuf};

use super::hosts::Endpoint;

/// Folders of the server's socket that the word `localhost` stands for: the one that PostgreSQL is built
/// with, and Debian's.
const SOCKET_FOLDERS: [&str; 2] = ["/tmp", "/var/run/postgresql"];

/// A password file, or why there is none.
pub(super) struct Passfile {
    path: PathBuf,
    content: Result<String, String>,
}

/// What a password file says about one server.
pub(super) struct Found {
    pub(super) password: Option<String>,
    /// What to tell about the file when the server does not take the password.
    pub(super) note: String,
}

impl Passfile {
    /// Reads the file. None where it does not exist, unless somebody named it.
    pub(super) fn read(path: PathBuf, is_named: bool) -> Option<Self> {
        let content = match content(&path) {
            Err(Fault::Absent) if !is_named => return None,
            Err(Fault::Absent) => Err("it does not exist".to_owned()),
            Err(Fault::Unusable(why)) => Err(why),
            Ok(text) => Ok(text),
        };
        Some(Self { path, content })
    }

    /// Looks for the first line that is about a server, a database and a user.
    pub(super) fn find(&self, endpoint: &Endpoint, database: &str, user: &str) -> Found {
        let path = self.path.display();
        let text = match &self.content {
            Ok(text) => text,
            Err(why) => {
                return Found {
                    password: None,
                    note: format!("the password file {path} is not used: {why}"),
                };
            }
        };
        let host = match endpoint.name() {
            folder if SOCKET_FOLDERS.contains(&folder) => "localhost",
            name => name,
        };
        let port = endpoint.port.to_string();
        let mut lines = text.lines().enumerate();
        let found =
            lines.find_map(|(index, line)| Some((index + 1, password(line, [host, &port, database, user])?)));
        match found {
            Some((line, password)) => Found {
                password: Some(password),
                note: format!("the password is the one in line {line} of {path}"),
            },
            None => Found {
                password: None,
                note: format!("the password file {path} has no line for {host}:{port}:{database}:{user}"),
            },
        }
    }
}

enum Fault {
    Absent,
    Unusable(String),
}

fn content(path: &Path) -> Result<String, Fault> {
    let metadata = fs::metadata(path).map_err(|_| Fault::Absent)?;
    if !metadata.is_file() {
        return Err(Fault::Unusable("it is not a plain file".to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            let why =
                format!("others than its owner may read or write it; run `chmod 600 {}`", path.display());
            return Err(Fault::Unusable(why));
        }
    }
    fs::read_to_string(path).map_err(|error| Fault::Unusable(error.to_string()))
}

/// The password of a line, if its first four fields are these, each of which may be `*`.
fn password(line: &str, fields: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for field in fields {
        let (text, is_any, after) = take_field(rest);
        if !(is_any || text == field) {
            return None;
        }
        rest = after?;
    }
    // All that is behind it is a password too, but a `:` in it has to be escaped to be meant.
    let (password, ..) = take_field(rest);
    (!password.is_empty()).then_some(password)
}

/// One field without its escapes, whether it is a bare `*`, and what stands behind its `:`.
fn take_field(text: &str) -> (String, bool, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return (field, text[..at] == *"*", Some(&text[at + 1..])),
            '\\' => field.push(characters.next().map_or('\\', |(_, escaped)| escaped)),
            other => field.push(other),
        }
    }
    (field, text == "*", None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::postgres::connect::hosts::Host;

    const SERVER: [&str; 4] = ["db01", "5432", "users", "app"];

    #[test]
    fn lines_are_matched_as_libpq_does_it() {
        let cases = [
            ("db01:5432:users:app:secret", Some("secret")),
            ("*:*:*:*:secret", Some("secret")),
            ("db02:*:*:*:secret", None),
            ("*:5433:*:*:secret", None),
            ("*:*:other:*:secret", None),
            ("*:*:*:other:secret", None),
            ("#*:*:*:*:secret", None),
            ("", None),
            ("*:*:*:*", None),
            ("*:*:*:*:", None),
            (r"db01:5432:users:app:a\:b\\c", Some(r"a:b\c")),
            (r"\*:*:*:*:secret", None),
            (r"d\b01:*:*:*:secret", Some("secret")),
            ("*:*:*:*:sec:ret", Some("sec")),
            ("*:*:*:*: spaces count ", Some(" spaces count ")),
        ];
        for (line, expected) in cases {
            assert_eq!(password(line, SERVER).as_deref(), expected, "{line}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_not_used_and_says_so() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        assert!(Passfile::read(path.clone(), false).is_none());
        let endpoint = Endpoint { host: Host::Name("db01".into()), address: None, port: 5432 };
        let find = || Passfile::read(path.clone(), true).unwrap().find(&endpoint, "users", "app");
        assert!(find().note.ends_with("is not used: it does not exist"));
        fs::write(&path, "# mine\n*:*:*:other:x\r\n*:*:*:app:secret\r\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(find().password, None);
        assert!(find().note.contains("run `chmod 600 "), "{}", find().note);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(find().password.as_deref(), Some("secret"));
        assert!(find().note.contains("in line 3 of "), "{}", find().note);
    }
}
