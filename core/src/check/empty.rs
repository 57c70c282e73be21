//! A forward file without a statement is a slip: an unsaved editor, a lost merge. An empty reverse
//! file undoes nothing, which is fine. A set without any migration is a wrong folder.

use crate::Diagnostic;
use crate::project::{MigrationFile, Project};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    // Where something is never closed, what there is of a statement may lie in it.
    let is_empty = |migration: &&MigrationFile| {
        migration.code.is_none()
            && migration.statements.is_empty()
            && migration.tokens.iter().all(|token| token.unclosed().is_none())
    };
    for migration in project.migrations.iter().filter(is_empty) {
        faults.push(
            Diagnostic::new("empty", "the migration has no statement")
                .in_file(&migration.source)
                .help("write its SQL, or remove the file"),
        );
    }
    if project.migrations.is_empty() && project.is_whole {
        faults.push(
            Diagnostic::new("empty", format!("there is no migration in the folder `{}`", project.folder))
                .help("add one, such as `V1__start.sql`; or name another folder: `embed_sharded_migrations!(migrations = \"..\")`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FLEET, faults, faults_of};

    #[test]
    fn a_file_without_a_statement() {
        let comments = "-- #[route(everywhere)]\n/* SELECT 1; */ ;;\n";
        insta::assert_snapshot!(faults(&[("V2__a.sql", comments), ("V2__a.down.sql", "")]), @r"
        [empty] error: the migration has no statement
        --> migrations/V2__a.sql
         = help: write its SQL, or remove the file
        ");
    }

    #[test]
    fn a_folder_without_a_migration() {
        assert!(faults_of(FLEET, &[]).contains("there is no migration"));
    }
}
