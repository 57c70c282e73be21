//! One entry of `[databases]`.

use std::ops::Range;

use super::range::{self, NumberRange};
use super::table::{self, Entry, Table};
use super::{Database, EngineKind, Role};
use crate::source::{Position, Spanned};
use crate::template::Template;
use crate::{DatabaseName, Diagnostic, GroupName, Label, Text, suggest};

/// Names that mean something else where a database is named.
const RESERVED: [&str; 1] = ["all"];

/// One entry of `[databases]`, which may stand for many databases.
pub(super) struct DatabaseEntry {
    name: Spanned<String>,
    ranges: Vec<NumberRange>,
    group: Option<GroupName>,
    labels: Vec<Label>,
    engine: Option<EngineKind>,
    pub(super) replica_of: Option<Spanned<String>>,
    /// `None` when it is missing, which has been reported.
    url: Option<Spanned<String>>,
    migrate_url: Option<Spanned<String>>,
    vars: Vec<(String, Spanned<String>)>,
}

impl DatabaseEntry {
    const KEYS: [&'static str; 7] = ["url", "migrate_url", "engine", "group", "labels", "vars", "replica_of"];

    /// Reads an entry; `None` when not even its name or its keys can be read.
    pub(super) fn read(
        root: &Table<'_>,
        entry: &Entry<'_>,
        groups: &[Spanned<GroupName>],
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let name = entry.0.clone();
        let table = Table::of(root.source, format!("the database `{}`", name.value), entry);
        let table = table.map_err(|fault| faults.push(fault)).ok()?;
        table.refuse_others(&Self::KEYS, faults);

        let ranges =
            range::find(&name.value).map_err(|message| faults.push(root.fault(message, &name.span))).ok()?;
        if ranges.len() > 1 {
            faults.push(root.fault("a name takes one range", &name.span));
            return None;
        }
        let written_group = table.text("group", faults);
        let group = written_group.as_ref().and_then(|group| {
            let known = groups.iter().find(|known| known.value.as_str() == group.value);
            if known.is_none() {
                let names = groups.iter().map(|known| known.value.as_str());
                let message = format!("no shard group is called `{}`", group.value);
                faults.push(root.fault(message, &group.span).help(format!(
                    "{}; declare a new one with `[groups.{}]`",
                    suggest::help(&group.value, &format!("groups in {}", root.source.path), names),
                    group.value
                )));
            }
            known.map(|known| known.value.clone())
        });
        let labels = table.texts("labels", faults).into_iter().filter_map(|label| {
            Label::new(label.value)
                .map_err(|error| faults.push(root.fault(error.to_string(), &label.span)))
                .ok()
        });
        let labels = labels.collect();
        let engine = table.text("engine", faults).and_then(|engine| {
            let known = EngineKind::by_name(&engine.value);
            if known.is_none() {
                let help = suggest::help(&engine.value, "engines", EngineKind::ALL.map(EngineKind::as_str));
                faults.push(
                    root.fault(format!("no engine is called `{}`", engine.value), &engine.span).help(help),
                );
            }
            known
        });
        let replica_of = table.text("replica_of", faults);
        if let (Some(_), Some(group)) = (&replica_of, &written_group) {
            faults.push(
                root.fault("a replica is in its primary's group", &group.span).help("remove this line"),
            );
        }
        let vars = table.table("vars", faults).map(|vars| vars.entries()).unwrap_or_default();
        let vars =
            vars.iter().filter_map(|var| Some((var.0.value.clone(), table::text(root.source, var, faults)?)));
        let vars = vars.collect();
        let migrate_url = table.text("migrate_url", faults);
        if !table.has("url") {
            let message = format!("the database `{}` has no URL", name.value);
            let help = "add `url = \"${DATABASE_URL}\"`, or the URL itself";
            faults.push(root.fault(message, &name.span).help(help));
        }
        let url = table.text("url", faults);
        let read = Self { name, ranges, group, labels, engine, replica_of, url, migrate_url, vars };
        let vars = read.vars.iter().map(|(_, value)| value);
        for value in [&read.url, &read.migrate_url, &read.replica_of].into_iter().flatten().chain(vars) {
            faults.extend(read.check_ranges(value, root));
        }
        for url in [&read.url, &read.migrate_url].into_iter().flatten() {
            faults.extend(read.check_url(url, root));
        }
        Some(read)
    }

    /// The ranges of a value must have as many numbers as the name's.
    fn check_ranges(&self, value: &Spanned<String>, root: &Table<'_>) -> Option<Diagnostic> {
        let ranges = match range::find(&value.value) {
            Ok(ranges) => ranges,
            Err(message) => return Some(root.fault(message, &value.span)),
        };
        let other = ranges.iter().find(|range| !self.fits(range))?;
        let message = match self.ranges.first() {
            None => "a range needs a range in the database's name".to_owned(),
            Some(own) => {
                format!("this range has {} numbers, the database's name has {}", other.count(), own.count())
            }
        };
        Some(root.fault(message, &value.span).at(root.source, self.name.span.clone(), "the name"))
    }

    fn fits(&self, range: &NumberRange) -> bool {
        self.ranges.first().is_some_and(|own| own.count() == range.count())
    }

    /// A value for the database at an index; a range that does not fit, which has been reported, is
    /// left as it is.
    fn fill(&self, value: &str, index: usize) -> String {
        let ranges = range::find(value).unwrap_or_default();
        if ranges.iter().all(|range| self.fits(range)) {
            range::fill(value, &ranges, index)
        } else {
            value.to_owned()
        }
    }

    /// A URL has to be well-formed as far as it is known: its variables, and its scheme.
    fn check_url(&self, url: &Spanned<String>, root: &Table<'_>) -> Option<Diagnostic> {
        let first = self.fill(&url.value, 0);
        let template = match Template::parse(&first) {
            Ok(template) => template,
            Err(error) => {
                // The place is exact where the text stands in the file as it is.
                let inside = url.span.start + 1;
                let is_exact = root.source.text.get(inside..url.span.end - 1) == Some(first.as_str());
                let exact = inside + error.span.start..inside + error.span.end;
                let span = if is_exact { exact } else { url.span.clone() };
                return Some(root.fault(error.message, &span));
            }
        };
        let literal = template.literal_start();
        if literal.is_empty() && !first.is_empty() {
            return None;
        }
        let schemes = "a URL begins with `postgres:` or `sqlite:`, or is one `${VARIABLE}`";
        let Some((scheme, _)) = literal.split_once(':') else {
            return Some(root.fault("the URL has no scheme", &url.span).help(schemes));
        };
        match (EngineKind::by_scheme(scheme), self.engine) {
            (None, _) => {
                let message = format!("no engine has URLs that begin with `{scheme}:`");
                Some(root.fault(message, &url.span).help(schemes))
            }
            (Some(found), Some(said)) if found != said => {
                let message = format!("the engine is `{said}`, and the URL begins with `{scheme}:`");
                Some(root.fault(message, &url.span).help("correct one of them"))
            }
            _ => None,
        }
    }

    /// All databases that the entry stands for.
    pub(super) fn databases(&self, root: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Database> {
        let count = self.ranges.first().map_or(1, NumberRange::count);
        let mut databases = Vec::new();
        for index in 0..count {
            match self.at(index, root) {
                Ok(database) => databases.push(database),
                // The others of a range have the same.
                Err(fault) => {
                    faults.push(fault);
                    break;
                }
            }
        }
        databases
    }

    /// The database at an index of the range.
    fn at(&self, index: usize, root: &Table<'_>) -> Result<Database, Diagnostic> {
        let name = |text: &str, span: &Range<usize>| {
            DatabaseName::new(self.fill(text, index)).map_err(|error| root.fault(error.to_string(), span))
        };
        let role = match &self.replica_of {
            None => Role::Primary,
            Some(primary) => Role::ReplicaOf(name(&primary.value, &primary.span)?),
        };
        let name = name(&self.name.value, &self.name.span)?;
        if RESERVED.contains(&name.as_str()) {
            let message = format!("a database can't be called `{name}`: the word means every database");
            return Err(root.fault(message, &self.name.span));
        }
        let text = |value: &Spanned<String>| Text::from(self.fill(&value.value, index));
        let vars: Vec<(Text, Text)> =
            self.vars.iter().map(|(key, value)| (key.clone().into(), text(value))).collect();
        Ok(Database {
            name,
            role,
            group: self.group.clone(),
            labels: self.labels.clone().into(),
            vars: vars.into(),
            engine: self.engine,
            url: self.url.as_ref().map(text).unwrap_or_default(),
            migrate_url: self.migrate_url.as_ref().map(text),
            line: Position::of(&root.source.text, self.name.span.start).line,
        })
    }
}
