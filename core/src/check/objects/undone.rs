//! A reverse file that does not bring back what was before its migration is told of: whoever runs it counts on that.

use std::collections::{BTreeMap, BTreeSet};

use super::Shown;
use crate::Diagnostic;
use crate::catalog::{Change, Difference};
use crate::diagnostic::Severity;
use crate::sql::name_end;

/// What differs, by reverse file, with the databases on which it does.
#[derive(Default)]
pub(super) struct Differences(BTreeMap<usize, BTreeMap<Difference, BTreeSet<usize>>>);

impl Differences {
    pub(super) fn add(&mut self, reverse: usize, difference: Difference, databases: &[usize]) {
        self.0.entry(reverse).or_default().entry(difference).or_default().extend(databases);
    }

    /// One for each reverse file and the databases that have the same differences.
    pub(super) fn diagnostics(&self, shown: &Shown<'_>) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for (reverse, differences) in &self.0 {
            let mut by_place: BTreeMap<&BTreeSet<usize>, Vec<&Difference>> = BTreeMap::new();
            for (difference, databases) in differences {
                by_place.entry(databases).or_default().push(difference);
            }
            let places = by_place.into_iter();
            found.extend(places.map(|(databases, all)| diagnostic(shown, *reverse, &all, databases)));
        }
        found
    }
}

fn diagnostic(
    shown: &Shown<'_>,
    reverse: usize,
    all: &[&Difference],
    databases: &BTreeSet<usize>,
) -> Diagnostic {
    let file = &shown.project.reverses[reverse];
    let place = shown.databases(databases);
    let message = format!("`{}` does not leave {place} as before its migration", file.file);
    let mut diagnostic = Diagnostic::new("reverse-differs", message).severity(Severity::Warning);
    for difference in all {
        let source = &shown.file(difference.site.file).source;
        let at = difference.site.at;
        let in_reverse = difference.site.file >= shown.project.migrations.len();
        diagnostic = diagnostic.at(source, at..name_end(&source.text, at), label(difference, in_reverse));
    }
    diagnostic.help(format!(
        "undo it in `{}`; where a migration is not to be undone, leave its reverse file empty",
        file.file
    ))
}

