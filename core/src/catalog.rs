//! A database as the migrations leave it, without a server: which objects there are, and where each was made.
//!
//! Columns, constraints and privileges are not followed.

mod creations;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

pub(crate) use creations::{Creations, Missing, Why};

use crate::sql::{Action, Class, Fact, Name, Named, Statement};

/// The schema of a name without one, as long as nothing sets another search path.
const PUBLIC: &str = "public";

/// A place in the migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Site {
    /// The file, as a position in the project's list.
    pub(crate) file: usize,
    /// The byte.
    pub(crate) at: usize,
}

/// What is wrong with a statement on one database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) file: usize,
    /// The bytes of the name at fault.
    pub(crate) span: Range<usize>,
    pub(crate) name: Name,
    pub(crate) what: What,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// An object is not there, and some migration makes one of that name.
    Missing {
        /// What needs it.
        by: By,
        /// Where it is instead.
        missing: Missing,
    },
    /// An object of that name is there already.
    Twice {
        /// What it is called.
        noun: &'static str,
        /// Where the first one was made.
        first: Site,
    },
    /// A view needs what is dropped.
    Needed {
        /// The view.
        view: String,
        /// Where it was made.
        made: Site,
    },
}

/// What needs an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    ForeignKey,
    View,
    Statement,
}

/// What became of an object that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Gone {
    Dropped(Site),
    Renamed(String, Site),
    Moved(String, Site),
}

type Id = usize;

#[derive(Debug)]
struct Object {
    id: Id,
    scope: String,
    noun: &'static str,
    made: Site,
    /// Of a routine: each of its forms.
    signatures: Vec<Option<String>>,
    /// The object it goes with.
    owner: Option<Id>,
    /// The objects that it cannot be without.
    leans_on: Vec<Id>,
}

