//! `squash`: one file in the place of many, for databases that are new. What it runs is what scratch databases hold once the
//! many were applied to them; that both come to the same is tried before anything is written.

mod class;
mod dump;
mod file;
mod newcomers;
mod range;
mod refused;
mod scratch;
mod uncommitted;
mod vars;
mod write;

use sharded_migrations_core::compile::{Examined, examine, inspect};
use sharded_migrations_core::diagnostic::Severity;
use sharded_migrations_core::project::{Project as Read, Sources};
use sharded_migrations_core::{Diagnostic, Migration, Migrations, Route, Version, suggest};

use crate::new::name::Name;
use crate::project::Project;
use crate::report::Findings;
use crate::{Failure, exit_code};
use class::{Class, Earlier};
use dump::{Dump, Extent};
use file::File;
pub(crate) use range::Range;
use scratch::{Place, Scratch, set_of};

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) range: Range,
    pub(crate) name: &'a str,
    /// The server for scratch databases.
    pub(crate) scratch: Option<&'a str>,
    pub(crate) dry_run: bool,
    /// Whether files may be deleted that git would not bring back.
    pub(crate) allow_dirty: bool,
}

pub(crate) fn run(project: &Project, request: &Request<'_>) -> Result<Findings, Failure> {
    let sources = match project.read() {
        Ok(sources) => sources,
        Err(diagnostics) => return Ok(refused(diagnostics, "the project cannot be read")),
    };
    let set = match examine(&sources) {
        Examined { set: Some(set), .. } => set,
        Examined { set: None, mut diagnostics } => {
            diagnostics.retain(is_error);
            return Ok(refused(diagnostics, "there are errors"));
        }
    };
    let (read, _) = inspect(&sources);
    let classes = classes(&set, request.range)?;
    let mut found = refused::judge(&classes, &read);
    if found.iter().any(is_error) {
        found.retain(is_error);
        return Ok(refused(found, "not all of it can be squashed"));
    }
    let name = Name::of(request.name).map_err(Failure::usage)?;
    let files = file::all(&classes, &set.topology, name.as_str(), project)?;
    let place = Place::of(&classes, request.scratch)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::machine(format!("nothing can be run: {error}")))?;
    let squash = Squash { set: &set, read: &read, sources: &sources, classes: &classes, place: &place };
    if !request.dry_run && !request.allow_dirty {
        let gone = write::gone(&sources, &squash.replaced());
        let uncommitted = uncommitted::among(&gone, &project.migration(""));
        if !uncommitted.is_empty() {
            let why = format!(
                "these would be deleted, and are in no commit as they are now: {}; commit them first, or add \
                 `--allow-dirty`",
                suggest::list(uncommitted.iter().map(String::as_str))
            );
            return Ok(refused(Vec::new(), &why));
        }
    }
    match runtime.block_on(squash.made(files)) {
        Ok(made) => {
            found.extend(made.notes);
            found.extend(newcomers::warning(&classes, &made.files, &set.topology));
            write::write(project, &squash, &made.files, found, request.dry_run)
        }
        Err(Stop::Refused(diagnostics, why)) => Ok(refused(diagnostics, &why)),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

fn refused(diagnostics: Vec<Diagnostic>, why: &str) -> Findings {
    let failure = Some(format!("nothing was written: {why}"));
    let (result, code) = (String::new(), exit_code::REFUSED);
    Findings { command: "squash", diagnostics, product: None, result, failure, code }
}

/// The classes of a range.
fn classes(set: &Migrations, range: Range) -> Result<Vec<Class<'_>>, Failure> {
    let classes = Class::all(set, range).map_err(|Earlier { database, migration }| {
        Failure::usage(format!(
            "`{}` has {migration} before that, and what is squashed begins with the first: write `{}`",
            database.name,
            range.without_beginning()
        ))
    })?;
    if classes.is_empty() {
        return Err(Failure::usage(format!(
            "there is nothing to squash: no database has more than one migration in {range}"
        )));
    }
    Ok(classes)
}

/// What is squashed.
struct Squash<'s> {
    set: &'s Migrations,
    read: &'s Read,
    sources: &'s Sources,
    classes: &'s [Class<'s>],
    place: &'s Place,
}

/// What came of it.
struct Made {
    files: Vec<File>,
    notes: Vec<Diagnostic>,
}

/// Why there is none.
enum Stop {
    /// What is wrong, in files and in words.
    Refused(Vec<Diagnostic>, String),
    /// Something of the machine's failed.
    Failed(Failure),
}

impl Stop {
    fn refused(why: String) -> Self {
        Self::Refused(Vec::new(), why)
    }
}

impl<'s> Squash<'s> {
    /// Fills in what the files run, and tries them.
    async fn made(&self, files: Vec<File>) -> Result<Made, Stop> {
        let old = set_of(self.set, self.classes, self.replaced().into_iter());
        let before = Scratch::new(self.place, &old, self.classes).await?;
        let dumps = before.dumps(Extent::All)?;
        let files = self.filled(files, &dumps)?;
        let (set, unused) = self.checked(&files).map_err(|faults| {
            Stop::Refused(faults, "the build would refuse what the squash would be".to_owned())
        })?;
        let version = files.iter().map(|file| file.version).max().unwrap_or_else(|| Version::embedded(0));
        let is_new = |one: &&Migration| files.iter().any(|file| one.file == file.path);
        let squashed = set_of(&set, self.classes, set.migrations.iter().filter(is_new));
        let after = Scratch::new(self.place, &squashed, self.classes).await?;
        compared(&dumps, &after.dumps(Extent::All)?, &files).map_err(Stop::refused)?;
        let (rest, untried) = self.rest(&set, version);
        let rest = set_of(&set, self.classes, rest.into_iter());
        let pending = before.pending(&rest, version).await;
        if !pending.is_empty() {
            return Err(Stop::refused(format!(
                "where all is applied, the squash would not count as applied: {}",
                pending.join("; ")
            )));
        }
        for (scratch, what) in [(&before, "where all was applied before"), (&after, "behind the squash")] {
            let failed =
                |error| Stop::refused(format!("{what}, the migrations above {version} fail: {error}"));
            scratch.migrate(&rest).await.map_err(failed)?;
        }
        compared(&before.dumps(Extent::Schema)?, &after.dumps(Extent::Schema)?, &files).map_err(|why| {
            Stop::refused(format!("once the migrations above {version} are applied too, {why}"))
        })?;
        let rows = files.iter().filter_map(rows);
        let notes = rows.chain(untried).chain(unused).collect();
        Ok(Made { files, notes })
    }

