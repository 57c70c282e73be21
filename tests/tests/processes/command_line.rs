//! What can be typed, and the exit codes.

use tempfile::TempDir;

use crate::program::{end, files, on, program, quickstart};
use crate::support::{Engine, TestFleet};

const FILES: [&str; 5] = ["default.db", "users_01.db", "users_02.db", "users_03.db", "users_04.db"];

#[test]
fn the_quickstart_is_migrated_and_then_up_to_date() {
    let folder = TempDir::new().unwrap();
    for (form, word, lines) in
        [("--migrate", "applied 6 account_usage", 5), ("migrate apply", "up to date (6 applied before)", 0)]
    {
        let (code, out, err) = end(&mut quickstart(&folder, form));
        assert_eq!((code, err.lines().count()), (0, lines), "{out}{err}");
        assert!(err.lines().all(|line| line.contains("/5] ") && line.contains(" applied in ")), "{err}");
        for heading in ["== default ==\n", "== users_01..users_04 (users): 4 databases ==\n"] {
            assert_eq!(out.matches(heading).count(), 1, "{out}");
        }
        assert!(out.contains(word), "{out}");
        assert!(!out.contains('\x1b'), "no colours where nobody sees them: {out:?}");
    }
    assert_eq!(files(folder.path()), FILES, "neither a replica's file nor one of a lock");
}

#[test]
fn plan_and_status_show_what_is_there_and_write_nothing() {
    let folder = TempDir::new().unwrap();
    for form in ["--migrate=plan", "--migrate=status", "migrate plan", "migrate status"] {
        let (code, out, _) = end(&mut quickstart(&folder, form));
        assert_eq!(code, 0, "{out}");
        assert_eq!(files(folder.path()), [""; 0], "{form}");
        let row = if form.ends_with("plan") { "  2 accounts  [group = \"users\"]\n" } else { "[ ] 1..6\n" };
        assert_eq!(out.matches(row).count(), 1, "one for the four of them: {out}");
    }
    end(&mut quickstart(&folder, "--migrate --to 2"));
    let bytes = || FILES.map(|file| std::fs::read(folder.path().join(file)).unwrap());
    let before = bytes();
    let (_, out, _) = end(&mut quickstart(&folder, "--migrate=status"));
    assert!(out.contains("users_01..users_04 (4 databases)  4 behind    [x] 1..2  [ ] 3..6\n"), "{out}");
    assert!(out.contains("10 applied and 16 pending on 5 databases"), "{out}");
    let (_, out, _) = end(&mut quickstart(&folder, "--migrate=plan"));
    assert!(out.contains("16 pending on 4 of 5 databases"), "{out}");
    assert!(out.contains("nothing on default\n"), "{out}");
    assert!(bytes() == before && files(folder.path()) == FILES);
}

#[test]
fn a_part_of_the_fleet_can_be_chosen() {
    let cases: [(&str, &[&str]); 5] = [
        ("--database users_02", &["users_02.db"]),
        ("--database default,users_02", &["default.db", "users_02.db"]),
        ("--database default --database users_02", &["default.db", "users_02.db"]),
        ("--group users --jobs 1", &FILES[1..]),
        ("--database all", &FILES),
    ];
    for (words, expected) in cases {
        let folder = TempDir::new().unwrap();
        let (code, out, err) = end(&mut quickstart(&folder, &format!("--migrate {words} --progress never")));
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert_eq!(files(folder.path()), expected, "{words}");
    }
}

