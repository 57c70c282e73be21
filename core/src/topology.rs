//! The fleet as `databases.toml` describes it: names, groups, and where a URL comes from.

#[cfg(feature = "compile")]
mod entry;
#[cfg(feature = "compile")]
mod lints;
#[cfg(feature = "compile")]
mod range;
#[cfg(feature = "compile")]
pub mod read;
#[cfg(feature = "compile")]
mod rollout;
#[cfg(feature = "compile")]
mod table;

use std::fmt;

use crate::template::Template;
use crate::{DatabaseName, GroupName, Label, List, Rollout, Text};

/// All databases of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The path of the file it was read from, for messages.
    pub file: Text,
    /// The groups, by name.
    pub groups: List<GroupName>,
    /// The databases and replicas, as written, with ranges written out.
    pub databases: List<Database>,
    /// How a run goes over them.
    pub rollout: Rollout,
    /// What becomes of a migration that comes late.
    pub out_of_order: OutOfOrder,
    /// `true` where its databases are a developer's own, and may be emptied; with `${NAME}` for what the environment has.
    pub development: Text,
}

/// What becomes of a migration that is pending below the newest applied version. `U` files are applied in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutOfOrder {
    /// The database is refused: what was applied before was not tried behind it.
    #[default]
    Refuse,
    /// It is applied, before what is newer and pending.
    Apply,
}

impl OutOfOrder {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Refuse, Self::Apply];

    /// The name, as in `out_of_order = "apply"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Apply => "apply",
        }
    }

    /// What is called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// One database of the fleet, or a replica of one.
#[derive(Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: DatabaseName,
    /// Whether it is migrated at all.
    pub role: Role,
    /// The group it belongs to.
    pub group: Option<GroupName>,
    /// Its labels.
    pub labels: List<Label>,
    /// The values of `${name}` in migrations that declare them, by name.
    pub vars: List<(Text, Text)>,
    /// What drives it, if the file says so; else the scheme of its URL does.
    pub engine: Option<EngineKind>,
    /// The application's URL, with `${NAME}` for what the environment has.
    pub url: Text,
    /// The URL for migrations, where it differs from the application's.
    pub migrate_url: Option<Text>,
    /// The line of the file that declares it, for messages; from 1.
    pub line: usize,
}

/// What a database is to a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// The primary, or the only copy: it is migrated.
    Primary,
    /// A read copy of the named database: never migrated.
    ReplicaOf(DatabaseName),
}

/// What drives a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EngineKind {
    /// PostgreSQL: `postgres:` and `postgresql:` URLs.
    Postgres,
    /// SQLite: `sqlite:` URLs, a file each.
    Sqlite,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Sqlite];

    /// The name, as in `engine = "postgres"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }

    /// The engine called `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.as_str() == name)
    }

    /// The engine that a URL's scheme (the part before the first `:`) asks for.
    pub fn by_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "postgres" | "postgresql" => Some(Self::Postgres),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Without the URLs, in which a password may have been written.
impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, role, group, labels, vars, engine, url: _, migrate_url: _, line } = self;
        let mut debug = f.debug_struct("Database");
        debug.field("name", name).field("role", role).field("group", group).field("labels", labels);
        debug.field("vars", vars).field("engine", engine).field("line", line).finish_non_exhaustive()
    }
}

impl Database {
    /// Whether it is a read copy.
    pub fn is_replica(&self) -> bool {
        matches!(self.role, Role::ReplicaOf(_))
    }

    /// The value of a variable for this database.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The URL that migrations use.
    pub fn migration_url(&self) -> &str {
        self.migrate_url.as_deref().unwrap_or(&self.url)
    }

    /// The engine as far as the file alone tells: a URL that is all variable tells nothing.
    pub fn declared_engine(&self) -> Option<EngineKind> {
        self.engine.or_else(|| {
            let template = Template::parse(self.migration_url()).ok()?;
            EngineKind::by_scheme(template.literal_start().split_once(':')?.0)
        })
    }
}

impl Topology {
    /// The databases that are migrated: all but replicas, in the file's order.
    pub fn primaries(&self) -> impl Iterator<Item = &Database> + Clone {
        self.databases.iter().filter(|database| !database.is_replica())
    }

    /// The database or replica of that name.
    pub fn database(&self, name: &str) -> Option<&Database> {
        self.databases.iter().find(|database| database.name.as_str() == name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A primary for tests.
    pub(crate) fn database(
        name: &'static str,
        group: Option<&'static str>,
        labels: &[&'static str],
    ) -> Database {
        Database {
            name: DatabaseName::embedded(name),
            role: Role::Primary,
            group: group.map(GroupName::embedded),
            labels: labels.iter().copied().map(Label::embedded).collect(),
            vars: List::Borrowed(&[]),
            engine: None,
            url: "postgres://localhost/x".into(),
            migrate_url: None,
            line: 1,
        }
    }

    #[test]
    fn the_engine_is_the_schemes_unless_it_is_said() {
        let with_url = |url: &'static str| Database { url: url.into(), ..database("x", None, &[]) };
        assert_eq!(with_url("sqlite:a.db").declared_engine(), Some(EngineKind::Sqlite));
        assert_eq!(with_url("postgresql://${HOST}/x").declared_engine(), Some(EngineKind::Postgres));
        assert_eq!(with_url("${DATABASE_URL}").declared_engine(), None);
        let said = Database { engine: Some(EngineKind::Sqlite), ..with_url("${DATABASE_URL}") };
        assert_eq!(said.declared_engine(), Some(EngineKind::Sqlite));
    }

    #[test]
    fn migrations_prefer_their_own_url() {
        let mut database = database("x", None, &[]);
        assert_eq!(database.migration_url(), "postgres://localhost/x");
        database.migrate_url = Some("postgres://owner@localhost/x".into());
        assert_eq!(database.migration_url(), "postgres://owner@localhost/x");
    }
}
