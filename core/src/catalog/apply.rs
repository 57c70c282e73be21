//! What a statement does to a catalog, and what it needs that is not there.

use std::collections::HashSet;

use super::{By, Catalog, Finding, Gone, Id, Lookup, Missing, Object, Origin, Site, What};
use crate::sql::{Action, Class, Fact, Name, Named, Statement};

/// Where a statement stands, and what can be said about what it misses.
pub(crate) struct Stage<'a> {
    /// The file that is applied.
    pub(crate) file: usize,
    /// Of a reverse file: the end of its migration, which is as late as it comes.
    pub(crate) behind: Option<Site>,
    /// Why an object is not there; `None` where no migration makes it.
    pub(crate) explain: &'a dyn Fn(Lookup<'_>) -> Option<Missing>,
}

impl Stage<'_> {
    fn site(&self, named: &Named) -> Site {
        Site { file: self.file, at: named.span.start }
    }
}

impl Catalog {
    /// Looks for what is not there and does what the statement does.
    pub(crate) fn apply(&mut self, stage: &Stage<'_>, statement: &Statement, findings: &mut Vec<Finding>) {
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
            .filter_map(|named| self.find(named))
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
            let is_use =
                matches!(named.action, Action::Use | Action::Call | Action::ForeignKey | Action::Parent);
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
            match self.find(named) {
                Some(id) => {
                    if named.action == Action::Parent {
                        parents.push(id);
                    } else if is_use {
                        leans_on.push(id);
                    }
                    self.change(stage.site(named), id, named, &dropped, findings);
                }
                None => {
                    if reported.insert((named.class, &named.name)) {
                        findings.extend(self.missing(stage, statement, named));
                    }
                    if let Action::Rename { to } = &named.action {
                        let scope = self.scope(named);
                        let key = (named.class, to.clone());
                        self.insert(key, scope, "object", stage.site(named), Origin::Elsewhere);
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
                    self.create(stage.site(named), named, leans_on, findings);
                }
                Action::Implicit => self.create_implicit(stage.site(named), named),
                _ => {}
            }
        }
    }

    /// What is to be said about a name that is not there.
    fn missing(&self, stage: &Stage<'_>, statement: &Statement, named: &Named) -> Option<Finding> {
        if named.conditional || named.maybe || self.is_uncertain(&named.name.name) {
            return None;
        }
        let site = stage.behind.unwrap_or_else(|| stage.site(named));
        let lookup = Lookup { named, site, path: self.path.as_deref(), gone: self.gone_of(named) };
        let missing = (stage.explain)(lookup)?;
        let by = match named.action {
            Action::ForeignKey => By::ForeignKey,
            Action::Call => By::Call,
            _ if statement.is_view => By::View,
            _ => By::Statement,
        };
        let what = What::Missing { by, missing };
        Some(Finding { file: stage.file, span: named.span.clone(), name: named.name.clone(), what })
    }

    fn create(&mut self, site: Site, named: &Named, leans_on: Vec<Id>, findings: &mut Vec<Finding>) {
        let Action::Create { noun, replaces, temporary, .. } = named.action else { return };
        if temporary {
            self.temporary.insert(named.name.name.clone());
            return;
        }
        if named.maybe {
            self.doubt([&named.name.name]);
        }
        let scope = self.scope(named);
        let owner = named.on.as_ref().and_then(|on| self.relation(on));
        let is_uncertain = self.is_uncertain(&named.name.name);
        let key = (named.class, named.name.name.clone());
        let existing = self.objects.get_mut(&key);
        let existing = existing.and_then(|same| same.iter_mut().find(|object| object.scope == scope));
        if let Some(object) = existing {
            let is_overload = named.class == Class::Routine && !object.signatures.contains(&named.signature);
            if is_overload {
                object.signatures.push(named.signature.clone());
            } else if replaces {
                object.leans_on.clone_from(&leans_on);
                let id = object.id;
                for other in leans_on {
                    self.below.entry(other).push(id);
                }
            } else if !named.conditional && !is_uncertain {
                let what = What::Twice { noun: object.noun, first: object.made };
                let (file, name) = (site.file, named.name.clone());
                findings.push(Finding { file, span: named.span.clone(), name, what });
            }
            return;
        }
        let origin = if named.conditional { Origin::MadeIfAbsent } else { Origin::Made };
        let id = self.insert(key, scope, noun, site, origin);
        for other in leans_on.iter().chain(&owner) {
            self.below.entry(*other).push(id);
        }
        if let Some(object) = self.object_mut(id) {
            object.owner = owner;
            object.leans_on = leans_on;
            object.signatures.push(named.signature.clone());
            object.mentions.clone_from(&named.mentions);
        }
    }