/// All of these are told apart from what a run may end with.
#[test]
fn a_wrong_command_line_is_code_2_and_touches_nothing() {
    let cases = [
        ("--migrate --database user_01", "did you mean `users_01`? databases: default, users_01"),
        ("--migrate --database users_01_replica", "`users_01_replica` is a replica of `users_01`"),
        (
            "--migrate=plan --group user",
            "no shard group is called `user`; did you mean `users`? groups: users",
        ),
        ("migrate status --database x", "no database is called `x`; databases: default, users_01"),
        ("--migrate --to 77", "no migration has the version 77"),
        ("--migrate --to=-1", "a version is a whole number"),
        ("--migrate --jobs 0", "--jobs"),
        ("--migrate --lock-timeout 5", "write it as `500ms`, `2s`, `1min` or `1h`"),
        ("migrate apply --retry-for 1week", "`1week` is not a duration"),
        (
            "--migrate=aply",
            "[possible values: apply, plan, status, check, history, audit, sql, down, redo, baseline, adopt, repair, reset]",
        ),
        ("--migrate --verbosity loud", "[possible values: quiet, normal, verbose]"),
        ("--migrate --format xml", "[possible values: human, json]"),
        ("--database users_01", "without `--migrate`"),
        ("--to 3", "without `--migrate`"),
        ("--retry", "without `--migrate`"),
        ("--migrate=repair", "`repair` needs one of these: for what is dirty, `--retry` where"),
        (
            "migrate repair --retry --applied",
            "`repair` needs one of these: for what is dirty, `--retry` where",
        ),
        ("--migrate --applied", "`--applied` is for `repair` alone"),
        ("migrate status --retry", "`--retry` is for `repair` alone"),
        ("migrate repair --retry --yes --database user_01", "did you mean `users_01`?"),
        ("migrate repair --retry", "`repair` asks on a terminal before it changes anything"),
        ("migrate repair --retry --accept 1 --yes", "`repair` needs one of these"),
        ("migrate repair --accept 77 --yes", "no migration has the version 77 (`--accept`)"),
        ("migrate status --forget 1", "`--forget` is for `repair` alone"),
        ("migrate repair --retry --yes --dry-run", "give one of them"),
        (
            "--migrate=plan --yes",
            "`--yes` is for `apply`, `down`, `redo`, `baseline`, `adopt`, `repair`, `reset` alone",
        ),
        ("migrate down --yes", "`down` needs a version: `--to 12` takes back all migrations above 12"),
        ("migrate down --to 77 --yes", "no migration has the version 77 (`--to`)"),
        ("migrate down --to 1", "`down` asks on a terminal before it changes anything"),
        ("migrate down --to 1 --yes --dry-run", "give one of them"),
        ("migrate down --to 1 --dry-run --report x.html", "`--dry-run` runs nothing"),
        ("migrate down --to 1 --yes --sql", "`--sql` shows what would be run, and `--yes` has it run"),
        ("migrate redo --to 1 --yes --sql", "give `--dry-run` with it"),
        ("--migrate=redo", "`redo` asks on a terminal before it changes anything"),
        ("--migrate=redo --yes --report x.html", "`--report` is for `apply`, `down` alone"),
        ("--migrate=redo --to 77 --yes", "no migration has the version 77 (`--to`)"),
        ("--migrate --dry-run", "`plan` shows what it would do"),
        ("--migrate --fake", "`fake` asks on a terminal"),
        ("--migrate --fake --yes --report x.html", "`--fake` runs nothing"),
        ("--migrate --fake --fake-initial 1 --yes", "give one of them"),
        ("--migrate --fake-initial 77 --yes", "no migration has the version 77 (`--fake-initial`)"),
        ("--migrate --fake-initial 1", "`fake-initial` asks on a terminal"),
        ("--migrate=plan --fake", "`--fake` is for `apply` alone"),
        ("migrate baseline --yes", "`baseline` needs a version: `--to 12`"),
        ("migrate baseline --to 77 --yes", "no migration has the version 77"),
        (
            "--migrate=history --to 1",
            "`--to` is for `apply`, `plan`, `status`, `check`, `down`, `redo`, `baseline`, `repair` alone",
        ),
        ("--migrate=audit --yes", "`--yes` is for"),
        ("migrate sql 1 --to 1", "`--to` is for `apply`, `plan`"),
        ("migrate sql 1 --jobs 2", "`--jobs` is for `apply`, `plan`, `status`, `check`, `history`, `audit`"),
        ("migrate sql 1 --connect-timeout 2s", "`--connect-timeout` is for"),
        ("migrate status --canary users_01", "`--canary` is for `apply`, `plan`, `down`, `redo` alone"),
        ("migrate check --waves 1,100%", "`--waves` is for `apply`, `plan`, `down`, `redo` alone"),
        ("--migrate=plan --pause 2s", "`--pause` is for `apply`, `down`, `redo` alone"),
        ("--migrate=plan --check true", "`--check` is for `apply`, `down`, `redo` alone"),
        (
            "--migrate=status --on-failure continue",
            "`--on-failure` is for `apply`, `plan`, `down`, `redo`, `baseline`, `adopt`, `repair` alone",
        ),
        ("--migrate=history --max-failures 2", "`--max-failures` is for"),
        (
            "--migrate=check --lock-wait 2s",
            "`--lock-wait` is for `apply`, `down`, `redo`, `baseline`, `adopt`, `repair`, `reset` alone",
        ),
        ("--migrate=plan --lock-timeout 2s", "`--lock-timeout` is for `apply`, `down`, `redo` alone"),
        (
            "--migrate=plan --statement-timeout 2s",
            "`--statement-timeout` is for `apply`, `down`, `redo` alone",
        ),
        ("migrate repair --retry --yes --retry-for 2s", "`--retry-for` is for `apply`, `down`, `redo` alone"),
        (
            "--migrate --fake --yes --canary users_01",
            "`--canary` is about what a run does, and `--fake` runs nothing",
        ),
        ("--lock-wait 3s", "without `--migrate`"),
        ("--verbosity quiet", "without `--migrate`"),
        ("--format json", "without `--migrate`"),
        ("migrate", "Usage"),
    ];
    let folder = TempDir::new().unwrap();
    for (words, said) in cases {
        let (code, out, err) = end(&mut quickstart(&folder, words));
        assert_eq!((code, out.as_str()), (2, ""), "{words}: {err}");
        assert!(err.contains(said), "{words}: {said} is not in\n{err}");
    }
    assert_eq!(files(folder.path()), [""; 0]);
}

