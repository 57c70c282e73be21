//! Sound sets of migrations with one fault put into each, at a place that is known.

use std::collections::{BTreeMap, HashSet};

use fastrand::Rng;
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::project::Sources;

/// The version from which seeded files count, above those of any set.
pub(crate) const LAST: i64 = 90_000_000_000_000;

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

    pub(crate) fn elsewhere(&self, rng: &mut Rng, what: &str, templates: &[&str]) -> Option<Seeded> {
        let (name, _, other) = self.object(rng, what)?;
        let template = pick(rng, templates)?;
        Some(self.with(rng, &other, &[], template, &name, LAST))
    }

    /// An object that is made on one route and named on another.
    pub(crate) fn made_elsewhere(&self, rng: &mut Rng, made: &str, faults: &[&str]) -> Option<Seeded> {
        let (_, home, other) = self.object(rng, "TABLE")?;
        let fault = pick(rng, faults)?;
        let mut seeded = self.with(rng, &other, &[], fault, "fresh", LAST + 1);
        let sql = format!("-- #[route({home})]\n{made}\n");
        seeded.sources.files.push((format!("V{LAST}__before.sql"), sql.into_bytes()));
        Some(seeded)
    }

    pub(crate) fn too_early(&self, rng: &mut Rng, faults: &[&str]) -> Option<Seeded> {
        let (name, home, _) = self.object(rng, "TABLE")?;
        let template = pick(rng, faults)?;
        Some(self.with(rng, &home, &[], template, &name, 0))
    }

    /// One of `before`, then one of `faults`, on a table where it lives.
    pub(crate) fn after(&self, rng: &mut Rng, before: &[&str], faults: &[&str]) -> Option<Seeded> {
        let (name, home, _) = self.object(rng, "TABLE")?;
        let (before, fault) = (*pick(rng, before)?, *pick(rng, faults)?);
        Some(self.with(rng, &home, &[before], fault, &name, LAST + 1))
    }

    /// A migration where a table lives, whose reverse file works on one of elsewhere before it ends soundly.
    pub(crate) fn in_reverse(
        &self,
        rng: &mut Rng,
        forward: &str,
        faults: &[&str],
        end: &str,
    ) -> Option<Seeded> {
        let (name, _, other) = self.object(rng, "TABLE")?;
        let fault = pick(rng, faults)?.replace("{}", &name);
        Some(self.with_reverse(&other, forward, &format!("SELECT 1;\n{fault}\n{end}"), Some(2)))
    }

    /// A reverse file that drops a new object, and drops it again.
    pub(crate) fn undone_twice(&self, rng: &mut Rng, made: &str, dropped: &str) -> Option<Seeded> {
        let (name, home, _) = self.object(rng, "TABLE")?;
        let fill = |text: &str| text.replace("{}", &name);
        let reverse = fill(&format!("{dropped}\n{dropped}"));
        Some(self.with_reverse(&home, &fill(made), &reverse, Some(2)))
    }

    /// A migration whose reverse file does something else.
    pub(crate) fn not_undone(&self, rng: &mut Rng, forward: &str) -> Option<Seeded> {
        let (name, home, _) = self.object(rng, "TABLE")?;
        Some(self.with_reverse(&home, &forward.replace("{}", &name), "UPDATE made_by_hand SET a = 1;", None))
    }

    /// The set with a migration and its reverse file; the fault is in a line of the latter, or in the former.
    fn with_reverse(&self, route: &str, forward: &str, reverse: &str, line: Option<usize>) -> Seeded {
        let mut sources = self.sources.clone();
        let sql = format!("-- #[route({route})]\nSELECT 1;\n{forward}\n");
        sources.files.push((format!("V{LAST}__seeded.sql"), sql.into_bytes()));
        sources.files.push((format!("V{LAST}__seeded.down.sql"), format!("{reverse}\n").into_bytes()));
        let ending = if line.is_some() { ".down.sql" } else { ".sql" };
        let file = format!("{}/V{LAST}__seeded{ending}", self.sources.folder);
        Seeded { sources, file, line: line.unwrap_or(3) }
    }

    /// A statement that nobody can resume behind one that can be, outside a transaction.
    pub(crate) fn not_resumable(&self, rng: &mut Rng, faults: &[&str]) -> Option<Seeded> {
        let (name, home, _) = self.object(rng, "TABLE")?;
        let fault = pick(rng, faults)?.replace("{}", &name);
        let mut sources = self.sources.clone();
        let sql = format!("-- #[route({home})]\n-- #[no_transaction]\nANALYZE {name};\n{fault}\n");
        let file = format!("V{LAST}__seeded.sql");
        sources.files.push((file.clone(), sql.into_bytes()));
        Some(Seeded { sources, file: format!("{}/{file}", self.sources.folder), line: 4 })
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
    pub(crate) fn misspelt(&self, rng: &mut Rng) -> Option<Seeded> {
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
    pub(crate) fn unbalanced(&self, rng: &mut Rng) -> Option<Seeded> {
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

pub(crate) fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> Option<&'a T> {
    (!from.is_empty()).then(|| &from[rng.usize(0..from.len())])
}
