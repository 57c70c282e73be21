//! The lock beside the migrations as they are now.

use std::collections::HashMap;

use super::{Entry, Identity, Pairs, pair};
use crate::Rerouted;
use crate::project::{MigrationFile, Project};

/// What is locked, and what is not.
pub(crate) struct Compared<'p> {
    /// Each locked migration, and what it is now; `None` where it is gone.
    pub(crate) locked: Vec<(&'p Entry, Option<&'p MigrationFile>)>,
    /// The migrations that are not locked, by version, then by path.
    pub(crate) unlocked: Vec<&'p MigrationFile>,
}

impl<'p> Compared<'p> {
    /// The migrations that are locked, as they are now.
    pub(crate) fn files(&self) -> impl Iterator<Item = &'p MigrationFile> {
        self.locked.iter().filter_map(|(_, migration)| *migration)
    }

    /// What is declared of migrations that were routed otherwise, by file.
    pub(crate) fn rerouted(&self) -> HashMap<String, Rerouted> {
        let declared = |(entry, migration): &(&Entry, Option<&MigrationFile>)| {
            Some((migration.as_ref()?.file.clone(), entry.locked.rerouted))
        };
        self.locked.iter().filter_map(declared).filter(|(_, rerouted)| *rerouted != Rerouted::NONE).collect()
    }
}

/// Compares; `None` where there is no lock, or where a part of it could not be read and so nothing can be said of
/// what is not in it.
pub(crate) fn compare(project: &Project) -> Option<Compared<'_>> {
    let entries = &project.lock.as_ref().filter(|lock| lock.is_whole)?.entries;
    let locked: Vec<_> = entries.iter().map(|entry| Identity::of_locked(&entry.locked)).collect();
    let now: Vec<_> = project.migrations.iter().map(MigrationFile::identity).collect();
    let Pairs { locked, unlocked } = pair(&locked, &now);
    let migration = |index: usize| &project.migrations[index];
    Some(Compared {
        locked: entries.iter().zip(locked.into_iter().map(|index| index.map(migration))).collect(),
        unlocked: unlocked.into_iter().map(migration).collect(),
    })
}
