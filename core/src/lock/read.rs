//! The lock file read into what is locked, with every fault in it.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue};

use super::{FORMAT, Lock, Locked};
use crate::file_name::{Class, classify};
use crate::header::predicate;
use crate::migration::{Checksum, Version};
use crate::source::{SourceFile, Spanned};
use crate::{Diagnostic, Rerouted, suggest};

/// A lock file and what the checks need of it.
#[derive(Debug)]
pub(crate) struct LockFile {
    /// The file.
    pub(crate) source: Arc<SourceFile>,
    /// Its blocks, as they stand there.
    pub(crate) entries: Vec<Entry>,
    /// Whether all of it could be read, so that what is not in it is not locked.
    pub(crate) is_whole: bool,
}

/// One block, and where its parts stand.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) locked: Locked,
    pub(crate) version: Range<usize>,
    pub(crate) file: Range<usize>,
    pub(crate) checksum: Range<usize>,
    pub(crate) route: Range<usize>,
}

const KEYS: [&str; 3] = ["digest", "format", "migration"];
const ENTRY_KEYS: [&str; 6] = ["checksum", "file", "name", "rerouted", "route", "version"];

/// Reads the file. What could be read is returned also when there are faults; `None` when nothing could be.
pub(crate) fn read(source: &Arc<SourceFile>, faults: &mut Vec<Diagnostic>) -> Option<LockFile> {
    if let Some(conflict) = conflict(source) {
        faults.push(conflict);
        return None;
    }
    let document = match DeTable::parse(&source.text) {
        Ok(document) => document,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            faults.push(fault(source, format!("not valid TOML: {}", error.message()), span));
            return None;
        }
    };
    Reader { source, faults, is_whole: true }.document(document.get_ref())
}

fn fault(source: &Arc<SourceFile>, message: impl Into<String>, span: Range<usize>) -> Diagnostic {
    let help = format!(
        "take the whole file from the branch that your work goes to (`git checkout main -- {}`), then run \
         `cargo sharded-migrations lock`",
        source.path
    );
    Diagnostic::new("lock-file", message).at(source, span, "").help(help)
}

/// What git leaves where two branches changed the same lines.
fn conflict(source: &Arc<SourceFile>) -> Option<Diagnostic> {
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        if ["<<<<<<< ", ">>>>>>> "].iter().any(|marker| line.starts_with(marker)) {
            let span = start..start + line.trim_end().len();
            return Some(fault(
                source,
                "two branches have changed the lock, and git could not merge them",
                span,
            ));
        }
        start += line.len();
    }
    None
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    faults: &'a mut Vec<Diagnostic>,
    is_whole: bool,
}

