//! What has to be finished everywhere before anything behind it begins: barriers and requirements cut the
//! plans of a fleet into stages. Pure, and the same when the build looks at the whole set and when a run
//! resumes half way: what is applied waits for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use super::Requirement;
use crate::{DatabaseName, Migration, Step, Version};

/// One database, as far as others may wait for it.
#[derive(Debug, Clone, Copy)]
pub struct Part<'m> {
    /// Its name.
    pub database: &'m DatabaseName,
    /// What it has and what is to be done there; `None` where nobody knows.
    pub known: Option<&'m Known<'m>>,
    /// Whether this run works on it.
    pub runs: bool,
}

/// What a database has and what is pending there.
#[derive(Debug, Clone, Default)]
pub struct Known<'m> {
    /// The versions that are finished.
    pub applied: BTreeSet<Version>,
    /// What is to be done, in order: the migrations that are not applied, or those that are to be taken back.
    pub pending: Vec<Pending<'m>>,
    /// Where migrations are taken back: the applied ones that came behind something on other databases, and are taken
    /// back before it.
    pub behind: Vec<Pending<'m>>,
}

impl<'m> Known<'m> {
    /// A database whose migrations are to be applied.
    pub fn to_apply(applied: impl IntoIterator<Item = &'m Migration>, steps: &[Step<'m>]) -> Self {
        Self {
            applied: applied.into_iter().flat_map(Migration::stands_for).collect(),
            pending: steps.iter().map(|step| Pending::from(step.migration)).collect(),
            behind: Vec::new(),
        }
    }

    /// A database where these are applied, or may be, and some of them are to be taken back.
    pub fn to_take_back(applied: impl IntoIterator<Item = &'m Migration>, steps: &[Step<'m>]) -> Self {
        let is_behind = |migration: &&Migration| migration.barrier || !migration.requires.is_empty();
        let free = |step: &Step<'m>| Pending {
            version: step.migration.version,
            replaces: step.migration.replaces.versions().collect(),
            barrier: false,
            requires: Vec::new(),
        };
        Self {
            applied: BTreeSet::new(),
            pending: steps.iter().map(free).collect(),
            behind: applied.into_iter().filter(is_behind).map(Pending::from).collect(),
        }
    }

    /// The first of what was to be done is done.
    pub fn finish(&mut self, count: usize) {
        let done: BTreeSet<Version> = self
            .pending
            .drain(..count)
            .flat_map(|pending| pending.stands_for().collect::<Vec<_>>())
            .collect();
        self.behind.retain(|pending| !done.contains(&pending.version));
        self.applied.extend(done);
    }
}

/// A migration, as far as it waits for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending<'m> {
    /// Its version.
    pub version: Version,
    /// The versions in whose place it came.
    pub replaces: Vec<Version>,
    /// Whether all that comes before has to be finished on all databases.
    pub barrier: bool,
    /// What has to be finished on other databases.
    pub requires: Vec<&'m Requirement>,
}

impl<'m> From<&'m Migration> for Pending<'m> {
    fn from(migration: &'m Migration) -> Self {
        let Migration { version, replaces, barrier, requires, .. } = migration;
        Self {
            version: *version,
            replaces: replaces.versions().collect(),
            barrier: *barrier,
            requires: requires.iter().collect(),
        }
    }
}

impl Pending<'_> {
    /// The versions that others may require, and have with it.
    pub fn stands_for(&self) -> impl Iterator<Item = Version> {
        std::iter::once(self.version).chain(self.replaces.iter().copied())
    }
}

/// The pending migrations of each part that belong to a stage, as positions in the part's list.
pub type Stage = Vec<Range<usize>>;

/// A migration that cannot begin in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The part, as a position in the list.
    pub part: usize,
    /// Its first pending migration that cannot begin, as a position in the part's list.
    pub step: usize,
    /// What it waits for.
    pub blocker: Blocker,
}

/// What a migration waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocker {
    /// `requires(..)`: a migration that this run does not apply before.
    Requires(Requirement),
    /// `barrier`: another database, where this is pending; `None` where that is not known.
    Barrier {
        /// The database.
        database: DatabaseName,
        /// What is pending there.
        pending: Option<Version>,
    },
    /// It is to be taken back, and what requires it is not.
    RequiredBy {
        /// The migration that is to be taken back.
        version: Version,
        /// The one that requires it, and where that is applied.
        by: Requirement,
    },
    /// It is to be taken back, and a barrier that came behind it is not.
    BehindIt {
        /// The migration that is to be taken back.
        version: Version,
        /// The barrier, and where that is applied.
        barrier: Requirement,
    },
}

