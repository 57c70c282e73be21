//! The file that takes the place of a class's migrations.

use sharded_migrations_core::file_name::{Class as FileClass, classify};
use sharded_migrations_core::{Migration, Route, Topology, Version};

use super::class::Class;
use super::dump::Dump;
use crate::Failure;
use crate::new::style::Style;
use crate::project::Project;

/// A squash, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) version: Version,
    pub(super) name: String,
    /// From the folder of migrations.
    pub(super) path: String,
    pub(super) route: Route,
    pub(super) ways: Vec<Vec<Version>>,
    /// The variables whose names are in what it runs.
    pub(super) vars: Vec<String>,
    /// What it runs.
    pub(super) body: Dump,
}

impl File {
    /// Its text.
    pub(super) fn text(&self) -> String {
        let what = match self.ways.first().map(Vec::as_slice) {
            None | Some([]) => String::new(),
            Some([only]) => format!("-- What the migration {only} made.\n"),
            Some([first, .., last]) => format!("-- What the migrations {first} to {last} made.\n"),
        };
        let mut text = what;
        text.push_str(&format!("-- #[route({})]\n", self.route));
        for way in &self.ways {
            let versions: Vec<String> = way.iter().map(Version::to_string).collect();
            text.push_str(&format!("-- #[replaces({})]\n", versions.join(", ")));
        }
        if !self.vars.is_empty() {
            text.push_str(&format!("-- #[vars({})]\n", self.vars.join(", ")));
        }
        if self.body.statements.is_empty() {
            // A file without a statement is taken for one that was forgotten.
            return text + "\n-- Nothing that is still there.\nSELECT 1;\n";
        }
        text + "\n" + &self.body.text()
    }
}

