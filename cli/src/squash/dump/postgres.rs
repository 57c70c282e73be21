//! PostgreSQL, through its own `pg_dump`.

use std::path::{Path, PathBuf};
use std::process::Command;

use sharded_migrations_core::lex::{self, Statement};

use super::{Dump, Extent, OURS};

/// Where systems put it, with `*` for a version.
const FOLDERS: [&str; 6] = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",
];

/// What has no effect on what a file makes, and only says how a session of `pg_dump` restores.
const NOISE: [&[&str]; 13] = [
    // Around large objects: a migration has a transaction of its own.
    &["BEGIN"],
    &["COMMIT"],
    &["SET", "STATEMENT_TIMEOUT"],
    &["SET", "LOCK_TIMEOUT"],
    &["SET", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT"],
    &["SET", "TRANSACTION_TIMEOUT"],
    &["SET", "CLIENT_ENCODING"],
    &["SET", "STANDARD_CONFORMING_STRINGS"],
    &["SET", "XMLOPTION"],
    &["SET", "CLIENT_MIN_MESSAGES"],
    &["SET", "ROW_SECURITY"],
    // Every name is written with its schema.
    &["SELECT", "PG_CATALOG", "SET_CONFIG"],
    // Of what the extension says of itself, by a role that need not own it.
    &["COMMENT", "ON", "EXTENSION"],
];

/// A `pg_dump` that can be run.
#[derive(Debug)]
pub(in super::super) struct PgDump {
    /// The first is tried first: it may be older than the server.
    programs: Vec<PathBuf>,
}

impl PgDump {
    /// Looks in `PG_BIN` if it is set, and nowhere else then; else in `PATH`, and behind it where systems put it.
    ///
    /// # Errors
    /// There is none.
    pub(in super::super) fn find() -> Result<Self, String> {
        let program = |folder: &Path| {
            let program = folder.join(format!("pg_dump{}", std::env::consts::EXE_SUFFIX));
            program.is_file().then_some(program)
        };
        if let Some(folder) = std::env::var_os("PG_BIN") {
            let folder = PathBuf::from(folder);
            let programs = program(&folder).into_iter().collect::<Vec<_>>();
            return match programs.is_empty() {
                true => Err(format!("PG_BIN is {}, and there is no `pg_dump` in it", folder.display())),
                false => Ok(Self { programs }),
            };
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut programs: Vec<PathBuf> =
            std::env::split_paths(&path).filter_map(|folder| program(&folder)).collect();
        programs.extend(FOLDERS.into_iter().flat_map(versions).filter_map(|folder| program(&folder)));
        match programs.is_empty() {
            true => Err("there is no `pg_dump` in PATH: install the client programs of PostgreSQL, or set PG_BIN to the \
                         folder that they are in"
                .to_owned()),
            false => Ok(Self { programs }),
        }
    }

    /// What is in a database that a role has made.
    ///
    /// # Errors
    /// What `pg_dump` says.
    pub(super) fn dump(&self, url: &str, role: &str, extent: Extent) -> Result<Dump, String> {
        const TOO_OLD: &str = "server version mismatch";
        let mut refused = Vec::new();
        for program in &self.programs {
            match run(program, url, extent) {
                Ok(text) => return Ok(Dump { statements: cleaned(&text, role) }),
                Err(said) if said.contains(TOO_OLD) => refused.push(format!("{}: {said}", program.display())),
                Err(said) => return Err(format!("{}: {said}", program.display())),
            }
        }
        refused.push("install the client programs of the server's version, or set PG_BIN to the folder that they are in".to_owned());
        Err(refused.join("\n"))
    }
}

/// The folders that a pattern of [`FOLDERS`] stands for, the newest version first.
fn versions(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let Ok(entries) = std::fs::read_dir(parent) else { return Vec::new() };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let number = |name: &String| name.strip_prefix(prefix)?.split('.').next()?.parse::<u32>().ok();
    let mut found: Vec<(u32, String)> = names.filter_map(|name| Some((number(&name)?, name))).collect();
    found.sort_unstable();
    found.into_iter().rev().map(|(_, name)| PathBuf::from(format!("{parent}/{name}{after}"))).collect()
}

fn run(program: &Path, url: &str, extent: Extent) -> Result<String, String> {
    let (url, password) = without_password(url);
    let mut command = Command::new(program);
    command.args(["--no-password", "--column-inserts", "--encoding=UTF8"]);
    command.args(OURS.iter().map(|table| format!("--exclude-table=*.{table}")));
    if extent == Extent::Schema {
        command.arg("--schema-only");
    }
    command.arg(format!("--dbname={url}")).env("PGTZ", "UTC");
    if let Some(password) = password {
        // Others see the arguments of a process.
        command.env("PGPASSWORD", password);
    }
    let output = command.output().map_err(|error| format!("it cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    String::from_utf8(output.stdout).map_err(|_| "what it wrote is no UTF-8".to_owned())
}

/// A URL without its password, and that.
fn without_password(url: &str) -> (String, Option<String>) {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let (of_query, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').filter(|pair| !pair.is_empty()).partition(|pair| pair.starts_with("password="));
    let mut password = of_query.first().and_then(|pair| pair.strip_prefix("password="));
    let hosts = place.find("://").map_or(0, |at| at + 3);
    let end = place[hosts..].find('/').map_or(place.len(), |at| hosts + at);
    let mut place = place.to_owned();
    if let Some(at) = url[hosts..end].rfind('@').map(|at| hosts + at)
        && let Some(colon) = url[hosts..at].find(':').map(|colon| hosts + colon)
    {
        password = Some(&url[colon + 1..at]);
        place.replace_range(colon..at, "");
    }
    let query = if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) };
    (place + &query, password.map(percent_decoded))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let code = behind.get(..2).filter(|_| first == b'%');
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        bytes.push(code.unwrap_or(first));
        rest = if code.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The statements of what `pg_dump` wrote, as whoever runs them later may run them: nothing of the session that restores a
/// dump, and nothing that names the role which made the scratch database.
fn cleaned(text: &str, role: &str) -> Vec<String> {
    let text = without_restrict(text);
    let tokens = lex::tokens(&text);
    let statements = lex::statements(&text, &tokens);
    let shown = |statement: &Statement| text[statement.span.clone()].to_owned();
    // What stands for the server's own is needed only to come back to it.
    let comes_back = |word: &str, own: &str| {
        let all: Vec<String> =
            statements.iter().filter(|one| one.begins_with(&["SET", word])).map(shown).collect();
        all.iter().all(|one| one.ends_with(own))
    };
    let has_usual_tablespace = comes_back("DEFAULT_TABLESPACE", "= ''");
    let has_usual_method = comes_back("DEFAULT_TABLE_ACCESS_METHOD", "= heap");
    let has_bodies = statements.iter().any(|one| {
        let is_routine = |word: &str| one.words.iter().any(|found| found == word);
        one.begins_with(&["CREATE"]) && (is_routine("FUNCTION") || is_routine("PROCEDURE"))
    });
    let quoted = format!("\"{}\"", role.replace('"', "\"\""));
    let roles = [role, quoted.as_str()];
    let is_noise = |statement: &&Statement| {
        let owner = || {
            let text = &text[statement.span.clone()];
            roles.iter().any(|role| text.ends_with(&format!(" OWNER TO {role}")))
        };
        NOISE.iter().any(|words| statement.begins_with(words))
            || (has_usual_tablespace && statement.begins_with(&["SET", "DEFAULT_TABLESPACE"]))
            || (has_usual_method && statement.begins_with(&["SET", "DEFAULT_TABLE_ACCESS_METHOD"]))
            || (!has_bodies && statement.begins_with(&["SET", "CHECK_FUNCTION_BODIES"]))
            || (statement.begins_with(&["ALTER"]) && owner())
    };
    let kept = statements.iter().filter(|statement| !is_noise(statement));
    kept.map(|statement| without_role(shown(statement), statement, &roles)).collect()
}

/// A statement about the rights of whoever runs it, without that one's name.
fn without_role(text: String, statement: &Statement, roles: &[&str]) -> String {
    let is_default = statement.begins_with(&["ALTER", "DEFAULT", "PRIVILEGES"]);
    if !is_default && !statement.begins_with(&["GRANT"]) && !statement.begins_with(&["REVOKE"]) {
        return text;
    }
    // With what is behind the name, which another one may begin with.
    let text = roles.iter().filter(|_| is_default).fold(text, |text, role| {
        text.replacen(&format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role} "), "ALTER DEFAULT PRIVILEGES ", 1)
    });
    roles.iter().fold(text, |text, role| {
        let named = [" TO ", " FROM "].into_iter().find_map(|word| {
            let before = text.strip_suffix(role)?.strip_suffix(word)?;
            Some(format!("{before}{word}CURRENT_USER"))
        });
        named.unwrap_or(text)
    })
}

/// Newer versions put all they write between two commands of psql with a word that nobody can know before.
fn without_restrict(text: &str) -> String {
    let Some(word) = text.lines().find_map(|line| line.strip_prefix("\\restrict ")) else {
        return text.to_owned();
    };
    let commands = [format!("\\restrict {word}"), format!("\\unrestrict {word}")];
    let lines =
        text.split_inclusive('\n').filter(|line| !commands.iter().any(|command| line.trim_end() == command));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_session_of_pg_dump_needs_is_left_out() {
        let text = "\
--
-- PostgreSQL database dump
--

\\restrict vMc5

-- Dumped from database version 17.6

SET statement_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET row_security = off;

CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public;
COMMENT ON EXTENSION citext IS 'text';

SET default_tablespace = '';
SET default_table_access_method = heap;

CREATE TABLE public.a (
    id bigint NOT NULL,
    note text DEFAULT ';
\\unrestrict other'::text
);

ALTER TABLE public.a OWNER TO \"Me\";
ALTER TABLE public.a OWNER TO shop_owner;

INSERT INTO public.a (id, note) VALUES (1, 'x;y');
SELECT pg_catalog.setval('public.a_id_seq', 7, true);
REVOKE ALL ON TABLE public.a FROM \"Me\";
GRANT SELECT ON TABLE public.a TO reader;
ALTER DEFAULT PRIVILEGES FOR ROLE \"Me\" IN SCHEMA public GRANT SELECT ON TABLES TO reader;

\\unrestrict vMc5
";
        let statements = cleaned(text, "Me");
        insta::assert_snapshot!(statements.join("\n"), @r"
        CREATE EXTENSION IF NOT EXISTS citext WITH SCHEMA public
        CREATE TABLE public.a (
            id bigint NOT NULL,
            note text DEFAULT ';
        \unrestrict other'::text
        )
        ALTER TABLE public.a OWNER TO shop_owner
        INSERT INTO public.a (id, note) VALUES (1, 'x;y')
        SELECT pg_catalog.setval('public.a_id_seq', 7, true)
        REVOKE ALL ON TABLE public.a FROM CURRENT_USER
        GRANT SELECT ON TABLE public.a TO reader
        ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader
        ");
    }

    #[test]
    fn only_the_name_of_the_role_itself_goes() {
        let text = "ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA s REVOKE ALL ON TABLES  FROM app;\n\
                    ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT ALL ON TABLES  TO app;\n\
                    ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT ALL ON TABLES  TO app_owner;\n";
        insta::assert_snapshot!(cleaned(text, "app").join("\n"), @r"
        ALTER DEFAULT PRIVILEGES IN SCHEMA s REVOKE ALL ON TABLES  FROM CURRENT_USER
        ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES  TO CURRENT_USER
        ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT ALL ON TABLES  TO app_owner
        ");
    }

    #[test]
    fn large_objects_are_made_in_the_transaction_of_the_migration() {
        let text =
            "BEGIN;\nSELECT pg_catalog.lo_open('16400', 131072);\nSELECT pg_catalog.lo_close(0);\nCOMMIT;\n";
        assert_eq!(cleaned(text, "me").len(), 2);
    }

    #[test]
    fn what_changes_the_meaning_stays() {
        let text = "SET check_function_bodies = false;\nSET default_tablespace = fast;\nCREATE TABLE a (id int);\n\
                    SET default_tablespace = '';\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\n";
        let statements = cleaned(text, "me");
        assert_eq!(statements.len(), 5, "{statements:?}");
        assert_eq!(statements[0], "SET check_function_bodies = false");
    }

    #[test]
    fn nobody_sees_the_password() {
        for (url, shown, password) in [
            ("postgres://h/x", "postgres://h/x", None),
            ("postgres://me@h:1/x", "postgres://me@h:1/x", None),
            (
                "postgres://me:p%40%3a@h:1/x?sslmode=disable",
                "postgres://me@h:1/x?sslmode=disable",
                Some("p@:"),
            ),
            ("postgres:///x?host=/tmp&password=a%2", "postgres:///x?host=/tmp", Some("a%2")),
            ("postgres://me:a@h", "postgres://me@h", Some("a")),
        ] {
            assert_eq!(without_password(url), (shown.to_owned(), password.map(str::to_owned)), "{url}");
        }
    }

    #[test]
    fn the_newest_version_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["9.6", "15", "17", "share"] {
            std::fs::create_dir_all(folder.path().join(version).join("bin")).unwrap();
        }
        let found = versions(&format!("{}/*/bin", folder.path().display()));
        let ends: Vec<&str> = found.iter().filter_map(|path| path.parent()?.file_name()?.to_str()).collect();
        assert_eq!(ends, ["17", "15", "9.6"]);
    }
}
