//! What no dump of one database holds, and what is lost in one.

use std::sync::Arc;

use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::lex::Statement;
use sharded_migrations_core::project::{MigrationFile, Project};
use sharded_migrations_core::topology::read::TopologyFile;
use sharded_migrations_core::{Database, Diagnostic, EngineKind, suggest};

use super::class::Class;

const REFUSED: &str = "not-squashable";
pub(super) const LOST: &str = "squash-loses";

/// Statements whose effect is in no dump, and where it is instead.
struct Elsewhere {
    engine: EngineKind,
    /// How they begin, and go on.
    verbs: &'static [&'static str],
    objects: &'static [&'static [&'static str]],
    why: &'static str,
}

const ELSEWHERE: [Elsewhere; 3] = [
    Elsewhere {
        engine: EngineKind::Postgres,
        verbs: &["CREATE", "ALTER", "DROP"],
        objects: &[
            &["ROLE"],
            &["USER"],
            &["GROUP"],
            &["DATABASE"],
            &["TABLESPACE"],
            &["SYSTEM"],
            &["SUBSCRIPTION"],
        ],
        why: OF_SERVER,
    },
    Elsewhere {
        engine: EngineKind::Postgres,
        verbs: &["COMMENT"],
        objects: &[&["ON", "ROLE"], &["ON", "DATABASE"], &["ON", "TABLESPACE"]],
        why: OF_SERVER,
    },
    Elsewhere {
        engine: EngineKind::Sqlite,
        verbs: &["PRAGMA"],
        objects: &[&["JOURNAL_MODE"], &["AUTO_VACUUM"], &["PAGE_SIZE"], &["ENCODING"]],
        why: "that is how the file is kept, which SQL inside a transaction cannot say",
    },
];

const OF_SERVER: &str = "that is the server's, and no dump of a database has it";

/// Functions that make of a table what `pg_dump` does not show.
const UNSEEN: [&str; 4] = [
    "create_distributed_table",
    "create_reference_table",
    "create_distributed_function",
    "create_hypertable",
];

/// What is wrong with squashing these classes, and what is lost by it as warnings.
pub(super) fn judge(classes: &[Class<'_>], project: &Project) -> Vec<Diagnostic> {
    let files = &project.migrations;
    let mut found: Vec<Diagnostic> =
        classes.iter().filter_map(|class| with_search_path(class, project.topology.as_ref()?)).collect();
    for (index, file) in files.iter().enumerate() {
        let of: Vec<&Class<'_>> = classes.iter().filter(|class| class.has(file)).collect();
        if of.is_empty() {
            continue;
        }
        let before = files[..index].iter().rfind(|other| of.iter().any(|class| class.has(other)));
        let help = match before {
            Some(before) => format!("end before it: `..{}`", before.name.version),
            None => "it is the first, so nothing can be squashed as long as it is there".to_owned(),
        };
        found.extend(unrunnable(file, &of).map(|fault| fault.help(help)));
        found.extend(lost(file, &of));
    }
    found
}

/// A database whose names without a schema are meant somewhere else than those on a scratch database: a dump writes all of
/// them out.
fn with_search_path(class: &Class<'_>, topology: &TopologyFile) -> Option<Diagnostic> {
    let is_meant = |database: &&&Database| database.migration_url().contains("search_path");
    let database = class.databases.iter().find(is_meant)?;
    let message = format!(
        "`{}` has a `search_path`, and a squash says of every table which schema it is in",
        database.name
    );
    let help = "its migrations stay as they are: end before the first of them, or take them out of the set for a squash by hand";
    let fault = Diagnostic::new(REFUSED, message).help(help);
    Some(match topology.declared.get(&database.name) {
        Some(span) => fault.at(&topology.source, span.clone(), ""),
        None => fault.in_file(&topology.source),
    })
}

/// Why a file may not be run on a scratch database at all, or why nothing would be seen of it there.
pub(super) fn unrunnable(file: &MigrationFile, classes: &[&Class<'_>]) -> Option<Diagnostic> {
    if file.code.is_some() {
        let message = "it is written in Rust, which only the application can run";
        return Some(Diagnostic::new(REFUSED, message).in_file(&file.source));
    }
    let engines: Vec<EngineKind> = classes.iter().map(|class| class.engine).collect();
    file.statements.iter().find_map(|statement| {
        let why = elsewhere(statement, &engines).or_else(|| unseen(file, statement, &engines))?;
        Some(Diagnostic::new(REFUSED, "this cannot be squashed").at(
            &file.source,
            statement.span.clone(),
            why,
        ))
    })
}

fn elsewhere(statement: &Statement, engines: &[EngineKind]) -> Option<&'static str> {
    let (first, rest) = statement.words.split_first()?;
    let begins = |words: &&[&str]| {
        rest.len() >= words.len()
            && words.iter().zip(rest).all(|(word, found)| word == found)
            // `CREATE USER MAPPING FOR ..` is in a dump.
            && rest.get(words.len()).is_none_or(|next| next != "MAPPING")
    };
    let is_one = |known: &&Elsewhere| {
        engines.contains(&known.engine)
            && known.verbs.contains(&first.as_str())
            && known.objects.iter().any(begins)
    };
    ELSEWHERE.iter().find(is_one).map(|known| known.why)
}

fn unseen(file: &MigrationFile, statement: &Statement, engines: &[EngineKind]) -> Option<&'static str> {
    if !engines.contains(&EngineKind::Postgres) {
        return None;
    }
    let text = &file.source.text[statement.span.clone()];
    let first = statement.words.first().map(String::as_str).unwrap_or_default();
    let tokens = || {
        file.tokens.iter().filter(|token| {
            token.is_code()
                && statement.span.start <= token.span.start
                && token.span.end <= statement.span.end
        })
    };
    let words = || tokens().map(|token| file.source.text[token.span.clone()].to_ascii_uppercase());
    let is = |word: &str| words().any(|found| found.eq_ignore_ascii_case(word));
    match first {
        "GRANT" | "REVOKE" if !is("ON") => {
            Some("who belongs to a role is the server's, and no dump of a database has it")
        }
        "GRANT" | "REVOKE" if is_of_server(&words().collect::<Vec<_>>()) => Some(OF_SERVER),
        "SELECT" if UNSEEN.iter().any(|function| is(function)) => {
            Some("what an extension keeps of a table is in no dump")
        }
        "DO" => {
            // Its body is read as words, of which some are in quotes of their own: `EXECUTE 'CREATE ROLE app'`.
            let parts = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let words = parts.filter(|part| !part.is_empty()).map(str::to_ascii_uppercase);
            let words: Vec<String> = words.collect();
            let of_server = |words: &[String]| {
                let statement = Statement { span: 0..0, words: words.to_vec() };
                elsewhere(&statement, &[EngineKind::Postgres])
            };
            words.windows(3).find_map(of_server)
        }
        _ => None,
    }
}