#[test]
fn a_variable_that_is_not_set_is_code_2() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    let project = fleet.project(&[("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")]);
    let (code, out, err) = end(on(&fleet, &project, "--migrate").env_remove("users_02"));
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("the URL of database `users_02` (databases.toml:"), "{err}");
    assert!(err.contains("needs `users_02`, which is not set in the environment"), "{err}");
    assert_eq!(fleet.contents(), "default: nothing\nusers_01: nothing\nusers_02: nothing");
}

#[test]
fn without_the_option_the_application_goes_on() {
    let (code, out, err) = end(&mut program(""));
    assert_eq!((code, out.as_str(), err.as_str()), (0, "the application itself\n", ""));
}

#[test]
fn the_help_lists_the_options_under_a_heading_of_their_own() {
    let (code, out, _) = end(&mut program("--help"));
    assert_eq!(code, 0);
    let (_, options) = out.split_once("Migrations:").unwrap();
    for option in
        ["--migrate [<VERB>]", "--database <NAME>", "--group", "--to", "--jobs", "--format", "--verbosity"]
    {
        assert!(options.contains(option), "{option} is not in\n{out}");
    }
    for (option, default) in [
        ("--connect-timeout <TIME>", "[default: `connect_timeout` in the URL, else 10s]"),
        ("--lock-timeout <TIME>", "[default: 5s, none for what runs CONCURRENTLY]"),
        ("--statement-timeout <TIME>", "[default: the server's]"),
        ("--lock-wait <TIME>", "[default: 5min]"),
        ("--retry-for <TIME>", "[default: 1min]"),
    ] {
        let (_, rest) = options.split_once(option).unwrap();
        let words = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(default), "{option}: {default} is not in\n{out}");
    }
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let first = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");
    let everywhere = ("V2__b.sql", "-- #[route(everywhere)]\nSELECT missing FROM a;\n");
    let on_users = ("V2__b.sql", "-- #[route(group = \"users\")]\nSELECT missing FROM a;\n");
    let fine = ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n");
    let edited = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n");
    let fleet = TestFleet::of_three(Engine::Sqlite);
    // One after the other, on the same fleet.
    let cases = [
        (vec![first, everywhere], 1, "migration 2 b failed on"),
        (vec![first, on_users], 4, "migrations/V2__b.sql:2:8"),
        (vec![edited, fine], 5, ""),
        (vec![first, fine], 0, ""),
        (vec![first, fine], 0, ""),
    ];
    for (index, (files, code, said)) in cases.into_iter().enumerate() {
        let project = fleet.project(&files);
        if index == 1 {
            // Something to do for the one that does not fail.
            fleet.database("default").execute("DROP TABLE a; DELETE FROM sharded_migrations_history");
        }
        let ended = end(&mut on(&fleet, &project, "--migrate"));
        assert_eq!(ended.0, code, "{index}: {ended:?}");
        assert!(ended.2.contains(said), "{index}: {ended:?}");
        if code == 5 {
            assert!(ended.2.contains("refused: 1 is divergent"), "{ended:?}");
        }
    }
}
