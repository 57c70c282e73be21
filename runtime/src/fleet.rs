//! The fleet at run time: which databases, and how each is reached.

use std::fmt;
use std::time::Duration;

use sharded_migrations_core::template::Template;
use sharded_migrations_core::{
    Database, DatabaseName, EngineKind, Migrations, Role, Rollout, Topology, suggest,
};

/// Which databases of the fleet a run is about: those that are named and are in one of the groups.
/// An empty list stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Names of databases; `all` stands for every one.
    pub databases: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// The databases of a run, with their URLs. Replicas are never among them.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub(crate) targets: Vec<Target>,
    /// The other primaries, in case that something waits for one of them; without what cannot be reached.
    pub(crate) others: Vec<(DatabaseName, Option<Target>)>,
    pub(crate) rollout: Rollout,
    /// Whether its databases may be emptied.
    pub(crate) is_development: bool,
}

/// One database and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) database: Database,
    pub(crate) engine: EngineKind,
    pub(crate) url: Secret,
    /// The server that it is on, where databases share one.
    pub(crate) server: Option<String>,
    /// How long connecting may take, where the run says it; zero for ever.
    pub(crate) connect_timeout: Option<Duration>,
}

#[cfg(test)]
impl Fleet {
    /// Without a database.
    pub(crate) fn of_none() -> Self {
        Self { targets: Vec::new(), others: Vec::new(), rollout: Rollout::DEFAULT, is_development: false }
    }
}

impl Target {
    pub(crate) fn new(database: &Database, engine: EngineKind, url: String) -> Self {
        let server = crate::engine::engine(engine).ok().and_then(|driver| driver.server(&url));
        Self { database: database.clone(), engine, url: Secret(url), server, connect_timeout: None }
    }
}

/// A text that may hold a password: it cannot be printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why there is no fleet: every fault at once.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct FleetError(pub Vec<FleetFault>);

/// As it is displayed: it is what `main` prints of an error that it returns.
impl fmt::Debug for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One reason why a database cannot be selected or reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetFault {
    /// A name that does not exist.
    #[error("no database is called `{name}`; {help}")]
    UnknownDatabase {
        /// The name.
        name: String,
        /// What exists.
        help: String,
    },
    /// A replica's name.
    #[error("`{name}` is a replica of `{primary}`, and replicas are never migrated; {help}")]
    Replica {
        /// The replica.
        name: String,
        /// Its primary.
        primary: String,
        /// What exists.
        help: String,
    },
    /// A group that does not exist.
    #[error("no shard group is called `{name}`; {help}")]
    UnknownGroup {
        /// The name.
        name: String,
        /// What exists.
        help: String,
    },
    /// The selection is empty.
    #[error("no database is selected: {0}")]
    NothingSelected(String),
    /// Variables in the URL of one database, or of several, that are not set.
    #[error(
        "the URL of {} ({file}:{line}) needs {variables}, which is not set in the environment",
        named(databases)
    )]
    Unset {
        /// The databases.
        databases: Vec<String>,
        /// The file that declares them.
        file: String,
        /// The line there of the first of them.
        line: usize,
        /// The variables.
        variables: String,
    },
    /// A URL that no engine takes.
    #[error("the URL of database `{database}` ({file}:{line}) {problem}")]
    Url {
        /// The database.
        database: String,
        /// The file that declares it.
        file: String,
        /// The line there.
        line: usize,
        /// What is wrong; never a part of the URL.
        problem: String,
    },
}

impl Fleet {
    /// All primaries of the embedded fleet, their URLs filled in from the environment.
    ///
    /// # Errors
    /// Every variable that is not set, and every URL that no engine takes, by database.
    pub fn from_env(migrations: &Migrations) -> Result<Self, FleetError> {
        Self::select(migrations, &Selection::default())
    }

    /// The selected primaries, their URLs filled in from the environment. Variables of databases
    /// that are not selected need not be set.
    ///
    /// # Errors
    /// Names that do not exist or belong to replicas; else as [`from_env`](Self::from_env).
    pub fn select(migrations: &Migrations, selection: &Selection) -> Result<Self, FleetError> {
        Self::select_with(migrations, selection, |name| std::env::var(name).ok())
    }

