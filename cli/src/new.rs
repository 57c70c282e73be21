//! `new`: a file with the next version, in the right folder, that says which databases it is for.

mod folder;
pub(crate) mod name;
pub(crate) mod style;

use std::collections::HashMap;
use std::time::SystemTime;

use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::file_name::{Class, FileName, classify};
use sharded_migrations_core::project::{Project as Read, Sources, read_project};
use sharded_migrations_core::topology::read::TopologyFile;
use sharded_migrations_core::{Diagnostic, Route, Version};

use crate::args::RouteArgs;
use crate::project::Project;
use crate::report::{Created, Findings, Listed, Product, databases};
use crate::{Failure, create, exit_code, route};
use name::Name;
use style::{Files, Style};

pub(crate) use style::Language;

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) name: &'a str,
    pub(crate) route: &'a RouteArgs,
    pub(crate) folder: Option<&'a str>,
    pub(crate) language: Language,
    pub(crate) with_reverse: bool,
}

pub(crate) fn run(project: &Project, request: &Request<'_>) -> Result<Findings, Failure> {
    let name = Name::of(request.name).map_err(Failure::usage)?;
    let folder =
        request.folder.map(|folder| folder::named(folder, project)).transpose().map_err(Failure::usage)?;
    let sources = match project.read() {
        Ok(sources) => sources,
        Err(diagnostics) => return Ok(refused(diagnostics, "the project cannot be read")),
    };
    let mut faults = Vec::new();
    let read = read_project(&sources, &mut faults);
    // Faults of other migrations are no reason not to begin one.
    faults.retain(|fault| {
        fault.severity == Severity::Error
            && fault.places.first().is_some_and(|place| place.file() == sources.databases)
    });
    let topology = match &read.topology {
        Some(topology) if faults.is_empty() => topology,
        _ => return Ok(refused(faults, "what the fleet is has to be known")),
    };
    let target = Target::of(request, folder, &read, topology)?;
    let next = Next::of(project, &sources, &read, &target, name, request.language)?;
    let next = if request.with_reverse { next } else { Next { reverse: None, ..next } };
    write(project, &next, &target)?;
    Ok(created(project, &sources, topology, next, target))
}

fn refused(diagnostics: Vec<Diagnostic>, why: &str) -> Findings {
    let failure = Some(format!("nothing was written: {why}"));
    let (result, code) = (String::new(), exit_code::REFUSED);
    Findings { command: "new", diagnostics, product: None, result, failure, code }
}

/// Where a migration goes, and for which databases.
struct Target {
    folder: String,
    route: Route,
    /// Whether its folder has this route in `[routes]`, so that the file needs none of its own.
    is_of_folder: bool,
}

impl Target {
    fn of(
        request: &Request<'_>,
        folder: Option<String>,
        read: &Read,
        topology: &TopologyFile,
    ) -> Result<Self, Failure> {
        let of_folder = |folder: &str| topology.route_of_folder(folder)?.route.as_ref();
        let Some(route) = route::read(request.route, topology)? else {
            let folder = folder.unwrap_or_default();
            let route = of_folder(&folder).ok_or_else(|| {
                Failure::usage(format!(
                    "which databases is it for? say `--group`, `--database`, `--label`, `--everywhere` or `--route`; {}",
                    route::choices(topology)
                ))
            })?;
            return Ok(Self { folder, route: route::sound(route.clone(), topology)?, is_of_folder: true });
        };
        let folder = match folder {
            Some(folder) => folder,
            None => folder::of_route(&route, read, topology).map_err(|folders| {
                let folders: Vec<String> = folders
                    .iter()
                    .map(|folder| if folder.is_empty() { "." } else { folder }.to_owned())
                    .collect();
                Failure::usage(format!(
                    "`[routes]` has more than one folder for {route}; choose with `--folder`: {}",
                    folders.join(", ")
                ))
            })?,
        };
        let is_of_folder = of_folder(&folder).is_some_and(|of_folder| of_folder.route == route);
        Ok(Self { folder, route, is_of_folder })
    }
}

/// The next migration.
struct Next {
    version: Version,
    name: Name,
    language: Language,
    /// Its files, from the folder of migrations.
    forward: String,
    reverse: Option<String>,
}

