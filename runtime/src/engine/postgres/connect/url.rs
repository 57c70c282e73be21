//! A URL taken apart as libpq does it (its chapter "Connection URIs").
//!
//! In a malformed URL the password may stand anywhere, so no error repeats any part of one, but for the
//! name of a parameter where it cannot be a piece of a password.

use super::parameters::{Parameters, Unknown};
use crate::error::DatabaseError;

/// Reads the parameters that a URL gives.
pub(super) fn parse(url: &str) -> Result<Parameters, DatabaseError> {
    let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or_else(malformed)?;
    let mut parameters = Parameters::default();
    let mut set = |name: &str, value: String| parameters.set(name, value).map_err(|Unknown| malformed());

    // The user ends at the first `@`, unless a `/` comes before it.
    let rest = match rest.find(['@', '/']) {
        Some(end) if rest[end..].starts_with('@') => {
            let (user, password) = match rest[..end].split_once(':') {
                Some((user, password)) => (user, password),
                None => (&rest[..end], ""),
            };
            set("user", decode(user)?)?;
            set("password", decode(password)?)?;
            &rest[end + 1..]
        }
        _ => rest,
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // Of a password with an `@` or a `/` that is not encoded, the rest would be taken for the host.
    if place.contains('@') {
        return Err(malformed());
    }
    let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
    let (hosts, ports) = hosts_and_ports(hosts)?;
    set("host", hosts)?;
    set("port", ports)?;
    set("dbname", decode(database)?)?;

    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(malformed)?;
        let (name, value) = (decode(name)?, decode(value)?);
        // JDBC's way to say it, which libpq understands as well.
        let (name, value) = match (name.as_str(), value.as_str()) {
            ("ssl", "true") => ("sslmode", "require".to_owned()),
            (name, _) => (name, value),
        };
        parameters.set(name, value).map_err(|Unknown| {
            // With an `@` behind it, this may be the middle of a password.
            if query.contains('@') || !is_name(name) { malformed() } else { Unknown::describe(name) }
        })?;
    }
    Ok(parameters)
}

/// What a name of libpq's looks like.
fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// `a:1,[::1]` is `a,::1` and `1,`. Where no host has a port, the ports are an empty text.
fn hosts_and_ports(text: &str) -> Result<(String, String), DatabaseError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for part in text.split(',') {
        let (host, port) = if let Some(rest) = part.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(malformed)?;
            match rest.strip_prefix(':') {
                Some(port) => (host, port),
                None if rest.is_empty() => (host, ""),
                None => return Err(malformed()),
            }
        } else {
            part.split_once(':').unwrap_or((part, ""))
        };
        let port = decode(port)?;
        // Not left to the parameter's own check: the `:` may be the one before a password.
        if !port.is_empty() && port.parse::<u16>().is_err() {
            return Err(malformed());
        }
        hosts.push(decode(host)?);
        ports.push(port);
    }
    let ports = if ports.iter().all(String::is_empty) { String::new() } else { ports.join(",") };
    Ok((hosts.join(","), ports))
}

/// Undoes percent-encoding. A `%` that begins none is an error, as it is for libpq: it stands in a
/// password that somebody forgot to encode.
fn decode(text: &str) -> Result<String, DatabaseError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match value {
            // A NUL would end the text inside the server's protocol.
            None | Some(0) => return Err(malformed()),
            Some(byte) => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| malformed())
}

fn malformed() -> DatabaseError {
    DatabaseError::new("the URL is not a valid PostgreSQL URL").help(
        "write `postgres://user:password@host:5432/database`, with `@`, `:`, `/` and `%` in a password percent-encoded",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Vec<String> {
        let parameters = parse(url).expect(url);
        ["user", "password", "host", "port", "dbname", "sslmode"]
            .map(|name| parameters.text(name).unwrap_or("-").to_owned())
            .into()
    }

    #[test]
    fn a_url_is_read_as_libpq_reads_it() {
        let cases = [
            ("postgres://h/d", ["-", "-", "h", "-", "d", "-"]),
            ("postgresql://u@h", ["u", "-", "h", "-", "-", "-"]),
            ("postgres://u:p%40%3Ass:w@h:1/d", ["u", "p@:ss:w", "h", "1", "d", "-"]),
            ("postgres://u:p?q@h/d?sslmode=require", ["u", "p?q", "h", "-", "d", "require"]),
            ("postgres://a:1,b,[::1]:3/d", ["-", "-", "a,b,::1", "1,,3", "d", "-"]),
            ("postgres://%2Frun%2Fpg/d", ["-", "-", "/run/pg", "-", "d", "-"]),
            ("postgres:///d?host=/run/pg&port=6432", ["-", "-", "/run/pg", "6432", "d", "-"]),
            ("postgres://h/d?sslmode=allow&sslmode=disable", ["-", "-", "h", "-", "d", "disable"]),
            ("postgres://h/d?ssl=true", ["-", "-", "h", "-", "d", "require"]),
            ("postgres://h?user=u&password=a%26b", ["u", "a&b", "h", "-", "-", "-"]),
        ];
        for (url, parts) in cases {
            assert_eq!(read(url), parts, "{url}");
        }
    }

    #[test]
    fn a_malformed_url_is_refused_without_a_word_of_it() {
        let urls = [
            "postgres://app:hunter2@x@h/db",
            "postgres://app:hun@hunter2/x@h/db",
            "postgres://app:hunter2",
            "postgres://app:hun:ter2@h:hunter2/db",
            "postgres://app:hun%hunter2@h/db",
            "postgres://app:hun%00ter2@h/db",
            "postgres://app@h/db?hunter2=1",
            "postgres://app@h/db?hunter",
            "postgres://app:1/db?hunter=x@h/db",
            "postgres://app@[hunter2/db",
            "postgres:hunter2",
            "hunter2",
        ];
        for url in urls {
            let error = parse(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        }
    }

    #[test]
    fn an_unknown_parameter_is_named_without_its_value() {
        let error = parse("postgres://app:hunter2@h/db?sslcrl=hunter2").unwrap_err();
        assert_eq!(error.message, "the URL has a parameter `sslcrl`, which is not supported");
        let error = parse("postgres://h/db?sslmod=hunter2").unwrap_err();
        assert!(error.help.as_deref().unwrap().starts_with("did you mean `sslmode`?"), "{error:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
