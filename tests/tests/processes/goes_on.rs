//! An application that is asked to migrate, and to go on when all went well.

use crate::program::{end, on};
use crate::support::{Engine, TestFleet};

const A: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");

/// What stands where the application itself would.
const ITSELF: &str = "the application itself\n";

#[test]
fn it_goes_on_only_when_all_is_applied() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    // What does not exist gets no history by hand.
    fleet.databases().iter().for_each(|database| database.execute("CREATE TABLE other (id int)"));
    let project = fleet.project(&[A]);
    let run = |words: &str| {
        let (code, out, _) = end(&mut on(&fleet, &project, words));
        (code, out.ends_with(ITSELF))
    };
    assert_eq!(run("--serve"), (0, true), "nobody asked for a migration");
    for (words, code) in [
        ("--serve --migrate=plan", 0),
        ("--serve --migrate=check", 3),
        ("--serve --migrate=status", 0),
        ("--serve --migrate --fake --dry-run", 0),
        ("--serve --migrate --database nobody", 2),
        ("--serve --database default", 2),
    ] {
        assert_eq!(run(words), (code, false), "{words}");
    }
    assert_eq!(run("--migrate --database default"), (0, false), "without `--serve`, `--migrate` is all");
    assert_eq!(run("--serve --migrate"), (0, true));
    assert_eq!(run("--serve --migrate"), (0, true), "nothing was pending");
    assert_eq!(run("--serve --migrate=check"), (0, false));
}

#[test]
fn it_does_not_go_on_where_a_database_failed() {
    let fleet = TestFleet::of_three(Engine::Sqlite);
    fleet.database("users_02").execute("CREATE TABLE a (id int)");
    let project = fleet.project(&[A]);
    let (code, out, _) = end(&mut on(&fleet, &project, "--serve --migrate"));
    assert_eq!((code, out.ends_with(ITSELF)), (4, false), "{out}");
}
