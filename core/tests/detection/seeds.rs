//! Sound sets of migrations with one fault put into each, at a place that is known.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::project::Sources;

/// The version from which seeded files count, above those of any set.
const LAST: i64 = 90_000_000_000_000;

/// A sound set, and what it has where.
pub(crate) struct Set {
    sources: Sources,
    /// For each route that stands alone, the objects that are made there and nowhere else, and stay.
    owned: BTreeMap<String, Vec<(String, String)>>,
    /// Forward files that have a statement with parentheses, which faults of the grammar are put into.
    forward: Vec<usize>,
}

/// A set with a fault.
pub(crate) struct Seeded {
    pub(crate) sources: Sources,
    /// Where the fault is, as messages show it, and its line.
    pub(crate) file: String,
    pub(crate) line: usize,
}

/// A way to put a fault into a set; `None` where the set has nothing for it.
pub(crate) type Kind = (&'static str, fn(&Set, &mut Rng) -> Option<Seeded>);

pub(crate) const KINDS: &[Kind] = &[
    ("a statement on a table of another group", |set, rng| set.elsewhere(rng, "TABLE", ON_TABLE)),
    ("a foreign key to another group", |set, rng| set.elsewhere(rng, "TABLE", FOREIGN_KEY)),
    ("a view on another group", |set, rng| set.elsewhere(rng, "TABLE", VIEW)),
    ("a DO body that works on another group", |set, rng| set.elsewhere(rng, "TABLE", BODY)),
    ("a type or domain of another group", |set, rng| {
        set.elsewhere(rng, "TYPE", ON_TYPE).or_else(|| set.elsewhere(rng, "DOMAIN", ON_TYPE))
    }),
    ("a function of another group", |set, rng| {
        set.made_elsewhere(
            rng,
            "CREATE FUNCTION fresh() RETURNS trigger LANGUAGE plpgsql AS 'begin end';",
            ON_FUNCTION,
        )
    }),
    ("an index of another group", |set, rng| set.elsewhere(rng, "INDEX", ON_INDEX)),
    ("a table that a later version makes", |set, rng| set.too_early(rng)),
    ("a table that was dropped", |set, rng| set.after(rng, &["DROP TABLE {} CASCADE;"], ON_TABLE)),
    ("a table that was renamed", |set, rng| {
        set.after(rng, &["ALTER TABLE {} RENAME TO renamed_{n};"], ON_TABLE)
    }),
    ("a table in another schema now", |set, rng| {
        set.after(rng, &["CREATE SCHEMA put_away;\nALTER TABLE {} SET SCHEMA put_away;"], IN_PUBLIC)
    }),
    ("a view that went with its table", |set, rng| {
        set.after(
            rng,
            &["CREATE VIEW seen AS SELECT * FROM {};\nDROP TABLE {} CASCADE;"],
            &["SELECT * FROM seen;", "DROP VIEW seen;"],
        )
    }),
    ("a table that a view needs", |set, rng| {
        set.after(
            rng,
            &["CREATE VIEW seen AS SELECT * FROM {};", "CREATE MATERIALIZED VIEW seen AS SELECT * FROM {};"],
            &["DROP TABLE {};"],
        )
    }),
    ("a trigger of a table that is gone", |set, rng| {
        set.after(
            rng,
            &["CREATE TRIGGER rings BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();\nDROP TRIGGER rings ON {};"],
            &["DROP TRIGGER rings ON {};", "ALTER TRIGGER rings ON {} RENAME TO sings;"],
        )
    }),
    ("a table twice", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["CREATE TABLE {} (id int);", "CREATE VIEW {} AS SELECT 1;", "CREATE SEQUENCE {};"],
        )
    }),
    ("a new object twice", |set, rng| {
        let (made, _) = *pick(rng, OBJECTS)?;
        set.after(rng, &[made], &[made])
    }),
    ("an object that is dropped twice", |set, rng| {
        let (made, dropped) = *pick(rng, OBJECTS)?;
        set.after(rng, &[&format!("{made}\n{dropped}")], &[dropped])
    }),
    ("a word that is misspelt", |set, rng| set.misspelt(rng)),
    ("a parenthesis that is missing", |set, rng| set.unbalanced(rng)),
    ("a `;` that is missing", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["SELECT * FROM {}\nCREATE TABLE cut_off (id int);", "COMMENT ON TABLE {} IS 'x'\nTRUNCATE {};"],
        )
    }),
    ("a comma too many", |set, rng| {
        set.after(rng, &["SELECT 1;"], &["CREATE TABLE listed (id int, of int,);", "SELECT 1, FROM {};"])
    }),
    ("a command of psql", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["\\i more.sql", "\\set ON_ERROR_STOP on", "COPY {} FROM stdin;\n1\tx\n\\."],
        )
    }),
    ("a statement that needs to be outside a transaction", |set, rng| {
        set.after(rng, &["SELECT 1;"], OUTSIDE)
    }),
    ("transaction control", |set, rng| {
        set.after(
            rng,
            &["SELECT 1;"],
            &["BEGIN;", "COMMIT;", "ROLLBACK;", "SAVEPOINT a;", "START TRANSACTION;"],
        )
    }),
    ("what is never closed", |set, rng| {
        set.after(rng, &["SELECT 1;"], &["SELECT 'x;", "/* and so on", "DO $$ BEGIN", "SELECT \"x;"])
    }),
];