    /// The files with what they run: what is in the databases, with the names of variables in the place of their values
    /// where these are others on each.
    fn filled(&self, files: Vec<File>, dumps: &[Vec<Dump>]) -> Result<Vec<File>, Stop> {
        let mut filled = Vec::new();
        for ((file, class), dumps) in files.into_iter().zip(self.classes).zip(dumps) {
            let (body, vars) = vars::written(dumps, &class.variants()).map_err(|statement| {
                Stop::refused(format!(
                    "the databases of {} have other values of variables, and what these made cannot be written with them: \
                     {statement}",
                    file.path
                ))
            })?;
            filled.push(File { body, vars, ..file });
        }
        Ok(filled)
    }

    /// The migrations that go, by version.
    fn replaced(&self) -> Vec<&'s Migration> {
        let goes =
            |one: &&Migration| self.classes.iter().any(|class| class.migrations.iter().any(|own| own == one));
        self.set.migrations.iter().filter(goes).collect()
    }

    /// The project with these files in the place of the old ones.
    fn sources_with(&self, files: &[File]) -> Sources {
        let gone = write::gone(self.sources, &self.replaced());
        let mut sources = self.sources.clone();
        sources.files.retain(|(path, _)| !gone.contains(path));
        sources.files.extend(files.iter().map(|file| (file.path.clone(), file.text().into_bytes())));
        sources.files.sort();
        sources
    }

    /// The set with these files, where the build takes it, and what has to be changed with them.
    fn checked(&self, files: &[File]) -> Result<(Migrations, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut sources = self.sources_with(files);
        let mut examined = examine(&sources);
        // A line of `[routes]` whose folder has nothing left can only be taken out together with what leaves it.
        let is_unused = |one: &&Diagnostic| one.check == "unused-folder-route";
        let unused: Vec<Diagnostic> = examined.diagnostics.iter().filter(is_unused).cloned().collect();
        if !unused.is_empty() {
            let lines: Vec<usize> = unused.iter().filter_map(|one| Some(one.position()?.1?.line)).collect();
            let text = String::from_utf8_lossy(&sources.databases_bytes).into_owned();
            let kept = text.split_inclusive('\n').zip(1..).filter(|(_, line)| !lines.contains(line));
            sources.databases_bytes = kept.map(|(line, _)| line).collect::<String>().into_bytes();
            examined = examine(&sources);
        }
        examined.diagnostics.retain(is_error);
        let help = "take this line out, in the same change";
        let unused = unused
            .into_iter()
            .map(|one| Diagnostic { help: vec![help.to_owned()], ..one }.severity(Severity::Warning));
        examined.set.map(|set| (set, unused.collect())).ok_or(examined.diagnostics)
    }

    /// What comes behind the squash, with it, as far as it can be tried; and where that ends.
    fn rest<'n>(&self, set: &'n Migrations, version: Version) -> (Vec<&'n Migration>, Option<Diagnostic>) {
        let classes: Vec<&Class<'_>> = self.classes.iter().collect();
        let is_here = |route: &Route| {
            classes.iter().any(|class| class.databases.iter().any(|database| route.selects(database)))
        };
        let mut above = self.read.migrations.iter().filter(|file| {
            file.name.version > version && file.route.as_ref().is_some_and(|own| is_here(&own.route))
        });
        let end = above.find_map(|file| Some((file.name.version, refused::unrunnable(file, &classes)?)));
        let is_tried = |one: &&Migration| end.as_ref().is_none_or(|(end, _)| one.version < *end);
        let rest = set.migrations.iter().filter(is_tried).collect();
        let untried = end.map(|(end, fault)| {
            let message =
                format!("what comes from {end} on was not tried behind the squash: {}", fault.message);
            Diagnostic { message, ..fault }.severity(Severity::Warning)
        });
        (rest, untried)
    }
}

/// Says in what the databases differ.
fn compared(old: &[Vec<Dump>], new: &[Vec<Dump>], files: &[File]) -> Result<(), String> {
    for ((old, new), file) in old.iter().zip(new).zip(files) {
        let mut differences = old.iter().zip(new).filter_map(|(old, new)| old.difference(new));
        if let Some(difference) = differences.next() {
            return Err(format!(
                "what {} makes is not what the migrations made that it would replace (-, and + what it makes):\n{}",
                file.path,
                difference.lines().join("\n")
            ));
        }
    }
    Ok(())
}

/// Says which rows a file holds.
fn rows(file: &File) -> Option<Diagnostic> {
    let tables = file.body.tables_with_rows();
    let list = suggest::list(tables.iter().copied());
    let message =
        format!("{} has the rows that migrations put into {list}, with the values of today", file.path);
    (!tables.is_empty()).then(|| Diagnostic::new(refused::LOST, message).severity(Severity::Warning))
}
