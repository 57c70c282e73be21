//! Which migrations the rows of another tool's table are. Pure: rows, the set and a database go in, what is to be recorded
//! or why nothing is comes out.

use std::collections::BTreeMap;

use sharded_migrations_core::file_name::{self, Class, FileName};
use sharded_migrations_core::{Database, Migration, Version};

use super::tool::{Applied, Key, Record};
use super::{Mismatch, Tool, ToolTable};

/// A migration that another tool has applied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match<'a> {
    pub(super) migration: &'a Migration,
    pub(super) applied: &'a Applied,
}

/// What was found out about a database's rows.
#[derive(Debug, Default)]
pub(super) struct Matches<'a> {
    /// In the order of versions.
    pub(super) matches: Vec<Match<'a>>,
    /// What has no migration here and needs none, in words.
    pub(super) left_out: Vec<String>,
}

/// Finds the migration of every row.
///
/// # Errors
/// Every row that has none, or one that is not what was applied.
pub(super) fn matches<'a>(
    from: &'a ToolTable,
    record: &'a Record,
    set: &'a [Migration],
    database: &'a Database,
) -> Result<Matches<'a>, Vec<Mismatch>> {
    let matching = Matching { from, set, database };
    let mut faults = record.faults.clone();
    let mut found: BTreeMap<Version, Match<'a>> = BTreeMap::new();
    let (foreign, own): (Vec<&Applied>, Vec<&Applied>) =
        record.applied.iter().partition(|applied| matching.is_of_a_foreign_application(applied));
    let (baselines, single): (Vec<&Applied>, Vec<&Applied>) =
        own.iter().partition(|applied| matches!(applied.key, Key::UpTo(_)));
    let mut elsewhere = Vec::new();
    for applied in single {
        match matching.migration_of(applied) {
            Ok(migration) => {
                if let Some(first) = found.insert(migration.version, Match { migration, applied }) {
                    let files = vec![migration.file.to_string()];
                    let label = format!("{} and {}", first.applied.label, applied.label);
                    faults.push(Mismatch::Ambiguous { tool: from.tool(), label, files });
                }
            }
            // Django records a migration on every database, also where a router has kept it from making anything.
            Err(Mismatch::Misrouted { tool: Tool::DjangoSql, .. }) => elsewhere.push(applied),
            Err(fault) => faults.push(fault),
        }
    }
    for applied in baselines {
        for migration in matching.routed().filter(|migration| applied.key.is_of(migration)) {
            found.entry(migration.version).or_insert(Match { migration, applied });
        }
    }
    if own.is_empty() && !foreign.is_empty() {
        faults.push(Mismatch::NoApplication { applications: applications(&foreign).into_keys().collect() });
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let of_applications = |rows: &[&Applied], why: &str| {
        let one = |(app, rows): (String, usize)| {
            let s = if rows == 1 { "" } else { "s" };
            format!("the application `{app}`, {why} ({rows} row{s})")
        };
        applications(rows).into_iter().map(one).collect::<Vec<_>>()
    };
    let mut left_out = record.left_out.clone();
    left_out.extend(of_applications(&foreign, "which has no folder of that name"));
    left_out.extend(of_applications(&elsewhere, "as far as its files are for other databases"));
    Ok(Matches { matches: found.into_values().collect(), left_out })
}

struct Matching<'a> {
    from: &'a ToolTable,
    set: &'a [Migration],
    database: &'a Database,
}

