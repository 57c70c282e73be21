//! Every database's sequence of migrations is replayed on a catalog: what a statement works on is there when its turn
//! comes, on every database it goes to, and is not there twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::{By, Catalog, Creations, Finding, Gone, Site, What, Why};
use crate::project::Project;
use crate::source::Position;
use crate::sql::Reading;
use crate::{Diagnostic, Topology, suggest};

pub(super) fn check(project: &Project, faults: &mut Vec<Diagnostic>) {
    let Some(topology) = project.topology.as_ref().filter(|topology| topology.is_whole) else { return };
    // What could not be read may make anything.
    if !project.is_whole {
        return;
    }
    let creations = Creations::of(&project.migrations);
    let mut merged: BTreeMap<(usize, usize, usize), (Finding, BTreeSet<usize>)> = BTreeMap::new();
    for (sequence, databases) in sequences(project) {
        for finding in replay(project, &creations, &sequence, databases[0]) {
            let kind = match finding.what {
                What::Missing { .. } => 0,
                What::Twice { .. } => 1,
                What::Needed { .. } => 2,
            };
            let key = (finding.file, finding.span.start, kind);
            merged.entry(key).or_insert_with(|| (finding, BTreeSet::new())).1.extend(&databases);
        }
    }
    let shown = Shown { project, topology: &topology.topology };
    faults.extend(merged.into_values().map(|(finding, databases)| shown.diagnostic(&finding, &databases)));
}

/// A file, and which of its readings.
type Step = (usize, usize);

/// The distinct sequences, each with the databases that have it.
fn sequences(project: &Project) -> BTreeMap<Vec<Step>, Vec<usize>> {
    let mut of_database: HashMap<usize, Vec<Step>> = HashMap::new();
    for (file, migration) in project.migrations.iter().enumerate() {
        for (index, reading) in migration.readings.iter().enumerate() {
            for database in &reading.databases {
                of_database.entry(*database).or_default().push((file, index));
            }
        }
    }
    let mut sequences: BTreeMap<Vec<Step>, Vec<usize>> = BTreeMap::new();
    for (database, sequence) in of_database {
        sequences.entry(sequence).or_default().push(database);
    }
    for databases in sequences.values_mut() {
        databases.sort_unstable();
    }
    sequences
}

fn replay(project: &Project, creations: &Creations, sequence: &[Step], database: usize) -> Vec<Finding> {
    let mut catalog = Catalog::default();
    let mut findings = Vec::new();
    for (file, reading) in sequence {
        let reading: &Reading = &project.migrations[*file].readings[*reading];
        catalog.begin_file();
        for statement in &reading.statements {
            catalog.apply(*file, statement, &|lookup| creations.explain(&lookup, database), &mut findings);
        }
    }
    findings
}

/// Findings as people read them.
struct Shown<'a> {
    project: &'a Project,
    topology: &'a Topology,
}

