//! A migration runs inside a transaction of ours, with its history row: its own BEGIN or COMMIT
//! would tear the two apart. Outside a transaction each statement stands alone, so there is none to
//! control either.

use crate::Diagnostic;
use crate::project::Project;

/// How a statement that controls a transaction begins.
const STATEMENTS: &[&[&str]] = &[
    &["BEGIN"],
    &["START", "TRANSACTION"],
    &["COMMIT"],
    &["END"],
    &["ROLLBACK"],
    &["ABORT"],
    &["SAVEPOINT"],
    &["RELEASE"],
    &["PREPARE", "TRANSACTION"],
];

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    for file in project.migrations.iter().chain(&project.reverses) {
        for statement in &file.statements {
            if let Some(words) = STATEMENTS.iter().find(|words| statement.begins_with(words)) {
                let help = match file.header.no_transaction {
                    true => "remove it: each statement of a no-transaction migration runs on its own",
                    false => "remove it: a migration runs in a transaction of its own",
                };
                faults.push(
                    Diagnostic::new(
                        "transaction-control",
                        format!("`{}` inside a migration", words.join(" ")),
                    )
                    .at(&file.source, statement.span.clone(), "")
                    .help(help),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::faults;

    #[test]
    fn begin_and_commit_are_refused() {
        let sql = "-- #[route(everywhere)]\nBEGIN;\nSELECT 1;\nsavepoint a;\nrollback to a;\ncommit;\n";
        insta::assert_snapshot!(faults(&[("V2__a.sql", sql), ("V2__a.down.sql", "start transaction;")]));
    }

    #[test]
    fn bodies_may_have_them() {
        let sql = "-- #[route(everywhere)]\nDO $$ BEGIN COMMIT; END $$;\nPREPARE a AS SELECT 1;\nSELECT 'commit;', \"begin\" FROM t;\n\
                   CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;";
        assert_eq!(faults(&[("V2__a.sql", sql)]), "");
    }
}