impl Reader<'_> {
    fn fault(&mut self, message: impl Into<String>, span: Range<usize>) {
        self.is_whole = false;
        self.faults.push(fault(self.source, message, span));
    }

    fn document(mut self, document: &DeTable<'_>) -> Option<LockFile> {
        // A later form may mean anything by what follows.
        let format = self.value(document, "format", 0..0).map(|value| (integer(value), value.span()));
        match format {
            Some((Some(FORMAT), _)) => {}
            Some((Some(other), span)) if other > FORMAT => {
                let message = format!("the lock has the format {other}, and this version reads {FORMAT}");
                let help = "a newer `cargo sharded-migrations` wrote it: update `sharded-migrations` to that version";
                self.faults.push(Diagnostic::new("lock-file", message).at(self.source, span, "").help(help));
                return None;
            }
            Some((_, span)) => {
                self.fault(format!("`format` has to be {FORMAT}"), span);
                return None;
            }
            None => return None,
        }
        self.refuse_others(document, &KEYS, "the lock");
        let entries = match document.get("migration").map(|value| (value.get_ref(), value.span())) {
            None => Vec::new(),
            Some((DeValue::Array(items), _)) => items.iter().filter_map(|item| self.entry(item)).collect(),
            Some((_, span)) => {
                self.fault("`migration` has to be a list of tables: `[[migration]]`", span);
                Vec::new()
            }
        };
        self.refuse_twice(&entries);
        let digest =
            self.value(document, "digest", 0..0).map(|value| (value.get_ref().as_str(), value.span()));
        if let Some((text, span)) = digest.filter(|_| self.is_whole) {
            let lock = Lock::new(entries.iter().map(|entry| entry.locked.clone()).collect());
            if text.and_then(Checksum::parse) != Some(lock.digest()) {
                self.faults.push(
                    fault(self.source, "the lock is not as `cargo sharded-migrations lock` wrote it", span).note(
                        "its blocks have another digest: it was merged line by line, edited by hand, or is only \
                         a part of what was written",
                    ),
                );
            }
        }
        Some(LockFile { source: Arc::clone(self.source), entries, is_whole: self.is_whole })
    }

    fn entry(&mut self, item: &TomlSpanned<DeValue<'_>>) -> Option<Entry> {
        let here = item.span();
        let DeValue::Table(table) = item.get_ref() else {
            self.fault("`migration` has to be a list of tables: `[[migration]]`", here);
            return None;
        };
        self.refuse_others(table, &ENTRY_KEYS, "a locked migration");
        let version = self.version(table, here.clone());
        let name = self.text(table, "name", here.clone());
        let file = self.text(table, "file", here.clone());
        let checksum = self.text(table, "checksum", here.clone());
        let rerouted = match table.get("rerouted") {
            Some(_) => self.text(table, "rerouted", here.clone()),
            None => None,
        };
        let route = self.text(table, "route", here);

        let checksum = checksum.and_then(|text| {
            let checksum = Checksum::parse(&text.value);
            if checksum.is_none() {
                self.fault("a checksum has 64 hexadecimal digits", text.span.clone());
            }
            Some(Spanned::new(checksum?, text.span))
        });
        let rerouted = rerouted.map_or(Some(Rerouted::NONE), |text| {
            let rerouted = Rerouted::parse(&text.value);
            if rerouted.is_none() {
                self.fault("`rerouted` is `backfill`, `abandon`, or `backfill, abandon`", text.span);
            }
            rerouted
        });
        let route = route.and_then(|text| {
            match predicate::read_text(&text.value, text.span.start + 1, self.source) {
                Ok(route) => Some(Spanned::new(route.route, text.span)),
                Err(fault) => {
                    self.is_whole = false;
                    self.faults.push(Diagnostic { check: "lock-file", ..fault });
                    None
                }
            }
        });
        let (version, name, file) = (version?, name?, file?);
        let kind = match classify(&file.value) {
            Ok(Class::Forward(of) | Class::Code(of))
                if of.version == version.value && of.name == name.value =>
            {
                of.kind
            }
            _ => {
                let (version, name) = (version.value, name.value);
                self.fault(format!("this is not the file of a migration {version} `{name}`"), file.span);
                return None;
            }
        };
        let (checksum, route, rerouted) = (checksum?, route?, rerouted?);
        let locked = Locked {
            version: version.value,
            name: name.value,
            file: file.value,
            kind,
            checksum: checksum.value,
            route: route.value,
            rerouted,
        };
        let (file, checksum, route) = (file.span, checksum.span, route.span);
        Some(Entry { locked, version: version.span, file, checksum, route })
    }

    /// Names every key that is not one of `known`.
    fn refuse_others(&mut self, table: &DeTable<'_>, known: &[&str], what: &str) {
        for (key, _) in table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            let (name, span) = (key.get_ref().as_ref(), key.span());
            let help = suggest::help(name, "keys", known.iter().copied());
            self.is_whole = false;
            self.faults.push(
                Diagnostic::new("lock-file", format!("{what} has no key `{name}`"))
                    .at(self.source, span, "unknown key")
                    .help(help),
            );
        }
    }

    /// A file is locked once.
    fn refuse_twice(&mut self, entries: &[Entry]) {
        let mut first: HashMap<&str, &Entry> = HashMap::new();
        for entry in entries {
            let Some(first) = first.insert(&entry.locked.file, entry) else { continue };
            self.is_whole = false;
            self.faults.push(
                fault(self.source, format!("`{}` is locked twice", entry.locked.file), entry.file.clone())
                    .at(self.source, first.file.clone(), "first here"),
            );
        }
    }

    /// The value under a key; a fault of the table at `here` if there is none.
    fn value<'t, 'v>(
        &mut self,
        table: &'t DeTable<'v>,
        key: &str,
        here: Range<usize>,
    ) -> Option<&'t TomlSpanned<DeValue<'v>>> {
        let value = table.get(key);
        if value.is_none() {
            self.fault(format!("there is no `{key}`"), here);
        }
        value
    }

    fn text(&mut self, table: &DeTable<'_>, key: &str, here: Range<usize>) -> Option<Spanned<String>> {
        let value = self.value(table, key, here)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.fault(format!("`{key}` has to be a text in quotes"), value.span());
        }
        Some(Spanned::new(text?.to_owned(), value.span()))
    }

    fn version(&mut self, table: &DeTable<'_>, here: Range<usize>) -> Option<Spanned<Version>> {
        let value = self.value(table, "version", here)?;
        let version = integer(value).and_then(Version::new);
        if version.is_none() {
            self.fault("`version` has to be a whole number that is not negative", value.span());
        }
        Some(Spanned::new(version?, value.span()))
    }
}

