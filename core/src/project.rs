//! A project as the checks see it: its files, read and taken apart.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::file_name::{self, Class, FileName};
use crate::header::predicate::RouteSource;
use crate::header::{self, Header};
use crate::lex::{self, Statement, Token};
use crate::lock::{self, Identity, LockFile};
use crate::rust::Function;
use crate::source::{SourceFile, normalise, path_in, without};
use crate::sql::{self, Reading};
use crate::topology::read::{self, TopologyFile};
use crate::{Checksum, Database, Diagnostic, Route, Version, load, parallel, suggest};

/// The files of a project, as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// The folder of migrations, as messages show it.
    pub folder: String,
    /// Its files: path relative to the folder, and bytes.
    pub files: Vec<(String, Vec<u8>)>,
    /// `databases.toml`, as messages show it.
    pub databases: String,
    /// Its bytes.
    pub databases_bytes: Vec<u8>,
    /// The bytes of [`lock::FILE`] in the folder of migrations, if it is there.
    pub lock: Option<Vec<u8>>,
}

impl Sources {
    /// Reads a project. `show` says how messages name a path.
    ///
    /// # Errors
    /// One fault for the folder and one for the file, where they cannot be read.
    pub fn read(
        migrations: &Path,
        databases: &Path,
        show: impl Fn(&Path) -> String,
    ) -> Result<Self, Vec<Diagnostic>> {
        let unreadable = |what: &str, path: &Path, error: &std::io::Error| {
            Diagnostic::new("unreadable", format!("{what} `{}` cannot be read: {error}", show(path)))
        };
        let mut faults = Vec::new();
        let mut sources = Self { folder: show(migrations), databases: show(databases), ..Self::default() };
        match load::list(migrations) {
            Ok(files) => {
                for (name, path) in files {
                    // Only what belongs to migrations is read: a folder may hold anything else.
                    let bytes = match file_name::classify(&name) {
                        Ok(Class::Other) => continue,
                        Ok(_) => std::fs::read(&path),
                        Err(_) => Ok(Vec::new()),
                    };
                    match bytes {
                        Ok(bytes) => sources.files.push((name, bytes)),
                        Err(error) => faults.push(unreadable("the file", &path, &error)),
                    }
                }
                let lock = migrations.join(lock::FILE);
                match std::fs::read(&lock) {
                    Ok(bytes) => sources.lock = Some(bytes),
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => faults.push(unreadable("the file", &lock, &error)),
                }
            }
            Err(load::LoadError { path, error }) if path == migrations => {
                faults.push(unreadable("the folder of migrations", &path, &error).help(
                    "make the folder, or name another: `embed_sharded_migrations!(migrations = \"db/migrations\")`",
                ));
            }
            Err(load::LoadError { path, error }) => faults.push(unreadable("the file", &path, &error)),
        }
        match std::fs::read(databases) {
            Ok(bytes) => sources.databases_bytes = bytes,
            Err(error) => faults.push(unreadable("the file", databases, &error).help(
                "describe the fleet there, or name another file: `embed_sharded_migrations!(databases = \"db/databases.toml\")`",
            )),
        }
        if faults.is_empty() { Ok(sources) } else { Err(faults) }
    }

    /// The path of the lock, as messages show it.
    pub fn lock_path(&self) -> String {
        path_in(&self.folder, lock::FILE)
    }

    /// What the lock says, if there is one that can be read.
    pub(crate) fn lock_file(&self, faults: &mut Vec<Diagnostic>) -> Option<LockFile> {
        let source = text(&self.lock_path(), self.lock.as_ref()?, faults)?;
        lock::read(&source, faults)
    }
}