    /// As [`select`](Self::select), with variables from elsewhere than the environment.
    pub fn select_with(
        migrations: &Migrations,
        selection: &Selection,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, FleetError> {
        let topology = &migrations.topology;
        let selected = selection.resolve(topology).map_err(FleetError)?;
        let mut faults = Vec::new();
        let targets = selected
            .iter()
            .filter_map(|database| {
                target(topology, database, &variable).map_err(|fault| add(&mut faults, fault)).ok()
            })
            .collect();
        let is_other = |database: &&Database| !selected.iter().any(|one| one.name == database.name);
        let other = |database: &Database| (database.name.clone(), target(topology, database, &variable).ok());
        let others = topology.primaries().filter(is_other).map(other).collect();
        if faults.is_empty() {
            let development =
                Template::parse(&topology.development).ok().and_then(|flag| flag.fill(&variable).ok());
            let is_development = development.as_deref() == Some("true");
            Ok(Self { targets, others, rollout: topology.rollout.clone(), is_development })
        } else {
            Err(FleetError(faults))
        }
    }

    /// How many databases there are.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is none, which no constructor allows.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// How a run goes over them, as `databases.toml` says.
    pub fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// Databases that are not selected, where one can be asked.
    pub(crate) fn others(&self) -> impl Iterator<Item = &Target> {
        self.others.iter().filter_map(|(_, target)| target.as_ref())
    }

    /// The databases.
    pub fn databases(&self) -> impl Iterator<Item = &Database> {
        self.targets.iter().map(|target| &target.database)
    }
}

impl Selection {
    /// The word that stands for every database.
    pub const ALL: &'static str = "all";