fn integer(value: &TomlSpanned<DeValue<'_>>) -> Option<i64> {
    let number = value.get_ref().as_integer()?;
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::compile::examine;
    use crate::diagnostic::Style;
    use crate::project::Sources;
    use crate::source::normalise;
    use crate::{Kind, Migrations, Route};

    fn file(text: &str) -> Arc<SourceFile> {
        Arc::new(SourceFile { path: "migrations/migrations.lock".into(), text: normalise(text) })
    }

    fn read_text(text: &str) -> (Option<LockFile>, Vec<Diagnostic>) {
        let mut faults = Vec::new();
        let lock = read(&file(text), &mut faults);
        (lock, faults)
    }

    fn lock(count: i64) -> Lock {
        let migration = |number: i64| Locked {
            version: Version::embedded(number),
            name: format!("step_{number}"),
            file: format!("V{number}__step_{number}.sql"),
            kind: Kind::Ordered,
            checksum: Checksum([0xab; 32]),
            route: Route::Everywhere,
            rerouted: Rerouted::NONE,
        };
        Lock::new((1..=count).map(migration).collect())
    }

    fn blocks(text: &str) -> &str {
        &text[text.find("\n[[").unwrap()..]
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let text = lock(2).to_string();
        let instead = |what: &str, new: &str| {
            assert!(text.contains(what), "{what}");
            text.replacen(what, new, 1)
        };
        let cases = [
            String::new(),
            instead("format = 1", "format = 2"),
            instead("format = 1", "format = 0"),
            instead("format = 1", "format = \"1\""),
            instead("digest", "digets"),
            instead("version = 1", "version = -1"),
            instead("version = 1", "version = \"1\""),
            instead("version = 1", "version = 99999999999999999999"),
            instead("version = 1", "version = 3"),
            instead("V1__step_1.sql", "V1__step_1.down.sql"),
            instead("name = \"step_1\"\n", ""),
            instead("name", "nmae"),
            instead("checksum = \"ab", "checksum = \"xy"),
            instead("route = \"everywhere\"", "route = 'grop = \"users\"'"),
            instead("route = \"everywhere\"", "route = 7"),
            instead("[[migration]]\nversion = 2", "[migration]\nversion = 2"),
            "format = 1\ndigest = \"\"\nmigration = 7\n".to_owned(),
            "format = 1\ndigest = \"\"\nmigration = [7]\n".to_owned(),
            // Half of it, at the end of a block and in one.
            text[..text.rfind("\n[[").unwrap()].to_owned(),
            text[..text.rfind("checksum").unwrap()].to_owned(),
            text[..text.len() - 3].to_owned(),
            // Merged line by line, and what git leaves where it cannot.
            text.replace(&lock(2).digest().to_string(), &lock(1).digest().to_string()),
            instead("digest = ", "<<<<<<< HEAD\ndigest = \"00\"\n=======\ndigest = "),
            // The same block from both sides.
            format!("{text}{}", blocks(&lock(1).to_string())),
        ];
        let rendered = cases.iter().map(|text| {
            let (_, faults) = read_text(text);
            assert!(!faults.is_empty(), "{text}");
            let faults: Vec<String> = faults.iter().map(|fault| fault.render(Style::Plain)).collect();
            faults.join("\n")
        });
        insta::assert_snapshot!(rendered.collect::<Vec<_>>().join("\n\n\n"));
    }

    #[test]
    fn what_an_editor_or_git_makes_of_it_is_the_same_lock() {
        let text = lock(3).to_string();
        let (reversed, faults) = read_text(&{
            let mut blocks: Vec<&str> = blocks(&text).split("\n[[").skip(1).collect();
            blocks.reverse();
            format!("{}\n[[{}", &text[..text.find("\n[[").unwrap()], blocks.join("\n[["))
        });
        assert_eq!((reversed.unwrap().entries[0].locked.version.get(), faults), (3, vec![]));
        for same in [text.replace('\n', "\r\n"), format!("\u{feff}{text}"), format!("{text}\n\n# The end.")] {
            let (read, faults) = read_text(&same);
            let read = Lock::new(read.unwrap().entries.into_iter().map(|entry| entry.locked).collect());
            assert_eq!((read, faults), (lock(3), vec![]), "{same}");
        }
    }

    #[test]
    fn deep_nesting_is_a_fault_and_no_crash() {
        let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        let route = format!("route = 'not({})'", deep("not(", ")"));
        let texts = [
            format!("format = {}", deep("[", "]")),
            format!("format = {}", deep("{a=", "}")),
            lock(1).to_string().replace("route = \"everywhere\"", &route),
        ];
        for text in texts {
            assert!(!read_text(&text).1.is_empty());
        }
    }

    const FLEET: &str = "[groups.users]\n[databases.default]\nurl = \"${A}\"\n\
        [databases.\"users_{1..2}\"]\ngroup = \"users\"\nlabels = [\"eu\"]\nurl = \"${B}\"\n";

    const ROUTES: [&str; 5] = [
        "everywhere",
        "group = \"users\"",
        "not(database = \"default\")",
        "any(database = \"users_1\", all(label = \"eu\", group = \"users\"))",
        "database = \"default\"",
    ];

    fn sources(files: &[(usize, usize, usize, usize)]) -> Sources {
        const FOLDERS: [&str; 4] = ["", "users/", "it's \"a\" \\ folder/", "é/x/"];
        const NAMES: [&str; 5] = ["a.sql", "b c.sql", "it's.sql", "\"quoted\".sql", "x/up.sql"];
        let file = |(version, (folder, name, route, text)): (usize, &(usize, usize, usize, usize))| {
            let separator = if NAMES[*name].contains('/') { "_" } else { "__" };
            let prefix = ["V", "U", ""][if separator == "_" { 2 } else { text % 2 }];
            let path = format!("{}{prefix}{version}{separator}{}", FOLDERS[*folder], NAMES[*name]);
            (path, format!("-- #[route({})]\nSELECT {text};\n", ROUTES[*route]).into_bytes())
        };
        let mut files: Vec<_> = files.iter().enumerate().map(file).collect();
        files.push(("V99__all.sql".into(), b"-- #[route(everywhere)]\nSELECT 1;\n".to_vec()));
        Sources {
            folder: "migrations".into(),
            files,
            databases: "databases.toml".into(),
            databases_bytes: FLEET.into(),
            lock: None,
        }
    }

    fn compiled(sources: &Sources) -> Migrations {
        let examined = examine(sources);
        examined.set.unwrap_or_else(|| panic!("{:#?}", examined.diagnostics))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_reads_back_and_is_clean(files in vec((0..4usize, 0..5usize, 0..5usize, 0..9usize), 0..9)) {
            let sources = sources(&files);
            let lock = Lock::of(&compiled(&sources));
            let (read, faults) = read_text(&lock.to_string());
            prop_assert_eq!(&faults, &[]);
            let read: Vec<Locked> = read.unwrap().entries.into_iter().map(|entry| entry.locked).collect();
            prop_assert_eq!(&read, lock.migrations());
            let locked = Sources { lock: Some(lock.to_string().into_bytes()), ..sources };
            let set = compiled(&locked);
            prop_assert_eq!(super::super::unlocked(&locked, &set), Vec::<&crate::Migration>::new());
        }

        #[test]
        fn any_bytes_are_a_lock_or_a_fault(bytes in vec(any::<u8>(), 0..400)) {
            let with = Sources { lock: Some(bytes), ..sources(&[(0, 0, 0, 0)]) };
            let examined = examine(&with);
            prop_assert!(examined.diagnostics.iter().all(|fault| !fault.render(Style::Plain).is_empty()));
        }

        /// Bytes are seldom TOML: these are a lock with a hole, or with something in it.
        #[test]
        fn a_lock_with_anything_in_it_is_a_lock_or_a_fault(
            from in 0..1_000usize,
            length in 0..40usize,
            text in "[a-z\\[\\]='\"\\\\ \n0-9{}#.,é-]{0,12}",
        ) {
            let mut lock = Lock::of(&compiled(&sources(&[(2, 3, 3, 0), (3, 1, 1, 1)]))).to_string();
            let floor = |at: usize| (0..=at.min(lock.len())).rev().find(|at| lock.is_char_boundary(*at)).unwrap();
            let (from, to) = (floor(from), floor(from + length));
            lock.replace_range(from..to, &text);
            let (_, faults) = read_text(&lock);
            prop_assert!(faults.iter().all(|fault| !fault.render(Style::Plain).is_empty()));
        }
    }
}