/// A project as the checks see it: always a value, however many faults it has.
#[derive(Debug)]
pub struct Project {
    /// The folder of migrations, as messages show it.
    pub folder: String,
    /// Whether all files could be read, so that what is not here is nowhere.
    pub is_whole: bool,
    /// The fleet; `None` when its file is no TOML.
    pub topology: Option<TopologyFile>,
    /// The forward files, by version, then by path.
    pub migrations: Vec<MigrationFile>,
    /// The reverse files.
    pub reverses: Vec<MigrationFile>,
    /// What is locked, if there is a lock and something of it could be read.
    pub(crate) lock: Option<LockFile>,
}

/// One file of a migration.
#[derive(Debug)]
pub struct MigrationFile {
    /// Path relative to the folder of migrations.
    pub file: String,
    /// What its name says.
    pub name: FileName,
    /// Its text.
    pub source: Arc<SourceFile>,
    /// What is run, where it is written in Rust: then it has neither words nor statements of SQL.
    pub code: Option<Function>,
    /// Its words.
    pub tokens: Vec<Token>,
    /// Its statements.
    pub statements: Vec<Statement>,
    /// What its header says.
    pub header: Header,
    /// The route that counts: its own, else the one of the nearest folder in `[routes]`.
    /// For a reverse file that of its migration.
    pub route: Option<RouteSource>,
    /// What its SQL says, for the databases of PostgreSQL that it is for.
    pub readings: Vec<Reading>,
}

impl MigrationFile {
    /// The checksum of its text without its attribute lines, so that a new route does not change it.
    pub(crate) fn checksum(&self) -> Checksum {
        Checksum::of(&without(&self.source.text, self.header.lines.iter().cloned()))
    }

    /// Whether it replaces a version.
    pub(crate) fn replaces(&self, version: Version) -> bool {
        self.header.replaces.iter().flatten().any(|replaced| replaced.value == version)
    }

    /// What tells it from other migrations.
    pub(crate) fn identity(&self) -> Identity<'_> {
        let FileName { folder: _, version, name, kind } = &self.name;
        Identity { file: &self.file, version: *version, name, kind: *kind, checksum: self.checksum() }
    }
}

impl Project {
    /// The names of the databases that two migrations reach.
    pub(crate) fn reached_by_both(&self, one: &MigrationFile, other: &MigrationFile) -> Vec<&str> {
        let (Some(topology), Some(one), Some(other)) = (&self.topology, &one.route, &other.route) else {
            return Vec::new();
        };
        let both = |database: &&Database| one.route.selects(database) && other.route.selects(database);
        topology.topology.primaries().filter(both).map(|database| database.name.as_str()).collect()
    }

    /// The newest version that a database which a route selects has, or may have because it is locked. A file whose
    /// route cannot be read may be for any database.
    pub fn newest(&self, route: &Route) -> Option<Version> {
        let topology = &self.topology.as_ref()?.topology;
        let meets = |other: &Route| {
            topology.primaries().any(|database| route.selects(database) && other.selects(database))
        };
        let has = |file: &&MigrationFile| file.route.as_ref().is_none_or(|own| meets(&own.route));
        let here = self.migrations.iter().filter(has).map(|file| file.name.version);
        let locked = self.lock.iter().flat_map(|lock| &lock.entries).map(|entry| &entry.locked);
        let locked = locked.filter(|locked| meets(&locked.route)).map(|locked| locked.version);
        here.chain(locked).max()
    }
}

