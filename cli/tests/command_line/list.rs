//! `list`: the migrations with their routes and databases, also where something is wrong.

use crate::support::Project;

#[test]
fn a_line_for_each_migration() {
    let project = Project::new();
    project.replace("databases.toml", "users_{01..02}", "users_{01..64}");
    project.replace("databases.toml", "@db{01..02}", "@db{01..64}");
    project.write(
        "migrations/V3__eu.sql",
        "-- #[route(any(group = \"catalog\", database = \"users_07\"))]\nSELECT 1;\n",
    );
    insta::assert_snapshot!(project.run("list").all());
}

#[test]
fn only_what_reaches_the_databases_that_are_named() {
    let project = Project::new();
    let shown = |words: &str| {
        let said = project.run(&format!("list {words}"));
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{words}");
        let files =
            said.out.lines().filter_map(|line| line.split_whitespace().find(|word| word.ends_with(".sql")));
        (files.map(str::to_owned).collect::<Vec<_>>(), said.out.lines().last().unwrap().to_owned())
    };
    let (settings, product, account) =
        ("V1__settings.sql", "catalog/V2__product.sql", "users/V2__account.sql");
    for (words, files, last) in [
        ("", &[settings, product, account][..], "3 migrations for 4 databases"),
        ("--database default", &[settings], "1 migration for 1 database"),
        ("--database users_02,catalog", &[settings, product, account], "3 migrations for 2 databases"),
        ("--group users", &[settings, account], "2 migrations for 2 databases"),
        ("--group users --database catalog", &[settings, product, account], "3 migrations for 3 databases"),
    ] {
        assert_eq!(
            shown(words),
            (files.iter().map(|file| (*file).to_owned()).collect(), last.to_owned()),
            "{words}"
        );
    }
    project.remove("migrations/V1__settings.sql");
    let said = project.run("list --database default");
    assert_eq!(said.out, "0 migrations for 1 database\n");
    assert_eq!(said.code, 3, "no migration reaches it: {}", said.err);
}

#[test]
fn an_unknown_name_ends_with_2_and_tells_the_nearest_one() {
    let project = Project::new();
    for (words, why) in [
        (
            "--database defalt",
            "no database is called `defalt`; did you mean `default`? databases in databases.toml: catalog, default, users_01, users_02",
        ),
        (
            "--group user",
            "no shard group is called `user`; did you mean `users`? groups in databases.toml: catalog, users",
        ),
    ] {
        let said = project.run(&format!("list {words}"));
        assert_eq!((said.code, said.out.as_str(), said.err), (2, "", format!("error: {why}\n")));
    }
}

#[test]
fn what_is_wrong_with_one_does_not_hide_the_others() {
    let project = Project::new();
    project.write("migrations/V7__no_route.sql", "SELECT 1;\n");
    project.write("migrations/V8__x.sql", "-- #[route(group = \"user\")]\nSELECT 1;\n");
    project.write("migrations/V9_mistyped.sql", "SELECT 1;\n");
    insta::assert_snapshot!(project.run("list").all());

    project.write("databases.toml", "[groups");
    let said = project.run("list");
    assert_eq!((said.code, said.out.as_str()), (3, ""), "{}", said.err);
    assert!(said.err.contains("not valid TOML"), "{}", said.err);
}