/// Whether rights are given or taken on what is no part of a dump: `GRANT CONNECT ON DATABASE shop TO app`. A table may be
/// called `database`.
fn is_of_server(words: &[String]) -> bool {
    words.windows(3).any(|words| {
        let is_object = matches!(words[1].as_str(), "DATABASE" | "TABLESPACE" | "PARAMETER");
        words[0] == "ON" && is_object && !matches!(words[2].as_str(), "TO" | "FROM" | "," | ".")
    })
}

/// What is no longer said once the file is gone.
fn lost(file: &MigrationFile, classes: &[&Class<'_>]) -> Vec<Diagnostic> {
    let warning = |message: String, span: &std::ops::Range<usize>| {
        Diagnostic::new(LOST, message).severity(Severity::Warning).at(
            &Arc::clone(&file.source),
            span.clone(),
            "",
        )
    };
    let header = &file.header;
    // With two values there is something to tell them by.
    let is_frozen = |name: &str| classes.iter().any(|class| class.has_one_value(name));
    let frozen: Vec<_> = header.vars.iter().filter(|var| is_frozen(var.value.as_str())).collect();
    let vars = frozen.first().map(|first| {
        let names = suggest::list(frozen.iter().map(|var| var.value.as_str()));
        let message = format!("the values of {names} are written out; a database with others gets these");
        warning(message, &first.span)
    });
    let barrier = header
        .barrier
        .as_ref()
        .map(|span| warning("databases that run the squash no longer wait here".to_owned(), span));
    let requires = header.requires.first().map(|requires| {
        warning(
            "databases that run the squash no longer wait for another one here".to_owned(),
            &requires.span,
        )
    });
    let is_call = |statement: &&Statement| {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        // How far a sequence has come is in a dump.
        let is_counter = matches!(words[..], ["SELECT", "SETVAL", ..] | ["SELECT", _, "SETVAL", ..]);
        matches!(words[..], ["SELECT" | "CALL", ..]) && !is_counter
    };
    let call = file.statements.iter().filter(is_call).map(|statement| {
        let message =
            "of what is called here the squash has the tables and rows that it made, and nothing else";
        warning(message.to_owned(), &statement.span)
    });
    let comments = file.statements.iter().filter(|one| one.begins_with(&["COMMENT", "ON", "EXTENSION"]));
    let comments = comments.map(|statement| {
        warning(
            "what is said of an extension is not in the squash: its owner may be another".to_owned(),
            &statement.span,
        )
    });
    vars.into_iter().chain(comments).chain(barrier).chain(requires).chain(call.take(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_on_the_server_are_told_from_those_on_a_table() {
        let is = |text: &str| {
            let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
            is_of_server(&words)
        };
        assert!(is("GRANT CONNECT , TEMPORARY ON DATABASE SHOP TO APP"));
        assert!(is("REVOKE ALL PRIVILEGES ON TABLESPACE FAST FROM APP"));
        assert!(!is("GRANT SELECT ON TABLE DATABASE TO APP"));
        assert!(!is("GRANT SELECT ON DATABASE TO APP"));
        assert!(!is("GRANT SELECT ON DATABASE , OTHER TO APP"));
    }
}
