//! All that the migrations of a set make, on whichever database: what is in here and not on a database is missing
//! there, and what is not in here comes from elsewhere and is never spoken of.

use std::collections::HashMap;

use super::{Gone, Lookup, Site, scope_of, sees};
use crate::project::MigrationFile;
use crate::sql::{Action, Class, Fact, Named};

/// One statement that makes an object.
#[derive(Debug)]
struct Creation {
    noun: &'static str,
    scope: String,
    on: Option<String>,
    site: Site,
    /// The databases it is made on.
    databases: Vec<usize>,
    /// Whether the object cannot have been there before.
    is_certain: bool,
}

/// Why an object is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// What it is.
    pub(crate) noun: &'static str,
    /// Where it is instead.
    pub(crate) why: Why,
}

/// Where a missing object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// It was there.
    Gone(Gone),
    /// It is made later.
    Later(Site),
    /// It is made on other databases only.
    Elsewhere(Site, Vec<usize>),
}

/// All that is made.
#[derive(Debug, Default)]
pub(crate) struct Creations(HashMap<Class, HashMap<String, Vec<Creation>>>);

impl Creations {
    pub(crate) fn of(files: &[MigrationFile]) -> Self {
        let mut creations = Self::default();
        for (index, file) in files.iter().enumerate() {
            for reading in &file.readings {
                let mut path = None;
                for fact in reading.statements.iter().flat_map(|statement| &statement.facts) {
                    match fact {
                        Fact::SearchPath(schemas) => path = schemas.as_deref(),
                        Fact::Opaque(_) => {}
                        Fact::Named(named) => creations.add(index, named, path, &reading.databases),
                    }
                }
            }
        }
        creations
    }

    fn add(&mut self, file: usize, named: &Named, path: Option<&[String]>, databases: &[usize]) {
        let (name, noun, is_certain) = match &named.action {
            Action::Create { noun, temporary: false, replaces, .. } => {
                (&named.name.name, *noun, !replaces && !named.conditional && !named.maybe)
            }
            Action::Implicit => (&named.name.name, "sequence", !named.maybe),
            Action::Rename { to } => (to, noun_of(named.class), !named.maybe),
            _ => return,
        };
        let creation = Creation {
            noun,
            scope: scope_of(&named.name, path),
            on: named.on.as_ref().map(|on| on.name.clone()),
            site: Site { file, at: named.span.start },
            databases: databases.to_vec(),
            is_certain,
        };
        self.0.entry(named.class).or_default().entry(name.clone()).or_default().push(creation);
    }

    /// Why an object is not on a database; `None` where no migration makes it, or where it may have been there
    /// before all migrations.
    pub(crate) fn explain(&self, lookup: &Lookup<'_>, database: usize) -> Option<Missing> {
        let Lookup { named, site, path, gone } = lookup;
        let is_it = |creation: &&Creation| match named.class {
            Class::Trigger | Class::Policy => creation.on == named.on.as_ref().map(|on| on.name.clone()),
            Class::Schema | Class::Extension => true,
            _ => sees(&named.name, *path, &creation.scope),
        };
        let all: Vec<&Creation> =
            self.0.get(&named.class)?.get(&named.name.name)?.iter().filter(is_it).collect();
        let first = all.first()?;
        if let Some(gone) = gone {
            return Some(Missing { noun: first.noun, why: Why::Gone((*gone).clone()) });
        }
        let here: Vec<&Creation> =
            all.iter().copied().filter(|creation| creation.databases.contains(&database)).collect();
        let Some(some_here) = here.first() else {
            let elsewhere: Vec<usize> =
                all.iter().flat_map(|creation| creation.databases.iter().copied()).collect();
            return Some(Missing { noun: first.noun, why: Why::Elsewhere(first.site, elsewhere) });
        };
        let is_later = here.iter().all(|creation| creation.site > *site && creation.is_certain);
        is_later.then_some(Missing { noun: some_here.noun, why: Why::Later(some_here.site) })
    }
}

/// What a renamed object is called, whose first name may not be known.
fn noun_of(class: Class) -> &'static str {
    match class {
        Class::Relation => "table",
        Class::Type => "type",
        Class::Routine => "function",
        Class::Schema => "schema",
        Class::Extension => "extension",
        Class::Trigger => "trigger",
        Class::Policy => "policy",
    }
}