    pub(crate) fn resolve<'a>(&self, topology: &'a Topology) -> Result<Vec<&'a Database>, Vec<FleetFault>> {
        let mut faults = Vec::new();
        for name in self.databases.iter().filter(|name| *name != Self::ALL) {
            faults.extend(unknown_database(topology, name));
        }
        for name in &self.groups {
            let groups = topology.groups.iter().map(|group| group.as_str());
            if !groups.clone().any(|group| group == name) {
                let help = suggest::help(name, "groups", groups);
                faults.push(FleetFault::UnknownGroup { name: name.clone(), help });
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let names_all = self.databases.is_empty() || self.databases.iter().any(|name| name == Self::ALL);
        let is_selected = |database: &&Database| {
            let in_group =
                |group: &String| database.group.as_ref().is_some_and(|of| of.as_str() == group.as_str());
            let is_named = names_all || self.databases.iter().any(|name| database.name.as_str() == name);
            is_named && (self.groups.is_empty() || self.groups.iter().any(in_group))
        };
        let selected: Vec<&Database> = topology.primaries().filter(is_selected).collect();
        if selected.is_empty() {
            let reason = match self.groups.is_empty() {
                true => format!("{} declares none", topology.file),
                false if names_all => format!("no primary is in the group {}", self.groups.join(", ")),
                false => format!("none of those named is in the group {}", self.groups.join(", ")),
            };
            return Err(vec![FleetFault::NothingSelected(reason)]);
        }
        Ok(selected)
    }
}

/// Adds a fault to the others; databases that lack the same variables are one.
fn add(faults: &mut Vec<FleetFault>, fault: FleetFault) {
    if let FleetFault::Unset { databases: more, variables: missing, .. } = &fault {
        for known in faults.iter_mut() {
            match known {
                FleetFault::Unset { databases, variables, .. } if variables == missing => {
                    return databases.extend_from_slice(more);
                }
                _ => {}
            }
        }
    }
    faults.push(fault);
}

/// ``database `a` ``, or `the databases a, b`.
fn named(databases: &[String]) -> String {
    match databases {
        [one] => format!("database `{one}`"),
        several => format!("the databases {}", suggest::list(several.iter().map(String::as_str))),
    }
}

fn unknown_database(topology: &Topology, name: &str) -> Option<FleetFault> {
    let primaries = topology.primaries().map(|database| database.name.as_str());
    let list = format!("databases: {}", suggest::list(primaries.clone()));
    match topology.database(name).map(|database| &database.role) {
        Some(Role::Primary) => None,
        Some(Role::ReplicaOf(primary)) => {
            Some(FleetFault::Replica { name: name.to_owned(), primary: primary.to_string(), help: list })
        }
        None => {
            let help = suggest::help(name, "databases", primaries);
            Some(FleetFault::UnknownDatabase { name: name.to_owned(), help })
        }
    }
}

fn target(
    topology: &Topology,
    database: &Database,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Target, FleetFault> {
    let fault = |problem: String| FleetFault::Url {
        database: database.name.to_string(),
        file: topology.file.to_string(),
        line: database.line,
        problem,
    };
    let template = Template::parse(database.migration_url()).map_err(|error| fault(error.to_string()))?;
    let url = template.fill(variable).map_err(|unset| FleetFault::Unset {
        databases: vec![database.name.to_string()],
        file: topology.file.to_string(),
        line: database.line,
        variables: unset.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and "),
    })?;
    let Some((scheme, _)) = url.split_once(':') else {
        return Err(fault("has no scheme; it begins with `postgres:` or `sqlite:`".into()));
    };
    // What stands before the first `:` may be anything where the whole URL is a variable, a piece
    // of a password included: it is not repeated.
    let Some(engine) = EngineKind::by_scheme(scheme) else {
        return Err(fault("has an unknown scheme; it begins with `postgres:` or `sqlite:`".into()));
    };
    if let Some(said) = database.engine.filter(|said| *said != engine) {
        return Err(fault(format!("is one of {engine}, and the file says `engine = \"{said}\"`")));
    }
    Ok(Target::new(database, engine, url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sharded_migrations_core::{GroupName, List};

    fn database(name: &'static str, group: Option<&'static str>, url: &'static str) -> Database {
        Database {
            name: DatabaseName::embedded(name),
            role: Role::Primary,
            group: group.map(GroupName::embedded),
            labels: List::Borrowed(&[]),
            vars: List::Borrowed(&[]),
            engine: None,
            url: url.into(),
            migrate_url: None,
            line: 7,
        }
    }

    fn fleet() -> Migrations {
        let replica = Database {
            role: Role::ReplicaOf(DatabaseName::embedded("users_01")),
            ..database("users_01_replica", None, "${REPLICA_URL}")
        };
        let databases = vec![
            database("default", None, "${DEFAULT_URL}"),
            database("users_01", Some("users"), "postgres://app:${PW}@h/1"),
            database("users_02", Some("users"), "postgres://app:${PW}@h/2"),
            replica,
        ];
        let groups = vec![GroupName::embedded("users"), GroupName::embedded("empty")];
        let topology = Topology {
            file: "databases.toml".into(),
            groups: groups.into(),
            databases: databases.into(),
            rollout: Rollout::DEFAULT,
            out_of_order: sharded_migrations_core::OutOfOrder::Refuse,
            development: "false".into(),
        };
        Migrations { topology, ..Migrations::EMPTY }
    }

    fn select(databases: &[&str], groups: &[&str], env: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let selection = Selection { databases: owned(databases), groups: owned(groups) };
        let variable =
            |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Fleet::select_with(&fleet(), &selection, variable)
            .map(|fleet| fleet.databases().map(|database| database.name.to_string()).collect())
            .map_err(|error| error.to_string())
    }

    const ENV: [(&str, &str); 2] = [("DEFAULT_URL", "sqlite:x.db"), ("PW", "secret")];

    #[test]
    fn all_primaries_by_default_and_never_a_replica() {
        for databases in [&[] as &[&str], &["all"], &["all", "default"]] {
            assert_eq!(select(databases, &[], &ENV).unwrap(), ["default", "users_01", "users_02"]);
        }
        assert_eq!(select(&["users_02"], &[], &ENV).unwrap(), ["users_02"]);
        assert_eq!(select(&["users_02", "default"], &["users"], &ENV).unwrap(), ["users_02"]);
        assert_eq!(select(&["all"], &["users"], &ENV).unwrap(), ["users_01", "users_02"]);
        assert!(select(&["default"], &["users"], &ENV).unwrap_err().contains("none of those named"));
        assert_eq!(select(&[], &["users"], &ENV).unwrap(), ["users_01", "users_02"]);
    }

    #[test]
    fn a_wrong_name_lists_what_exists() {
        let faults = select(&["user_01", "users_01_replica"], &["usres"], &ENV).unwrap_err();
        insta::assert_snapshot!(faults, @r"
        no database is called `user_01`; did you mean `users_01`? databases: default, users_01, users_02
        `users_01_replica` is a replica of `users_01`, and replicas are never migrated; databases: default, users_01, users_02
        no shard group is called `usres`; did you mean `users`? groups: empty, users
        ");
        assert!(select(&[], &["empty"], &ENV).unwrap_err().contains("no database is selected"));
    }

    #[test]
    fn only_the_selected_databases_need_their_variables() {
        assert_eq!(select(&["default"], &[], &ENV[..1]).unwrap(), ["default"]);
        let faults = select(&[], &[], &[]).unwrap_err();
        assert!(
            faults.contains("the URL of the databases users_01, users_02 (databases.toml:7) needs `PW`"),
            "{faults}"
        );
        assert_eq!(faults.lines().count(), 2, "{faults}");
        assert!(faults.contains(
            "the URL of database `default` (databases.toml:7) needs `DEFAULT_URL`, which is not set"
        ));
    }

    #[test]
    fn a_url_is_never_printed() {
        for url in ["hunter2", "hunter2:x", "mysql://app:hunter2@h/x"] {
            let faults = select(&["default"], &[], &[("DEFAULT_URL", url)]).unwrap_err();
            assert!(!faults.contains("hunter2"), "{faults}");
        }
        let fleet =
            Fleet::select_with(&fleet(), &Selection::default(), |_| Some("sqlite:hunter2".into())).unwrap();
        assert!(!format!("{fleet:?}").contains("hunter2"));
    }
}
