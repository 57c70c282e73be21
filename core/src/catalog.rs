//! A database as the migrations leave it, without a server: which objects there are, and where each was made.
//!
//! Columns, constraints and privileges are not followed. This file has the state and how names are looked up in it;
//! `apply` is what a statement does to it, `undone` what a migration and its reverse file leave of it.

mod apply;
mod creations;
mod finding;
mod undone;
mod versioned;

use std::collections::HashSet;

pub(crate) use apply::Stage;
pub(crate) use creations::{Creations, Missing, Why};
pub(crate) use finding::{By, Finding, Gone, Site, What};
pub(crate) use undone::{Change, Difference};

use crate::sql::{Class, Name, Named};
use versioned::Versioned;

/// The schema of a name without one, as long as nothing sets another search path.
const PUBLIC: &str = "public";

type Id = usize;

/// Under which name an object is.
type Key = (Class, String);

#[derive(Debug, Clone)]
struct Object {
    id: Id,
    scope: String,
    noun: &'static str,
    made: Site,
    origin: Origin,
    /// Of a routine: each of its forms.
    signatures: Vec<Option<String>>,
    /// The object it goes with.
    owner: Option<Id>,
    /// The objects that it cannot be without.
    leans_on: Vec<Id>,
    /// Of an index or a column's sequence: the words of what made it, the columns it goes with among them.
    mentions: Vec<String>,
}

/// How an object came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// A statement made it.
    Made,
    /// A statement would have made it if it was not there already.
    MadeIfAbsent,
    /// The server made it for a column.
    Implicit,
    /// No migration makes it: a statement gave it another name.
    Elsewhere,
}

/// A database.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    objects: Versioned<Key, Vec<Object>>,
    located: Versioned<Id, Key>,
    /// What belongs to an object or leans on it.
    below: Versioned<Id, Vec<Id>>,
    gone: Versioned<Key, Vec<(String, Gone)>>,
    /// Names that something unreadable may have made or dropped.
    uncertain: Versioned<String, ()>,
    temporary: HashSet<String>,
    /// The schemas that the file looks names up in, if it says so.
    path: Option<Vec<String>>,
    next: Id,
}

impl Catalog {
    /// A file begins: it has a session of its own.
    pub(crate) fn begin_file(&mut self) {
        self.path = None;
        self.temporary.clear();
    }

