//! What a file in the folder of migrations is, by its path: three layouts, and nothing skipped in
//! silence.

use crate::migration::{Kind, Version};

/// The name of a migration file, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName {
    /// The folder that holds the migration, relative to the folder of migrations; may be empty.
    pub folder: String,
    /// Its version.
    pub version: Version,
    /// The rest of its name.
    pub name: String,
    /// Whether it may come late.
    pub kind: Kind,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// The SQL of a migration.
    Forward(FileName),
    /// A migration that is written in Rust.
    Code(FileName),
    /// The SQL that takes a migration back.
    Reverse(FileName),
    /// diesel's `metadata.toml`, in the folder of a migration.
    Metadata(FileName),
    /// Something else, such as a README.
    Other,
}

/// Why a file is neither a migration nor clearly something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FileNameError {
    /// What is wrong with the name.
    pub message: String,
    /// How to name it.
    pub help: String,
}

const LAYOUTS: &str = "name it `V3__add_email.sql`, `3_add_email.sql` or `3_add_email/up.sql`; \
    a reverse file ends in `.down.sql` or is called `down.sql`";

const CODE_LAYOUTS: &str = "name it `V3__backfill.rs`, `3_backfill.rs` or `3_backfill/up.rs`";

const ELSEWHERE: &str = "or move the file out of the folder of migrations";

/// Takes the path of a file, relative to the folder of migrations and with `/`, apart.
///
/// The layouts are `V{version}__{name}.sql` and `U{version}__{name}.sql` (refinery),
/// `{version}_{name}.sql` (sqlx) and `{version}_{name}/up.sql` (diesel, whose versions may have
/// dashes); one that is written in Rust has `.rs` in place of `.sql`.
pub fn classify(path: &str) -> Result<Class, FileNameError> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (outer, inner) = folder.rsplit_once('/').unwrap_or(("", folder));
    match file {
        "up.sql" => return diesel(outer, inner).map(Class::Forward),
        "down.sql" => return diesel(outer, inner).map(Class::Reverse),
        "up.rs" if is_numbered(inner) => return diesel(outer, inner).map(Class::Code),
        "down.rs" if is_numbered(inner) => return Err(reverse_code(file)),
        "metadata.toml" => return Ok(diesel(outer, inner).map_or(Class::Other, Class::Metadata)),
        _ => {}
    }
    // Other Rust may lie about: `mod.rs`, `schema.rs`.
    if let Some(stem) = file.strip_suffix(".rs").filter(|stem| is_numbered(stem)) {
        if stem.ends_with(".down") {
            return Err(reverse_code(file));
        }
        return flat(folder, stem.strip_suffix(".up").unwrap_or(stem), Language::Rust).map(Class::Code);
    }
    let Some(stem) = file.strip_suffix(".sql") else {
        return not_sql(file);
    };
    let (stem, reverse) = match stem.strip_suffix(".down") {
        Some(stem) => (stem, true),
        None => (stem.strip_suffix(".up").unwrap_or(stem), false),
    };
    let name = flat(folder, stem, Language::Sql)?;
    Ok(if reverse { Class::Reverse(name) } else { Class::Forward(name) })
}

/// What diesel itself calls the version of a migration in its layout: what is written there without the dashes, also those
/// before a counter. `None` for a file in another layout.
pub fn diesel_version(path: &str) -> Option<String> {
    let folder = path.strip_suffix("/up.sql")?;
    let (_, directory) = folder.rsplit_once('/').unwrap_or(("", folder));
    let (written, _) = directory.split_once('_')?;
    without_dashes(written).map(|_| written.replace('-', ""))
}

/// What a migration is written in, for messages.
#[derive(Clone, Copy)]
enum Language {
    Sql,
    Rust,
}

impl Language {
    fn ending(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Rust => "rs",
        }
    }

    fn layouts(self) -> &'static str {
        match self {
            Self::Sql => LAYOUTS,
            Self::Rust => CODE_LAYOUTS,
        }
    }
}

/// Whether a name begins as that of a migration: `V3_`, `2019-02-26_`.
fn is_numbered(name: &str) -> bool {
    let digits = name.trim_start_matches(['v', 'u', 'V', 'U']);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').starts_with('_')
}

fn reverse_code(file: &str) -> FileNameError {
    FileNameError {
        message: format!("`{file}`: a reverse file is written in SQL"),
        help: "name it `.down.sql` (or `down.sql` beside `up.rs`) and write there what takes the step back"
            .into(),
    }
}

