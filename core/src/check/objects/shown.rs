//! Findings as people read them.

use std::collections::BTreeSet;

use crate::catalog::{By, Finding, Gone, Site, What, Why};
use crate::diagnostic::Severity;
use crate::project::{MigrationFile, Project};
use crate::source::Position;
use crate::{Diagnostic, Topology, suggest};

/// What they are about, with names for numbers.
pub(super) struct Shown<'a> {
    pub(super) project: &'a Project,
    pub(super) topology: &'a Topology,
}

impl Shown<'_> {
    pub(super) fn diagnostic(&self, finding: &Finding, databases: &BTreeSet<usize>) -> Diagnostic {
        let source = &self.file(finding.file).source;
        let name = &finding.name;
        let place = self.databases(databases);
        let new = |check, message: String, label: &str| {
            Diagnostic::new(check, message).at(source, finding.span.clone(), label)
        };
        match &finding.what {
            What::Missing { by, missing } => {
                let noun = missing.noun;
                let is_across = matches!(missing.why, Why::Elsewhere(..));
                let fault = match by {
                    By::ForeignKey if is_across => {
                        new("cross-database", format!("a foreign key to the {noun} `{name}`, which is not on {place}"), "on another database")
                            .help("no server can keep it: leave the column without a foreign key, or keep both tables on one database")
                    }
                    By::View if is_across => {
                        new("cross-database", format!("a view on the {noun} `{name}`, which is not on {place}"), "on another database")
                            .help("no server can read across databases here: route the view to where its tables are")
                    }
                    // The server or an extension may have a function of that name.
                    By::Call => new("missing-object", format!("the {noun} `{name}` is not on {place}"), "called here")
                        .severity(Severity::Warning)
                        .note(format!("this is no error, because the server or an extension may have one of that name: `pg_catalog.{name}` would say that it is the server's")),
                    _ => new("missing-object", format!("the {noun} `{name}` is not on {place}"), "not there"),
                };
                self.why(fault, name, &missing.why)
            }
            What::Twice { noun, first } => new(
                "duplicate-object",
                format!("the {noun} `{name}` is on {place} already"),
                "again here",
            )
            .note(format!("it was made by {}", self.site(*first)))
            .help(
                "give one of them another name, drop the first before, or route them to different databases",
            ),
            What::Needed { noun, by, made } => {
                new("needed-object", format!("the {noun} `{by}` needs `{name}` on {place}"), "dropped here")
                    .note(format!("the {noun} was made by {}", self.site(*made)))
                    .help(format!("drop the {noun} before, or write `CASCADE`"))
            }
        }
    }

    fn why(&self, fault: Diagnostic, name: &crate::sql::Name, why: &Why) -> Diagnostic {
        match why {
            Why::Gone(Gone::Dropped(site)) => fault
                .note(format!("`{name}` was dropped by {}", self.site(*site)))
                .help("take it out of this statement, or make it again before"),
            Why::Gone(Gone::Renamed(to, site)) => fault
                .note(format!("`{name}` was renamed to `{to}` by {}", self.site(*site)))
                .help(format!("did you mean `{to}`?")),
            Why::Gone(Gone::Moved(schema, site)) => fault
                .note(format!("`{name}` was moved to the schema `{schema}` by {}", self.site(*site)))
                .help(format!("did you mean `{schema}.{}`?", name.name)),
            Why::Later(site) => fault
                .note(format!("`{name}` is made only later, by {}", self.site(*site)))
                .help("give this migration a version after that one, or the other one a version before"),
            Why::Elsewhere(site, databases) => {
                let owners: BTreeSet<usize> = databases.iter().copied().collect();
                fault
                    .note(format!(
                        "`{name}` exists only on {}, created by {}",
                        self.databases(&owners),
                        self.site(*site)
                    ))
                    .help("route this migration to where it is, or make it here before")
            }
        }
    }

    /// `V3__orders.sql:4`
    fn site(&self, site: Site) -> String {
        let file = self.file(site.file);
        format!("{}:{}", file.file, Position::of(&file.source.text, site.at).line)
    }

    /// A file by its number: the reverse files come behind the migrations.
    pub(super) fn file(&self, number: usize) -> &MigrationFile {
        let migrations = &self.project.migrations;
        migrations.get(number).unwrap_or_else(|| &self.project.reverses[number - migrations.len()])
    }

    /// Whole groups by their names, single databases by theirs.
    pub(super) fn databases(&self, databases: &BTreeSet<usize>) -> String {
        let all = &self.topology.databases;
        let primaries = || (0..all.len()).filter(|index| !all[*index].is_replica());
        let mut left = databases.clone();
        let mut groups = Vec::new();
        for group in self.topology.groups.iter() {
            let members: Vec<usize> =
                primaries().filter(|index| all[*index].group.as_ref() == Some(group)).collect();
            if !members.is_empty() && members.iter().all(|member| left.contains(member)) {
                members.iter().for_each(|member| {
                    left.remove(member);
                });
                groups.push(group.as_str());
            }
        }
        let mut words = Vec::new();
        let quoted = |names: Vec<&str>| {
            suggest::list(
                names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().iter().map(String::as_str),
            )
        };
        match groups.len() {
            0 => {}
            1 => words.push(format!("group {}", quoted(groups))),
            _ => words.push(format!("the groups {}", quoted(groups))),
        }
        let names: Vec<&str> = left.iter().map(|index| all[*index].name.as_str()).collect();
        match names.len() {
            0 => {}
            1 => words.push(format!("database {}", quoted(names))),
            _ => words.push(format!("the databases {}", quoted(names))),
        }
        words.join(" and ")
    }
}
