//! A reverse file without its forward file is a slip in one of the two names.

use crate::Diagnostic;
use crate::project::Project;

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    for reverse in &project.reverses {
        if project.migrations.iter().any(|migration| migration.name == reverse.name) {
            continue;
        }
        let mut fault =
            Diagnostic::new("orphan-reverse", "there is no migration that this file would take back")
                .in_file(&reverse.source);
        let same_folder = |name: &&crate::project::MigrationFile| name.name.folder == reverse.name.folder;
        let near = project
            .migrations
            .iter()
            .filter(same_folder)
            .find(|migration| migration.name.version == reverse.name.version);
        if let Some(near) = near {
            fault = fault.note(format!("version {} is `{}`", near.name.version, near.file));
        }
        faults.push(fault.help(
            "name it as its migration, with `.down.sql` in place of `.sql` (or `down.sql` beside `up.sql`)",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::faults;

    #[test]
    fn a_reverse_file_without_its_forward() {
        insta::assert_snapshot!(faults(&[("V1__strat.down.sql", "SELECT 1;")]));
        assert_eq!(faults(&[("V1__start.down.sql", "SELECT 1;")]), "");
    }
}