/// A file that does not end in `.sql`: fine, unless it looks like a migration.
fn not_sql(file: &str) -> Result<Class, FileNameError> {
    let lower = file.to_ascii_lowercase();
    let numbered = is_numbered(file);
    let is_text = [".md", ".txt"].iter().any(|ending| lower.ends_with(ending));
    if lower.ends_with(".sql") || (numbered && !is_text) {
        return Err(FileNameError {
            message: format!("`{file}` looks like a migration but does not end in `.sql` or `.rs`"),
            help: format!("{LAYOUTS}; {ELSEWHERE}"),
        });
    }
    Ok(Class::Other)
}

/// `V3__name`, `U3__name` or `3_name`.
fn flat(folder: &str, stem: &str, language: Language) -> Result<FileName, FileNameError> {
    let error = |message: String| FileNameError { message, help: language.layouts().into() };
    let ending = language.ending();
    let unprefixed = stem.strip_prefix(['V', 'U', 'v', 'u']);
    let prefix = stem.chars().next().filter(|_| unprefixed.is_some());
    let rest = unprefixed.unwrap_or(stem);
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = rest.split_at(digits);
    if number.is_empty() {
        return Err(FileNameError {
            message: format!("`{stem}.{ending}` is not the name of a migration"),
            help: format!("{LAYOUTS}; {ELSEWHERE}"),
        });
    }
    if rest.starts_with('.') {
        return Err(error(format!("`{stem}.{ending}`: a version is a whole number")));
    }
    let (separator, kind) = match prefix {
        Some('V') => ("__", Kind::Ordered),
        Some('U') => ("__", Kind::OutOfOrder),
        Some(lower) => {
            let upper = lower.to_ascii_uppercase();
            return Err(error(format!("`{stem}.{ending}`: the prefix is a capital `{upper}`")));
        }
        None => ("_", Kind::Ordered),
    };
    match rest.strip_prefix(separator) {
        Some(name) => file_name(folder, number, name, kind, stem),
        None => Err(error(format!(
            "`{stem}.{ending}`: `{separator}` has to stand between the version and the name"
        ))),
    }
}

/// The folder `{version}_{name}` of a migration in diesel's layout.
fn diesel(folder: &str, directory: &str) -> Result<FileName, FileNameError> {
    let (written, name) = directory.split_once('_').unwrap_or((directory, ""));
    let Some((number, counter)) = without_dashes(written).filter(|_| directory.contains('_')) else {
        return Err(FileNameError {
            message: match directory {
                "" => "a file with this name belongs into a folder of its own".to_owned(),
                _ => format!("the folder `{directory}` of this file is not the name of a migration"),
            },
            help: LAYOUTS.into(),
        });
    };
    let file_name = file_name(folder, &number, name, Kind::Ordered, directory)?;
    let version = file_name.version.get().checked_add(counter).and_then(Version::new);
    Ok(FileName { version: version.unwrap_or(file_name.version), ..file_name })
}

/// The digits of a version, and what is to be added to them: `2019-02-26-002946` is 20190226002946.
///
/// Newer diesel puts a counter of four hexadecimal digits behind the time. Projects have both forms,
/// and diesel runs a time without a counter before the same time with one: so a counter counts
/// seconds after the time, from 1 for `-0000`. That keeps the order, and depends on no other file.
fn without_dashes(written: &str) -> Option<(String, i64)> {
    let parts: Vec<&str> = written.split('-').collect();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        [ref time @ .., counter] if time.len() == 4 && counter.len() == 4 => {
            let time = Some(time.concat()).filter(|time| is_number(time));
            Some((time?, 1 + i64::from_str_radix(counter, 16).ok()?))
        }
        _ => Some((parts.concat(), 0)).filter(|(number, _)| is_number(number)),
    }
}

