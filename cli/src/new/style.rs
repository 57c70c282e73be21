//! How the files of a folder are called, and so how the next one is: its layout, and how its version is written.

use std::time::{Duration, SystemTime};

use sharded_migrations_core::Version;

/// What a migration is written in. Its reverse file is SQL in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Sql,
    Rust,
}

impl Language {
    const ALL: [Self; 2] = [Self::Sql, Self::Rust];

    fn ending(self) -> &'static str {
        match self {
            Self::Sql => ".sql",
            Self::Rust => ".rs",
        }
    }
}

/// How a file is called, but for its language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    layout: Layout,
    pub(crate) numbers: Numbers,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// `V3__name.sql`, and what stands before the ending.
    Refinery(Ending),
    /// `3_name.sql`
    Sqlx(Ending),
    /// `3_name/up.sql`
    Diesel,
}

/// Whether a forward file says that it is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// `.sql`
    Plain,
    /// `.up.sql`
    Up,
}

impl Ending {
    fn part(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Up => ".up",
        }
    }
}

/// How versions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// One after another, in so many digits at least.
    Sequence {
        /// With zeros in front, where it is more than a number needs.
        width: usize,
    },
    /// The time at which the file was made, in UTC.
    Time {
        unit: Unit,
        /// Whether dashes are in between, as diesel has them.
        has_dashes: bool,
        /// Whether a counter of four digits is behind the time, as newer diesel has it.
        has_counter: bool,
    },
}

/// What the last digits of a time count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Days,
    Minutes,
    Seconds,
}

impl Unit {
    const ALL: [Self; 3] = [Self::Days, Self::Minutes, Self::Seconds];

    fn digits(self) -> usize {
        match self {
            Self::Days => "YYYYMMDD".len(),
            Self::Minutes => "YYYYMMDDhhmm".len(),
            Self::Seconds => "YYYYMMDDhhmmss".len(),
        }
    }

    fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::Days => 24 * 60 * 60,
            Self::Minutes => 60,
            Self::Seconds => 1,
        })
    }
}

/// The files that make up one migration, from the folder of migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    pub(crate) forward: String,
    pub(crate) reverse: String,
    /// Where one of these exists, it belongs to another migration, or would be taken for a part of this one.
    pub(crate) taken_by: Vec<String>,
}

impl Style {
    /// What is taken where there is nothing to go by.
    pub(crate) const FIRST: Self =
        Self { layout: Layout::Refinery(Ending::Plain), numbers: Numbers::Sequence { width: 0 } };

    /// How a forward file is called, whose path from the folder of migrations is sound.
    pub(crate) fn of(path: &str) -> Self {
        let stem = Language::ALL.iter().find_map(|language| path.strip_suffix(language.ending()));
        let stem = stem.unwrap_or(path);
        let (layout, written) = match stem.strip_suffix("/up") {
            Some(directory) => (Layout::Diesel, last_part(directory)),
            None => {
                let file = last_part(stem);
                let ending = if file.ends_with(Ending::Up.part()) { Ending::Up } else { Ending::Plain };
                match file.strip_prefix(['V', 'U']) {
                    Some(rest) => (Layout::Refinery(ending), rest),
                    None => (Layout::Sqlx(ending), file),
                }
            }
        };
        let number = written.split('_').next().unwrap_or_default();
        Self { layout, numbers: Numbers::of(number) }
    }

    /// The files of the migration of that name in a folder, with a version above another one; `None` where no version is
    /// above.
    pub(crate) fn next(
        self,
        folder: &str,
        name: &str,
        language: Language,
        newest: Option<Version>,
        now: SystemTime,
    ) -> Option<Files> {
        Some(self.files(folder, name, language, &self.numbers.next(newest, now)?))
    }

    /// The forward file of that version and name in a folder, of SQL: as it would be called there, and in the form that a version
    /// has by itself.
    pub(crate) fn with_version(self, folder: &str, name: &str, version: Version) -> [String; 2] {
        [self.numbers.written(version), version.to_string()]
            .map(|number| self.files(folder, name, Language::Sql, &number).forward)
    }