fn label(difference: &Difference, in_reverse: bool) -> String {
    let Difference { noun, name, .. } = difference;
    let object = match &difference.on {
        Some(table) => format!("the {noun} `{name}` on `{table}`"),
        None => format!("the {noun} `{name}`"),
    };
    match (difference.change, in_reverse) {
        (Change::Added, false) => format!("{object} stays"),
        (Change::Added, true) => format!("{object} was not there before"),
        (Change::Lost, false) => format!("{object} does not come back"),
        (Change::Lost, true) => format!("{object} was there before"),
        (Change::Renamed, false) => format!("{object} does not get its name back"),
        (Change::Renamed, true) => format!("{object} had this name before"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{examined, faults};

    const USERS: &str = "-- #[route(group = \"users\")]\n";

    /// What is said of a migration and its reverse file behind another migration.
    fn of(first: &str, forward: &str, reverse: &str) -> String {
        let (first, forward) = (format!("{USERS}{first}\n"), format!("{USERS}{forward}\n"));
        examined(&[("V2__a.sql", &first), ("V3__b.sql", &forward), ("V3__b.down.sql", reverse)])
    }

    #[test]
    fn what_a_reverse_file_leaves() {
        insta::assert_snapshot!(of(
            "CREATE TABLE old (id int);\nCREATE VIEW seen AS SELECT * FROM old;\nCREATE TABLE other (id int);",
            "CREATE TABLE a (id serial);\nCREATE INDEX a_idx ON a (id);\nCREATE TYPE mood AS ENUM ('ok');\n\
             DROP TABLE old CASCADE;\nALTER TABLE other RENAME TO another;\n\
             CREATE POLICY mine ON another USING (true);\nCREATE TABLE undone (id int);",
            "DROP TABLE undone;\nCREATE TABLE extra (id int);"
        ));
        let view = "CREATE VIEW v AS SELECT 1;";
        let again = of(view, &format!("DROP VIEW v;\n{view}"), "DROP VIEW v;");
        assert!(
            again.contains("V3__b.down.sql:1:11") && again.contains("the view `v` was there before"),
            "{again}"
        );
    }

    #[test]
    fn what_is_as_it_was_is_not_told_of() {
        let table = "CREATE TABLE t (id serial, a int);\nCREATE INDEX i ON t (a);\nCREATE VIEW v AS SELECT * FROM t;\n\
                     CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';\n\
                     CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();";
        let drop = "DROP VIEW v;\nDROP TABLE t;\nDROP FUNCTION f();";
        let same = [
            ("SELECT 1;", table, drop),
            ("SELECT 1;", table, "DROP TABLE t CASCADE;\nDROP FUNCTION f;"),
            (table, drop, table),
            (table, "ALTER TABLE t RENAME TO u;", "ALTER TABLE u RENAME TO t;"),
            (table, "ALTER TABLE t SET SCHEMA s;", "ALTER TABLE s.t SET SCHEMA public;"),
            (table, "ALTER INDEX i RENAME TO j;", "ALTER INDEX j RENAME TO i;"),
            (
                "CREATE SCHEMA s;\nCREATE TABLE s.t (id int);",
                "ALTER SCHEMA s RENAME TO r;",
                "ALTER SCHEMA r RENAME TO s;",
            ),
            // Columns are not followed, nor what goes with them.
            (table, "ALTER TABLE t ADD b serial;\nCREATE INDEX k ON t (b);", "ALTER TABLE t DROP b;"),
            (table, "ALTER TABLE t DROP a CASCADE;", "ALTER TABLE t ADD a int;\nCREATE INDEX i ON t (a);"),
            (
                table,
                "ALTER TABLE t RENAME a TO b;\nALTER TABLE t DROP b;",
                "ALTER TABLE t ADD a int;\nCREATE INDEX i ON t (a);",
            ),
            ("SELECT 1;", "CREATE TABLE IF NOT EXISTS t (id int);", "SELECT 2;\nUPDATE x SET a = 1;"),
            ("SELECT 1;", "CREATE EXTENSION IF NOT EXISTS e;", "UPDATE x SET a = 1;"),
            // What was there before all migrations.
            ("SELECT 1;", "DROP TABLE made_by_hand;", "CREATE TABLE made_by_hand (id int);"),
            ("SELECT 1;", "ALTER TABLE made_by_hand RENAME TO u;", "ALTER TABLE u RENAME TO made_by_hand;"),
            // What is made of text.
            (
                "SELECT 1;",
                "CREATE TABLE t (id int);",
                "DO $$ BEGIN EXECUTE 'DROP TABLE ' || 't'; EXECUTE 'DROP TABLE t'; END $$;",
            ),
            (
                "CREATE TABLE t (id int);",
                "DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$;",
                "CREATE TABLE t (id int);",
            ),
            (table, "DO $$ BEGIN EXECUTE 'DROP VIEW v'; END $$;", "CREATE OR REPLACE VIEW v AS SELECT 1;"),
            // On purpose.
            ("SELECT 1;", table, ""),
            ("SELECT 1;", table, "-- There is no way back.\n;"),
            ("SELECT 1;", table, "SELECT 1;"),
            ("SELECT 1;", table, "DO $$ BEGIN RAISE EXCEPTION 'there is no way back'; END $$;"),
        ];
        for (first, forward, reverse) in same {
            assert_eq!(of(first, forward, reverse), "", "{first}\n--\n{forward}\n--\n{reverse}");
        }
    }

    #[test]
    fn a_reverse_file_needs_what_it_works_on() {
        let of = |reverse: &str| {
            let first = format!("{USERS}CREATE TABLE t (id int);\nCREATE VIEW v AS SELECT * FROM t;");
            let last = format!("{USERS}CREATE TABLE later (id int);");
            let forward = format!("{USERS}DROP VIEW v;");
            faults(&[
                ("V2__a.sql", &first),
                ("V3__b.sql", &forward),
                ("V3__b.down.sql", reverse),
                ("V4__c.sql", &last),
            ])
        };
        let gone = of("CREATE VIEW v AS SELECT * FROM t;\nDROP VIEW v;\nSELECT * FROM v;");
        assert!(
            gone.contains("V3__b.down.sql:3:15") && gone.contains("dropped by V3__b.down.sql:2"),
            "{gone}"
        );
        let later = of("CREATE VIEW v AS SELECT * FROM later;");
        assert!(later.contains("V3__b.down.sql:1:32") && later.contains("made only later"), "{later}");
        let twice = of("CREATE VIEW v AS SELECT 1;\nCREATE TABLE t (id int);");
        assert!(twice.contains("[duplicate-object]") && twice.contains("V3__b.down.sql:2:14"), "{twice}");
        let needed = of("CREATE VIEW v AS SELECT * FROM t;\nDROP TABLE t;");
        assert!(needed.contains("[needed-object]"), "{needed}");
    }

    #[test]
    fn a_reverse_file_of_another_group_cannot_be() {
        let catalog = "-- #[route(group = \"catalog\")]\nCREATE TABLE product (id int);";
        let forward = format!("{USERS}CREATE TABLE t (id int);");
        let files = [
            ("V2__a.sql", catalog),
            ("V3__b.sql", &*forward),
            ("V3__b.down.sql", "DROP TABLE t;\nTRUNCATE product;"),
        ];
        let found = faults(&files);
        assert!(
            found.contains("V3__b.down.sql:2:10") && found.contains("only on group `catalog`"),
            "{found}"
        );
    }

    #[test]
    fn what_comes_behind_a_migration_does_not_see_its_reverse_file() {
        let last = format!("{USERS}ALTER TABLE t ADD b int;\nDROP TABLE t;");
        let forward = format!("{USERS}CREATE TABLE t (id int);\n");
        assert_eq!(
            examined(&[("V2__a.sql", &forward), ("V2__a.down.sql", "DROP TABLE t;"), ("V3__b.sql", &last)]),
            ""
        );
    }

    #[test]
    fn a_reverse_file_has_a_header_of_its_own() {
        let of = |header: &str| {
            let reverse = format!("{header}\nSELECT 1;");
            faults(&[("V1__start.down.sql", &reverse)])
        };
        assert!(of("-- #[route(everywhere)]").contains("a reverse file has no `route` of its own"));
        assert!(of("-- #[lock_timeut = \"2s\"]").contains("did you mean `lock_timeout`"));
        assert_eq!(of("-- #[lock_timeout = \"2s\"]"), "");
    }
}