impl<'a> Matching<'a> {
    fn routed(&self) -> impl Iterator<Item = &'a Migration> {
        self.set.iter().filter(|migration| migration.route.selects(self.database))
    }

    /// The one migration of a row.
    fn migration_of(&self, applied: &Applied) -> Result<&'a Migration, Mismatch> {
        let (tool, label) = (self.from.tool(), applied.label.clone());
        let is_meant = |migration: &&Migration| applied.key.is_of(migration);
        let is_same = |migration: &&Migration| applied.is_of_text(migration);
        let meant: Vec<&'a Migration> = self.routed().filter(is_meant).collect();
        let same: Vec<&'a Migration> = meant.iter().copied().filter(is_same).collect();
        if let [one] = same.as_slice() {
            return Ok(one);
        }
        if !same.is_empty() {
            let files = same.iter().map(|migration| migration.file.to_string()).collect();
            return Err(Mismatch::Ambiguous { tool, label, files });
        }
        let elsewhere = |migration: &&Migration| !migration.route.selects(self.database);
        let mut elsewhere = self.set.iter().filter(elsewhere).filter(is_meant).filter(is_same);
        match (elsewhere.next(), meant.first()) {
            // What has no checksum may be meant to be one of two, and then it is the one that is routed here.
            (Some(migration), _) => Err(Mismatch::Misrouted {
                tool,
                label,
                file: migration.file.to_string(),
                route: migration.route.clone(),
            }),
            (None, Some(migration)) => {
                Err(Mismatch::Divergent { tool, label, file: migration.file.to_string() })
            }
            (None, None) => Err(Mismatch::Missing { from: self.from.clone(), label }),
        }
    }

    /// Whether it is of an application of Django's that has no files here at all, as `auth` and `sessions` have none
    /// where they stay Django's.
    fn is_of_a_foreign_application(&self, applied: &Applied) -> bool {
        match &applied.key {
            Key::Django { app, .. } => {
                !self.set.iter().any(|migration| folder(migration).is_some_and(|folder| folder == *app))
            }
            _ => false,
        }
    }
}

impl Applied {
    /// Whether it may have been the text of this migration, as far as the tool has kept what that was.
    fn is_of_text(&self, migration: &Migration) -> bool {
        self.checksum.as_ref().is_none_or(|checksum| checksum.is_of(migration))
    }
}

impl Key {
    fn is_of(&self, migration: &Migration) -> bool {
        match self {
            Self::Version(version) => migration.version.get() == *version,
            Self::UpTo(version) => migration.version.get() <= *version,
            Self::Diesel(written) => match file_name::diesel_version(&migration.file) {
                Some(version) => version == *written,
                None => written.parse() == Ok(migration.version.get()),
            },
            Self::Description(description) => migration.name.replace('_', " ") == *description,
            Self::Django { app, name } => {
                folder(migration).is_some_and(|folder| folder == *app)
                    && (migration.name == *name || stem(migration) == name)
            }
        }
    }
}

/// The name of the folder that a migration lies in.
fn folder(migration: &Migration) -> Option<String> {
    let Ok(Class::Forward(FileName { folder, .. })) = file_name::classify(&migration.file) else {
        return None;
    };
    let (_, innermost) = folder.rsplit_once('/').unwrap_or(("", &folder));
    (!innermost.is_empty()).then(|| innermost.to_owned())
}

/// The name of a migration's file without its ending.
fn stem(migration: &Migration) -> &str {
    let file = migration.file.rsplit_once('/').map_or(&*migration.file, |(_, file)| file);
    file.strip_suffix(".up.sql").or_else(|| file.strip_suffix(".sql")).unwrap_or(file)
}

/// The applications that rows are of, and how many of each.
fn applications(rows: &[&Applied]) -> BTreeMap<String, usize> {
    let mut applications = BTreeMap::new();
    for applied in rows {
        if let Key::Django { app, .. } = &applied.key {
            *applications.entry(app.clone()).or_default() += 1;
        }
    }
    applications
}

#[cfg(test)]
mod tests {
    use super::super::samples::set;
    use super::super::tool::read;
    use super::*;
    use sharded_migrations_core::Migrations;

    const EVERYWHERE: &str = "-- #[route(everywhere)]\n";
    const USERS: &str = "-- #[route(group = \"users\")]\n";
    const DEFAULT: &str = "-- #[route(database = \"default\")]\n";