/// What is waited for, in one line.
impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requires(Requirement { database, version }) => {
                write!(f, "it requires {version} on `{database}`, which is not applied there")
            }
            Self::Barrier { database, pending: Some(version) } => {
                write!(f, "it is a barrier, and {version} is still pending on `{database}`")
            }
            Self::Barrier { database, pending: None } => {
                write!(f, "it is a barrier, and nobody knows what is pending on `{database}`")
            }
            Self::RequiredBy { version, by: Requirement { database, version: by } } => {
                write!(f, "{by} on `{database}` requires {version}, and is not taken back before it")
            }
            Self::BehindIt { version, barrier: Requirement { database, version: barrier } } => {
                write!(
                    f,
                    "{barrier} on `{database}` is a barrier behind {version}, and is not taken back before it"
                )
            }
        }
    }
}

/// What is pending, in the order in which it can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Each is as much as can be done when all before it is; one, where nothing waits for another database.
    pub stages: Vec<Stage>,
    /// What cannot begin however the rest goes, the first of each part.
    pub blocked: Vec<Blocked>,
}

/// Cuts what is pending into stages.
pub fn order(parts: &[Part<'_>]) -> Order {
    let mut fleet = Fleet::new(parts);
    let mut stages = Vec::new();
    loop {
        let stage = fleet.next_stage();
        if stage.iter().all(Range::is_empty) {
            break;
        }
        fleet.finish(&stage);
        stages.push(stage);
    }
    Order { stages, blocked: (0..parts.len()).filter_map(|part| fleet.blocked(part)).collect() }
}

/// What can be done now: the first stage, empty where nothing can.
pub fn next_stage(parts: &[Part<'_>]) -> Stage {
    Fleet::new(parts).next_stage()
}

/// All parts, and how far each is after the stages so far.
struct Fleet<'p, 'm> {
    parts: &'p [Part<'m>],
    by_name: BTreeMap<&'m DatabaseName, usize>,
    done: Vec<usize>,
    /// The lowest pending version of any part, then the lowest of any other part: what a barrier above
    /// waits for, whichever part it is on.
    lowest: Vec<(Option<Version>, usize)>,
    /// What requires a migration of a database: where that is applied, and its version.
    requiring: BTreeMap<(&'m DatabaseName, Version), Vec<(usize, Version)>>,
    /// The highest barrier of any part that is not taken back yet, then the highest of any other part: what keeps
    /// what is below it, whichever part that is on.
    highest: Vec<(Version, usize)>,
}

impl<'p, 'm> Fleet<'p, 'm> {
    fn new(parts: &'p [Part<'m>]) -> Self {
        let by_name = parts.iter().enumerate().map(|(index, part)| (part.database, index)).collect();
        let mut requiring: BTreeMap<(&'m DatabaseName, Version), Vec<(usize, Version)>> = BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            for pending in part.known.iter().flat_map(|known| &known.behind) {
                for Requirement { database, version } in &pending.requires {
                    requiring.entry((database, *version)).or_default().push((index, pending.version));
                }
            }
        }
        let done = vec![0; parts.len()];
        let mut fleet = Self { parts, by_name, done, lowest: Vec::new(), requiring, highest: Vec::new() };
        fleet.look_for_the_lowest();
        fleet.look_for_the_highest();
        fleet
    }

    fn look_for_the_highest(&mut self) {
        let highest = |(index, part): (usize, &Part<'_>)| {
            let barriers = part.known?.behind.iter().filter(|pending| pending.barrier);
            let versions = barriers.map(|pending| pending.version);
            Some((versions.filter(|version| !self.is_done(index, self.done[index], *version)).max()?, index))
        };
        let mut highest: Vec<_> = self.parts.iter().enumerate().filter_map(highest).collect();
        highest.sort_unstable_by(|a, b| b.cmp(a));
        highest.truncate(2);
        self.highest = highest;
    }

    /// Whether a migration is among the first so many of what is to be done on a part.
    fn is_done(&self, part: usize, done: usize, version: Version) -> bool {
        let pending = self.parts[part].known.map_or(&[][..], |known| &known.pending[..done]);
        pending.iter().any(|pending| pending.version == version)
    }

    fn look_for_the_lowest(&mut self) {
        // A part that nobody knows may have anything pending: it comes first, as `None`.
        let lowest = |(index, part): (usize, &Part<'_>)| match &part.known {
            None => Some((None, index)),
            Some(known) => Some((Some(known.pending.get(self.done[index])?.version), index)),
        };
        let mut lowest: Vec<_> = self.parts.iter().enumerate().filter_map(lowest).collect();
        lowest.sort_unstable();
        lowest.truncate(2);
        self.lowest = lowest;
    }

    /// What of each part can be done now.
    fn next_stage(&self) -> Stage {
        let next = |(part, start): (usize, &usize)| {
            let start = *start;
            let can_begin = |known: &&Known<'_>, step: &usize| self.blocker(part, *step, known).is_none();
            let count = self.running(part).map_or(0, |known| {
                (start..known.pending.len()).take_while(|step| can_begin(&known, step)).count()
            });
            start..start + count
        };
        self.done.iter().enumerate().map(next).collect()
    }

    /// What is known of a part that the run works on.
    fn running(&self, part: usize) -> Option<&'m Known<'m>> {
        self.parts[part].known.filter(|_| self.parts[part].runs)
    }

    fn finish(&mut self, stage: &Stage) {
        self.done = stage.iter().map(|range| range.end).collect();
        self.look_for_the_lowest();
        self.look_for_the_highest();
    }

    fn blocked(&self, part: usize) -> Option<Blocked> {
        let known = self.running(part)?;
        let step = self.done[part];
        known.pending.get(step)?;
        let blocker = self.blocker(part, step, known)?;
        Some(Blocked { part, step, blocker })
    }

    /// What a migration waits for when all that comes before it on its own database is done.
    fn blocker(&self, part: usize, step: usize, known: &Known<'m>) -> Option<Blocker> {
        let migration = &known.pending[step];
        let is_met = |requirement: &Requirement| self.has(part, step, requirement);
        if let Some(requirement) = migration.requires.iter().find(|requirement| !is_met(requirement)) {
            return Some(Blocker::Requires((*requirement).clone()));
        }
        if let Some(blocker) = self.behind(part, step, migration) {
            return Some(blocker);
        }
        let (pending, other) = *self.lowest.iter().find(|(_, other)| migration.barrier && *other != part)?;
        let is_before = pending.is_none_or(|pending| pending < migration.version);
        let database = self.parts[other].database.clone();
        is_before.then_some(Blocker::Barrier { database, pending })
    }

    /// What has to be taken back before a migration is.
    fn behind(&self, part: usize, step: usize, migration: &Pending<'m>) -> Option<Blocker> {
        let version = migration.version;
        let at =
            |other: usize, version| Requirement { database: self.parts[other].database.clone(), version };
        let database = self.parts[part].database;
        let mut requiring =
            migration.stands_for().filter_map(|version| self.requiring.get(&(database, version))).flatten();
        let is_there = |(other, by): &&(usize, Version)| {
            let done = if *other == part { step } else { self.done[*other] };
            !self.is_done(*other, done, *by)
        };
        if let Some((other, by)) = requiring.find(is_there) {
            return Some(Blocker::RequiredBy { version, by: at(*other, *by) });
        }
        let (barrier, other) = *self.highest.iter().find(|(_, other)| *other != part)?;
        (barrier > version).then(|| Blocker::BehindIt { version, barrier: at(other, barrier) })
    }

    /// Whether a requirement is met where a migration of this part is about to begin.
    fn has(&self, part: usize, step: usize, requirement: &Requirement) -> bool {
        let Some(other) = self.by_name.get(&requirement.database).copied() else { return false };
        let Some(known) = self.parts[other].known else { return false };
        let done = if other == part { step } else { self.done[other] };
        known.applied.contains(&requirement.version)
            || known.pending[..done]
                .iter()
                .any(|migration| migration.stands_for().any(|version| version == requirement.version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pending migrations as `3`, `b4` for a barrier, `6=4,5` for one in the place of others, and `5>default:2` for one
    /// with a requirement. Like an embedded set they are never freed.
    fn migrations(words: &str) -> Vec<Pending<'static>> {
        let one = |word: &str| {
            let (version, requires) = word.split_once('>').map_or((word, None), |(v, r)| (v, Some(r)));
            let (version, replaces) = version.split_once('=').unwrap_or((version, ""));
            let number = version.trim_start_matches('b').parse().unwrap();
            let replaces = replaces.split(',').filter(|text| !text.is_empty());
            let requirement = |text: &str| {
                let (database, version) = text.split_once(':').unwrap();
                let version = Version::embedded(version.parse().unwrap());
                let requirement = Requirement { database: DatabaseName::new(database).unwrap(), version };
                &*Box::leak(Box::new(requirement))
            };
            Pending {
                version: Version::embedded(number),
                replaces: replaces.map(|text| Version::embedded(text.parse().unwrap())).collect(),
                barrier: version.starts_with('b'),
                requires: requires.iter().map(|text| requirement(text)).collect(),
            }
        };
        words.split_whitespace().map(one).collect()
    }

    /// Databases as `name: applied | pending`; `name: ?` for one that nobody knows, and a name in brackets for one that
    /// the run is not about. The stages come back as `a 1 2, b 1 / a 3`.
    fn cut(databases: &[&str]) -> String {
        cut_as(databases, |applied, pending| Known {
            applied: applied.iter().flat_map(Pending::stands_for).collect(),
            pending,
            behind: Vec::new(),
        })
    }

    /// The same where migrations are taken back: `name: applied | to take back`.
    fn cut_back(databases: &[&str]) -> String {
        cut_as(databases, |applied, pending| Known { applied: BTreeSet::new(), pending, behind: applied })
    }

    fn cut_as(
        databases: &[&str],
        known: fn(Vec<Pending<'static>>, Vec<Pending<'static>>) -> Known<'static>,
    ) -> String {
        let read = |text: &&str| {
            let (name, rest) = text.split_once(": ").unwrap();
            let runs = !name.starts_with('(');
            let name = DatabaseName::new(name.trim_matches(['(', ')'])).unwrap();
            let known = rest
                .split_once('|')
                .map(|(applied, pending)| known(migrations(applied), migrations(pending)));
            (name, runs, known)
        };
        let read: Vec<_> = databases.iter().map(read).collect();
        let parts: Vec<Part<'_>> = read
            .iter()
            .map(|(database, runs, known)| Part { database, known: known.as_ref(), runs: *runs })
            .collect();
        let of = |(part, range): (&Part<'_>, &Range<usize>)| {
            let steps = &part.known?.pending[range.clone()];
            let versions: Vec<String> = steps.iter().map(|step| step.version.to_string()).collect();
            (!range.is_empty()).then(|| format!("{} {}", part.database, versions.join(" ")))
        };
        let stage = |stage: &Stage| parts.iter().zip(stage).filter_map(of).collect::<Vec<_>>().join(", ");
        let blocked = |blocked: &Blocked| {
            let part = &parts[blocked.part];
            let version = part.known.unwrap().pending[blocked.step].version;
            format!("{} {version}: {}", part.database, blocked.blocker)
        };
        let order = order(&parts);
        let stages: Vec<_> = order.stages.iter().map(stage).collect();
        let blocked = order.blocked.iter().map(blocked);
        stages.into_iter().chain(blocked).collect::<Vec<_>>().join(" / ")
    }

    #[test]
    fn without_an_order_there_is_one_stage() {
        assert_eq!(cut(&["a: | 1 2", "b: 1 | 2 3", "c: 1 |"]), "a 1 2, b 2 3");
        assert_eq!(cut(&["a: 1 |"]), "");
        assert_eq!(cut(&[]), "");
        assert_eq!(cut(&["a: | 1", "b: ?", "(c): | 1"]), "a 1");
    }

    #[test]
    fn a_barrier_waits_for_all_that_comes_before_on_every_database() {
        assert_eq!(cut(&["a: | 1 b2 3", "b: | 1 3"]), "a 1, b 1 3 / a 2 3");
        assert_eq!(cut(&["a: | 1 b2 3", "b: | 1 b2"]), "a 1, b 1 / a 2 3, b 2");
        assert_eq!(cut(&["a: | b2 b4", "b: | 1 3 5"]), "b 1 3 5 / a 2 4");
        assert_eq!(cut(&["a: | b2", "b: | b3"]), "a 2 / b 3");
        // Half way: what is applied is waited for no more.
        assert_eq!(cut(&["a: 1 | b2 3", "b: 1 | 3"]), "a 2 3, b 3");
        assert_eq!(cut(&["a: 1 | b2 3", "b: | 1 3"]), "b 1 3 / a 2 3");
    }

    #[test]
    fn a_requirement_waits_for_one_migration_of_one_database() {
        assert_eq!(cut(&["a: | 1 2>b:5 3", "b: | 4 5 6", "c: | 1"]), "a 1, b 4 5 6, c 1 / a 2 3");
        assert_eq!(cut(&["a: | 1 2>b:5", "b: 5 | 6"]), "a 1 2, b 6");
        assert_eq!(cut(&["a: | 1 2>a:1"]), "a 1 2");
        assert_eq!(cut(&["a: | 2>b:5", "b: | 5>c:7", "c: | 7"]), "c 7 / b 5 / a 2");
        assert_eq!(cut(&["a: | 2>b:5", "(b): 5 |"]), "a 2");
    }

    #[test]
    fn what_replaces_others_is_required_for_them() {
        assert_eq!(cut(&["a: | 2>b:4 3>b:6", "b: | 6=4,5 7"]), "b 6 7 / a 2 3");
        assert_eq!(cut(&["a: | 2>b:4", "(b): 6=4,5 |"]), "a 2");
        assert_eq!(cut_back(&["a: 2>b:4 | 2", "b: 6=4,5 | 6=4,5"]), "a 2 / b 6");
        let text = "b 6: 2 on `a` requires 6, and is not taken back before it";
        assert_eq!(cut_back(&["(a): 2>b:4 |", "b: 6=4,5 | 6=4,5"]), text);
    }

    #[test]
    fn what_is_required_is_taken_back_behind_what_requires_it() {
        assert_eq!(cut_back(&["a: 1 2 | 2 1", "b: 1 2 | 2"]), "a 2 1, b 2");
        assert_eq!(cut_back(&["a: 1 2>b:5 3 | 3 2 1", "b: 4 5 6 | 6 5 4"]), "a 3 2 1, b 6 / b 5 4");
        assert_eq!(cut_back(&["a: 1 2>a:1 | 2 1"]), "a 2 1");
        assert_eq!(cut_back(&["a: 2>b:5 | 2", "b: 5>c:7 | 5", "c: 7 | 7"]), "a 2 / b 5 / c 7");
        assert_eq!(cut_back(&["a: 2>b:5 |", "b: 5 6 | 6"]), "b 6", "what is required stays");
        let text = "b 5: 2 on `a` requires 5, and is not taken back before it";
        assert_eq!(cut_back(&["a: 2>b:5 |", "b: 5 6 | 6 5"]), format!("b 6 / {text}"));
        assert_eq!(cut_back(&["(a): 2>b:5 |", "b: 5 | 5"]), text);
        assert_eq!(cut_back(&["(a): 2>b:5 | 2", "b: 5 | 5"]), text, "nobody works on that");
    }

    #[test]
    fn what_comes_before_a_barrier_is_taken_back_behind_it() {
        assert_eq!(cut_back(&["a: 1 b2 3 | 3 2 1", "b: 1 3 | 3 1"]), "a 3 2 1, b 3 / b 1");
        assert_eq!(cut_back(&["a: b2 | 2", "b: b3 | 3"]), "b 3 / a 2");
        assert_eq!(cut_back(&["a: b2 b4 | 4", "b: 1 3 | 3"]), "a 4 / b 3", "the other barrier stays");
        assert_eq!(
            cut_back(&["(a): b2 |", "b: 1 3 | 3 1"]),
            "b 3 / b 1: 2 on `a` is a barrier behind 1, and is not taken back before it"
        );
    }

    #[test]
    fn what_is_done_holds_nothing_up_any_more() {
        let [a, b] = ["a", "b"].map(|name| DatabaseName::new(name).unwrap());
        let behind = migrations("2>b:5");
        let mut first = Known { pending: migrations("2"), behind, ..Known::default() };
        let second = Known { pending: migrations("5"), ..Known::default() };
        let stage = |first: &Known<'_>| {
            let part = |database, known| Part { database, known: Some(known), runs: true };
            next_stage(&[part(&a, first), part(&b, &second)])
        };
        assert_eq!(stage(&first), [0..1, 0..0]);
        first.finish(1);
        assert_eq!(stage(&first), [0..0, 0..1]);
    }

    #[test]
    fn what_can_never_begin_is_said() {
        let (on_a, on_b) = (
            "it requires 2 on `a`, which is not applied there",
            "it requires 5 on `b`, which is not applied there",
        );
        assert_eq!(cut(&["a: | 2>b:5", "b: | 5>a:2"]), format!("a 2: {on_b} / b 5: {on_a}"));
        assert_eq!(cut(&["a: | 2>b:5", "b: | 4 6"]), format!("b 4 6 / a 2: {on_b}"));
        assert_eq!(cut(&["a: | 1 2>a:2"]), format!("a 1 / a 2: {on_a}"));
        assert_eq!(cut(&["a: | 2>b:5", "b: ?"]), format!("a 2: {on_b}"));
        assert_eq!(cut(&["a: | 2>b:5"]), format!("a 2: {on_b}"));
        assert_eq!(
            cut(&["a: | 1 b2", "(b): | 1"]),
            "a 1 / a 2: it is a barrier, and 1 is still pending on `b`"
        );
        assert_eq!(
            cut(&["a: | 1 b2", "b: ?"]),
            "a 1 / a 2: it is a barrier, and nobody knows what is pending on `b`"
        );
    }
}