const ON_TABLE: &[&str] = &[
    "ALTER TABLE {} ADD COLUMN more int;",
    "ALTER TABLE ONLY {} DROP COLUMN less;",
    "INSERT INTO {} DEFAULT VALUES;",
    "UPDATE {} SET a = 1;",
    "DELETE FROM {} WHERE true;",
    "TRUNCATE {};",
    "SELECT count(*) FROM {} AS x;",
    "WITH q AS (SELECT * FROM {}) SELECT * FROM q;",
    "CREATE INDEX ON {} ((1));",
    "COMMENT ON TABLE {} IS 'x';",
    "COMMENT ON COLUMN {}.a IS 'x';",
    "GRANT SELECT ON {} TO PUBLIC;",
    "LOCK TABLE {} IN SHARE MODE;",
    "DROP TABLE {};",
    "ALTER TABLE {} RENAME TO other_name;",
    "CREATE TABLE copied (LIKE {});",
    "CREATE TABLE heir () INHERITS ({});",
    "CREATE TABLE copied AS SELECT * FROM {};",
    "CREATE POLICY p ON {} USING (true);",
    "CREATE TRIGGER t BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    "ANALYZE {};",
    "SELECT '{}'::regclass;",
    "INSERT INTO made_by_hand SELECT * FROM {};",
    "MERGE INTO {} USING made_by_hand ON (true) WHEN MATCHED THEN DELETE;",
];
const FOREIGN_KEY: &[&str] = &[
    "CREATE TABLE child (parent int REFERENCES {});",
    "CREATE TABLE child (a int, b int, FOREIGN KEY (a, b) REFERENCES {} (a, b) ON DELETE CASCADE);",
    "ALTER TABLE made_by_hand ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES {} (id);",
    "ALTER TABLE made_by_hand ADD COLUMN a int REFERENCES {} (id);",
];
const VIEW: &[&str] = &[
    "CREATE VIEW seen AS SELECT * FROM {};",
    "CREATE OR REPLACE VIEW seen AS SELECT a.* FROM made_by_hand AS a JOIN {} AS b USING (id);",
    "CREATE MATERIALIZED VIEW seen AS SELECT (SELECT count(*) FROM {}) AS n;",
];
const BODY: &[&str] = &[
    "DO $$ BEGIN UPDATE {} SET a = 1; END $$;",
    "DO $do$ DECLARE n int; BEGIN DELETE FROM {}; END $do$;",
    "DO LANGUAGE plpgsql 'BEGIN INSERT INTO {} DEFAULT VALUES; END';",
];
const ON_TYPE: &[&str] = &[
    "CREATE TABLE typed (a {});",
    "CREATE TABLE typed (a {}[] NOT NULL);",
    "ALTER TABLE made_by_hand ADD COLUMN a {};",
    "SELECT 'x'::{};",
    "COMMENT ON TYPE {} IS 'x';",
    "CREATE FUNCTION typed(a {}) RETURNS int LANGUAGE sql AS 'select 1';",
];
const ON_FUNCTION: &[&str] = &[
    "CREATE TRIGGER t BEFORE UPDATE ON made_by_hand FOR EACH ROW EXECUTE FUNCTION {}();",
    "SELECT {}();",
    "DROP FUNCTION {}();",
    "ALTER FUNCTION {}() RENAME TO other_name;",
];
const ON_INDEX: &[&str] = &[
    "DROP INDEX {};",
    "ALTER INDEX {} RENAME TO other_name;",
    "REINDEX INDEX {};",
    "COMMENT ON INDEX {} IS 'x';",
];
const IN_PUBLIC: &[&str] =
    &["UPDATE public.{} SET a = 1;", "ALTER TABLE public.{} ADD a int;", "SELECT * FROM public.{};"];
