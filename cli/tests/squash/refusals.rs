//! What is refused before a scratch database is made.

use super::fleet::files;
use super::support::{FLEET, Project};

const FIRST: [(&str, &str); 2] = [
    ("V1__setting.sql", "-- #[route(everywhere)]\nCREATE TABLE setting (name text);\n"),
    ("V2__more.sql", "-- #[route(everywhere)]\nCREATE TABLE more (name text);\n"),
];

/// What is said of a third migration.
fn said_of(file: &str, text: &str, fleet: &str) -> String {
    let project = Project::with(fleet, &[&FIRST[..], &[(file, text)]].concat());
    let before = files(&project);
    let said = project.run("squash ..9");
    assert_eq!(files(&project), before);
    assert_eq!(said.code, 5, "{}", said.all());
    said.err
}

#[test]
fn what_cannot_be_run_or_is_in_no_dump_is_named() {
    let route = "-- #[route(group = \"users\")]\n";
    let step = "use sharded_migrations::step::{Context, Result, route};\n\n#[route(everywhere)]\n\
                pub async fn fill(context: &mut Context<'_>) -> Result { Ok(()) }\n";
    let searched = FLEET.replace("/catalog\"", "/catalog?options=-c%20search_path=shop\"");
    let all = [
        said_of("V3__fill.rs", step, FLEET),
        said_of("V3__role.sql", &format!("{route}CREATE ROLE app;\n"), FLEET),
        said_of(
            "V3__role.sql",
            &format!(
                "{route}DO $$ BEGIN\n  CREATE ROLE app;\nEXCEPTION WHEN duplicate_object THEN NULL; END $$;\n"
            ),
            FLEET,
        ),
        said_of("V3__member.sql", &format!("{route}GRANT app TO other;\n"), FLEET),
        said_of(
            "V3__spread.sql",
            &format!("{route}SELECT create_distributed_table('more', 'name');\n"),
            FLEET,
        ),
        said_of(
            "V3__rights.sql",
            &format!("{route}GRANT CONNECT, TEMPORARY ON DATABASE shop TO app;\n"),
            FLEET,
        ),
        said_of("V3__fine.sql", &format!("{route}SELECT 1;\n"), &searched),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_range_begins_with_the_first() {
    let project = Project::with(FLEET, &FIRST);
    for (words, part) in [
        ("squash 2..9", "`..9`"),
        ("squash 1..1", "nothing to squash"),
        ("squash 1-9", "`1..40`"),
        ("squash ..9 --name more", "choose another name"),
    ] {
        let said = project.run(words);
        assert_eq!((said.code, said.err.contains(part)), (2, true), "{words}: {}", said.all());
    }
    assert_eq!(files(&project), ["V1__setting.sql", "V2__more.sql"]);
}