    /// From here on nothing is said about objects of these names.
    pub(crate) fn doubt<'n>(&mut self, names: impl IntoIterator<Item = &'n String>) {
        for name in names {
            self.uncertain.insert(name.clone(), ());
        }
    }

    fn is_uncertain(&self, name: &str) -> bool {
        self.uncertain.get(name).is_some()
    }

    fn insert(
        &mut self,
        (class, name): Key,
        scope: String,
        noun: &'static str,
        made: Site,
        origin: Origin,
    ) -> Id {
        self.next += 1;
        let id = self.next;
        let object = Object {
            id,
            scope,
            noun,
            made,
            origin,
            signatures: Vec::new(),
            owner: None,
            leans_on: Vec::new(),
            mentions: Vec::new(),
        };
        self.located.insert(id, (class, name.clone()));
        self.objects.entry((class, name)).push(object);
        id
    }

    fn object(&self, id: Id) -> Option<&Object> {
        self.objects.get(self.located.get(&id)?)?.iter().find(|object| object.id == id)
    }

    fn object_mut(&mut self, id: Id) -> Option<&mut Object> {
        let key = self.located.get(&id)?;
        self.objects.get_mut(key)?.iter_mut().find(|object| object.id == id)
    }

    /// The objects that belong to one or lean on it.
    fn dependents(&self, id: Id) -> Vec<Id> {
        let below = self.below.get(&id).into_iter().flatten().copied();
        let depends = |below: &Id| {
            self.object(*below)
                .is_some_and(|object| object.owner == Some(id) || object.leans_on.contains(&id))
        };
        below.filter(depends).collect()
    }

    /// Takes an object out of its place.
    fn take(&mut self, id: Id) -> Option<(Key, Object)> {
        let key = self.located.remove(&id)?;
        let same = self.objects.get_mut(&key)?;
        let position = same.iter().position(|object| object.id == id)?;
        let object = same.swap_remove(position);
        Some((key, object))
    }

    /// Removes an object with all that belongs to it or leans on it.
    fn remove(&mut self, id: Id, site: Site) {
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            left.extend(self.dependents(id));
            self.below.remove(&id);
            if let Some((key, object)) = self.take(id) {
                self.gone.entry(key).push((object.scope, Gone::Dropped(site)));
            }
        }
    }

    fn in_schema(&self, schema: &str) -> Vec<Id> {
        let all = self.objects.values().flatten();
        all.filter(|object| object.scope == schema).map(|object| object.id).collect()
    }

    /// The object that a name refers to.
    fn find(&self, named: &Named) -> Option<Id> {
        let scope = matches!(named.class, Class::Trigger | Class::Policy).then(|| self.scope(named));
        let is_it = |object: &&Object| match &scope {
            Some(scope) => object.scope == *scope,
            None => self.sees(named.class, &named.name, &object.scope),
        };
        let of = |class| self.objects.get(&(class, named.name.name.clone()))?.iter().find(is_it);
        // Every table is a type as well.
        let is_type = named.class == Class::Type;
        let found = of(named.class).or_else(|| if is_type { of(Class::Relation) } else { None });
        found.map(|object| object.id)
    }

    fn relation(&self, name: &Name) -> Option<Id> {
        let same = self.objects.get(&(Class::Relation, name.name.clone()))?;
        same.iter().find(|object| self.sees(Class::Relation, name, &object.scope)).map(|object| object.id)
    }

    fn sees(&self, class: Class, name: &Name, scope: &str) -> bool {
        matches!(class, Class::Schema | Class::Extension) || sees(name, self.path.as_deref(), scope)
    }

    /// Where an object of that name is made.
    fn scope(&self, named: &Named) -> String {
        match named.class {
            Class::Schema | Class::Extension => String::new(),
            // The table's number stays when it is renamed.
            Class::Trigger | Class::Policy => match &named.on {
                Some(on) => self.relation(on).map_or_else(|| on.name.clone(), |table| format!("#{table}")),
                None => String::new(),
            },
            _ => scope_of(&named.name, self.path.as_deref()),
        }
    }

    fn gone_of(&self, named: &Named) -> Option<&Gone> {
        let all = self.gone.get(&(named.class, named.name.name.clone()))?;
        let is_it = |scope: &str| {
            matches!(named.class, Class::Trigger | Class::Policy)
                || self.sees(named.class, &named.name, scope)
        };
        all.iter().rev().find(|(scope, _)| is_it(scope)).map(|(_, gone)| gone)
    }
}

/// A name that was not found, with what helps to say why.
pub(crate) struct Lookup<'a> {
    pub(crate) named: &'a Named,
    /// The statement that has it, or the end of a migration for what its reverse file has.
    pub(crate) site: Site,
    pub(crate) path: Option<&'a [String]>,
    pub(crate) gone: Option<&'a Gone>,
}

/// The schema in which an object of that name is made.
fn scope_of(name: &Name, path: Option<&[String]>) -> String {
    let first = || path.and_then(|path| path.first()).map_or(PUBLIC, String::as_str).to_owned();
    name.schema.clone().unwrap_or_else(first)
}

/// Whether a name can mean an object in that schema. As long as the file does not set the search path, it is the
/// role's or the URL's, which nobody knows here: then any schema may be meant.
fn sees(name: &Name, path: Option<&[String]>, scope: &str) -> bool {
    match (&name.schema, path) {
        (Some(schema), _) => schema == scope,
        (None, None) => true,
        (None, Some(path)) => path.iter().any(|schema| schema == scope),
    }
}