    /// The server takes another name where this one is taken.
    fn create_implicit(&mut self, site: Site, named: &Named) {
        if self.find(named).is_some() {
            return;
        }
        let owner = named.on.as_ref().and_then(|on| self.relation(on));
        let scope = self.scope(named);
        let key = (named.class, named.name.name.clone());
        let id = self.insert(key, scope, "sequence", site, Origin::Implicit);
        if let Some(owner) = owner {
            self.below.entry(owner).push(id);
        }
        if let Some(object) = self.object_mut(id) {
            object.owner = owner;
            object.mentions.clone_from(&named.mentions);
        }
    }

    /// Does to an object that is there what the statement does.
    fn change(&mut self, site: Site, id: Id, named: &Named, dropped: &[Id], findings: &mut Vec<Finding>) {
        match &named.action {
            Action::Drop { .. } if named.class == Class::Routine && self.keeps_a_form(id, named) => {}
            Action::Drop { cascade } => {
                if !cascade && let Some(what) = self.needed(id, dropped) {
                    let (file, name) = (site.file, named.name.clone());
                    findings.push(Finding { file, span: named.span.clone(), name, what });
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
                        if let Some(object) = self.object_mut(inside) {
                            object.scope.clone_from(to);
                        }
                    }
                }
                self.relocate(id, Some(to), None, Gone::Renamed(to.clone(), site), named, findings);
            }
            Action::Move { schema } => {
                for part in self.dependents(id) {
                    if let Some(object) = self.object_mut(part)
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
                    self.below.entry(owner).push(id);
                }
                if let Some(object) = self.object_mut(id) {
                    object.owner = owner;
                }
            }
            Action::DropColumn { column, cascade } => self.drop_column(id, column, *cascade),
            Action::RenameColumn { column, to } => {
                for part in self.dependents(id) {
                    if let Some(object) = self.object_mut(part)
                        && object.mentions.contains(column)
                    {
                        object.mentions.push(to.clone());
                    }
                }
            }
            _ => {}
        }
    }

    /// What goes with a column is not there for certain: its indexes and sequences, and with `CASCADE` all that
    /// leans on the table.
    fn drop_column(&mut self, table: Id, column: &str, cascade: bool) {
        for part in self.dependents(table) {
            let goes = |object: &Object| {
                let leans = cascade && object.mentions.is_empty() && object.noun != "table";
                leans || object.mentions.iter().any(|word| word == column)
            };
            if self.object(part).is_some_and(goes)
                && let Some((_, name)) = self.located.get(&part).cloned()
            {
                self.doubt([&name]);
            }
        }
    }

    /// Takes one form away from a routine; `true` if others are left.
    fn keeps_a_form(&mut self, id: Id, named: &Named) -> bool {
        let Some(object) = self.object_mut(id) else { return false };
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

    /// What keeps an object from being dropped: a view that leans on it, a trigger that calls it.
    fn needed(&self, id: Id, dropped: &[Id]) -> Option<What> {
        self.dependents(id).into_iter().filter(|by| !dropped.contains(by)).find_map(|by| {
            let (_, name) = self.located.get(&by)?;
            let object = self.object(by)?;
            let keeps = match object.noun {
                "view" | "materialized view" => object.leans_on.contains(&id),
                // It goes with its table.
                "trigger" => object.owner != Some(id) && self.is_routine(id),
                _ => false,
            };
            let what = What::Needed { noun: object.noun, by: name.clone(), made: object.made };
            (keeps && !self.is_uncertain(name)).then_some(what)
        })
    }

    fn is_routine(&self, id: Id) -> bool {
        self.located.get(&id).is_some_and(|(class, _)| *class == Class::Routine)
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
        let Some(((class, old), mut object)) = self.take(id) else { return };
        self.gone.entry((class, old.clone())).push((object.scope.clone(), gone.clone()));
        if let Some(scope) = scope {
            object.scope.clone_from(scope);
        }
        let new = name.unwrap_or(&old).clone();
        let is_uncertain = self.is_uncertain(&new);
        let there = self.objects.entry((class, new.clone()));
        let taken = there.iter().find(|other| other.scope == object.scope && class != Class::Routine);
        if let (Some(taken), Gone::Renamed(_, site)) = (taken, &gone)
            && !is_uncertain
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
}