    fn files(self, folder: &str, name: &str, language: Language, number: &str) -> Files {
        let below = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let written = language.ending();
        let flat = |stem: String, ending: Ending| {
            let reverse = format!("{stem}.down.sql");
            let forwards = Language::ALL.iter().flat_map(|language| {
                [Ending::Plain, Ending::Up]
                    .map(|ending| format!("{stem}{}{}", ending.part(), language.ending()))
            });
            let taken_by = forwards.chain([reverse.clone()]).collect();
            Files { forward: format!("{stem}{}{written}", ending.part()), reverse, taken_by }
        };
        match self.layout {
            Layout::Refinery(ending) => flat(format!("{below}V{number}__{name}"), ending),
            Layout::Sqlx(ending) => flat(format!("{below}{number}_{name}"), ending),
            Layout::Diesel => {
                let directory = format!("{below}{number}_{name}");
                let (forward, reverse) =
                    (format!("{directory}/up{written}"), format!("{directory}/down.sql"));
                Files { forward, reverse, taken_by: vec![directory] }
            }
        }
    }

    /// With versions that are as the newest of the databases that it is for has them, where that one is a time.
    pub(crate) fn reaching(self, newest: Option<Version>) -> Self {
        let newest = newest.map(|newest| Numbers::of(&newest.to_string()));
        let Some(Numbers::Time { unit: other, .. }) = newest else { return self };
        let numbers = match self.numbers {
            Numbers::Time { unit, has_dashes, has_counter } => {
                Numbers::Time { unit: unit.max(other), has_dashes, has_counter }
            }
            Numbers::Sequence { .. } => {
                Numbers::Time { unit: other, has_dashes: self.layout == Layout::Diesel, has_counter: false }
            }
        };
        Self { numbers, ..self }
    }

    /// With numbers as wide as those of another file, where that has zeros in front.
    pub(crate) fn as_wide_as(self, other: Self) -> Self {
        match (self.numbers, other.numbers) {
            (Numbers::Sequence { width }, Numbers::Sequence { width: other }) => {
                Self { numbers: Numbers::Sequence { width: width.max(other) }, ..self }
            }
            _ => self,
        }
    }
}

fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Numbers {
    /// How a version is written, from one.
    fn of(written: &str) -> Self {
        let has_counter = written.split('-').count() > 4;
        let time = if has_counter { written.rsplit_once('-').map_or("", |(time, _)| time) } else { written };
        let digits = time.replace('-', "");
        let is_start = digits.len() == Unit::Seconds.digits() && digits.bytes().all(|digit| digit == b'0');
        // diesel puts a migration of its own before all others, whose time is made of zeros.
        let unit = if is_start { Some(Unit::Seconds) } else { read_time(&digits).map(|(_, unit)| unit) };
        match unit {
            Some(unit) => Self::Time { unit, has_dashes: is_start || time.contains('-'), has_counter },
            None if written.starts_with('0') && written.len() > 1 => Self::Sequence { width: written.len() },
            None => Self::Sequence { width: 0 },
        }
    }

    /// How a version is written.
    fn written(self, version: Version) -> String {
        let version = version.get();
        match self {
            Self::Sequence { width } => format!("{version:0width$}"),
            Self::Time { has_dashes: false, .. } => version.to_string(),
            // A counter of zeros counts as one second more.
            Self::Time { has_counter: true, .. } => with_dashes(&(version - 1).to_string()) + "-0000",
            Self::Time { has_counter: false, .. } => with_dashes(&version.to_string()),
        }
    }

    /// The version after another one, as it is written.
    fn next(self, newest: Option<Version>, now: SystemTime) -> Option<String> {
        let newest = newest.map(Version::get);
        let above = match newest {
            Some(newest) => newest.checked_add(1)?,
            None => 1,
        };
        let (unit, has_dashes, has_counter) = match self {
            Self::Sequence { width } => return Some(format!("{above:0width$}")),
            Self::Time { unit, has_dashes, has_counter } => (unit, has_dashes, has_counter),
        };
        let is_above = |digits: &String| {
            // A counter of zeros counts as one second more.
            let version = digits.parse::<i64>().ok().and_then(|time| time.checked_add(has_counter.into()));
            version.is_some_and(|version| version >= above)
        };
        // A clock that runs behind, or a second file in the same second: the time after the newest one.
        let following = newest.and_then(|newest| read_time(&newest.to_string()));
        let following = following.and_then(|(time, _)| time.checked_add(unit.duration()));
        let times = [Some(now), following].into_iter().flatten().map(|time| write_time(time, unit));
        match times.into_iter().find(is_above) {
            Some(digits) if has_dashes => Some(with_dashes(&digits) + if has_counter { "-0000" } else { "" }),
            Some(digits) => Some(digits),
            None => Some(above.to_string()),
        }
    }
}

