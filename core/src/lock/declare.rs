//! A locked migration gets another route: the lock keeps what is declared of the databases that this concerns.

use std::collections::BTreeSet;

use super::{Entry, Identity, Lock, Locked, pair};
use crate::project::Sources;
use crate::{Migration, Migrations, Rerouted, Route, suggest};

/// The lock that a set is to have: what was declared stays declared, as long as the route stays.
pub fn renewed(sources: &Sources, set: &Migrations) -> Lock {
    let mut all: Vec<Locked> = set.migrations.iter().map(Locked::of).collect();
    let lock = sources.lock_file(&mut Vec::new());
    let entries = lock.map(|lock| lock.entries).unwrap_or_default();
    for (entry, now) in entries.iter().zip(now(&entries, set)) {
        if let Some(locked) = now.and_then(|now| all.get_mut(now))
            && locked.route == entry.locked.route
        {
            locked.rerouted = entry.locked.rerouted;
        }
    }
    Lock::new(all)
}

/// The sources with a lock in which these migrations, each by its version or its file, have the route of now and
/// what is declared of that.
///
/// # Errors
/// What is wrong with the declarations, in a sentence.
pub fn declare(
    sources: &Sources,
    set: &Migrations,
    declared: &[(String, Rerouted)],
) -> Result<Sources, String> {
    let mut faults = Vec::new();
    let lock = sources.lock_file(&mut faults).filter(|lock| lock.is_whole && faults.is_empty());
    let Some(lock) = lock else {
        return Err(
            "there is no lock that can be read: `cargo sharded-migrations lock` writes it, or says why"
                .into(),
        );
    };
    let now = now(&lock.entries, set);
    let mut entries: Vec<Locked> = lock.entries.into_iter().map(|entry| entry.locked).collect();
    let mut concerned = BTreeSet::new();
    for (name, rerouted) in declared {
        let migration = find(set, name)?;
        let Some(index) = now.iter().position(|now| *now == Some(migration)) else {
            let file = &set.migrations[migration].file;
            return Err(format!("`{file}` is not locked, so its route may be any: lock it as it is now"));
        };
        let (locked, route) = (&mut entries[index], &set.migrations[migration].route);
        if locked.route != *route && concerned.insert((index, migration)) {
            locked.rerouted = Rerouted::NONE;
        }
        locked.rerouted = locked.rerouted.and(*rerouted);
    }
    for (index, migration) in concerned {
        let (locked, migration) = (&mut entries[index], &set.migrations[migration]);
        is_enough(set, locked, migration)?;
        locked.route = migration.route.clone();
    }
    Ok(Sources { lock: Some(Lock::new(entries).to_string().into_bytes()), ..sources.clone() })
}

/// For each locked migration what it is now.
fn now(entries: &[Entry], set: &Migrations) -> Vec<Option<usize>> {
    let locked: Vec<Identity<'_>> = entries.iter().map(|entry| Identity::of_locked(&entry.locked)).collect();
    let now: Vec<Identity<'_>> = set.migrations.iter().map(Identity::of_migration).collect();
    pair(&locked, &now).locked
}

fn find(set: &Migrations, name: &str) -> Result<usize, String> {
    let is_it = |migration: &Migration| migration.file == name || name.parse() == Ok(migration.version.get());
    let found: Vec<usize> =
        (0..set.migrations.len()).filter(|index| is_it(&set.migrations[*index])).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(format!("no migration has the version or the file `{name}`")),
        several => {
            let files = several.iter().map(|index| set.migrations[*index].file.as_ref());
            Err(format!(
                "`{name}` is the version of several migrations; say which by its file: {}",
                suggest::list(files)
            ))
        }
    }
}

/// Whatever happens to a database is declared.
fn is_enough(set: &Migrations, locked: &Locked, migration: &Migration) -> Result<(), String> {
    let selected = |route: &Route| -> BTreeSet<&str> {
        let primaries = set.topology.primaries().filter(|database| route.selects(database));
        primaries.map(|database| database.name.as_str()).collect()
    };
    let (was, is) = (selected(&locked.route), selected(&migration.route));
    let file = &migration.file;
    if !locked.rerouted.backfill && !is.is_subset(&was) {
        let databases = suggest::list(is.difference(&was).copied());
        return Err(format!("`{file}` is new on {databases}: declare `--rerouted {file}=backfill` as well"));
    }
    if !locked.rerouted.abandon && !was.is_subset(&is) {
        let databases = suggest::list(was.difference(&is).copied());
        return Err(format!(
            "`{file}` is no longer for {databases}: declare `--rerouted {file}=abandon` as well"
        ));
    }
    Ok(())
}
