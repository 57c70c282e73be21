//! Where an error is, in the file as the user wrote it.

use crate::support::{Engine, TestFleet, ending, error, on_every_engine};

on_every_engine!(an_error_is_placed_in_the_users_file);

/// The text of each file up to where the error is, and the rest of it. All of these begin with the
/// route's line, which is the first.
const FILES: [(&str, &str, &str); 10] = [
    ("the first word of a line", "-- #[route(everywhere)]\nSELECT\n", "missing FROM a;\n"),
    (
        "the end of a line",
        "-- #[route(everywhere)]\nCREATE TABLE b (id bigint);\nSELECT id, ",
        "missing FROM a",
    ),
    (
        "no semicolon, no new line",
        "-- #[route(everywhere)]\nSELECT 1;\n\n/* a\ncomment */ SELECT ",
        "missing FROM a",
    ),
    (
        "behind characters of two, three and four bytes",
        "-- #[route(everywhere)]\n-- Zoë, 東京 and 🦀\nSELECT 'Zoë, 東京 and 🦀', ",
        "missing FROM a;\n",
    ),
    (
        "Windows line ends",
        "-- #[route(everywhere)]\r\nSELECT 1;\r\nSELECT 'ë',\r\n  ",
        "missing\r\nFROM a;\r\n",
    ),
    ("a byte order mark", "\u{feff}-- #[route(everywhere)]\nSELECT ", "missing FROM a;\n"),
    (
        "behind values of variables",
        "-- #[route(everywhere)]\n-- #[vars(long, none)]\nSELECT '${long}', '${none}', '${other}', ",
        "missing FROM a;\n",
    ),
    (
        "on a line behind values of several lines",
        "-- #[route(everywhere)]\n-- #[vars(long)]\nSELECT '${long}',\n '${long}', ",
        "missing, '${long}' FROM a;\n",
    ),
    (
        "a statement that fails while it runs",
        "-- #[route(everywhere)]\n-- #[vars(long)]\nSELECT '${long}';\nCREATE TABLE b (id int UNIQUE);\n\
         INSERT INTO b VALUES (1);\n  -- why\n  ",
        "INSERT INTO b VALUES (1);\nSELECT 1;",
    ),
    (
        "outside a transaction",
        "-- #[route(everywhere)]\n-- #[no_transaction] #[vars(long)]\nSELECT 'é${long}';\n\
         SELECT '🦀${long}', ",
        "missing FROM a;\nSELECT 1;",
    ),
];

fn an_error_is_placed_in_the_users_file(engine: Engine) {
    let fleet =
        TestFleet::of_one(engine).toml("vars = { long = \"more than its name\\nhas\", none = \"\" }\n");
    let first = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id bigint);\n");
    for (what, before, rest) in FILES {
        // As an editor counts: lines and characters from one, the mark is none.
        let before_shown = before.trim_start_matches('\u{feff}');
        let line = before_shown.matches('\n').count() + 1;
        let column = before_shown.rsplit('\n').next().unwrap().chars().count() + 1;
        let set = fleet.set(&[first, ("some/folder/V2__broken.sql", &format!("{before}{rest}"))]);

        let result = fleet.run(set);
        let place = format!("migrations/some/folder/V2__broken.sql:{line}:{column}");
        let ended = ending(&result);
        assert!(ended.contains(&format!("failed at {place}, ")), "{what}: {place} is not in {ended}");
        let message = error(&result);
        assert!(message.contains(&place), "{what}: {place} is not in {message}");
        // The line itself is shown, as it is written.
        let last = before_shown.rsplit('\n').next().unwrap();
        let shown = format!("{last}{}", rest.lines().next().unwrap());
        assert!(message.contains(&shown), "{what}: {shown} is not in {message}");

        // The next file finds things as this one did.
        fleet
            .database("default")
            .execute("DELETE FROM sharded_migrations_history WHERE version = 2; DROP TABLE IF EXISTS b");
    }
}