/// The time that digits stand for, such as `20261125093000`.
fn read_time(digits: &str) -> Option<(SystemTime, Unit)> {
    let unit = Unit::ALL.into_iter().find(|unit| unit.digits() == digits.len())?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let all = format!("{digits:0<14}");
    let [year, month, day, hour, minute, second] =
        [0..4, 4..6, 6..8, 8..10, 10..12, 12..14].map(|part| &all[part]);
    let time = humantime::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z")).ok()?;
    Some((time, unit))
}

fn write_time(time: SystemTime, unit: Unit) -> String {
    let mut digits = humantime::format_rfc3339_seconds(time).to_string();
    digits.retain(|c| c.is_ascii_digit());
    digits.truncate(unit.digits());
    digits
}

/// `2026-11-25-093000`
fn with_dashes(digits: &str) -> String {
    let (date, time) = digits.split_at(Unit::Days.digits().min(digits.len()));
    let parts = [date.get(..4), date.get(4..6), date.get(6..), Some(time)];
    let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use sharded_migrations_core::file_name::{Class, classify};

    use super::*;

    /// What comes after a file, at 2026-11-25 09:30:07, and that its version is above that of the newest.
    fn after(path: &str, newest: Option<i64>) -> String {
        let now = humantime::parse_rfc3339("2026-11-25T09:30:07Z").unwrap();
        let newest = newest.map(Version::embedded);
        let next = |language| Style::of(path).reaching(newest).next("", "x", language, newest, now).unwrap();
        let files = next(Language::Sql);
        let Ok(Class::Forward(forward)) = classify(&files.forward) else { panic!("{files:?}") };
        let Ok(Class::Reverse(reverse)) = classify(&files.reverse) else { panic!("{files:?}") };
        assert_eq!(forward, reverse, "they belong together");
        assert!(Some(forward.version) > newest, "{files:?}");
        assert_eq!(forward.name, "x");
        let code = next(Language::Rust);
        assert_eq!(classify(&code.forward), Ok(Class::Code(forward)), "{code:?}");
        assert_eq!((&code.reverse, &code.taken_by), (&files.reverse, &files.taken_by));
        assert_eq!(code.forward, files.forward.replace(".sql", ".rs"));
        files.forward
    }

    #[test]
    fn the_next_file_is_called_as_the_others_are() {
        for (path, newest, next) in [
            ("V9__a.sql", 9, "V10__x.sql"),
            ("a/b/V009__a.sql", 9, "V010__x.sql"),
            ("V009__a.sql", 99, "V100__x.sql"),
            ("V009__a.sql", 999, "V1000__x.sql"),
            ("U9__a.sql", 9, "V10__x.sql"),
            ("V009__a.rs", 9, "V010__x.sql"),
            ("9_a.up.rs", 9, "10_x.up.sql"),
            ("00009_a/up.rs", 9, "00010_x/up.sql"),
            ("V9__a.up.sql", 9, "V10__x.up.sql"),
            ("9_a.sql", 9, "10_x.sql"),
            ("9_a.up.sql", 9, "10_x.up.sql"),
            ("0009_a_b.sql", 9, "0010_x.sql"),
            ("20240131120000_a.sql", 20240131120000, "20261125093007_x.sql"),
            ("V20240131120000__a.sql", 20240131120000, "V20261125093007__x.sql"),
            ("202401311200_a.sql", 202401311200, "202611250930_x.sql"),
            ("20240131_a.sql", 20240131, "20261125_x.sql"),
            // Of eight digits, and no date.
            ("20241399_a.sql", 20241399, "20241400_x.sql"),
            ("9_a/up.sql", 9, "10_x/up.sql"),
            ("00009_a/up.sql", 9, "00010_x/up.sql"),
            ("20240131120000_a/up.sql", 20240131120000, "20261125093007_x/up.sql"),
            ("2024-01-31-120000_a/up.sql", 20240131120000, "2026-11-25-093007_x/up.sql"),
            ("2024-01-31-120000-0000_a/up.sql", 20240131120001, "2026-11-25-093007-0000_x/up.sql"),
            ("2024-01-31_a/up.sql", 20240131, "2026-11-25_x/up.sql"),
            ("00000000000000_diesel_initial_setup/up.sql", 0, "2026-11-25-093007_x/up.sql"),
        ] {
            assert_eq!(after(path, Some(newest)), next, "{path}");
        }
        assert_eq!(after("V0__nothing_else.sql", None), "V1__x.sql");
    }

    #[test]
    fn a_time_is_never_below_the_newest_one() {
        for (path, newest, next) in [
            // In the same second, and where the newest one is of tomorrow.
            ("20240131120000_a.sql", 20261125093007, "20261125093008_x.sql"),
            ("20240131120000_a.sql", 20261231235959, "20270101000000_x.sql"),
            ("202401311200_a.sql", 202611250959, "202611251000_x.sql"),
            ("20240131_a.sql", 20261231, "20270101_x.sql"),
            ("2024-01-31-120000_a/up.sql", 20261231235959, "2027-01-01-000000_x/up.sql"),
            // The counter counts as a second.
            ("2024-01-31-120000-0000_a/up.sql", 20261125093008, "2026-11-25-093009-0000_x/up.sql"),
            // No time.
            ("20240131120000_a.sql", 20269999999999, "20270000000000_x.sql"),
            ("20240131120000_a.sql", 99999999999999, "100000000000000_x.sql"),
        ] {
            assert_eq!(after(path, Some(newest)), next, "{path} {newest}");
        }
    }

    #[test]
    fn databases_that_have_times_get_a_time() {
        for (path, newest, next) in [
            ("V3__a.sql", 20240131120000, "V20261125093007__x.sql"),
            ("3_a/up.sql", 20240131120000, "2026-11-25-093007_x/up.sql"),
            ("20240131_a.sql", 20240131120000, "20261125093007_x.sql"),
            ("20240131120000_a.sql", 20240131, "20261125093007_x.sql"),
            ("20240131120000_a.sql", 7, "20261125093007_x.sql"),
        ] {
            assert_eq!(after(path, Some(newest)), next, "{path} {newest}");
        }
    }

    #[test]
    fn a_version_that_is_there_is_written_as_the_others_are() {
        for (path, version, written) in [
            ("V9__a.sql", 12, "V12__x.sql"),
            ("U9__a.sql", 12, "V12__x.sql"),
            ("0009_a.up.sql", 12, "0012_x.up.sql"),
            ("20240131120000_a.sql", 20261125093007, "20261125093007_x.sql"),
            ("2024-01-31-120000_a/up.sql", 20261125093007, "2026-11-25-093007_x/up.sql"),
            ("2024-01-31-120000-0000_a/up.sql", 20261125093008, "2026-11-25-093007-0000_x/up.sql"),
        ] {
            let version = Version::embedded(version);
            let [as_here, plain] = Style::of(path).with_version("", "x", version);
            assert_eq!(as_here, written);
            for file in [as_here, plain] {
                let Ok(Class::Forward(read)) = classify(&file) else { panic!("{file}") };
                assert_eq!(read.version, version, "{file}");
            }
        }
    }

    #[test]
    fn behind_the_last_version_is_none() {
        let last = Some(Version::embedded(i64::MAX));
        for path in ["V1__a.sql", "20240131120000_a.sql"] {
            assert_eq!(Style::of(path).next("", "x", Language::Sql, last, SystemTime::UNIX_EPOCH), None);
        }
    }

    #[test]
    fn the_widest_number_counts() {
        let style = Style::of("V100__a.sql").as_wide_as(Style::of("V0099__b.sql"));
        let newest = Some(Version::embedded(100));
        let files = style.next("f", "x", Language::Sql, newest, SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(files.forward, "f/V0101__x.sql");
        let taken_by = [".sql", ".up.sql", ".rs", ".up.rs", ".down.sql"];
        assert_eq!(files.taken_by, taken_by.map(|ending| format!("f/V0101__x{ending}")));
    }
}
