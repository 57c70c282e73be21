//! What the macro does, phase by phase: arguments, files, checks, tokens.

use std::collections::HashSet;
use std::env;
use std::path::{Component, Path, PathBuf};

use proc_macro2::TokenStream;
use sharded_migrations_core::compile::compile;
use sharded_migrations_core::diagnostic::Style;
use sharded_migrations_core::project::Sources;
use sharded_migrations_core::set::Origin;
use sharded_migrations_core::{Diagnostic, Migrations, load, lock, rust};

use crate::emit;
use crate::input::Arguments;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let arguments = match syn::parse2::<Arguments>(input) {
        Ok(arguments) => arguments,
        Err(error) => return emit::failure(None, &[], error.to_compile_error()),
    };
    let item = arguments.item.as_ref();
    let Some(crate_folder) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return emit::failure(
            item,
            &[],
            emit::errors(["`CARGO_MANIFEST_DIR` is not set: build with cargo".to_owned()]),
        );
    };
    let folder = load::without_dots(&arguments.migrations(&crate_folder));
    let databases = load::without_dots(&arguments.databases(&crate_folder));

    let sources = match Sources::read(&folder, &databases, |path| shown(path, &crate_folder)) {
        Ok(sources) => sources,
        Err(faults) => return emit::failure(item, &[], errors(&faults)),
    };
    let lock = sources.lock.as_ref().map(|_| folder.join(lock::FILE));
    let files = sources.files.iter().map(|(file, _)| folder.join(file));
    let tracked: Vec<PathBuf> = files.chain(lock).chain([databases]).collect();
    match compile(&sources) {
        Ok(migrations) => {
            let path = |file: &str| module_path(&folder.join(file));
            emit::success(item, &tracked, &with_origin(migrations, &folder, &sources), path)
        }
        Err(faults) => emit::failure(item, &tracked, errors(&faults)),
    }
}

fn errors(faults: &[Diagnostic]) -> TokenStream {
    emit::errors(faults.iter().map(|fault| fault.render(Style::Bare)))
}

fn with_origin(migrations: Migrations, folder: &Path, sources: &Sources) -> Migrations {
    let named: HashSet<&str> = migrations.files().collect();
    let others = sources.files.iter().filter(|(file, _)| !named.contains(file.as_str()));
    let others = others.map(|(file, _)| file.clone().into()).collect();
    let origin = Origin { folder: folder.display().to_string().into(), others };
    Migrations { origin: Some(origin), ..migrations }
}

/// Where the module of a file is, for `#[path]`: from the file that the macro is called in, so that no path of this
/// machine gets into the program; as a whole where that cannot be said.
fn module_path(file: &Path) -> String {
    from_caller(file).as_deref().unwrap_or(file).display().to_string()
}

fn from_caller(file: &Path) -> Option<PathBuf> {
    let span = proc_macro::Span::call_site();
    let caller = env::current_dir().ok()?.join(span.local_file()?);
    let text = std::fs::read_to_string(&caller).ok()?;
    // In a module that is written out in its file, rustc looks in a folder of that module's name.
    let line_start: usize = text.split_inclusive('\n').take(span.line().checked_sub(1)?).map(str::len).sum();
    let in_line = text
        .get(line_start..)?
        .chars()
        .take(span.column().saturating_sub(1))
        .map(char::len_utf8)
        .sum::<usize>();
    if rust::is_in_inline_module(&text, line_start + in_line) {
        return None;
    }
    // A folder may be a link: `..` leads to where it really is.
    let (folder, file) = (caller.parent()?.canonicalize().ok()?, file.canonicalize().ok()?);
    let shared = folder.components().zip(file.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let relative: PathBuf = up.chain(file.components().skip(shared)).collect();
    // Windows has paths that nothing relative leads to.
    (shared > 0).then_some(relative)
}

/// How messages name a path: as rustc does, relative to where cargo runs it, which for a member of
/// a workspace is the workspace; else relative to the crate.
fn shown(path: &Path, crate_folder: &Path) -> String {
    let here = env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&here).or_else(|_| path.strip_prefix(crate_folder)).unwrap_or(path);
    relative.display().to_string().replace('\\', "/")
}