/// The files of classes, without what they run.
pub(super) fn all(
    classes: &[Class<'_>],
    topology: &Topology,
    name: &str,
    project: &Project,
) -> Result<Vec<File>, Failure> {
    let versions = classes.iter().flat_map(|class| class.migrations.iter().map(|one| one.version));
    // The same for all, so that whatever stays comes behind it.
    let Some(version) = versions.max() else { return Ok(Vec::new()) };
    let mut files: Vec<File> = Vec::new();
    for (index, class) in classes.iter().enumerate() {
        let name = match (classes.len(), class.name(topology)) {
            (1, _) => name.to_owned(),
            (_, Some(of_class)) if !files.iter().any(|file| file.name == format!("{name}_{of_class}")) => {
                format!("{name}_{of_class}")
            }
            _ => format!("{name}_{}", index + 1),
        };
        let other = || {
            Failure::usage(format!(
                "`{name}` is there already at {version}: choose another name with `--name`"
            ))
        };
        // A row of the history tells the squash from what it replaces by the name.
        if class.migrations.iter().any(|one| (one.version, one.name.as_ref()) == (version, name.as_str())) {
            return Err(other());
        }
        let (route, ways) = (class.route(topology), class.ways());
        let path = path(class, &route, version, &name)
            .filter(|path| !project.migration(path).exists())
            .ok_or_else(other)?;
        files.push(File { version, name, path, route, ways, vars: Vec::new(), body: Dump::default() });
    }
    Ok(files)
}

/// The deepest folder that holds the files with this route, where there are any, else those that are not for every database,
/// else all of the class; from the folder of migrations.
fn folder(class: &Class<'_>, route: &Route) -> String {
    let folder = |migration: &&Migration| match classify(&migration.file) {
        Ok(FileClass::Forward(name)) => Some(name.folder),
        _ => None,
    };
    let all = || class.migrations.iter().copied();
    let those = |is: &dyn Fn(&&Migration) -> bool| {
        all().filter(is).filter_map(|one| folder(&one)).collect::<Vec<_>>()
    };
    let folders =
        [those(&|one| one.route == *route), those(&|one| one.route != Route::Everywhere), those(&|_| true)];
    let folders = folders.into_iter().find(|folders| !folders.is_empty()).unwrap_or_default();
    let shared =
        folders.iter().map(|folder| folder.split('/').collect::<Vec<_>>()).reduce(|shared, folder| {
            shared
                .into_iter()
                .zip(folder)
                .take_while(|(one, other)| one == other)
                .map(|(one, _)| one)
                .collect()
        });
    shared.unwrap_or_default().join("/")
}

/// Where a file of that version goes, called as the newest of the class is.
fn path(class: &Class<'_>, route: &Route, version: Version, name: &str) -> Option<String> {
    let folder = folder(class, route);
    let newest = class.migrations.last()?;
    let style = class
        .migrations
        .iter()
        .fold(Style::of(&newest.file), |style, migration| style.as_wide_as(Style::of(&migration.file)));
    let is_read_back = |path: &String| matches!(classify(path), Ok(FileClass::Forward(read)) if read.version == version && read.name == name);
    style.with_version(&folder, name, version).into_iter().find(is_read_back)
}

#[cfg(test)]
mod tests {
    use super::super::range::Range;
    use super::*;
    use sharded_migrations_core::compile::compile;
    use sharded_migrations_core::project::Sources;

    /// The path of the squash of these files, each with its route.
    fn squashed(files: &[(&str, &str)]) -> String {
        let file = |(path, route): &(&str, &str)| {
            ((*path).to_owned(), format!("-- #[route({route})]\nSELECT 1;\n").into_bytes())
        };
        let set = compile(&Sources {
            folder: "migrations".into(),
            files: files.iter().map(file).collect(),
            databases: "databases.toml".into(),
            databases_bytes: b"[groups.users]\n[databases.a]\ngroup = \"users\"\nurl = \"sqlite:a\"\n"
                .to_vec(),
            lock: None,
        })
        .unwrap();
        let classes = Class::all(&set, Range::parse("..99999999999999").unwrap()).unwrap();
        let class = &classes[0];
        let version = class.migrations.last().unwrap().version;
        path(class, &class.route(&set.topology), version, "x").unwrap()
    }

    #[test]
    fn it_lies_where_what_has_its_route_lies_and_is_called_as_that_is() {
        let (all, users) = ("everywhere", "group = \"users\"");
        for (files, path) in [
            ([("V1__a.sql", all), ("V2__b.sql", all)], "V2__x.sql"),
            ([("V1__a.sql", all), ("users/V2__b.sql", users)], "users/V2__x.sql"),
            ([("a/b/V1__a.sql", users), ("a/bc/V2__b.sql", users)], "a/V2__x.sql"),
            ([("a/V1__a.sql", users), ("b/V2__b.sql", users)], "V2__x.sql"),
            ([("0001_a.sql", all), ("0002_b.up.sql", all)], "0002_x.up.sql"),
            ([("U1__a.sql", all), ("U2__b.sql", all)], "V2__x.sql"),
            (
                [("2024-01-01-000000_a/up.sql", all), ("2024-01-02-000000_b/up.sql", all)],
                "2024-01-02-000000_x/up.sql",
            ),
        ] {
            assert_eq!(squashed(&files), path);
        }
    }

    #[test]
    fn a_file_says_what_it_is_and_what_it_replaces() {
        let version = Version::embedded;
        let file = File {
            version: version(3),
            name: "x".into(),
            path: "V3__x.sql".into(),
            route: Route::Everywhere,
            ways: vec![vec![version(2), version(3)], vec![version(1), version(2), version(3)]],
            vars: vec!["shard".into()],
            body: Dump { statements: vec!["SELECT 1".into()] },
        };
        insta::assert_snapshot!(file.text(), @r"
        -- What the migrations 2 to 3 made.
        -- #[route(everywhere)]
        -- #[replaces(2, 3)]
        -- #[replaces(1, 2, 3)]
        -- #[vars(shard)]

        SELECT 1;
        ");
    }
}
