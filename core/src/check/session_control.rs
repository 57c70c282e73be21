//! Outside a transaction a migration's progress is recorded between its statements, on the same
//! connection: a statement that takes away that connection's role, its right to write or its lock would
//! leave the history behind.

use crate::Diagnostic;
use crate::project::Project;

/// How a statement that does so begins.
const STATEMENTS: &[&[&str]] = &[
    &["SET", "ROLE"],
    &["SET", "SESSION", "ROLE"],
    &["SET", "SESSION", "AUTHORIZATION"],
    &["SET", "DEFAULT_TRANSACTION_READ_ONLY"],
    &["SET", "SESSION", "DEFAULT_TRANSACTION_READ_ONLY"],
    &["SET", "SESSION", "CHARACTERISTICS"],
    &["DISCARD", "ALL"],
];

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let files = project.migrations.iter().chain(&project.reverses);
    for file in files.filter(|file| file.header.no_transaction) {
        for statement in &file.statements {
            if let Some(words) = STATEMENTS.iter().find(|words| statement.begins_with(words)) {
                faults.push(
                    Diagnostic::new(
                        "session-control",
                        format!("`{}` outside a transaction", words.join(" ")),
                    )
                    .at(&file.source, statement.span.clone(), "")
                    .help("leave the connection as it is, the history is kept over it; another role is one for `migrate_url` in databases.toml"),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::faults;

    #[test]
    fn a_session_stays_what_it_is() {
        let sql = |header: &str| {
            format!("-- #[route(everywhere)]\n{header}\nSET ROLE owner;\nVACUUM;\nDISCARD ALL;")
        };
        insta::assert_snapshot!(faults(&[("V2__a.sql", &sql("-- #[no_transaction]"))]));
        assert!(!faults(&[("V2__a.sql", &sql("--"))]).contains("session-control"));
        let reverse = [("V2__a.sql", &*sql("-- #[no_transaction]")), ("V2__a.down.sql", "SET ROLE owner;")];
        assert!(faults(&reverse).contains("V2__a.down.sql:1:1"));
    }
}
