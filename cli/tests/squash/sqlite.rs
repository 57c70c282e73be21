//! SQLite, which needs no server.

use serde_json::Value;

use super::fleet::{applied, files, migrate};
use super::support::Project;

/// Databases of the group `users`, in the project's folder.
fn project(databases: &[&str], files: &[(&str, &str)]) -> Project {
    let project = Project::with("", files);
    let folder = project.folder();
    let one = |name: &&str| {
        format!("[databases.{name}]\ngroup = \"users\"\nurl = \"sqlite:{}/{name}.db\"\n", folder.display())
    };
    let databases: String = databases.iter().map(one).collect();
    project.write(
        "databases.toml",
        format!("[groups.users]\n{databases}\n[routes]\n\".\" = 'group = \"users\"'\n"),
    );
    project
}

/// What is in a database, but for our own tables.
fn schema(project: &Project, name: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(project.path(&format!("{name}.db"))).unwrap();
    let mut query = connection
        .prepare(
            "SELECT sql FROM sqlite_schema WHERE tbl_name NOT LIKE 'sharded%' AND sql IS NOT NULL ORDER BY 1",
        )
        .unwrap();
    query.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn number(project: &Project, name: &str, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(project.path(&format!("{name}.db"))).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

const FIRST: [(&str, &str); 3] = [
    (
        "V1__account.sql",
        "CREATE TABLE account (id INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT);\n\
         INSERT INTO account (mail) VALUES ('it''s'), ('b');\nDELETE FROM account WHERE mail = 'b';\nPRAGMA user_version = 7;\n",
    ),
    ("V2__note.sql", "CREATE TABLE note (account INTEGER REFERENCES account (id), text TEXT);\n"),
    (
        "V3__told.sql",
        "CREATE INDEX note_account ON note (account);\nCREATE VIEW notes AS SELECT text FROM note;\n\
         CREATE TRIGGER told AFTER INSERT ON account BEGIN INSERT INTO note VALUES (NEW.id, 'new'); END;\n",
    ),
];

#[test]
fn a_squash_can_be_squashed_again() {
    let project = project(&["had", "between", "half", "new"], &FIRST);
    project.write("migrations/V2__note.down.sql", "DROP TABLE note;\n");
    for name in ["had", "between"] {
        assert_eq!(applied(&project, name), 3);
    }
    assert_eq!(migrate(&project, "half", Some(2)).unwrap().applied(), 2);
    let said = project.run("squash 1..3");
    assert_eq!(said.code, 0, "{}", said.all());
    insta::assert_snapshot!(said.all());
    assert_eq!(files(&project), ["V3__squash.sql"]);
    insta::assert_snapshot!(project.read("migrations/V3__squash.sql"));

    project.write("migrations/V4__more.sql", "ALTER TABLE note ADD COLUMN more TEXT;\n");
    project.write("migrations/V5__last.sql", "CREATE TABLE last (id INTEGER);\n");
    assert_eq!(applied(&project, "had"), 2);
    assert_eq!(applied(&project, "between"), 2);
    let said = project.run("squash ..5");
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(files(&project), ["V5__squash.sql"]);
    let text = project.read("migrations/V5__squash.sql");
    assert!(text.contains("-- #[replaces(3, 4, 5)]\n-- #[replaces(1, 2, 3, 4, 5)]\n"), "{text}");

    assert_eq!((applied(&project, "had"), applied(&project, "new")), (0, 1));
    assert_eq!(schema(&project, "had"), schema(&project, "new"));
    for sql in [
        "PRAGMA user_version",
        "SELECT seq FROM sqlite_sequence WHERE name = 'account'",
        "SELECT count(*) FROM note",
    ] {
        assert_eq!(number(&project, "had", sql), number(&project, "new", sql), "{sql}");
    }
    assert!(migrate(&project, "half", None).unwrap_err().to_string().contains("V5__squash.sql"));
    // There is nothing left to put together.
    let said = project.run("squash ..5 --name other");
    assert_eq!((said.code, said.err.contains("nothing to squash")), (2, true), "{}", said.all());
}

#[test]
fn the_layout_of_diesel_is_kept_and_its_folders_go() {
    let named = |version: &str, name: &str| format!("2024-01-0{version}-000000_{name}");
    let all: Vec<(String, &str)> =
        [("1", "a", FIRST[0].1), ("2", "b", FIRST[1].1), ("3", "c", "CREATE TABLE c (id);\n")]
            .into_iter()
            .flat_map(|(version, name, sql)| {
                let folder = named(version, name);
                [(format!("{folder}/up.sql"), sql), (format!("{folder}/down.sql"), "")]
            })
            .collect();
    let all: Vec<(&str, &str)> = all.iter().map(|(path, sql)| (path.as_str(), *sql)).collect();
    let project = project(&["one"], &all);
    project.write(&format!("migrations/{}/metadata.toml", named("1", "a")), "run_in_transaction = true\n");

    let dry = project.run("squash ..20240102000000 --dry-run --format json");
    let document: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!((dry.code, &document["squash"]["written"]), (0, &Value::Bool(false)), "{}", dry.all());
    assert_eq!(files(&project).len(), 7, "nothing was written");

    let said = project.run("squash ..20240102000000 --format json");
    let document: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(document["squash"]["files"][0]["replaces"][0][1], 20240102000000_i64);
    assert_eq!(document["squash"]["deleted"].as_array().unwrap().len(), 5);
    let left =
        ["2024-01-02-000000_squash/up.sql", "2024-01-03-000000_c/down.sql", "2024-01-03-000000_c/up.sql"];
    assert_eq!(files(&project), left);
    assert!(!project.path(&format!("migrations/{}", named("1", "a"))).exists());
    assert_eq!(applied(&project, "one"), 2);
}

#[test]
fn what_no_dump_holds_is_refused() {
    let rows = "CREATE VIRTUAL TABLE words USING fts5(body);\nINSERT INTO words VALUES ('x');\n";
    let project = project(&["one"], &[FIRST[0], FIRST[1], ("V3__words.sql", rows)]);
    let said = project.run("squash ..3");
    assert!(said.err.contains("the virtual table `words` has rows"), "{}", said.all());
    assert_eq!(files(&project).len(), 3);
    assert_eq!(project.run("squash ..2").code, 0);
}

#[test]
fn variables_keep_their_names_where_that_is_possible() {
    let vars = |sql: &str| format!("-- #[vars(shard)]\n{sql}\n");
    let table = vars(
        "CREATE TABLE a (id INTEGER, shard INTEGER DEFAULT (${shard}));\nINSERT INTO a VALUES (1, ${shard});",
    );
    let project = project(&["one", "two"], &[("V1__a.sql", &table), ("V2__b.sql", FIRST[0].1)]);
    let fleet = project.read("databases.toml");
    let with = |one: &str, two: &str| {
        let url = |name: &str| format!("{name}.db\"\n");
        let fleet = fleet.replace(&url("one"), &format!("{}vars = {{ shard = \"{one}\" }}\n", url("one")));
        project.write(
            "databases.toml",
            fleet.replace(&url("two"), &format!("{}vars = {{ shard = \"{two}\" }}\n", url("two"))),
        );
    };
    with("7", "7");
    let same = project.run("squash ..2 --dry-run");
    assert_eq!(
        (same.code, same.err.contains("the values of shard are written out")),
        (0, true),
        "{}",
        same.all()
    );

    with("7", "71");
    project.write("migrations/V3__c.sql", vars("INSERT INTO a VALUES (${shard} * 10, NULL);"));
    let refused = project.run("squash ..3");
    assert_eq!(refused.code, 5, "{}", refused.all());
    assert!(
        refused.err.contains("INSERT INTO \"a\" (\"id\", \"shard\") VALUES (70, NULL)"),
        "{}",
        refused.err
    );

    let said = project.run("squash ..2");
    assert_eq!((said.code, said.err.contains("written out")), (0, false), "{}", said.all());
    let text = project.read("migrations/V2__squash.sql");
    assert!(
        text.contains(
            "\n-- #[vars(shard)]\n\nCREATE TABLE a (id INTEGER, shard INTEGER DEFAULT (${shard}));\n"
        ),
        "{text}"
    );
    assert!(text.contains("VALUES (1, ${shard});"), "{text}");
    assert_eq!(applied(&project, "two"), 2);
    assert_eq!(number(&project, "two", "SELECT shard FROM a WHERE id = 1"), 71);
}

#[test]
fn what_was_all_dropped_again_leaves_a_file_that_does_nothing() {
    let drop = ("V2__no_more.sql", "DROP TABLE a;\n");
    let project = project(&["had", "new"], &[("V1__a.sql", "CREATE TABLE a (id INTEGER);\n"), drop]);
    assert_eq!(applied(&project, "had"), 2);
    assert_eq!(project.run("squash ..2").code, 0);
    assert!(project.read("migrations/V2__squash.sql").ends_with("\nSELECT 1;\n"));
    assert_eq!((applied(&project, "had"), applied(&project, "new")), (0, 1));
}

#[test]
fn what_cannot_be_tried_or_has_to_go_with_it_is_told_of() {
    let step = "use sharded_migrations::step::{Context, Result, route};\n\n#[route(everywhere)]\n\
                pub async fn fill(context: &mut Context<'_>) -> Result { Ok(()) }\n";
    let [first, second, third] = FIRST;
    let files = [
        (&*format!("old/{}", first.0), first.1),
        (&*format!("old/{}", second.0), second.1),
        (&*format!("new/{}", third.0), third.1),
        ("V4__more.sql", "ALTER TABLE note ADD COLUMN more TEXT;\n"),
        ("V5__fill.rs", step),
        ("V6__broken.sql", "INSERT INTO note VALUES (1, 2, 3, 4, 5);\n"),
    ];
    let project = project(&["one"], &files);
    let fleet = project.read("databases.toml");
    project.write(
        "databases.toml",
        format!("{fleet}\"old\" = 'group = \"users\"'\n\"new\" = 'group = \"users\"'\n"),
    );
    let said = project.run("squash ..3");
    assert_eq!(said.code, 0, "{}", said.all());
    insta::assert_snapshot!(said.all().replace(&project.folder().display().to_string(), ".."));
    assert_eq!(
        super::fleet::files(&project),
        ["V3__squash.sql", "V4__more.sql", "V5__fill.rs", "V6__broken.sql"]
    );
    assert_eq!(project.run("check").code, 3);
    project.write("databases.toml", fleet);
    assert_eq!(project.run("check").code, 0);
}

#[test]
fn what_fails_behind_the_squash_is_a_reason_not_to_write_it() {
    let broken = ("V3__broken.sql", "INSERT INTO note VALUES (1, 2, 3, 4, 5);\n");
    let project = project(&["one"], &[FIRST[0], FIRST[1], broken]);
    let said = project.run("squash ..2");
    assert_eq!(said.code, 5, "{}", said.all());
    assert!(said.err.contains("the migrations above 2 fail"), "{}", said.err);
    assert!(said.err.contains("migrations/V3__broken.sql:1"), "{}", said.err);
    assert_eq!(files(&project).len(), 3);
}