const OBJECTS: &[(&str, &str)] = &[
    ("CREATE TABLE fresh (id int);", "DROP TABLE fresh;"),
    ("CREATE VIEW fresh AS SELECT 1;", "DROP VIEW fresh;"),
    ("CREATE SEQUENCE fresh;", "DROP SEQUENCE fresh;"),
    ("CREATE TYPE fresh AS ENUM ('a');", "DROP TYPE fresh;"),
    ("CREATE DOMAIN fresh AS text;", "DROP DOMAIN fresh;"),
    ("CREATE FUNCTION fresh(a int) RETURNS int LANGUAGE sql AS 'select 1';", "DROP FUNCTION fresh(int);"),
    ("CREATE SCHEMA fresh;", "DROP SCHEMA fresh;"),
    ("CREATE EXTENSION fresh;", "DROP EXTENSION fresh;"),
    ("CREATE INDEX fresh ON {} ((1));", "DROP INDEX fresh;"),
    ("CREATE POLICY fresh ON {} USING (true);", "DROP POLICY fresh ON {};"),
    ("CREATE MATERIALIZED VIEW fresh AS SELECT 1;", "DROP MATERIALIZED VIEW fresh;"),
];
const OUTSIDE: &[&str] = &[
    "CREATE INDEX CONCURRENTLY ON {} ((1));",
    "REINDEX TABLE CONCURRENTLY {};",
    "REINDEX SCHEMA public;",
    "VACUUM {};",
    "VACUUM (FULL, ANALYZE) {};",
    "ALTER SYSTEM SET work_mem = '1MB';",
    "CREATE DATABASE other;",
    "DROP DATABASE other;",
    "DROP TABLESPACE fast;",
    "ALTER TABLE {} DETACH PARTITION made_by_hand CONCURRENTLY;",
    "CREATE SUBSCRIPTION s CONNECTION 'host=a' PUBLICATION p;",
];

impl Set {
    /// Looks at a sound set.
    pub(crate) fn new(sources: Sources) -> Self {
        let set = compile(&sources).expect("the set is sound");
        let mut made: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let mut unsteady: HashSet<String> = HashSet::new();
        for migration in set.migrations.iter() {
            for span in migration.statements.iter() {
                let words: Vec<String> = migration.sql[span.clone()]
                    .split(|c: char| !c.is_alphanumeric() && c != '_')
                    .filter(|word| !word.is_empty())
                    .map(str::to_ascii_lowercase)
                    .collect();
                let skipped = ["unique", "or", "replace", "if", "not", "exists", "concurrently", "only"];
                let plain: Vec<&String> =
                    words.iter().filter(|word| !skipped.contains(&word.as_str())).collect();
                match plain[..] {
                    [create, what, name, ..] if create == "create" => {
                        made.entry((what.to_uppercase(), name.clone()))
                            .or_default()
                            .push(migration.route.to_string());
                    }
                    _ => unsteady.extend(
                        words
                            .iter()
                            .filter(|_| {
                                words.iter().any(|word| {
                                    word == "drop" || word == "rename" || word == "do" || word == "schema"
                                })
                            })
                            .cloned(),
                    ),
                }
            }
        }
        let mut owned: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut names: HashSet<String> = HashSet::new();
        let mut shared: HashSet<String> = HashSet::new();
        for (_, name) in made.keys() {
            if !names.insert(name.clone()) {
                shared.insert(name.clone());
            }
        }
        for ((what, name), routes) in made {
            let stands_alone = |route: &str| route.starts_with("group") || route.starts_with("database");
            if let [route] = &routes[..]
                && stands_alone(route)
                && !unsteady.contains(&name)
                && !shared.contains(&name)
            {
                owned.entry(route.clone()).or_default().push((what, name));
            }
        }
        let is_forward = |index: &usize| {
            let (file, text) = &sources.files[*index];
            let migration = set.migrations.iter().find(|migration| migration.file == *file);
            migration.is_some_and(|migration| migration.vars.is_empty()) && text.contains(&b'(')
        };
        let forward = (0..sources.files.len()).filter(is_forward).collect();
        Self { sources, owned, forward }
    }

    /// An object of a class on one route, and another route.
    fn object(&self, rng: &mut Rng, what: &str) -> Option<(String, String, String)> {
        let routes: Vec<&String> = self.owned.keys().collect();
        let of_class = |route: &&&String| self.owned[**route].iter().any(|(class, _)| class == what);
        let home = *pick(rng, &routes.iter().filter(of_class).collect::<Vec<_>>())?;
        let others: Vec<&&String> = routes.iter().filter(|route| *route != home).collect();
        let other = pick(rng, &others)?;
        let names: Vec<&String> =
            self.owned[*home].iter().filter(|(class, _)| class == what).map(|(_, name)| name).collect();
        Some(((*pick(rng, &names)?).clone(), (*home).clone(), (**other).to_string()))
    }

    fn elsewhere(&self, rng: &mut Rng, what: &str, templates: &[&str]) -> Option<Seeded> {
        let (name, _, other) = self.object(rng, what)?;
        let template = pick(rng, templates)?;
        Some(self.with(rng, &other, &[], template, &name, LAST))
    }

