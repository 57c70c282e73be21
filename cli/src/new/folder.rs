//! The folder that a new migration goes into.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use sharded_migrations_core::Route;
use sharded_migrations_core::project::{self, MigrationFile};
use sharded_migrations_core::topology::read::TopologyFile;

use crate::project::Project;
use crate::route::only_name;

/// Reads a folder that is named: from the folder of migrations, as in `[routes]`, or as a shell completes it, from the
/// current folder through that of the migrations.
///
/// # Errors
/// What is not a folder of migrations, and why.
pub(super) fn named(given: &str, project: &Project) -> Result<String, String> {
    let through = format!("{}/", project.show(&project.migration("")).trim_end_matches('/'));
    let given = given.strip_prefix("./").unwrap_or(given);
    let given = given.strip_prefix(&through).filter(|_| !project.migration(given).exists()).unwrap_or(given);
    let mut parts = Vec::new();
    for component in Path::new(given).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => match part.to_str() {
                Some(part) if part.starts_with('.') => {
                    return Err(format!("`{given}` is hidden, and what is hidden is no migration"));
                }
                Some(part) => parts.push(part),
                None => return Err(format!("`{given}` is not UTF-8")),
            },
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(format!(
                    "`{given}` is not in the folder of migrations; give a path from there, such as `users`"
                ));
            }
        }
    }
    Ok(parts.join("/"))
}

/// The folder where migrations of a route go: the one that `[routes]` has for it, else the one where they lie already, else
/// one that is called as the group or the database is.
///
/// # Errors
/// The folders between which nothing decides.
pub(super) fn of_route(
    route: &Route,
    project: &project::Project,
    topology: &TopologyFile,
) -> Result<String, Vec<String>> {
    let is_routed = |file: &&MigrationFile| file.route.as_ref().is_some_and(|own| own.route == *route);
    let is_folders = |file: &&MigrationFile| {
        let folder = topology.route_of_folder(&file.name.folder).and_then(|folder| folder.route.as_ref());
        folder.is_some_and(|folder| folder.route == *route)
    };
    let newest = |files: &mut dyn Iterator<Item = &MigrationFile>| {
        files.max_by_key(|file| file.name.version).map(|file| file.name.folder.clone())
    };
    if let Some(folder) = newest(&mut project.migrations.iter().filter(is_routed).filter(is_folders)) {
        return Ok(folder);
    }
    let declared: Vec<&str> = topology
        .folder_routes
        .iter()
        .filter(|folder| folder.route.as_ref().is_some_and(|own| own.route == *route))
        .map(|folder| folder.folder.as_str())
        .collect();
    match declared[..] {
        [] => {}
        [folder] => return Ok(folder.to_owned()),
        _ => return Err(declared.into_iter().map(str::to_owned).collect()),
    }
    if let Some(folder) = newest(&mut project.migrations.iter().filter(is_routed)) {
        return Ok(folder);
    }
    let folders: BTreeSet<&str> = project.migrations.iter().map(|file| file.name.folder.as_str()).collect();
    // Where every migration lies in a folder, this one does.
    let is_sorted = !folders.is_empty() && !folders.contains("");
    let name = only_name(route).filter(|name| is_sorted || folders.contains(name));
    Ok(name.unwrap_or_default().to_owned())
}
