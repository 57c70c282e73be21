//! Databases that have the same migrations in a range, which one file can replace for all of them.

use std::collections::BTreeSet;

use sharded_migrations_core::project::MigrationFile;
use sharded_migrations_core::{
    Database, EngineKind, GroupName, Label, Migration, Migrations, Route, Topology, Version,
};

use super::range::Range;

/// Databases of one engine with the same migrations in a range.
#[derive(Debug)]
pub(super) struct Class<'m> {
    pub(super) engine: EngineKind,
    /// In the fleet's order.
    pub(super) databases: Vec<&'m Database>,
    /// In the order of their versions.
    pub(super) migrations: Vec<&'m Migration>,
    /// What the routes in the range, of this class or another, tell databases apart by.
    pub(super) labels: BTreeSet<Label>,
    /// The routes in the range, of this class or another.
    routes: Vec<Route>,
}

/// A database has something from before the range.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Earlier<'m> {
    pub(super) database: &'m Database,
    pub(super) migration: &'m Migration,
}

impl<'m> Class<'m> {
    /// The classes with something to squash: more than one migration, or one that another class has to give up too.
    ///
    /// # Errors
    /// A database that has something from before the range: what is squashed begins with the first.
    pub(super) fn all(set: &'m Migrations, range: Range) -> Result<Vec<Self>, Earlier<'m>> {
        let mut all: Vec<Self> = Vec::new();
        let mut labels = BTreeSet::new();
        let mut routes: Vec<Route> = Vec::new();
        for migration in set.migrations.iter().filter(|migration| range.contains(migration.version)) {
            collect_labels(&migration.route, &mut labels);
            if !routes.contains(&migration.route) {
                routes.push(migration.route.clone());
            }
        }
        for database in set.topology.primaries() {
            let routed = || set.routed_to(database);
            let migrations: Vec<&Migration> = routed().filter(|one| range.contains(one.version)).collect();
            if migrations.is_empty() {
                continue;
            }
            if let Some(migration) = routed().find(|migration| range.is_behind(migration.version)) {
                return Err(Earlier { database, migration });
            }
            let engine = database.declared_engine().unwrap_or(EngineKind::Postgres);
            let files =
                |migrations: &[&Migration]| migrations.iter().map(|one| one.file.clone()).collect::<Vec<_>>();
            let is_alike =
                |class: &&mut Self| class.engine == engine && files(&class.migrations) == files(&migrations);
            match all.iter_mut().find(is_alike) {
                Some(class) => class.databases.push(database),
                None => {
                    let (databases, labels, routes) = (vec![database], labels.clone(), routes.clone());
                    all.push(Self { engine, databases, migrations, labels, routes });
                }
            }
        }
        let goes: Vec<&Migration> = all
            .iter()
            .filter(|class| class.migrations.len() > 1)
            .flat_map(|class| class.migrations.iter().copied())
            .collect();
        all.retain(|class| class.migrations.iter().any(|migration| goes.contains(migration)));
        Ok(all)
    }

    /// Whether a file is one of its migrations.
    pub(super) fn has(&self, file: &MigrationFile) -> bool {
        self.migrations.iter().any(|one| one.file == file.file)
    }

    /// One of them for all that get the same: with other values of the variables of these migrations a database may get
    /// something else.
    pub(super) fn variants(&self) -> Vec<&'m Database> {
        let names: Vec<&str> =
            self.migrations.iter().flat_map(|one| one.vars.iter().map(|name| name.as_ref())).collect();
        let values = |database: &'m Database| names.iter().map(|name| database.var(name)).collect::<Vec<_>>();
        let mut variants: Vec<&Database> = Vec::new();
        for &database in &self.databases {
            if !variants.iter().any(|other| values(other) == values(database)) {
                variants.push(database);
            }
        }
        variants
    }

    /// Whether a variable is the same on all of them.
    pub(super) fn has_one_value(&self, name: &str) -> bool {
        self.databases.windows(2).all(|pair| pair[0].var(name) == pair[1].var(name))
    }

    /// The simplest route that selects these databases and no other: one that a migration of theirs has, else what others
    /// leave of `everywhere`, else one of groups and labels, else one of names.
    pub(super) fn route(&self, topology: &Topology) -> Route {
        self.left(topology)
            .filter(|route| self.is_exact(route, topology))
            .unwrap_or_else(|| self.narrow(topology))
    }

    fn is_here(&self, database: &Database) -> bool {
        self.databases.iter().any(|one| one.name == database.name)
    }

    fn is_exact(&self, route: &Route, topology: &Topology) -> bool {
        topology.primaries().all(|database| route.selects(database) == self.is_here(database))
    }

