//! Which databases have which sequence of files, and one sequence replayed.

use std::collections::{BTreeMap, HashMap};

use crate::catalog::{Catalog, Change, Creations, Difference, Finding, Lookup, Site, Stage};
use crate::lex::Statement;
use crate::project::{MigrationFile, Project};
use crate::sql::{Fact, Reading};

/// A file, and which of its readings.
type Read = (usize, usize);

/// A migration, and its reverse file where that is to undo something.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    forward: Read,
    reverse: Option<Read>,
}

/// What a sequence has been found to do.
#[derive(Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    /// What a reverse file, by its position among them, leaves undone.
    pub(super) differences: Vec<(usize, Difference)>,
}

/// The distinct sequences, each with the databases that have it.
pub(super) fn sequences(project: &Project) -> BTreeMap<Vec<Step>, Vec<usize>> {
    let reverses: HashMap<_, usize> =
        project.reverses.iter().enumerate().map(|(index, file)| (&file.name, index)).collect();
    let mut of_database: HashMap<usize, Vec<Step>> = HashMap::new();
    for (file, migration) in project.migrations.iter().enumerate() {
        let reverse = reverses.get(&migration.name).copied();
        let reverse = reverse.filter(|reverse| is_to_undo(&project.reverses[*reverse]));
        for (index, reading) in migration.readings.iter().enumerate() {
            for database in &reading.databases {
                let reverse = reverse.and_then(|reverse| {
                    let mut readings = project.reverses[reverse].readings.iter();
                    Some((reverse, readings.position(|reading| reading.databases.contains(database))?))
                });
                let step = Step { forward: (file, index), reverse };
                of_database.entry(*database).or_default().push(step);
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

/// Whether a reverse file is there to undo anything: one without a statement, one that only selects, and one that
/// raises an exception say that nothing is to be undone.
fn is_to_undo(reverse: &MigrationFile) -> bool {
    let text = &reverse.source.text;
    let raises = |statement: &Statement| {
        statement.begins_with(&["DO"]) && {
            let body = text[statement.span.clone()].to_ascii_uppercase();
            body.split_whitespace().collect::<Vec<_>>().join(" ").contains("RAISE EXCEPTION")
        }
    };
    let selects = |statement: &Statement| statement.begins_with(&["SELECT"]);
    !reverse.statements.iter().any(raises) && !reverse.statements.iter().all(selects)
}

/// Replays what a database gets, which stands for all that get the same.
pub(super) fn replay(project: &Project, creations: &Creations, sequence: &[Step], database: usize) -> Found {
    let mut catalog = Catalog::default();
    let mut found = Found::default();
    for step in sequence {
        let (file, reading) = step.forward;
        let forward = &project.migrations[file].readings[reading];
        let explain = |lookup: Lookup<'_>| creations.explain(&lookup, database);
        if step.reverse.is_some() {
            catalog.mark();
        }
        let stage = Stage { file, behind: None, explain: &explain };
        run(&mut catalog, &stage, forward, &mut found.findings);
        let Some((reverse, reading)) = step.reverse else { continue };
        catalog.mark();
        let behind = Some(Site { file, at: usize::MAX });
        let stage = Stage { file: project.migrations.len() + reverse, behind, explain: &explain };
        run(&mut catalog, &stage, &project.reverses[reverse].readings[reading], &mut found.findings);
        let differences = catalog.differences().into_iter();
        // What the migration names and no migration makes may have been there before, and be brought back.
        let is_told = |difference: &Difference| {
            difference.change != Change::Added || difference.site.file == file || !names(forward, difference)
        };
        found.differences.extend(differences.filter(is_told).map(|difference| (reverse, difference)));
        catalog.rewind();
    }
    found
}

fn run(catalog: &mut Catalog, stage: &Stage<'_>, reading: &Reading, findings: &mut Vec<Finding>) {
    catalog.begin_file();
    for statement in &reading.statements {
        catalog.apply(stage, statement, findings);
    }
}

fn names(reading: &Reading, difference: &Difference) -> bool {
    reading.statements.iter().flat_map(|statement| &statement.facts).any(|fact| match fact {
        Fact::Named(named) => named.class == difference.class && named.name.name == difference.name.name,
        _ => false,
    })
}