fn file_name(
    folder: &str,
    number: &str,
    name: &str,
    kind: Kind,
    whole: &str,
) -> Result<FileName, FileNameError> {
    let error = |message| FileNameError { message, help: LAYOUTS.into() };
    if whole.contains(char::is_control) {
        return Err(error(format!("{whole:?}: the name has a control character")));
    }
    if name.is_empty() || name.starts_with('_') {
        return Err(error(format!("`{whole}`: there is no name behind the version")));
    }
    let Some(version) = number.parse().ok().and_then(Version::new) else {
        return Err(error(format!("`{whole}`: the version is larger than {}", i64::MAX)));
    };
    Ok(FileName { folder: folder.into(), version, name: name.into(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(folder: &str, version: i64, name: &str, kind: Kind) -> FileName {
        FileName { folder: folder.into(), version: Version::embedded(version), name: name.into(), kind }
    }

    #[test]
    fn three_layouts() {
        use Kind::{Ordered, OutOfOrder};
        let cases = [
            ("V1__a.sql", Class::Forward(name("", 1, "a", Ordered))),
            ("users/V012__a_b.sql", Class::Forward(name("users", 12, "a_b", Ordered))),
            ("a/b/U7__c.sql", Class::Forward(name("a/b", 7, "c", OutOfOrder))),
            ("V1__a.down.sql", Class::Reverse(name("", 1, "a", Ordered))),
            ("0_a.sql", Class::Forward(name("", 0, "a", Ordered))),
            ("20240131120000_add-x.up.sql", Class::Forward(name("", 20240131120000, "add-x", Ordered))),
            ("3_a.down.sql", Class::Reverse(name("", 3, "a", Ordered))),
            (
                "2019-02-26-002946_create_user/up.sql",
                Class::Forward(name("", 20190226002946, "create_user", Ordered)),
            ),
            ("2026-07-30-140000_x/up.sql", Class::Forward(name("", 20260730140000, "x", Ordered))),
            ("2026-07-30-140000-0000_x/up.sql", Class::Forward(name("", 20260730140001, "x", Ordered))),
            ("2026-07-30-140000-000a_x/up.sql", Class::Forward(name("", 20260730140011, "x", Ordered))),
            ("db/00000000000000_init/down.sql", Class::Reverse(name("db", 0, "init", Ordered))),
            ("1_a/metadata.toml", Class::Metadata(name("", 1, "a", Ordered))),
            ("metadata.toml", Class::Other),
            ("README.md", Class::Other),
            ("20240131_why.md", Class::Other),
            ("V7__backfill.rs", Class::Code(name("", 7, "backfill", Ordered))),
            ("users/U7__backfill.rs", Class::Code(name("users", 7, "backfill", OutOfOrder))),
            ("7_backfill.up.rs", Class::Code(name("", 7, "backfill", Ordered))),
            ("2026-07-30-140000_x/up.rs", Class::Code(name("", 20260730140000, "x", Ordered))),
            ("helpers/up.rs", Class::Other),
            ("mod.rs", Class::Other),
            ("schema.rs", Class::Other),
        ];
        for (path, class) in cases {
            assert_eq!(classify(path), Ok(class), "{path}");
        }
    }

    #[test]
    fn a_version_as_diesel_writes_it() {
        let cases = [
            ("2019-02-26-002946_create_user/up.sql", Some("20190226002946")),
            ("users/2026-07-30-140000-000a_x/up.sql", Some("20260730140000000a")),
            ("00000000000000_init/up.sql", Some("00000000000000")),
            ("20190226002946_create_user.sql", None),
            ("create_user/up.sql", None),
        ];
        for (path, version) in cases {
            assert_eq!(diesel_version(path).as_deref(), version, "{path}");
        }
    }

    #[test]
    fn mistyped_names_are_never_skipped() {
        let cases = [
            ("V1_a.sql", "`__` has to stand"),
            ("v1__a.sql", "capital `V`"),
            ("u1__a.sql", "capital `U`"),
            ("V__a.sql", "not the name of a migration"),
            ("schema.sql", "not the name of a migration"),
            (".sql", "not the name of a migration"),
            ("1.sql", "`_` has to stand"),
            ("1__a.sql", "no name behind"),
            ("V1__.sql", "no name behind"),
            ("V1___a.sql", "no name behind"),
            ("V1.2__a.sql", "whole number"),
            ("V9223372036854775808__a.sql", "larger than"),
            ("V1__a.SQL", "does not end in"),
            ("V1__a.sq", "does not end in"),
            ("V1__a", "does not end in"),
            ("1_a.sql.bak", "does not end in"),
            ("V7_backfill.rs", "`V7_backfill.rs`: `__` has to stand"),
            ("v7__backfill.rs", "capital `V`"),
            ("V7__.rs", "no name behind"),
            ("V7__backfill.down.rs", "a reverse file is written in SQL"),
            ("7_x/down.rs", "a reverse file is written in SQL"),
            ("up.sql", "a folder of its own"),
            ("users/up.sql", "the folder `users`"),
            ("-_x/up.sql", "the folder `-_x`"),
            ("1-2/down.sql", "the folder `1-2`"),
            ("2026-07-30-140000-00g0_x/up.sql", "the folder"),
            ("12/up.sql", "the folder `12`"),
        ];
        for (path, part) in cases {
            let error = classify(path).expect_err(path);
            assert!(error.message.contains(part), "{path}: {error}");
        }
    }
}