    /// A file: its path, its header, and the statement that its checksum is of.
    type File<'a> = (&'a str, &'a str, &'a str);

    fn of(files: &[File<'_>]) -> Migrations {
        // A database that no migration reaches is a fault.
        let files = files.iter().chain(&[("V9000__setting.sql", DEFAULT, "select 0")]);
        let texts: Vec<(&str, String)> =
            files.map(|(file, header, sql)| (*file, format!("{header}{sql}"))).collect();
        set(&texts.iter().map(|(file, text)| (*file, text.as_str())).collect::<Vec<_>>())
    }

    /// What is found on `users_01` for rows whose cells are separated by `|`: `3 b as 3 b` for each migration with its row,
    /// then what is left out; or the faults.
    fn outcome(tool: Tool, files: &[File<'_>], rows: &[String]) -> String {
        let set = of(files);
        let cell = |cell: &str| (cell != "NULL").then(|| cell.to_owned());
        let rows: Vec<Vec<Option<String>>> =
            rows.iter().map(|row| row.split('|').map(cell).collect()).collect();
        let database = set.topology.databases.iter().find(|database| database.name.as_str() == "users_01");
        let from = ToolTable::from(tool);
        let record = read(&from, &rows);
        let words: Vec<String> = match matches(&from, &record, &set.migrations, database.unwrap()) {
            Ok(Matches { matches, left_out }) => {
                let one = |found: &Match<'_>| format!("{} as {}", found.migration.file, found.applied.label);
                matches
                    .iter()
                    .map(one)
                    .chain(left_out.into_iter().map(|what| format!("without {what}")))
                    .collect()
            }
            Err(faults) => faults
                .iter()
                .map(|fault| format!("{} {}", fault.kind(), fault.row().unwrap_or("-")))
                .collect(),
        };
        words.join("; ")
    }

    /// The row that Flyway writes; the number in front is its rank.
    fn flyway(rank: u32, version: &str, description: &str, kind: &str, sql: &str) -> String {
        let sum = match sql {
            "" => "NULL".into(),
            sql => crc32fast::hash(sql.as_bytes()).cast_signed().to_string(),
        };
        format!("{rank}|{version}|{description}|{kind}|V{version}__x.sql|{sum}|true|2026-01-31T12:00:00.000Z")
    }

    #[test]
    fn diesels_versions_are_those_of_its_folders() {
        let files: &[File<'_>] = &[
            ("00000000000000_setup/up.sql", EVERYWHERE, "select 1"),
            ("2026-07-30-140000_a/up.sql", USERS, "select 2"),
            ("2026-07-30-140000-000a_b/up.sql", USERS, "select 3"),
            ("20260801000000_c.sql", USERS, "select 4"),
            ("2026-09-01-000000_elsewhere/up.sql", DEFAULT, "select 5"),
        ];
        let found = |versions: &[&str]| {
            let rows: Vec<String> = versions.iter().map(|version| format!("{version}|NULL")).collect();
            outcome(Tool::Diesel, files, &rows)
        };
        assert_eq!(
            found(&["00000000000000", "20260730140000", "20260730140000000a", "20260801000000"]),
            "00000000000000_setup/up.sql as 00000000000000; 2026-07-30-140000_a/up.sql as 20260730140000; \
             2026-07-30-140000-000a_b/up.sql as 20260730140000000a; 20260801000000_c.sql as 20260801000000"
        );
        // What we number the one with the counter is nothing that diesel knows.
        assert_eq!(found(&["20260730140011"]), "missing 20260730140011");
        assert_eq!(found(&["20260901000000"]), "misrouted 20260901000000");
        assert_eq!(found(&["x"]), "missing x");
    }

    #[test]
    fn a_file_that_is_not_what_was_applied_is_told_from_one_that_is_routed_elsewhere() {
        let files: &[File<'_>] = &[
            ("u/V1__a.sql", USERS, "select 1"),
            ("u/V2__b.sql", USERS, "select 2"),
            ("d/V2__c.sql", DEFAULT, "select 3"),
            ("d/V3__d.sql", DEFAULT, "select 4"),
        ];
        let row = |version: &str, sql: &str| flyway(1, version, "x", "SQL", sql);
        let found = |rows: &[String]| outcome(Tool::Flyway, files, rows);
        assert_eq!(found(&[]), "");
        assert_eq!(
            found(&[row("1", "select 1"), row("2", "select 2")]),
            "u/V1__a.sql as 1 x; u/V2__b.sql as 2 x"
        );
        assert_eq!(found(&[row("1", "select 9")]), "divergent 1 x");
        assert_eq!(found(&[row("2", "select 3")]), "misrouted 2 x", "the other one of that version");
        assert_eq!(found(&[row("3", "select 4")]), "misrouted 3 x");
        assert_eq!(found(&[row("3", "select 9"), row("4", "select 1")]), "missing 3 x; missing 4 x");
    }

    #[test]
    fn flyways_table_is_a_log() {
        let files: &[File<'_>] = &[
            ("V1__a.sql", USERS, "select 1"),
            ("V2__b.sql", USERS, "select 2"),
            ("V3__c.sql", USERS, "select 3"),
        ];
        let found = |rows: &[String]| outcome(Tool::Flyway, files, rows);
        let [one, two] = [flyway(1, "1", "a", "SQL", "select 1"), flyway(2, "2.0", "b", "SQL", "select 2")];
        let undone = flyway(3, "2", "b", "UNDO_SQL", "select 9");
        let both = "V1__a.sql as 1 a; V2__b.sql as 2.0 b";
        assert_eq!(found(&[one.clone(), two.clone()]), both);
        assert_eq!(found(&[one.clone(), two.clone(), undone.clone()]), "V1__a.sql as 1 a");
        assert_eq!(found(&[one.clone(), two.clone(), undone, two.clone()]), both, "and applied again");
        let deleted = flyway(3, "2", "b", "DELETE", "");
        assert_eq!(found(&[one.clone(), two.clone(), deleted]), "V1__a.sql as 1 a");
        let failed = two.replace("|true|", "|false|");
        assert_eq!(found(&[one.clone(), failed]), "unfinished 2.0 b");
        let schema = flyway(0, "NULL", "<< Flyway Schema Creation >>", "SCHEMA", "");
        let java = flyway(2, "2", "b", "JDBC", "");
        assert_eq!(found(&[schema, one, java]), "V1__a.sql as 1 a; V2__b.sql as 2 b");
    }

    #[test]
    fn flyways_baseline_is_all_that_comes_before_it() {
        let files: &[File<'_>] = &[
            ("V1__a.sql", USERS, "select 1"),
            ("V2__b.sql", USERS, "select 2"),
            ("V2__elsewhere.sql", DEFAULT, "select 3"),
            ("V3__c.sql", USERS, "select 4"),
        ];
        let found = |rows: &[String]| outcome(Tool::Flyway, files, rows);
        let baseline = |version| flyway(1, version, "<< Flyway Baseline >>", "BASELINE", "");
        let three = flyway(2, "3", "c", "SQL", "select 4");
        let two = "V1__a.sql as 2 << Flyway Baseline >>; V2__b.sql as 2 << Flyway Baseline >>";
        assert_eq!(found(&[baseline("2"), three.clone()]), format!("{two}; V3__c.sql as 3 c"));
        assert_eq!(found(&[baseline("0"), three]), "V3__c.sql as 3 c");
        let run = flyway(1, "2", "all", "SQL_BASELINE", "select 9");
        assert_eq!(
            found(&[run]),
            two.replace("<< Flyway Baseline >>", "all"),
            "its own text is no file here"
        );
        assert_eq!(found(&[baseline("1.5")]), "unreadable 1.5 << Flyway Baseline >>");
    }

    #[test]
    fn flyways_versions_with_points_are_found_by_name_and_checksum() {
        let files: &[File<'_>] = &[
            ("V102__add_email.sql", USERS, "select 1"),
            ("V103__fix.sql", USERS, "select 2"),
            ("V104__fix.sql", USERS, "select 3"),
        ];
        let found = |rows: &[String]| outcome(Tool::Flyway, files, rows);
        let row = |version: &str, description: &str, sql: &str| flyway(1, version, description, "SQL", sql);
        assert_eq!(
            found(&[
                row("1.2", "add email", "select 1"),
                row("1.3", "fix", "select 2"),
                row("1.4", "fix", "select 3")
            ]),
            "V102__add_email.sql as 1.2 add email; V103__fix.sql as 1.3 fix; V104__fix.sql as 1.4 fix"
        );
        assert_eq!(found(&[row("1.2", "add email", "select 9")]), "divergent 1.2 add email");
        assert_eq!(found(&[row("1.2", "add mail", "select 1")]), "missing 1.2 add mail");
        let [one, two] = ["1.3", "1.4"].map(|version| row(version, "fix", "select 2"));
        assert_eq!(found(&[one, two]), "ambiguous 1.3 fix and 1.4 fix");
        let unknown = flyway(1, "1.3", "fix", "JDBC", "");
        assert_eq!(found(&[unknown]), "ambiguous 1.3 fix");
    }

    #[test]
    fn what_flyway_repeats_is_left_out() {
        let row = |rank, sql| flyway(rank, "NULL", "views", "SQL", sql).replace("VNULL__x", "R__views");
        let files: &[File<'_>] = &[("V1__a.sql", USERS, "select 1")];
        let found = |rows: &[String]| outcome(Tool::Flyway, files, rows);
        assert_eq!(
            found(&[row(1, "select 1"), row(2, "select 2")]),
            "without `R__views.sql`, which Flyway runs again whenever it changes"
        );
        assert_eq!(found(&[row(1, "select 1").replace("|true|", "|0|")]), "unfinished R__views.sql");
    }

    #[test]
    fn djangos_are_found_by_the_folder_of_their_application() {
        let files: &[File<'_>] = &[
            ("shop/0001_initial.sql", USERS, "select 1"),
            ("shop/0002_email.sql", USERS, "select 2"),
            ("eu/blog/1001_0001_initial.sql", USERS, "select 3"),
            ("blog/0003_elsewhere.sql", DEFAULT, "select 4"),
        ];
        let found = |names: &[&str]| {
            let row = |name: &&str| {
                let (app, name) = name.split_once('.').unwrap();
                format!("1|{app}|{name}|NULL")
            };
            outcome(Tool::DjangoSql, files, &names.iter().map(row).collect::<Vec<_>>())
        };
        assert_eq!(
            found(&["auth.0001_initial", "auth.0002_x", "shop.0001_initial", "blog.0001_initial"]),
            "shop/0001_initial.sql as shop.0001_initial; eu/blog/1001_0001_initial.sql as blog.0001_initial; \
             without the application `auth`, which has no folder of that name (2 rows)"
        );
        assert_eq!(found(&["shop.0003_gone"]), "missing shop.0003_gone");
        assert_eq!(
            found(&["blog.0001_initial", "blog.0003_elsewhere"]),
            "eu/blog/1001_0001_initial.sql as blog.0001_initial; \
             without the application `blog`, as far as its files are for other databases (1 row)"
        );
        assert_eq!(found(&["auth.0001_initial"]), "no-application -");
    }

    #[test]
    fn a_row_that_no_tool_writes_is_a_fault() {
        let files: &[File<'_>] = &[("V1__a.sql", USERS, "select 1")];
        for (tool, row, fault) in [
            (Tool::Refinery, "x|a|1|NULL", "unreadable x a"),
            (Tool::Refinery, "1|a|-1|NULL", "unreadable 1 a"),
            (Tool::Refinery, "1|a|NULL|NULL", "unreadable 1 a"),
            (Tool::Refinery, "-1|a|1|NULL", "missing -1 a"),
            (Tool::Sqlx, "1|a|beef|1|NULL", "unreadable 1 a"),
            (Tool::Sqlx, "1|a|beef|0|NULL", "unfinished 1 a"),
        ] {
            assert_eq!(outcome(tool, files, &[row.to_owned()]), fault, "{row}");
        }
    }

    #[test]
    fn messages_say_what_and_what_to_do() {
        let (tool, label) = (Tool::Refinery, "3 add_phone".to_owned());
        let from = || ToolTable::from(tool);
        let file = "users/V3__add_phone.sql".to_owned();
        let route = of(&[("V1__a.sql", USERS, "select 1")]).migrations[0].route.clone();
        let faults = [
            Mismatch::NoTable { from: from() },
            Mismatch::Unreadable { from: from(), label: label.clone(), what: "checksum" },
            Mismatch::Unfinished { from: from(), label: label.clone() },
            Mismatch::Missing { from: from(), label: label.clone() },
            Mismatch::Misrouted { tool, label: label.clone(), file: file.clone(), route },
            Mismatch::Divergent { tool, label: label.clone(), file: file.clone() },
            Mismatch::Ambiguous { tool, label, files: vec![file.clone(), file] },
            Mismatch::NoApplication { applications: vec!["auth".into(), "sessions".into()] },
        ];
        let text: Vec<String> = faults.iter().map(|fault| format!("{fault}\n  {}", fault.help())).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