impl Next {
    fn of(
        project: &Project,
        sources: &Sources,
        read: &Read,
        target: &Target,
        name: Name,
        language: Language,
    ) -> Result<Self, Failure> {
        let routes: HashMap<&str, Option<&Route>> = read
            .migrations
            .iter()
            .map(|file| (file.file.as_str(), file.route.as_ref().map(|own| &own.route)))
            .collect();
        let known = |(file, _): &(String, Vec<u8>)| match classify(file) {
            Ok(Class::Forward(name) | Class::Code(name)) => {
                let route = routes.get(file.as_str()).copied();
                Some(Known {
                    file: file.clone(),
                    name,
                    is_read: route.is_some(),
                    is_alike: route == Some(Some(&target.route)),
                })
            }
            _ => None,
        };
        let known: Vec<Known> = sources.files.iter().filter_map(known).collect();
        let style = style(&known, &target.folder);
        // What cannot be read may be for any database.
        let unread = known.iter().filter(|file| !file.is_read).map(|file| file.name.version);
        let mut newest = unread.chain(read.newest(&target.route)).max();
        let now = SystemTime::now();
        loop {
            let files = style.reaching(newest).next(&target.folder, name.as_str(), language, newest, now);
            let next = files.and_then(|files| match classify(&files.forward) {
                Ok(Class::Forward(name) | Class::Code(name)) => Some((name.version, files)),
                _ => None,
            });
            let Some((version, Files { forward, reverse, taken_by })) = next else {
                let newest = newest.map_or(0, Version::get);
                return Err(Failure::usage(format!(
                    "no version is above {newest}, which its databases have"
                )));
            };
            // Another group's migration may have this very name: then its number is passed over.
            if !taken_by.iter().any(|file| project.migration(file).exists()) {
                return Ok(Self { version, name, language, forward, reverse: Some(reverse) });
            }
            newest = Some(version);
        }
    }
}

/// A forward file that is there.
struct Known {
    file: String,
    name: FileName,
    /// Whether it is text.
    is_read: bool,
    /// Whether it goes where the new one goes.
    is_alike: bool,
}

/// How the newest file in a folder is called; where there is none, the newest one that goes to the same databases, or the
/// newest of all.
fn style(known: &[Known], folder: &str) -> Style {
    let those = |is: &dyn Fn(&Known) -> bool| known.iter().filter(|file| is(file)).collect::<Vec<_>>();
    let like = [those(&|file| file.name.folder == folder), those(&|file| file.is_alike), those(&|_| true)];
    let like = like.into_iter().find(|files| !files.is_empty()).unwrap_or_default();
    let Some(newest) = like.iter().max_by_key(|file| file.name.version) else { return Style::FIRST };
    like.iter().fold(Style::of(&newest.file), |style, file| style.as_wide_as(Style::of(&file.file)))
}

/// Makes the files, or none of them.
fn write(project: &Project, next: &Next, target: &Target) -> Result<(), Failure> {
    let route = (!target.is_of_folder).then_some(&target.route);
    let forward = match next.language {
        Language::Sql => sql(&next.name, route),
        Language::Rust => code(&next.name, route),
    };
    let reverse = |file| (file, format!("-- Takes back: {}.\n\n", next.name.words()));
    let files = std::iter::once((&next.forward, forward)).chain(next.reverse.as_ref().map(reverse));
    let files: Vec<_> = files.map(|(file, text)| (project.migration(file), text)).collect();
    create::all(&files, project.view())
}

/// What a file of SQL begins with. Without a statement the build refuses it.
fn sql(name: &Name, route: Option<&Route>) -> String {
    let route = route.map(|route| format!("-- #[route({route})]\n")).unwrap_or_default();
    format!("-- {}\n{route}\n", name.sentence())
}

/// What a file of Rust begins with. It is built as it stands, and fails where it is applied: a migration that does nothing
/// would be recorded.
fn code(name: &Name, route: Option<&Route>) -> String {
    let route = route.map(|route| format!("#[route({route})]\n")).unwrap_or_default();
    format!(
        "//! {}\n\nuse sharded_migrations::step::*;\n\n{route}pub async fn {}(context: &mut Context) -> Result {{\n    \
         todo!(\"what is to be done on {{}}\", context.database())\n}}\n",
        name.sentence(),
        name.function()
    )
}

fn created(
    project: &Project,
    sources: &Sources,
    topology: &TopologyFile,
    next: Next,
    target: Target,
) -> Findings {
    let Next { version, name, language, forward, reverse } = next;
    let show = |file: &String| project.show(&project.migration(file));
    let created: Vec<String> = std::iter::once(&forward).chain(&reverse).map(show).collect();
    let reached: Vec<String> =
        route::reached(&target.route, topology).into_iter().map(str::to_owned).collect();
    let of_folder = if target.is_of_folder {
        format!(" (its folder's, in {})", topology.source.path)
    } else {
        String::new()
    };
    let mut result: String = created.iter().map(|file| format!("created {file}\n")).collect();
    result.push_str(&format!(
        "  version    {version}\n  route      {}{of_folder}\n  databases  {}\n\n",
        target.route,
        databases(&reached)
    ));
    result.push_str(match language {
        Language::Sql => {
            "write its SQL below the comment: as long as there is no statement, the build refuses it"
        }
        Language::Rust => {
            "write its function in place of `todo!`: as long as that is there, the migration fails and is rolled back"
        }
    });
    if sources.lock.is_some() {
        result.push_str("\nand when it is finished, `cargo sharded-migrations lock`");
    }
    let listed = Listed {
        version,
        name: name.as_str().to_owned(),
        file: forward,
        reverse,
        route: Some(target.route),
        databases: reached,
    };
    let product = Some(Product::New(Created { listed, created }));
    Findings {
        command: "new",
        diagnostics: Vec::new(),
        product,
        result,
        failure: None,
        code: exit_code::DONE,
    }
}
