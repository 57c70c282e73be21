//! What a migration and its reverse file, one after the other, leave of a database.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Catalog, Gone, Id, Key, Object, Origin, PUBLIC, Site};
use crate::sql::{Class, Name};

/// An object that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    /// The statement that made it so.
    pub(crate) site: Site,
    pub(crate) class: Class,
    pub(crate) noun: &'static str,
    pub(crate) name: Name,
    /// Of a trigger or a policy: its table.
    pub(crate) on: Option<String>,
    pub(crate) change: Change,
}

/// In which way it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// It is there and was not.
    Added,
    /// It was there and is not.
    Lost,
    /// It has another name, or another schema.
    Renamed,
}

/// An object at the mark or now, and where it is.
#[derive(Clone, Copy)]
struct Seen<'a> {
    key: &'a Key,
    object: &'a Object,
}

impl Catalog {
    /// Remembers what there is from here on.
    pub(crate) fn mark(&mut self) {
        self.objects.mark();
        self.located.mark();
        self.below.mark();
        self.gone.mark();
        self.uncertain.mark();
    }

    /// Goes back to the last mark, and takes all marks away.
    pub(crate) fn rewind(&mut self) {
        self.objects.undo();
        self.located.undo();
        self.below.undo();
        self.gone.undo();
        self.uncertain.undo();
        self.settle();
    }

    fn settle(&mut self) {
        self.objects.settle();
        self.located.settle();
        self.below.settle();
        self.gone.settle();
        self.uncertain.settle();
    }

    /// What differs between now and the first mark. Nothing is said of names that are uncertain, nor of what goes with
    /// something else that differs, nor of what the server makes for a column, which is not followed.
    pub(crate) fn differences(&self) -> Vec<Difference> {
        let keys: BTreeSet<&Key> = self.objects.touched().collect();
        let before: BTreeMap<Id, Seen<'_>> =
            keys.iter().flat_map(|key| seen(key, self.objects.before(key))).map(by_id).collect();
        let now: BTreeMap<Id, Seen<'_>> =
            keys.iter().flat_map(|key| seen(key, self.objects.get(key))).map(by_id).collect();

        let mut found: Vec<Difference> = Vec::new();
        for (id, was) in &before {
            let Some(is) = now.get(id) else { continue };
            if (was.key, &was.object.scope) != (is.key, &is.object.scope)
                && let Some(site) = self.gone_since(was)
                && !self.is_uncertain(&was.key.1)
            {
                found.push(self.difference(was, site, Change::Renamed));
            }
        }
        let made_again: HashSet<_> = now
            .iter()
            .filter(|(id, _)| !before.contains_key(*id))
            .map(|(_, is)| self.identity(is, false))
            .collect();
        let there_before: HashSet<_> = before
            .iter()
            .filter(|(id, _)| !now.contains_key(*id))
            .map(|(_, was)| self.identity(was, true))
            .collect();
        let lost: BTreeMap<Id, Seen<'_>> = before
            .iter()
            .filter(|(id, was)| !now.contains_key(*id) && !made_again.contains(&self.identity(was, true)))
            .map(|(id, was)| (*id, *was))
            .collect();
        let added: BTreeMap<Id, Seen<'_>> = now
            .iter()
            .filter(|(id, is)| !before.contains_key(*id) && !there_before.contains(&self.identity(is, false)))
            .map(|(id, is)| (*id, *is))
            .collect();
        let goes_with = |seen: &Seen<'_>, others: &BTreeMap<Id, Seen<'_>>| {
            let mut roots = seen.object.owner.iter().chain(&seen.object.leans_on);
            roots.any(|root| others.contains_key(root))
        };
        for was in lost.values() {
            let is_known = matches!(was.object.origin, Origin::Made | Origin::MadeIfAbsent);
            if is_known
                && !goes_with(was, &lost)
                && !self.is_uncertain(&was.key.1)
                && let Some(site) = self.gone_since(was)
            {
                found.push(self.difference(was, site, Change::Lost));
            }
        }
        for is in added.values() {
            let is_known = is.object.origin == Origin::Made;
            if is_known && !goes_with(is, &added) && !self.is_uncertain(&is.key.1) {
                found.push(self.difference(is, is.object.made, Change::Added));
            }
        }
        found.sort();
        found
    }

    fn difference(&self, seen: &Seen<'_>, site: Site, change: Change) -> Difference {
        let (class, name) = seen.key;
        let is_part = matches!(class, Class::Trigger | Class::Policy);
        let place = self.place(seen.object, change != Change::Added);
        let schema = (!is_part && !place.is_empty() && place != PUBLIC).then(|| place.clone());
        Difference {
            site,
            class: *class,
            noun: seen.object.noun,
            name: Name { schema, name: name.clone() },
            on: is_part.then_some(place),
            change,
        }
    }

    /// What two objects have in common of which one is the other made again.
    fn identity<'a>(&self, seen: &Seen<'a>, was: bool) -> (&'a Key, &'static str, String) {
        (seen.key, seen.object.noun, self.place(seen.object, was))
    }

    /// The schema of an object, or the table of a trigger, by its name then or now.
    fn place(&self, object: &Object, was: bool) -> String {
        let table = object.scope.strip_prefix('#').and_then(|id| id.parse::<Id>().ok());
        let Some(table) = table else { return object.scope.clone() };
        let key = if was { self.located.before(&table) } else { self.located.get(&table) };
        key.map_or_else(String::new, |(_, name)| name.clone())
    }

    /// The last statement behind the first mark that took an object from its place.
    fn gone_since(&self, seen: &Seen<'_>) -> Option<Site> {
        let known = self.gone.before(seen.key).map_or(0, Vec::len);
        let since = self.gone.get(seen.key)?.get(known..)?;
        let (_, gone) = since.iter().rev().find(|(scope, _)| *scope == seen.object.scope)?;
        Some(match gone {
            Gone::Dropped(site) | Gone::Renamed(_, site) | Gone::Moved(_, site) => *site,
        })
    }
}

fn seen<'a>(key: &'a Key, objects: Option<&'a Vec<Object>>) -> Vec<Seen<'a>> {
    objects.into_iter().flatten().map(|object| Seen { key, object }).collect()
}

fn by_id(seen: Seen<'_>) -> (Id, Seen<'_>) {
    (seen.object.id, seen)
}
