//! `lock`: what each migration is, written down. What is new is added. What has changed since it was locked is shown, and
//! nothing is written: databases may have applied it, and only a person knows.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use sharded_migrations_core::compile::{Examined, examine};
use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::lock;
use sharded_migrations_core::project::Sources;
use sharded_migrations_core::source::{SourceFile, normalise};
use sharded_migrations_core::{Diagnostic, Migration, Migrations, Rerouted};

use crate::project::Project;
use crate::report::{Findings, Locked, Product, count, tally};
use crate::{Failure, exit_code};

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing: say whether there is something to do.
    Look,
    /// Add what is new.
    Add,
    /// Add what is new, and lock what has changed as it is now.
    Accept,
}

impl Mode {
    pub(crate) fn of(check: bool, accept_changes: bool) -> Self {
        match (check, accept_changes) {
            (true, _) => Self::Look,
            (false, true) => Self::Accept,
            (false, false) => Self::Add,
        }
    }
}

pub(crate) fn run(
    project: &Project,
    mode: Mode,
    rerouted: &[(String, Rerouted)],
) -> Result<Findings, Failure> {
    let sources = match project.read() {
        Ok(sources) => sources,
        Err(diagnostics) => return Ok(refused(mode, diagnostics, "the project cannot be read")),
    };
    // What the set is, whatever was locked: a set that is wrong is not worth to be locked.
    let set = match examine(&Sources { lock: None, ..sources.clone() }) {
        Examined { set: Some(set), .. } => set,
        Examined { set: None, diagnostics } => {
            return Ok(refused(mode, errors(diagnostics), "there are errors"));
        }
    };
    let declared = match rerouted {
        [] => sources.clone(),
        _ => lock::declare(&sources, &set, rerouted).map_err(Failure::usage)?,
    };
    let state = State::of(&sources, &declared, &set);
    match mode {
        Mode::Look => Ok(look(&sources, &set, state)),
        Mode::Add if !state.changes.is_empty() => {
            let why = "what is locked is in the way; if this is meant, add `--accept-changes`";
            Ok(refused(mode, state.changes, why))
        }
        Mode::Add | Mode::Accept => write(project, &sources, &set, state),
    }
}

/// The lock beside the set.
struct State<'m> {
    /// What the lock has to be.
    text: String,
    /// Whether it is.
    is_current: bool,
    /// What has changed of that which is locked, as errors.
    changes: Vec<Diagnostic>,
    /// The migrations that are not locked.
    added: Vec<&'m Migration>,
}

impl<'m> State<'m> {
    /// `declared` are the sources with what is declared of their lock.
    fn of(sources: &Sources, declared: &Sources, set: &'m Migrations) -> Self {
        let text = lock::renewed(declared, set).to_string();
        let is = |bytes: &Vec<u8>| std::str::from_utf8(bytes).is_ok_and(|is| normalise(is) == text);
        let is_current = sources.lock.as_ref().is_some_and(is);
        // The set has no errors of its own, so all there are come from the lock.
        let changes = if is_current { Vec::new() } else { errors(examine(declared).diagnostics) };
        Self { text, is_current, changes, added: lock::unlocked(sources, set) }
    }
}

fn errors(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.retain(|diagnostic| diagnostic.severity == Severity::Error);
    diagnostics
}

fn refused(mode: Mode, diagnostics: Vec<Diagnostic>, why: &str) -> Findings {
    let failure = format!("nothing was written: {why}");
    let (code, failure) = match mode {
        Mode::Look => (exit_code::NO, tally(&diagnostics)),
        Mode::Add | Mode::Accept => (exit_code::REFUSED, failure),
    };
    let failure = Some(failure);
    Findings { command: "lock", diagnostics, product: None, result: String::new(), failure, code }
}

fn look(sources: &Sources, set: &Migrations, state: State<'_>) -> Findings {
    const RUN: &str = "run `cargo sharded-migrations lock`, and commit the file that it writes";
    let file = sources.lock_path();
    let fault = |path: &str, message: String| {
        let source = Arc::new(SourceFile { path: path.to_owned(), text: String::new() });
        Diagnostic::new("not-locked", message).in_file(&source).help(RUN)
    };
    let mut diagnostics = state.changes;
    if sources.lock.is_none() {
        diagnostics.push(fault(&file, "there is no lock yet".to_owned()));
    } else {
        let not_locked = |migration: &&Migration| {
            fault(&set.path(migration), format!("the migration {migration} is not locked"))
        };
        diagnostics.extend(state.added.iter().map(not_locked));
        if diagnostics.is_empty() && !state.is_current {
            diagnostics.push(fault(&file, "the lock is not as it would be written now".to_owned()));
        }
    }
    let locked = Locked { file: file.clone(), written: false, added: added(&state.added) };
    let (code, result, failure) = if diagnostics.is_empty() {
        (exit_code::DONE, up_to_date(&file, set), None)
    } else {
        (exit_code::NO, String::new(), Some(tally(&diagnostics)))
    };
    Findings { command: "lock", diagnostics, product: Some(Product::Lock(locked)), result, failure, code }
}

fn write(
    project: &Project,
    sources: &Sources,
    set: &Migrations,
    state: State<'_>,
) -> Result<Findings, Failure> {
    let file = sources.lock_path();
    if !state.is_current {
        replace(&project.lock(), &state.text)
            .map_err(|error| Failure::machine(format!("`{file}` cannot be written: {error}")))?;
    }
    let mut result = match (state.is_current, state.added.len()) {
        (true, _) => up_to_date(&file, set),
        (false, 0) => format!("wrote {file}: {}", count(set.migrations.len(), "migration")),
        (false, new) if new == set.migrations.len() => {
            format!("wrote {file}: {}", count(new, "migration"))
        }
        (false, new) => format!("added {} to {file}:", count(new, "migration")),
    };
    if state.added.len() < set.migrations.len() {
        for migration in &state.added {
            result.push_str(&format!("\n  {migration} ({})", migration.file));
        }
    }
    let diagnostics = state.changes.into_iter().map(|change| change.severity(Severity::Warning)).collect();
    let locked = Locked { file, written: !state.is_current, added: added(&state.added) };
    Ok(Findings {
        command: "lock",
        diagnostics,
        product: Some(Product::Lock(locked)),
        result,
        failure: None,
        code: exit_code::DONE,
    })
}

fn up_to_date(file: &str, set: &Migrations) -> String {
    format!("{file} is up to date: {}", count(set.migrations.len(), "migration"))
}

fn added(migrations: &[&Migration]) -> Vec<lock::Locked> {
    migrations.iter().map(|migration| lock::Locked::of(migration)).collect()
}

/// Puts a text in a file's place in one step, so that nobody finds half of it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one, and a file that somebody has closed stays closed.
    let path = match fs::canonicalize(path) {
        Ok(path) if fs::metadata(&path)?.permissions().readonly() => {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
        }
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    // Hidden, so that a build which runs meanwhile does not take it for something of the migrations.
    let new = path.with_file_name(format!(".{}.{}.new", lock::FILE, std::process::id()));
    let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(lock::FILE);
        replace(&path, "one").unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");

        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert_eq!(replace(&path, "three").unwrap_err().to_string(), "the file is read-only");
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a folder")).unwrap();
        assert!(replace(&folder.path().join("a folder"), "one").is_err());
        assert!(replace(&folder.path().join("no/such/folder"), "one").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (link, file) = (folder.path().join("link"), folder.path().join("file"));
        fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        replace(&link, "two").unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("file"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
    }
}