/// Takes the files apart, and says what is wrong with each by itself.
pub fn read_project(sources: &Sources, faults: &mut Vec<Diagnostic>) -> Project {
    let databases = text(&sources.databases, &sources.databases_bytes, faults);
    let topology = databases.and_then(|databases| read::read(&databases, faults));
    let mut project = Project {
        folder: sources.folder.clone(),
        is_whole: false,
        topology,
        migrations: Vec::new(),
        reverses: Vec::new(),
        lock: None,
    };
    let mut outside_transaction = Vec::new();
    let mut of_reverses = Vec::new();
    let topology = project.topology.as_ref();
    let take_apart = |file: &(String, Vec<u8>)| {
        let (mut faults, mut of_reverse) = (Vec::new(), Vec::new());
        let part = part(&sources.folder, file, topology, &mut faults, &mut of_reverse);
        (part, faults, of_reverse)
    };
    for (part, of_part, of_reverse) in parallel::map(sources.files.iter().collect(), take_apart) {
        faults.extend(of_part);
        of_reverses.extend(of_reverse);
        match part {
            None => {}
            Some(Part::Forward(file)) => project.migrations.push(file),
            Some(Part::Reverse(file)) => project.reverses.push(file),
            Some(Part::OutsideTransaction(name)) => outside_transaction.push(name),
        }
    }
    for migration in &mut project.migrations {
        migration.header.no_transaction |= outside_transaction.contains(&migration.name);
    }
    // What a reverse file does is nothing that a migration counts on.
    project.is_whole = faults.is_empty();
    faults.append(&mut of_reverses);
    project.lock = sources.lock_file(faults);
    project.migrations.sort_by(|a, b| (a.name.version, &a.file).cmp(&(b.name.version, &b.file)));
    go_with_migrations(&mut project);
    faults.extend(sql::read(&mut project));
    project
}

/// What a file is of a project.
enum Part {
    Forward(MigrationFile),
    Reverse(MigrationFile),
    /// It says that this migration runs outside a transaction.
    OutsideTransaction(FileName),
}

/// Takes a file apart, if it is of the project. The faults of a reverse file, which is nothing that a migration counts on,
/// are not among those of the others.
fn part(
    folder: &str,
    (file, bytes): &(String, Vec<u8>),
    topology: Option<&TopologyFile>,
    faults: &mut Vec<Diagnostic>,
    of_reverse: &mut Vec<Diagnostic>,
) -> Option<Part> {
    let path = path_in(folder, file);
    let class = match file_name::classify(file) {
        Ok(Class::Other) => return None,
        Ok(class) => class,
        Err(error) => {
            let nowhere = Arc::new(SourceFile { path, text: String::new() });
            faults.push(Diagnostic::new("file-name", error.message).in_file(&nowhere).help(error.help));
            return None;
        }
    };
    let source = text(&path, bytes, faults)?;
    match class {
        Class::Other => None,
        Class::Forward(name) => Some(Part::Forward(read_migration(file, name, source, topology, faults))),
        Class::Code(name) => {
            let (header, function) = header::code::read(&source, faults);
            let parts = Parts { header, tokens: Vec::new(), statements: Vec::new(), code: Some(function?) };
            Some(Part::Forward(with_route(file, name, source, parts, topology)))
        }
        Class::Reverse(name) => {
            let reverse = read_migration(file, name, source, None, of_reverse);
            of_reverse.extend(own_order(&reverse));
            Some(Part::Reverse(reverse))
        }
        Class::Metadata(name) => {
            (!runs_in_transaction(&source, faults)).then_some(Part::OutsideTransaction(name))
        }
    }
}

/// A reverse file goes where its migration goes, and as that goes.
fn go_with_migrations(project: &mut Project) {
    let forward: HashMap<&FileName, &MigrationFile> =
        project.migrations.iter().map(|file| (&file.name, file)).collect();
    for reverse in &mut project.reverses {
        let forward = forward.get(&reverse.name);
        reverse.route = forward.and_then(|forward| forward.route.clone());
        reverse.header.no_transaction |= forward.is_some_and(|forward| forward.header.no_transaction);
    }
}

/// The faults of a reverse file that says where it goes, or when.
fn own_order(reverse: &MigrationFile) -> impl Iterator<Item = Diagnostic> {
    let Header { route, barrier, requires, replaces, .. } = &reverse.header;
    let own = [
        ("route", route.as_ref().map(|route| &route.span)),
        ("barrier", barrier.as_ref()),
        ("requires", requires.first().map(|requires| &requires.span)),
        ("replaces", replaces.iter().flatten().next().map(|version| &version.span)),
    ];
    own.into_iter().filter_map(|(attribute, span)| {
        Some(
            Diagnostic::new("header", format!("a reverse file has no `{attribute}` of its own"))
                .at(&reverse.source, span?.clone(), "")
                .help(
                    "take it out: the file goes where its migration goes, and before what that came behind",
                ),
        )
    })
}