    /// Where all that they have is for every database: whatever has nothing else of the range. One that is yet to come has to
    /// get it as well, whatever its name and its group; unless it may be of another engine, for which the file is none.
    fn left(&self, topology: &Topology) -> Option<Route> {
        let is_other =
            |database: &Database| database.declared_engine().is_some_and(|engine| engine != self.engine);
        if self.migrations.iter().any(|migration| migration.route != Route::Everywhere)
            || topology.primaries().any(is_other)
        {
            return None;
        }
        let others = || self.routes.iter().filter(|route| **route != Route::Everywhere).cloned();
        match others().count() {
            0 => None,
            1 => Some(Route::Not(others().collect::<Vec<_>>().into())),
            _ => Some(Route::Not(vec![Route::Any(others().collect::<Vec<_>>().into())].into())),
        }
    }

    /// A route for those that there are today.
    fn narrow(&self, topology: &Topology) -> Route {
        let is_exact = |route: &Route| self.is_exact(route, topology);
        // `everywhere` says more of databases that are yet to come than another route which selects the same today.
        let weight = |route: &Route| (*route == Route::Everywhere, route.to_string().len());
        let own = self.migrations.iter().map(|migration| &migration.route).filter(|route| is_exact(route));
        let own = own.min_by_key(|route| weight(route)).cloned();
        own.or_else(|| self.wide(topology).find(is_exact)).unwrap_or_else(|| self.by_name(topology))
    }

    /// Routes that also hold for databases which are yet to come, the simplest first.
    fn wide(&self, topology: &Topology) -> impl Iterator<Item = Route> {
        let groups: Vec<Route> = topology.groups.iter().cloned().map(Route::Group).collect();
        let labels: Vec<Route> = self.labels.iter().cloned().map(Route::Label).collect();
        let both = |group: &Route, label: &Route| Route::All(vec![group.clone(), label.clone()].into());
        let without = |group: &Route, label: &Route| both(group, &Route::Not(vec![label.clone()].into()));
        let pairs = || groups.iter().flat_map(|group| labels.iter().map(move |label| (group, label)));
        let with_label: Vec<Route> = pairs().map(|(group, label)| both(group, label)).collect();
        let without_label: Vec<Route> = pairs().map(|(group, label)| without(group, label)).collect();
        std::iter::once(Route::Everywhere).chain(groups).chain(labels).chain(with_label).chain(without_label)
    }

    /// A route of whole groups, and of the names of what is in none of these.
    fn by_name(&self, topology: &Topology) -> Route {
        let is_here = |database: &Database| self.is_here(database);
        let is_whole = |group: &&GroupName| {
            let mut members = topology.primaries().filter(|one| one.group.as_ref() == Some(group)).peekable();
            members.peek().is_some() && members.all(is_here)
        };
        let groups: Vec<&GroupName> = topology.groups.iter().filter(is_whole).collect();
        let is_alone = |one: &&&Database| one.group.as_ref().is_none_or(|own| !groups.contains(&own));
        let alone = self.databases.iter().filter(is_alone).map(|one| Route::Database(one.name.clone()));
        let mut routes: Vec<Route> =
            groups.iter().map(|group| Route::Group((*group).clone())).chain(alone).collect();
        match routes.len() {
            1 => routes.remove(0),
            _ => Route::Any(routes.into()),
        }
    }

    /// What tells it from other classes, as a part of a file's name.
    pub(super) fn name(&self, topology: &Topology) -> Option<String> {
        let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        Some(words(&self.narrow(topology))?.chars().map(allowed).collect())
    }

    /// The ways in which a database may have come to what these migrations make: by themselves; and where one of them
    /// replaces others, with those in its place.
    pub(super) fn ways(&self) -> Vec<Vec<Version>> {
        let mut ways: Vec<Vec<Version>> = vec![Vec::new()];
        for migration in &self.migrations {
            let own = [vec![migration.version]];
            let steps: Vec<Vec<Version>> =
                own.into_iter().chain(migration.replaces.0.iter().map(|way| way.to_vec())).collect();
            let with =
                |way: &Vec<Version>| steps.iter().map(|step| [&way[..], step].concat()).collect::<Vec<_>>();
            ways = ways.iter().flat_map(with).collect();
        }
        for way in &mut ways {
            way.sort_unstable();
            way.dedup();
        }
        // One that is written twice says nothing more.
        let mut distinct: Vec<Vec<Version>> = Vec::new();
        for way in ways {
            if !distinct.contains(&way) {
                distinct.push(way);
            }
        }
        distinct
    }
}

fn collect_labels(route: &Route, labels: &mut BTreeSet<Label>) {
    match route {
        Route::Label(label) => drop(labels.insert(label.clone())),
        Route::Any(routes) | Route::All(routes) | Route::Not(routes) => {
            routes.iter().for_each(|route| collect_labels(route, labels));
        }
        Route::Everywhere | Route::Group(_) | Route::Database(_) => {}
    }
}