/// A database.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    objects: HashMap<Class, HashMap<String, Vec<Object>>>,
    /// Under which name an object is.
    located: HashMap<Id, (Class, String)>,
    /// What belongs to an object or leans on it.
    below: HashMap<Id, Vec<Id>>,
    gone: HashMap<(Class, String), Vec<(String, Gone)>>,
    /// Names that something unreadable may have made or dropped.
    uncertain: HashSet<String>,
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
        self.uncertain.extend(names.into_iter().cloned());
    }

    /// Looks for what is not there and does what the statement does.
    pub(crate) fn apply(
        &mut self,
        file: usize,
        statement: &Statement,
        explain: &dyn Fn(Lookup<'_>) -> Option<Missing>,
        findings: &mut Vec<Finding>,
    ) {
        let named = || {
            statement
                .facts
                .iter()
                .filter_map(|fact| if let Fact::Named(named) = fact { Some(named) } else { None })
        };
        let makes = |name: &Named| {
            named().any(|made| {
                matches!(made.action, Action::Create { .. } | Action::Implicit)
                    && made.class == name.class
                    && made.name.name == name.name.name
            })
        };
        let dropped: Vec<Id> = named()
            .filter(|named| matches!(named.action, Action::Drop { .. }))
            .filter_map(|named| self.find(named).map(|object| object.id))
            .collect();
        let mut reported: HashSet<(Class, &Name)> = HashSet::new();
        let mut leans_on = Vec::new();
        let mut parents = Vec::new();
        for fact in &statement.facts {
            let named = match fact {
                Fact::SearchPath(path) => {
                    self.path = path.clone();
                    continue;
                }
                Fact::Opaque(words) => {
                    self.doubt(words);
                    continue;
                }
                Fact::Named(named) => named,
            };
            if matches!(named.action, Action::Create { .. } | Action::Implicit) {
                continue;
            }
            let is_use = matches!(named.action, Action::Use | Action::ForeignKey | Action::Parent);
            if is_use && makes(named) {
                continue;
            }
            if named.class == Class::Relation
                && named.name.schema.is_none()
                && self.temporary.contains(&named.name.name)
            {
                if matches!(named.action, Action::Drop { .. }) {
                    self.temporary.remove(&named.name.name);
                }
                continue;
            }
            match self.find(named).map(|object| object.id) {
                Some(id) => {
                    if named.action == Action::Parent {
                        parents.push(id);
                    } else if is_use {
                        leans_on.push(id);
                    }
                    self.change(file, id, named, &dropped, findings);
                }
                None => {
                    let is_silent =
                        named.conditional || named.maybe || self.uncertain.contains(&named.name.name);
                    if !is_silent && reported.insert((named.class, &named.name)) {
                        let lookup =
                            Lookup { named, file, path: self.path.as_deref(), gone: self.gone_of(named) };
                        if let Some(missing) = explain(lookup) {
                            let by = match named.action {
                                Action::ForeignKey => By::ForeignKey,
                                _ if statement.is_view => By::View,
                                _ => By::Statement,
                            };
                            let what = What::Missing { by, missing };
                            findings.push(Finding {
                                file,
                                span: named.span.clone(),
                                name: named.name.clone(),
                                what,
                            });
                        }
                    }
                    if let Action::Rename { to } = &named.action {
                        let scope = self.scope(named);
                        self.insert(
                            named.class,
                            to.clone(),
                            scope,
                            "object",
                            Site { file, at: named.span.start },
                        );
                    }
                }
            }
            if named.maybe {
                self.doubt([&named.name.name]);
            }
        }
        for named in named() {
            match &named.action {
                Action::Create { .. } => {
                    let leans_on = match named.class {
                        Class::Relation if !statement.is_view => parents.clone(),
                        _ => leans_on.clone(),
                    };
                    self.create(file, named, leans_on, findings);
                }
                Action::Implicit => self.create_implicit(file, named),
                _ => {}
            }
        }
    }

    fn create(&mut self, file: usize, named: &Named, leans_on: Vec<Id>, findings: &mut Vec<Finding>) {
        let Action::Create { noun, replaces, temporary } = named.action else { return };
        if temporary {
            self.temporary.insert(named.name.name.clone());
            return;
        }
        if named.maybe {
            self.doubt([&named.name.name]);
        }
        let scope = self.scope(named);
        let at = named.span.start;
        let owner = named.on.as_ref().and_then(|on| self.relation(on));
        let is_uncertain = self.uncertain.contains(&named.name.name);
        let existing = self.objects.get_mut(&named.class).and_then(|names| names.get_mut(&named.name.name));
        let existing = existing.and_then(|same| same.iter_mut().find(|object| object.scope == scope));
        if let Some(object) = existing {
            let is_overload = named.class == Class::Routine && !object.signatures.contains(&named.signature);
            if is_overload {
                object.signatures.push(named.signature.clone());
            } else if replaces {
                object.leans_on.clone_from(&leans_on);
                let id = object.id;
                for other in leans_on {
                    self.below.entry(other).or_default().push(id);
                }
            } else if !named.conditional && !is_uncertain {
                let what = What::Twice { noun: object.noun, first: object.made };
                findings.push(Finding { file, span: named.span.clone(), name: named.name.clone(), what });
            }
            return;
        }
        let id = self.insert(named.class, named.name.name.clone(), scope, noun, Site { file, at });
        for other in leans_on.iter().chain(&owner) {
            self.below.entry(*other).or_default().push(id);
        }
        if let Some(object) = self.object(id) {
            object.owner = owner;
            object.leans_on = leans_on;
            object.signatures.push(named.signature.clone());
        }
    }

    /// The server takes another name where this one is taken.
    fn create_implicit(&mut self, file: usize, named: &Named) {
        if self.find(named).is_some() {
            return;
        }
        let owner = named.on.as_ref().and_then(|on| self.relation(on));
        let scope = self.scope(named);
        let id = self.insert(
            named.class,
            named.name.name.clone(),
            scope,
            "sequence",
            Site { file, at: named.span.start },
        );
        if let Some(owner) = owner {
            self.below.entry(owner).or_default().push(id);
        }
        if let Some(object) = self.object(id) {
            object.owner = owner;
        }
    }

    fn insert(&mut self, class: Class, name: String, scope: String, noun: &'static str, made: Site) -> Id {
        self.next += 1;
        let id = self.next;
        let object =
            Object { id, scope, noun, made, signatures: Vec::new(), owner: None, leans_on: Vec::new() };
        self.located.insert(id, (class, name.clone()));
        self.objects.entry(class).or_default().entry(name).or_default().push(object);
        id
    }

    /// Does to an object that is there what the statement does.
    fn change(&mut self, file: usize, id: Id, named: &Named, dropped: &[Id], findings: &mut Vec<Finding>) {
        let site = Site { file, at: named.span.start };
        match &named.action {
            Action::Drop { .. } if named.class == Class::Routine && self.keeps_a_form(id, named) => {}
            Action::Drop { cascade } => {
                if !cascade && let Some((view, made)) = self.view_on(id, dropped) {
                    let what = What::Needed { view, made };
                    findings.push(Finding { file, span: named.span.clone(), name: named.name.clone(), what });
                }
                if named.class == Class::Schema && *cascade {
                    let inside: Vec<Id> = self.in_schema(&named.name.name);
                    inside.into_iter().for_each(|inside| self.remove(inside, site));
                }
                self.remove(id, site);
            }
            Action::Rename { to } => {
                if named.class == Class::Schema {
                    for inside in self.in_schema(&named.name.name) {
                        if let Some(object) = self.object(inside) {
                            object.scope.clone_from(to);
                        }
                    }
                }
                self.relocate(id, Some(to), None, Gone::Renamed(to.clone(), site), named, findings);
            }
            Action::Move { schema } => {
                for part in self.below.get(&id).cloned().unwrap_or_default() {
                    if let Some(object) = self.object(part)
                        && object.owner == Some(id)
                        && matches!(object.noun, "index" | "sequence")
                    {
                        object.scope.clone_from(schema);
                    }
                }
                self.relocate(id, None, Some(schema), Gone::Moved(schema.clone(), site), named, findings);
            }
            Action::Give => {
                let owner = named.on.as_ref().and_then(|on| self.relation(on));
                if let Some(owner) = owner {
                    self.below.entry(owner).or_default().push(id);
                }
                if let Some(object) = self.object(id) {
                    object.owner = owner;
                }
            }
            _ => {}
        }
    }

    /// Takes one form away from a routine; `true` if others are left.
    fn keeps_a_form(&mut self, id: Id, named: &Named) -> bool {
        let Some(object) = self.object(id) else { return false };
        let form = object.signatures.iter().position(|form| form.is_some() && *form == named.signature);
        let many = object.signatures.len() > 1;
        match form {
            Some(form) if many => {
                object.signatures.remove(form);
                true
            }
            // Which one it is cannot be told: types have many spellings.
            None if many => {
                self.doubt([&named.name.name]);
                true
            }
            _ => false,
        }
    }

    /// A view that leans on an object and is not dropped with it.
    fn view_on(&mut self, id: Id, dropped: &[Id]) -> Option<(String, Site)> {
        let below = self.below.get(&id)?.clone();
        below.into_iter().filter(|view| !dropped.contains(view)).find_map(|view| {
            let name = self.located.get(&view)?.1.clone();
            let is_uncertain = self.uncertain.contains(&name);
            let object = self.object(view)?;
            let leans = object.leans_on.contains(&id) && matches!(object.noun, "view" | "materialized view");
            (leans && !is_uncertain).then_some((name, object.made))
        })
    }

    /// Removes an object with all that belongs to it or leans on it.
    fn remove(&mut self, id: Id, site: Site) {
        let mut left = vec![id];
        while let Some(id) = left.pop() {
            let Some((class, name)) = self.located.remove(&id) else { continue };
            let Some(same) = self.objects.get_mut(&class).and_then(|names| names.get_mut(&name)) else {
                continue;
            };
            let Some(position) = same.iter().position(|object| object.id == id) else { continue };
            let object = same.swap_remove(position);
            self.gone.entry((class, name)).or_default().push((object.scope, Gone::Dropped(site)));
            left.extend(self.below.remove(&id).unwrap_or_default().into_iter().filter(|below| {
                let object = self.located.get(below).and_then(|(class, name)| {
                    self.objects.get(class)?.get(name)?.iter().find(|object| object.id == *below)
                });
                object.is_some_and(|object| object.owner == Some(id) || object.leans_on.contains(&id))
            }));
        }
    }

    fn relocate(
        &mut self,
        id: Id,
        name: Option<&String>,
        scope: Option<&String>,
        gone: Gone,
        named: &Named,
        findings: &mut Vec<Finding>,
    ) {
        let Some((class, old)) = self.located.remove(&id) else { return };
        let Some(same) = self.objects.get_mut(&class).and_then(|names| names.get_mut(&old)) else { return };
        let Some(position) = same.iter().position(|object| object.id == id) else { return };
        let mut object = same.swap_remove(position);
        self.gone.entry((class, old.clone())).or_default().push((object.scope.clone(), gone.clone()));
        if let Some(scope) = scope {
            object.scope.clone_from(scope);
        }
        let new = name.unwrap_or(&old).clone();
        let there = self.objects.entry(class).or_default().entry(new.clone()).or_default();
        let taken = there.iter().find(|other| other.scope == object.scope && class != Class::Routine);
        if let (Some(taken), Gone::Renamed(_, site)) = (taken, &gone)
            && !self.uncertain.contains(&new)
            && !named.maybe
        {
            let what = What::Twice { noun: taken.noun, first: taken.made };
            let name = Name { schema: named.name.schema.clone(), name: new.clone() };
            findings.push(Finding { file: site.file, span: named.span.clone(), name, what });
        }
        there.push(object);
        self.located.insert(id, (class, new));
        if named.maybe
            && let Some(name) = name
        {
            self.doubt([name]);
        }
    }

    fn in_schema(&self, schema: &str) -> Vec<Id> {
        let all = self.objects.values().flat_map(|names| names.values().flatten());
        all.filter(|object| object.scope == schema).map(|object| object.id).collect()
    }

    fn object(&mut self, id: Id) -> Option<&mut Object> {
        let (class, name) = self.located.get(&id)?;
        self.objects.get_mut(class)?.get_mut(name)?.iter_mut().find(|object| object.id == id)
    }

    /// The object that a name refers to.
    fn find(&self, named: &Named) -> Option<&Object> {
        let of = |class| self.objects.get(&class).and_then(|names| names.get(&named.name.name));
        let scope = matches!(named.class, Class::Trigger | Class::Policy).then(|| self.scope(named));
        let is_it = |object: &&Object| match &scope {
            Some(scope) => object.scope == *scope,
            None => self.sees(named.class, &named.name, &object.scope),
        };
        let found = of(named.class).and_then(|same| same.iter().find(is_it));
        // Every table is a type as well.
        let is_type = named.class == Class::Type;
        found.or_else(|| of(Class::Relation).filter(|_| is_type).and_then(|same| same.iter().find(is_it)))
    }

    fn relation(&self, name: &Name) -> Option<Id> {
        let same = self.objects.get(&Class::Relation)?.get(&name.name)?;
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
    pub(crate) file: usize,
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
