//! What the macro does, phase by phase: arguments, files, checks, tokens.

use std::env;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::diagnostic::Style;
use sharded_migrations_core::project::Sources;
use sharded_migrations_core::set::Origin;
use sharded_migrations_core::{Diagnostic, Migrations, load, lock};

use crate::emit;
use crate::input::Arguments;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let arguments = match syn::parse2::<Arguments>(input) {
        Ok(arguments) => arguments,
        Err(error) => return emit::failure(&[], error.to_compile_error()),
    };
    let Some(crate_folder) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return emit::failure(
            &[],
            emit::errors(["`CARGO_MANIFEST_DIR` is not set: build with cargo".to_owned()]),
        );
    };
    let folder = load::without_dots(&arguments.migrations(&crate_folder));
    let databases = load::without_dots(&arguments.databases(&crate_folder));

    let sources = match Sources::read(&folder, &databases, |path| shown(path, &crate_folder)) {
        Ok(sources) => sources,
        Err(faults) => return emit::failure(&[], errors(&faults)),
    };
    let lock = sources.lock.as_ref().map(|_| folder.join(lock::FILE));
    let files = sources.files.iter().map(|(file, _)| folder.join(file));
    let tracked: Vec<PathBuf> = files.chain(lock).chain([databases]).collect();
    match compile(&sources) {
        Ok(migrations) => emit::success(&tracked, &with_origin(migrations, &folder, &sources)),
        Err(faults) => emit::failure(&tracked, errors(&faults)),
    }
}

fn errors(faults: &[Diagnostic]) -> TokenStream {
    emit::errors(faults.iter().map(|fault| fault.render(Style::Bare)))
}

fn with_origin(migrations: Migrations, folder: &Path, sources: &Sources) -> Migrations {
    let files = sources.files.iter().map(|(file, _)| file.clone().into()).collect();
    let origin = Origin { folder: folder.display().to_string().into(), files };
    Migrations { origin: Some(origin), ..migrations }
}

/// How messages name a path: as rustc does, relative to where cargo runs it, which for a member of
/// a workspace is the workspace; else relative to the crate.
fn shown(path: &Path, crate_folder: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&here).or_else(|_| path.strip_prefix(crate_folder)).unwrap_or(path);
    relative.display().to_string().replace('\\', "/")
}
