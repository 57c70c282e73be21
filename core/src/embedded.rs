//! A set of migrations as the macro writes it out, and how the compiler makes the set of that.
//!
//! The compiler takes time for each token. A thousand migrations differ in their texts and numbers, and have little
//! else of their own: so those are written as columns, one literal for each migration or for all of them, and the rest
//! once for all that have it in common, as [`Shape`]s. [`migrations`] puts them together while the program is compiled.

use std::mem;

use crate::{
    Checksum, Code, Kind, List, Locks, Migration, Outside, Replaces, Requirement, Rerouted, Reverse, Route,
    Spans, TableChanges, Text, Timeouts, Transaction, Version,
};

/// What many migrations have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape<'m> {
    /// As in [`Migration`].
    pub kind: Kind,
    /// As in [`Migration`].
    pub route: &'m Route,
    /// As in [`Migration`].
    pub rerouted: Rerouted,
    /// As in [`Migration`].
    pub barrier: bool,
    /// As in [`Migration`].
    pub requires: &'m [Requirement],
    /// As in [`Replaces`].
    pub replaces: &'m [List<Version>],
    /// As in [`Migration`].
    pub code: Option<&'m Code>,
    /// Whether it is known what it does to tables.
    pub has_tables: bool,
    /// What applies it.
    pub forward: ScriptShape<'m>,
    /// What takes it back.
    pub reverse: Option<ScriptShape<'m>>,
}

/// What the scripts of many migrations have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScriptShape<'m> {
    /// As in [`Migration`].
    pub transaction: Transaction,
    /// As in [`Migration`].
    pub timeouts: Timeouts,
    /// As in [`Migration`].
    pub vars: &'m [Text],
    /// As in [`Migration`].
    pub outside: &'m [Outside],
    /// [`Locks::is_whole`], where it is known what it locks.
    pub locks: Option<bool>,
}

impl<'m> Shape<'m> {
    /// That of a migration.
    pub fn of(migration: &'m Migration) -> Self {
        let Migration { transaction, timeouts, vars, outside, locks, .. } = migration;
        Self {
            kind: migration.kind,
            route: &migration.route,
            rerouted: migration.rerouted,
            barrier: migration.barrier,
            requires: &migration.requires,
            replaces: &migration.replaces.0,
            code: migration.code.as_ref(),
            has_tables: migration.tables.is_some(),
            forward: ScriptShape::of(*transaction, *timeouts, vars, outside, locks.as_ref()),
            reverse: migration.reverse.as_ref().map(|reverse| {
                let Reverse { transaction, timeouts, vars, outside, locks, .. } = reverse;
                ScriptShape::of(*transaction, *timeouts, vars, outside, locks.as_ref())
            }),
        }
    }
}

impl<'m> ScriptShape<'m> {
    fn of(
        transaction: Transaction,
        timeouts: Timeouts,
        vars: &'m [Text],
        outside: &'m [Outside],
        locks: Option<&Locks>,
    ) -> Self {
        Self { transaction, timeouts, vars, outside, locks: locks.map(|locks| locks.is_whole) }
    }
}

/// What migrations have of their own. Of a migration with a reverse file there are two scripts, its own first.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    /// The shapes.
    pub shapes: &'static [Shape<'static>],
    /// Of each migration its shape's number, in three bytes.
    pub shape_numbers: &'static [u8],
    /// Of each migration its version, in eight bytes.
    pub versions: &'static [u8],
    /// Of each migration its checksum.
    pub checksums: &'static [u8],
    /// Of each migration its name.
    pub names: &'static [&'static str],
    /// Of each migration the bytes of [`Migration::attributes`].
    pub attributes: &'static [&'static [u8]],
    /// Of each migration that has them its [`TableChanges`].
    pub tables: &'static [&'static str],
    /// Of each script its file.
    pub files: &'static [&'static str],
    /// Of each script its text.
    pub sql: &'static [&'static str],
    /// Of each script the bytes of its [`Migration::statements`].
    pub statements: &'static [&'static [u8]],
    /// Of each script that has them its [`Locks`].
    pub locks: &'static [&'static str],
}