/// A route in the words of a file's name; `None` where these would be too many.
fn words(route: &Route) -> Option<String> {
    match route {
        Route::Group(name) => Some(name.to_string()),
        Route::Database(name) => Some(name.to_string()),
        Route::Label(name) => Some(name.to_string()),
        Route::All(routes) => Some(routes.iter().map(words).collect::<Option<Vec<_>>>()?.join("_")),
        Route::Not(routes) => {
            Some(format!("not_{}", routes.iter().map(words).collect::<Option<Vec<_>>>()?.join("_")))
        }
        Route::Everywhere | Route::Any(_) => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use sharded_migrations_core::compile::compile;
    use sharded_migrations_core::project::Sources;

    use super::*;

    const FLEET: &str = r#"
[groups.users]
[groups.catalog]
[databases.default]
url = "${DEFAULT_URL}"
[databases."users_{01..02}"]
group = "users"
labels = ["eu"]
url = "postgres://h/users_{01..02}"
[databases.users_03]
group = "users"
url = "postgres://h/users_03"
[databases.catalog]
group = "catalog"
url = "sqlite:catalog.db"
[databases.users_01_replica]
replica_of = "users_01"
url = "postgres://r/users_01"
"#;

    /// A set of migrations, each a version, its route and what else its header has.
    fn set(files: &[(i64, &str, &str)]) -> Migrations {
        set_of(FLEET, files)
    }

    pub(in crate::squash) fn set_of(fleet: &str, files: &[(i64, &str, &str)]) -> Migrations {
        let file = |(version, route, more): &(i64, &str, &str)| {
            let text = format!("-- #[route({route})]\n{more}\nSELECT 1;\n");
            (format!("V{version}__m.sql"), text.into_bytes())
        };
        let sources = Sources {
            folder: "migrations".into(),
            files: files.iter().map(file).collect(),
            databases: "databases.toml".into(),
            databases_bytes: fleet.into(),
            lock: None,
        };
        compile(&sources).unwrap()
    }

    fn names(class: &Class<'_>) -> Vec<String> {
        class.databases.iter().map(|database| database.name.to_string()).collect()
    }

    /// Each class as its databases, its versions and its route.
    fn shown(set: &Migrations, range: &str) -> String {
        let classes = Class::all(set, Range::parse(range).unwrap()).unwrap();
        let one = |class: &Class<'_>| {
            let versions: Vec<String> = class.migrations.iter().map(|one| one.version.to_string()).collect();
            let name = class.name(&set.topology).unwrap_or_default();
            let route = class.route(&set.topology);
            format!("{} [{}] {route} ({name}) {}", names(class).join(" "), versions.join(" "), class.engine)
        };
        classes.iter().map(one).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn databases_with_the_same_migrations_are_a_class() {
        let set = set(&[
            (1, "everywhere", ""),
            (2, "group = \"users\"", ""),
            (3, "database = \"default\"", ""),
            (4, "group = \"users\"", ""),
            (5, "everywhere", ""),
        ]);
        insta::assert_snapshot!(shown(&set, "1..5"), @r#"
        default [1 3 5] database = "default" (default) postgres
        users_01 users_02 users_03 [1 2 4 5] group = "users" (users) postgres
        catalog [1 5] group = "catalog" (catalog) sqlite
        "#);
        // What `catalog` has alone would go with the others' files.
        insta::assert_snapshot!(shown(&set, "1..2"), @r#"
        default [1] database = "default" (default) postgres
        users_01 users_02 users_03 [1 2] group = "users" (users) postgres
        catalog [1] group = "catalog" (catalog) sqlite
        "#);
        assert!(Class::all(&set, Range::parse("1..1").unwrap()).unwrap().is_empty());
        let earlier = Class::all(&set, Range::parse("2..5").unwrap()).unwrap_err();
        assert_eq!(
            (earlier.database.name.as_str(), earlier.migration.version),
            ("default", Version::embedded(1))
        );
    }

    #[test]
    fn what_was_for_every_database_is_for_those_that_are_yet_to_come() {
        let of_default = |fleet: &str, files: &[(i64, &str, &str)]| {
            let set = set_of(fleet, files);
            let classes = Class::all(&set, Range::parse("..9").unwrap()).unwrap();
            (classes[0].route(&set.topology).to_string(), classes[0].name(&set.topology))
        };
        let alike = FLEET.replace("sqlite:catalog.db", "postgres://h/catalog");
        let (users, catalog) = ("group = \"users\"", "group = \"catalog\"");
        assert_eq!(
            of_default(
                &alike,
                &[(1, "everywhere", ""), (2, users, ""), (3, catalog, ""), (4, "everywhere", "")]
            ),
            (format!("not(any({users}, {catalog}))"), Some("default".to_owned()))
        );
        let all = format!("any({users}, {catalog})");
        assert_eq!(
            of_default(&alike, &[(1, "everywhere", ""), (2, &all, "")]),
            (format!("not({all})"), Some("default".to_owned()))
        );
        // A file for PostgreSQL is none for whatever comes in SQLite.
        assert_eq!(
            of_default(FLEET, &[(1, "everywhere", ""), (2, users, "")]).0,
            "database = \"default\"".to_owned()
        );
    }

    #[test]
    fn each_variable_is_the_same_or_not_by_itself() {
        let fleet = "[databases.\"a_{1..2}\"]\nurl = \"sqlite:a{1..2}\"\nvars = { shard = \"{1..2}\", region = \"eu\" }\n";
        let set = set_of(fleet, &[(1, "everywhere", ""), (2, "everywhere", "")]);
        let classes = Class::all(&set, Range::parse("..2").unwrap()).unwrap();
        assert!(classes[0].has_one_value("region"));
        assert!(!classes[0].has_one_value("shard"));
    }

    #[test]
    fn one_migration_that_no_other_class_gives_up_stays() {
        let set = set(&[
            (1, "database = \"default\"", ""),
            (2, "group = \"users\"", ""),
            (3, "group = \"users\"", ""),
            (4, "group = \"catalog\"", ""),
        ]);
        assert_eq!(shown(&set, "..9"), "users_01 users_02 users_03 [2 3] group = \"users\" (users) postgres");
    }

    #[test]
    fn a_route_selects_the_class_and_no_other() {
        let eu = [
            (1, "group = \"users\"", ""),
            (2, "label = \"eu\"", ""),
            (3, "any(database = \"users_03\", database = \"default\", group = \"catalog\")", ""),
            (4, "any(database = \"users_03\", database = \"default\")", ""),
        ];
        insta::assert_snapshot!(shown(&set(&eu), "..9"), @r#"
        default [3 4] database = "default" (default) postgres
        users_01 users_02 [1 2] label = "eu" (eu) postgres
        users_03 [1 3 4] all(group = "users", not(label = "eu")) (users_not_eu) postgres
        catalog [3] group = "catalog" (catalog) sqlite
        "#);
        // None of theirs selects them alone.
        let mixed = [(1, "not(group = \"catalog\")", ""), (2, "not(database = \"users_03\")", "")];
        insta::assert_snapshot!(shown(&set(&mixed), "..9"), @r#"
        default users_01 users_02 [1 2] any(database = "default", database = "users_01", database = "users_02") () postgres
        users_03 [1] database = "users_03" (users_03) postgres
        catalog [2] group = "catalog" (catalog) sqlite
        "#);
        let all = [
            (1, "any(group = \"users\", group = \"catalog\", database = \"default\")", ""),
            (2, "group = \"users\"", ""),
        ];
        let set = set(&all);
        for class in Class::all(&set, Range::parse("..9").unwrap()).unwrap() {
            let route = class.route(&set.topology);
            let selected = set.topology.primaries().filter(|one| route.selects(one));
            assert_eq!(
                selected.map(|one| one.name.to_string()).collect::<Vec<_>>(),
                names(&class),
                "{route}"
            );
        }
    }

    #[test]
    fn a_squash_of_a_squash_replaces_what_that_replaced_too() {
        let ways = |files: &[(i64, &str, &str)]| -> Vec<Vec<i64>> {
            let set = set(files);
            let classes = Class::all(&set, Range::parse("..99").unwrap()).unwrap();
            let numbers = |way: Vec<Version>| way.into_iter().map(Version::get).collect();
            classes[0].ways().into_iter().map(numbers).collect()
        };
        let users = "everywhere";
        assert_eq!(ways(&[(1, users, ""), (2, users, "")]), [[1, 2]]);
        assert_eq!(
            ways(&[(3, users, "-- #[replaces(1, 2, 3)]"), (4, users, "")]),
            [vec![3, 4], vec![1, 2, 3, 4]]
        );
        assert_eq!(
            ways(&[
                (5, users, "-- #[replaces(3, 4, 5)]\n-- #[replaces(1, 2, 3, 4, 5)]"),
                (8, users, "-- #[replaces(7)]")
            ]),
            [
                vec![5, 8],
                vec![5, 7],
                vec![3, 4, 5, 8],
                vec![3, 4, 5, 7],
                vec![1, 2, 3, 4, 5, 8],
                vec![1, 2, 3, 4, 5, 7]
            ]
        );
    }
}