/// The text of a file, if it is text.
fn text(path: &str, bytes: &[u8], faults: &mut Vec<Diagnostic>) -> Option<Arc<SourceFile>> {
    let file = |text: &str| Arc::new(SourceFile { path: path.to_owned(), text: text.to_owned() });
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            // Shown up to the fault: the rest is no text.
            let start = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
            faults.push(
                Diagnostic::new("encoding", "the file is not UTF-8")
                    .at(&file(start), start.len()..start.len(), format!("here is the byte 0x{byte:02X}"))
                    .help("save it as UTF-8"),
            );
            return None;
        }
    };
    if let Some(at) = valid.find('\0') {
        faults.push(
            Diagnostic::new("encoding", "the file has a NUL byte, which no server takes")
                .at(&file(&valid[..at]), at..at, "here")
                .help("remove it; or, if the file was saved as UTF-16, save it as UTF-8"),
        );
        return None;
    }
    Some(file(&normalise(valid)))
}

fn read_migration(
    file: &str,
    name: FileName,
    source: Arc<SourceFile>,
    topology: Option<&TopologyFile>,
    faults: &mut Vec<Diagnostic>,
) -> MigrationFile {
    let tokens = lex::tokens(&source.text);
    let statements = lex::statements(&source.text, &tokens);
    let header = header::read(&source, &tokens, faults);
    with_route(file, name, source, Parts { header, tokens, statements, code: None }, topology)
}

/// What a file was taken apart into.
struct Parts {
    header: Header,
    tokens: Vec<Token>,
    statements: Vec<Statement>,
    code: Option<Function>,
}

/// Finds the route that counts for a file.
fn with_route(
    file: &str,
    name: FileName,
    source: Arc<SourceFile>,
    Parts { header, tokens, statements, code }: Parts,
    topology: Option<&TopologyFile>,
) -> MigrationFile {
    let folder_route = topology.and_then(|topology| topology.route_of_folder(&name.folder));
    let route = match (&header.route, header.has_route) {
        (Some(route), _) => Some(route.clone()),
        (None, true) => None,
        (None, false) => folder_route.and_then(|folder| folder.route.clone()),
    };
    // A route that is there and could not be read has been reported: the file is not without one.
    let header = Header { has_route: header.has_route || folder_route.is_some(), ..header };
    MigrationFile {
        file: file.to_owned(),
        name,
        source,
        code,
        tokens,
        statements,
        header,
        route,
        readings: Vec::new(),
    }
}

/// What diesel's `metadata.toml` says; it has one key.
fn runs_in_transaction(source: &Arc<SourceFile>, faults: &mut Vec<Diagnostic>) -> bool {
    const KEY: &str = "run_in_transaction";
    let document = match DeTable::parse(&source.text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            faults.push(
                Diagnostic::new("metadata", format!("not valid TOML: {}", error.message()))
                    .at(source, span, ""),
            );
            return true;
        }
    };
    let mut result = true;
    for (key, value) in document.get_ref() {
        let fault = match (key.get_ref().as_ref(), value.get_ref()) {
            (KEY, DeValue::Boolean(in_transaction)) => {
                result = *in_transaction;
                continue;
            }
            (KEY, _) => Diagnostic::new("metadata", format!("`{KEY}` is `true` or `false`")).at(
                source,
                value.span(),
                "",
            ),
            (other, _) => Diagnostic::new("metadata", format!("a migration's metadata has no key `{other}`"))
                .at(source, key.span(), "unknown key")
                .help(suggest::help(other, "keys", [KEY])),
        };
        faults.push(fault);
    }
    result
}