/// Puts migrations together.
///
/// The compiler's interpreter runs this, which takes it a microsecond for two or three operations: a call is dear.
pub const fn migrations<const N: usize>(columns: &Columns) -> [Migration; N] {
    let Columns { shapes, shape_numbers, versions, checksums, names, attributes, tables, .. } = *columns;
    let Columns { files, sql, statements, locks, .. } = *columns;
    let (shape_numbers, versions) = (shape_numbers.as_chunks::<3>().0, versions.as_chunks::<8>().0);
    let checksums = checksums.as_chunks::<32>().0;
    let (mut index, mut script, mut with_locks, mut with_tables) = (0, 0, 0, 0);
    let mut migrations = [const { BLANK }; N];
    while index < N {
        let [low, middle, high] = shape_numbers[index];
        let shape = &shapes[low as usize | (middle as usize) << 8 | (high as usize) << 16];
        let ScriptShape { transaction, timeouts, vars, outside, locks: is_whole } = shape.forward;
        let own_locks = match is_whole {
            Some(is_whole) => {
                with_locks += 1;
                Some(Locks::embedded(locks[with_locks - 1], is_whole))
            }
            None => None,
        };
        let own = script;
        script += 1;
        let reverse = match shape.reverse {
            Some(ScriptShape { transaction, timeouts, vars, outside, locks: is_whole }) => {
                script += 1;
                Some(Reverse {
                    file: Text::Borrowed(files[script - 1]),
                    transaction,
                    timeouts,
                    vars: List::Borrowed(vars),
                    sql: Text::Borrowed(sql[script - 1]),
                    statements: Spans::embedded(statements[script - 1]),
                    outside: List::Borrowed(outside),
                    locks: match is_whole {
                        Some(is_whole) => {
                            with_locks += 1;
                            Some(Locks::embedded(locks[with_locks - 1], is_whole))
                        }
                        None => None,
                    },
                })
            }
            None => None,
        };
        let migration = Migration {
            version: Version::embedded(i64::from_le_bytes(versions[index])),
            name: Text::Borrowed(names[index]),
            file: Text::Borrowed(files[own]),
            kind: shape.kind,
            checksum: Checksum(checksums[index]),
            route: shape.route.embedded(),
            rerouted: shape.rerouted,
            transaction,
            timeouts,
            barrier: shape.barrier,
            requires: List::Borrowed(shape.requires),
            replaces: Replaces(List::Borrowed(shape.replaces)),
            vars: List::Borrowed(vars),
            sql: Text::Borrowed(sql[own]),
            attributes: Spans::embedded(attributes[index]),
            statements: Spans::embedded(statements[own]),
            outside: List::Borrowed(outside),
            locks: own_locks,
            tables: if shape.has_tables {
                with_tables += 1;
                Some(TableChanges(Text::Borrowed(tables[with_tables - 1])))
            } else {
                None
            },
            code: match shape.code {
                Some(code) => Some(code.embedded()),
                None => None,
            },
            reverse,
        };
        // The compiler cannot drop what was there before: nothing.
        mem::forget(mem::replace(&mut migrations[index], migration));
        index += 1;
    }
    migrations
}

/// What is in the place of a migration before it is there. It has no pointer into anything: to take those of thousands
/// of migrations out again would take the compiler longer than the rest.
const BLANK: Migration = Migration {
    version: Version::embedded(0),
    name: Text::Owned(String::new()),
    file: Text::Owned(String::new()),
    kind: Kind::Ordered,
    checksum: Checksum([0; 32]),
    route: Route::Everywhere,
    rerouted: Rerouted::NONE,
    transaction: Transaction::Whole,
    timeouts: Timeouts { lock: None, statement: None },
    barrier: false,
    requires: List::Owned(Vec::new()),
    replaces: Replaces(List::Owned(Vec::new())),
    vars: List::Owned(Vec::new()),
    sql: Text::Owned(String::new()),
    attributes: Spans::NONE,
    statements: Spans::NONE,
    outside: List::Owned(Vec::new()),
    locks: None,
    tables: None,
    code: None,
    reverse: None,
};