impl Shown<'_> {
    fn diagnostic(&self, finding: &Finding, databases: &BTreeSet<usize>) -> Diagnostic {
        let source = &self.project.migrations[finding.file].source;
        let name = &finding.name;
        let place = self.databases(databases);
        let new = |check, message: String, label: &str| {
            Diagnostic::new(check, message).at(source, finding.span.clone(), label)
        };
        match &finding.what {
            What::Missing { by, missing } => {
                let noun = missing.noun;
                let is_across = matches!(missing.why, Why::Elsewhere(..));
                let fault = match by {
                    By::ForeignKey if is_across => {
                        new("cross-database", format!("a foreign key to the {noun} `{name}`, which is not on {place}"), "on another database")
                            .help("no server can keep it: leave the column without a foreign key, or keep both tables on one database")
                    }
                    By::View if is_across => {
                        new("cross-database", format!("a view on the {noun} `{name}`, which is not on {place}"), "on another database")
                            .help("no server can read across databases here: route the view to where its tables are")
                    }
                    _ => new("missing-object", format!("the {noun} `{name}` is not on {place}"), "not there"),
                };
                self.why(fault, name, &missing.why)
            }
            What::Twice { noun, first } => new(
                "duplicate-object",
                format!("the {noun} `{name}` is on {place} already"),
                "again here",
            )
            .note(format!("it was made by {}", self.site(*first)))
            .help(
                "give one of them another name, drop the first before, or route them to different databases",
            ),
            What::Needed { view, made } => {
                new("needed-object", format!("the view `{view}` needs `{name}` on {place}"), "dropped here")
                    .note(format!("the view was made by {}", self.site(*made)))
                    .help("drop the view before, or write `CASCADE`")
            }
        }
    }

    fn why(&self, fault: Diagnostic, name: &crate::sql::Name, why: &Why) -> Diagnostic {
        match why {
            Why::Gone(Gone::Dropped(site)) => fault
                .note(format!("`{name}` was dropped by {}", self.site(*site)))
                .help("take it out of this statement, or make it again before"),
            Why::Gone(Gone::Renamed(to, site)) => fault
                .note(format!("`{name}` was renamed to `{to}` by {}", self.site(*site)))
                .help(format!("did you mean `{to}`?")),
            Why::Gone(Gone::Moved(schema, site)) => fault
                .note(format!("`{name}` was moved to the schema `{schema}` by {}", self.site(*site)))
                .help(format!("did you mean `{schema}.{}`?", name.name)),
            Why::Later(site) => fault
                .note(format!("`{name}` is made only later, by {}", self.site(*site)))
                .help("give this migration a version after that one, or the other one a version before"),
            Why::Elsewhere(site, databases) => {
                let owners: BTreeSet<usize> = databases.iter().copied().collect();
                fault
                    .note(format!(
                        "`{name}` exists only on {}, created by {}",
                        self.databases(&owners),
                        self.site(*site)
                    ))
                    .help("route this migration to where it is, or make it here before")
            }
        }
    }

    /// `V3__orders.sql:4`
    fn site(&self, site: Site) -> String {
        let file = &self.project.migrations[site.file];
        format!("{}:{}", file.file, Position::of(&file.source.text, site.at).line)
    }

    /// Whole groups by their names, single databases by theirs.
    fn databases(&self, databases: &BTreeSet<usize>) -> String {
        let all = &self.topology.databases;
        let primaries = || (0..all.len()).filter(|index| !all[*index].is_replica());
        let mut left = databases.clone();
        let mut groups = Vec::new();
        for group in self.topology.groups.iter() {
            let members: Vec<usize> =
                primaries().filter(|index| all[*index].group.as_ref() == Some(group)).collect();
            if !members.is_empty() && members.iter().all(|member| left.contains(member)) {
                members.iter().for_each(|member| {
                    left.remove(member);
                });
                groups.push(group.as_str());
            }
        }
        let mut words = Vec::new();
        let quoted = |names: Vec<&str>| {
            suggest::list(
                names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().iter().map(String::as_str),
            )
        };
        match groups.len() {
            0 => {}
            1 => words.push(format!("group {}", quoted(groups))),
            _ => words.push(format!("the groups {}", quoted(groups))),
        }
        let names: Vec<&str> = left.iter().map(|index| all[*index].name.as_str()).collect();
        match names.len() {
            0 => {}
            1 => words.push(format!("database {}", quoted(names))),
            _ => words.push(format!("the databases {}", quoted(names))),
        }
        words.join(" and ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::faults;

    const USERS: &str = "-- #[route(group = \"users\")]\n";
    const CATALOG: &str = "-- #[route(group = \"catalog\")]\n";
    const EVERYWHERE: &str = "-- #[route(everywhere)]\n";

    /// Files `V2__a.sql`, `V3__a.sql`, .. of these routes and texts.
    fn of(files: &[(&str, &str)]) -> String {
        let named: Vec<(String, String)> = files
            .iter()
            .enumerate()
            .map(|(index, (route, sql))| (format!("V{}__a.sql", index + 2), format!("{route}{sql}\n")))
            .collect();
        let files: Vec<(&str, &str)> =
            named.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        faults(&files)
    }

    #[test]
    fn what_is_on_another_group() {
        insta::assert_snapshot!(of(&[
            (CATALOG, "CREATE TABLE product (id int PRIMARY KEY);"),
            (USERS, "ALTER TABLE product ADD note text;"),
            (USERS, "CREATE TABLE line (product int REFERENCES product (id));"),
            (EVERYWHERE, "CREATE VIEW shown AS SELECT * FROM product JOIN product AS other USING (id);"),
        ]));
    }

    #[test]
    fn what_is_gone_or_comes_later() {
        insta::assert_snapshot!(of(&[
            (USERS, "CREATE TABLE a (id int);\nCREATE TABLE b (id int);"),
            (USERS, "DROP TABLE a;\nALTER TABLE b RENAME TO c;"),
            (USERS, "UPDATE a SET id = 1;\nDELETE FROM b;\nINSERT INTO later VALUES (1);"),
            (USERS, "CREATE TABLE later (id int);"),
        ]));
    }

    #[test]
    fn what_is_made_twice() {
        insta::assert_snapshot!(of(&[
            (EVERYWHERE, "CREATE TABLE a (id int);\nCREATE TYPE mood AS ENUM ('ok');"),
            (USERS, "CREATE TABLE a (id int);"),
            (CATALOG, "CREATE TABLE IF NOT EXISTS a (id int);\nCREATE TYPE mood AS ENUM ('ok');"),
        ]));
    }

    #[test]
    fn a_view_keeps_its_table() {
        insta::assert_snapshot!(of(&[
            (USERS, "CREATE TABLE a (id int);\nCREATE VIEW v AS SELECT * FROM a;"),
            (USERS, "DROP TABLE a;"),
        ]));
        let cascade = of(&[
            (USERS, "CREATE TABLE a (id int);\nCREATE VIEW v AS SELECT * FROM a;"),
            (USERS, "DROP TABLE a CASCADE;\nSELECT * FROM v;"),
        ]);
        assert!(cascade.contains("`v` was dropped by V3__a.sql:2"), "{cascade}");
    }

    /// What is missing in the second statement, as the note that says why.
    fn missing(made: &str, dropped: &str, used: &str) {
        let found = of(&[(USERS, made), (USERS, dropped), (USERS, used)]);
        assert!(
            found.contains("missing-object") && found.contains("V4__a.sql:2"),
            "{made}\n{dropped}\n{used}\n{found}"
        );
        assert_eq!(found.matches("error:").count(), 1, "{found}");
        let sound = of(&[(USERS, made), (USERS, "SELECT 1;"), (USERS, used)]);
        assert_eq!(sound, "", "{made}\n{used}");
    }

    #[test]
    fn objects_of_every_class() {
        let t = "CREATE TABLE t (id serial, a int);";
        let cases = [
            (t, "DROP TABLE t;", "SELECT nextval('t_id_seq');"),
            (
                "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY);",
                "DROP TABLE t;",
                "ALTER SEQUENCE t_id_seq RESTART;",
            ),
            (
                "CREATE SEQUENCE s;",
                "DROP SEQUENCE s;",
                "CREATE TABLE u (id int DEFAULT nextval('s'::regclass));",
            ),
            ("CREATE TYPE m AS ENUM ('a');", "DROP TYPE m;", "CREATE TABLE u (m m[]);"),
            ("CREATE DOMAIN d AS text;", "DROP DOMAIN d;", "ALTER DOMAIN d SET NOT NULL;"),
            ("CREATE VIEW v AS SELECT 1;", "DROP VIEW v;", "SELECT * FROM v;"),
            (
                "CREATE MATERIALIZED VIEW v AS SELECT 1;",
                "DROP MATERIALIZED VIEW v;",
                "REFRESH MATERIALIZED VIEW v;",
            ),
            (
                "CREATE TABLE t (a int);\nCREATE INDEX i ON t (a);",
                "DROP INDEX i;",
                "ALTER INDEX i RENAME TO j;",
            ),
            (
                "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'select 1';",
                "DROP FUNCTION f(int);",
                "SELECT f(1);",
            ),
            ("CREATE PROCEDURE p() LANGUAGE sql AS 'select 1';", "DROP PROCEDURE p;", "CALL p();"),
            (
                "CREATE TABLE t (a int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';",
                "DROP FUNCTION f();",
                "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
            ),
            ("CREATE SCHEMA s;", "DROP SCHEMA s;", "GRANT USAGE ON SCHEMA s TO x;"),
            ("CREATE EXTENSION e;", "DROP EXTENSION e;", "ALTER EXTENSION e UPDATE;"),
            (
                "CREATE TABLE t (a int);\nCREATE POLICY p ON t USING (true);",
                "DROP POLICY p ON t;",
                "ALTER POLICY p ON t RENAME TO q;",
            ),
            (
                "CREATE TABLE t (a int);\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'begin end';\n\
                 CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();",
                "DROP TRIGGER g ON t;",
                "ALTER TRIGGER g ON t RENAME TO h;",
            ),
            ("CREATE TABLE s.\"T\" (a int);", "ALTER TABLE s.\"T\" RENAME TO u;", "TRUNCATE s.\"T\";"),
            (t, "ALTER TABLE t SET SCHEMA s;", "SET search_path = public;INSERT INTO t VALUES (1);"),
            (t, "DROP TABLE t;", "DO $$ BEGIN UPDATE t SET a = 1; END $$;"),
            (t, "DROP TABLE t;", "COMMENT ON COLUMN t.a IS 'x';"),
            (t, "DROP TABLE t;", "WITH x AS (SELECT * FROM t) SELECT * FROM x;"),
            (t, "DROP TABLE t;", "WITH t AS (SELECT * FROM t) SELECT * FROM t;"),
        ];
        for (made, dropped, used) in cases {
            missing(made, dropped, used);
        }
    }

    #[test]
    fn what_a_block_touches_can_be_declared() {
        let block = "-- #[touches(product)]\nDO $$ BEGIN EXECUTE 'TRUNCATE ' || 'prod' || 'uct'; END $$;";
        let made = (CATALOG, "CREATE TABLE product (id int);");
        assert_eq!(of(&[made, (CATALOG, block)]), "");
        let found = of(&[made, (USERS, block)]);
        assert!(found.contains("V3__a.sql:2:14") && found.contains("only on group `catalog`"), "{found}");
    }

    #[test]
    fn what_is_never_reported() {
        let elsewhere = (
            CATALOG,
            "CREATE TABLE x (id int);\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1';\nCREATE TYPE m AS ENUM ('a');",
        );
        for sql in [
            "SELECT * FROM made_by_hand;",
            "WITH x AS (SELECT 1) SELECT * FROM x;",
            "WITH RECURSIVE x AS (SELECT 1 UNION SELECT * FROM x) SELECT * FROM x UNION SELECT * FROM x;",
            "CREATE TEMP TABLE x (id int);\nINSERT INTO x VALUES (1);\nDROP TABLE x;",
            "DROP TABLE IF EXISTS x;\nALTER TABLE IF EXISTS x ADD b int;",
            "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$ SELECT id FROM x $$;",
            "DO $$ BEGIN IF true THEN UPDATE x SET id = 1; END IF; END $$;",
            "DO $$ BEGIN EXECUTE 'CREATE TABLE x (id int)'; END $$;\nSELECT * FROM x;",
            "SELECT x.id FROM other AS x;",
            "SELECT 1 AS x;",
            "CREATE TABLE y (x int, m text, f int);\nSELECT x, m, f FROM y;",
            "SELECT * FROM s.x;",
            "CREATE TABLE z (id int, parent int REFERENCES z (id));",
        ] {
            assert_eq!(of(&[elsewhere, (USERS, sql)]), "", "{sql}");
        }
        let again =
            "DO $$ BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN null; END $$;";
        assert_eq!(of(&[(USERS, again), (USERS, again)]), "");
        let forms = "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'select 1';\nCREATE FUNCTION f(a text) RETURNS int LANGUAGE sql AS 'select 1';";
        assert_eq!(of(&[(USERS, forms), (USERS, "DROP FUNCTION f(int);\nSELECT f('');")]), "");
        let partition =
            "CREATE TABLE p (id int) PARTITION BY LIST (id);\nCREATE TABLE p1 PARTITION OF p DEFAULT;";
        assert_eq!(of(&[(USERS, partition), (USERS, "DROP TABLE p;\nCREATE TABLE p1 (id int);")]), "");
    }
}