    /// An object that is made on one route and named on another.
    fn made_elsewhere(&self, rng: &mut Rng, made: &str, faults: &[&str]) -> Option<Seeded> {
        let (_, home, other) = self.object(rng, "TABLE")?;
        let fault = pick(rng, faults)?;
        let mut seeded = self.with(rng, &other, &[], fault, "fresh", LAST + 1);
        let sql = format!("-- #[route({home})]\n{made}\n");
        seeded.sources.files.push((format!("V{LAST}__before.sql"), sql.into_bytes()));
        Some(seeded)
    }

    fn too_early(&self, rng: &mut Rng) -> Option<Seeded> {
        let (name, home, _) = self.object(rng, "TABLE")?;
        let template = pick(rng, ON_TABLE)?;
        Some(self.with(rng, &home, &[], template, &name, 0))
    }

    /// One of `before`, then one of `faults`, on a table where it lives.
    fn after(&self, rng: &mut Rng, before: &[&str], faults: &[&str]) -> Option<Seeded> {
        let (name, home, _) = self.object(rng, "TABLE")?;
        let (before, fault) = (*pick(rng, before)?, *pick(rng, faults)?);
        Some(self.with(rng, &home, &[before], fault, &name, LAST + 1))
    }

    /// The set with a file for what comes before, and one for the fault behind some lines that are sound.
    fn with(
        &self,
        rng: &mut Rng,
        route: &str,
        before: &[&str],
        fault: &str,
        name: &str,
        version: i64,
    ) -> Seeded {
        let mut sources = self.sources.clone();
        let fill = |text: &str| text.replace("{}", name).replace("{n}", "1");
        for text in before {
            let sql = format!("-- #[route({route})]\n{}\n", fill(text));
            sources.files.push((format!("V{LAST}__before.sql"), sql.into_bytes()));
        }
        let lines = rng.usize(0..5);
        let mut sql = format!("-- #[route({route})]\n");
        for line in 0..lines {
            sql.push_str(&format!("SELECT {line}; -- a sound line\n"));
        }
        // In a fault of two lines, the second is at fault when it is the start of a statement.
        let fault = fill(fault);
        let second = fault.contains('\n') && !fault.starts_with("COPY");
        sql.push_str(&format!("{fault}\n"));
        let file = format!("V{version}__seeded.sql");
        sources.files.push((file.clone(), sql.into_bytes()));
        Seeded {
            sources,
            file: format!("{}/{file}", self.sources.folder),
            line: 2 + lines + usize::from(second),
        }
    }

    /// A keyword at the start of a line is misspelt.
    fn misspelt(&self, rng: &mut Rng) -> Option<Seeded> {
        self.changed(rng, |rng, lines| {
            let words = ["CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "COMMENT"];
            let starts = |line: &str| {
                words.iter().any(|word| line.to_ascii_uppercase().starts_with(&format!("{word} ")))
            };
            // Inside a body it would not be read.
            let found: Vec<usize> = (0..lines.len()).filter(|at| starts(&lines[*at])).collect();
            let at = *pick(rng, &found)?;
            lines[at].remove(1);
            Some(at)
        })
    }

    /// The opening parenthesis of a table's list is taken away.
    fn unbalanced(&self, rng: &mut Rng) -> Option<Seeded> {
        self.changed(rng, |rng, lines| {
            let opens = |line: &str| {
                line.to_ascii_uppercase().starts_with("CREATE TABLE") && line.trim_end().ends_with('(')
            };
            let found: Vec<usize> = (0..lines.len()).filter(|at| opens(&lines[*at])).collect();
            let at = *pick(rng, &found)?;
            let text = lines[at].trim_end().trim_end_matches('(').to_owned();
            lines[at] = text;
            // The next line that says something is what cannot follow.
            (at + 1..lines.len())
                .find(|at| !lines[*at].trim().is_empty() && !lines[*at].trim_start().starts_with("--"))
        })
    }

    fn changed(
        &self,
        rng: &mut Rng,
        change: impl Fn(&mut Rng, &mut Vec<String>) -> Option<usize>,
    ) -> Option<Seeded> {
        for _ in 0..50 {
            let index = *pick(rng, &self.forward)?;
            let mut sources = self.sources.clone();
            let (file, bytes) = &mut sources.files[index];
            let text = String::from_utf8(bytes.clone()).ok()?;
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if let Some(at) = change(rng, &mut lines) {
                *bytes = (lines.join("\n") + "\n").into_bytes();
                let file = format!("{}/{file}", self.sources.folder);
                return Some(Seeded { sources, file, line: at + 1 });
            }
        }
        None
    }
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> Option<&'a T> {
    (!from.is_empty()).then(|| &from[rng.usize(0..from.len())])
}
