//! The files that come, and those that go.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use sharded_migrations_core::file_name::{Class as FileClass, FileName, classify};
use sharded_migrations_core::project::Sources;
use sharded_migrations_core::{Diagnostic, Migration};

use super::Squash;
use super::class::Class;
use super::file::File;
use crate::project::Project;
use crate::report::{Findings, Listed, Product, Squashed, SquashedFile, count, databases};
use crate::{Failure, create, exit_code};

/// All that goes with migrations that are replaced: their reverse files too, and what diesel has beside them.
pub(super) fn gone(sources: &Sources, replaced: &[&Migration]) -> BTreeSet<String> {
    let name = |path: &str| match classify(path) {
        Ok(FileClass::Forward(name) | FileClass::Reverse(name) | FileClass::Metadata(name)) => Some(name),
        _ => None,
    };
    let replaced: BTreeSet<String> = replaced.iter().filter_map(|one| name(&one.file)).map(key).collect();
    let goes = |path: &&String| name(path).is_some_and(|name| replaced.contains(&key(name)));
    sources.files.iter().map(|(path, _)| path).filter(goes).cloned().collect()
}

/// What the files of one migration have in common.
fn key(FileName { folder, version, name, kind }: FileName) -> String {
    format!("{folder}\0{version}\0{name}\0{kind:?}")
}

/// Writes the files, and deletes those that they replace.
pub(super) fn write(
    project: &Project,
    squash: &Squash<'_>,
    files: &[File],
    found: Vec<Diagnostic>,
    is_dry_run: bool,
) -> Result<Findings, Failure> {
    let gone = gone(squash.sources, &squash.replaced());
    if !is_dry_run {
        if let Some(file) = changed(squash.sources, &gone, |file| project.migration(file)) {
            let why = format!(
                "`{}` was changed while it was tried: try again",
                project.show(&project.migration(file))
            );
            return Ok(super::refused(Vec::new(), &why));
        }
        let texts: Vec<(PathBuf, String)> =
            files.iter().map(|file| (project.migration(&file.path), file.text())).collect();
        create::all(&texts, project.view())?;
        delete(project, &gone)?;
    }
    let show = |file: &String| project.show(&project.migration(file));
    let deleted: Vec<String> = gone.iter().map(show).collect();
    let squashed = |(file, class): (&File, &Class<'_>)| SquashedFile {
        created: show(&file.path),
        replaces: file.ways.clone(),
        listed: Listed {
            version: file.version,
            name: file.name.clone(),
            file: file.path.clone(),
            reverse: None,
            route: Some(file.route.clone()),
            databases: class.databases.iter().map(|database| database.name.to_string()).collect(),
        },
    };
    let files: Vec<SquashedFile> = files.iter().zip(squash.classes).map(squashed).collect();
    let result = result(&files, squash, &deleted, is_dry_run);
    let product = Product::Squash(Squashed { files, deleted, written: !is_dry_run });
    Ok(Findings {
        command: "squash",
        diagnostics: found,
        product: Some(product),
        result,
        failure: None,
        code: exit_code::DONE,
    })
}

/// One that is no longer what was read: what somebody has written since is in no squash, and would be gone with the file.
fn changed<'g>(
    sources: &Sources,
    gone: &'g BTreeSet<String>,
    path: impl Fn(&str) -> PathBuf,
) -> Option<&'g String> {
    let is_as_read = |file: &String| {
        let read = sources.files.iter().find(|(path, _)| path == file).map(|(_, bytes)| bytes);
        fs::read(path(file)).ok().as_ref() == read
    };
    gone.iter().find(|file| !is_as_read(file))
}

fn delete(project: &Project, gone: &BTreeSet<String>) -> Result<(), Failure> {
    for file in gone {
        let path = project.migration(file);
        fs::remove_file(&path).map_err(|error| {
            Failure::machine(format!(
                "`{}` cannot be deleted: {error}; what replaces it is written, so delete by hand what `cargo \
                 sharded-migrations check` says is still there",
                project.show(&path)
            ))
        })?;
    }
    for file in gone.iter().filter(|file| file.ends_with("/up.sql")) {
        if let Some(folder) = project.migration(file).parent() {
            // What somebody else has put into it stays.
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}

fn result(files: &[SquashedFile], squash: &Squash<'_>, deleted: &[String], is_dry_run: bool) -> String {
    let (created, gone) = if is_dry_run { ("would create", "would delete") } else { ("created", "deleted") };
    let mut result = String::new();
    for (file, class) in files.iter().zip(squash.classes) {
        let route = file.listed.route.as_ref().map(ToString::to_string).unwrap_or_default();
        result.push_str(&format!(
            "{created} {}\n  replaces   {}\n  route      {route}\n  databases  {}\n",
            file.created,
            count(class.migrations.len(), "migration"),
            databases(&file.listed.databases)
        ));
    }
    result.push_str(&format!("{gone} {}\n", count(deleted.len(), "file")));
    deleted.iter().for_each(|file| result.push_str(&format!("  {file}\n")));
    result.push_str(
        "\nboth ways were run on scratch databases, and came to the same\n\
         before a release has it, every database needs all of what is replaced, or nothing of it: one that is half way gets the \
         release before first",
    );
    if squash.sources.lock.is_some() && !is_dry_run {
        result.push_str("\nnow run `cargo sharded-migrations lock`, and commit all of it together");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_since_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["V1__a.sql", "V2__b.sql"];
        let files = names.iter().map(|name| ((*name).to_owned(), b"SELECT 1;".to_vec())).collect();
        let sources = Sources { files, ..Sources::default() };
        let gone: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = || changed(&sources, &gone, |file| folder.path().join(file)).map(String::as_str);
        for name in names {
            fs::write(folder.path().join(name), "SELECT 1;").unwrap();
        }
        assert_eq!(found(), None);
        fs::write(folder.path().join("V2__b.sql"), "SELECT 2;").unwrap();
        assert_eq!(found(), Some("V2__b.sql"));
        fs::remove_file(folder.path().join("V1__a.sql")).unwrap();
        assert_eq!(found(), Some("V1__a.sql"));
    }
}
