//! JSON and GitHub's annotations, from real faults.

use serde_json::Value;

use crate::support::{Project, Said, program};

/// Two errors, one with two places.
fn faulty() -> Project {
    let project = Project::locked();
    project.write("migrations/V7__x.sql", "-- Why.\n-- #[route(group = \"user\")]\nSELECT 1;\n");
    project.write(
        "migrations/users/V2__account.sql",
        "-- #[route(group = \"users\")]\nCREATE TABLE account (id bigint);\n",
    );
    project
}

fn json(said: &Said) -> Value {
    assert_eq!(said.err, "", "all of it is in the document");
    serde_json::from_str(&said.out).unwrap()
}

/// A key, and what its value has to be.
type Key = (&'static str, fn(&Value) -> bool);

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

/// The document as its description has it: these keys, of these types, and no others.
fn assert_shape(document: &Value) {
    let object = |value: &Value, keys: &[Key]| {
        let found: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected: Vec<&str> = keys.iter().map(|(key, _)| *key).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{value:#}");
        for (key, is) in keys {
            assert!(is(&value[key]), "{key}: {value:#}");
        }
    };
    let mut keys: Vec<Key> = vec![
        ("format", |value| value == 1),
        ("command", |value| {
            ["check", "init", "list", "lock", "new", "squash"].iter().any(|command| value == command)
        }),
        ("exit_code", Value::is_u64),
        ("errors", Value::is_u64),
        ("warnings", Value::is_u64),
        ("diagnostics", Value::is_array),
    ];
    if !document["lock"].is_null() {
        keys.push(("lock", Value::is_object));
        let keys: [Key; 3] =
            [("file", Value::is_string), ("written", Value::is_boolean), ("added", Value::is_array)];
        object(&document["lock"], &keys);
        for added in document["lock"]["added"].as_array().unwrap() {
            object(
                added,
                &[
                    ("version", Value::is_i64),
                    ("name", Value::is_string),
                    ("file", Value::is_string),
                    ("checksum", |value| value.as_str().is_some_and(|text| text.len() == 64)),
                    ("route", Value::is_string),
                ],
            );
        }
    }
    const MIGRATION: [Key; 6] = [
        ("version", Value::is_i64),
        ("name", Value::is_string),
        ("file", Value::is_string),
        ("reverse", |value| value.is_null() || value.is_string()),
        ("route", |value| value.is_null() || value.is_string()),
        ("databases", is_texts),
    ];
    if !document["migrations"].is_null() {
        keys.push(("migrations", Value::is_array));
        for migration in document["migrations"].as_array().unwrap() {
            object(migration, &MIGRATION);
        }
    }
    if !document["init"].is_null() {
        keys.push(("init", Value::is_object));
        let keys: [Key; 4] = [
            ("created", is_texts),
            ("commands", is_texts),
            ("build_script", |value| value.is_null() || value.is_string()),
            ("main", Value::is_string),
        ];
        object(&document["init"], &keys);
    }
    if !document["new"].is_null() {
        keys.push(("new", Value::is_object));
        object(&document["new"], &[&MIGRATION[..], &[("created", is_texts)]].concat());
    }
    if !document["squash"].is_null() {
        keys.push(("squash", Value::is_object));
        let keys: [Key; 3] =
            [("written", Value::is_boolean), ("files", Value::is_array), ("deleted", is_texts)];
        object(&document["squash"], &keys);
        let own: [Key; 2] = [("created", Value::is_string), ("replaces", Value::is_array)];
        for file in document["squash"]["files"].as_array().unwrap() {
            object(file, &[&MIGRATION[..], &own].concat());
        }
    }
    object(document, &keys);
    let diagnostics = document["diagnostics"].as_array().unwrap();
    let of = |severity: &str| diagnostics.iter().filter(|one| one["severity"] == severity).count() as u64;
    assert_eq!(
        (document["errors"].as_u64(), document["warnings"].as_u64()),
        (Some(of("error")), Some(of("warning")))
    );
    for diagnostic in diagnostics {
        object(
            diagnostic,
            &[
                ("severity", |value| value == "error" || value == "warning"),
                ("check", Value::is_string),
                ("message", Value::is_string),
                ("places", Value::is_array),
                ("notes", is_texts),
                ("help", is_texts),
                ("rendered", Value::is_string),
            ],
        );
        for place in diagnostic["places"].as_array().unwrap() {
            let is_number: fn(&Value) -> bool = |value| value.is_null() || value.as_u64() > Some(0);
            object(
                place,
                &[
                    ("file", Value::is_string),
                    ("line", is_number),
                    ("column", is_number),
                    ("end_line", is_number),
                    ("end_column", is_number),
                    ("label", Value::is_string),
                ],
            );
            let nulls = ["line", "column", "end_line", "end_column"].map(|key| place[key].is_null());
            assert!(nulls == [false; 4] || nulls == [true; 4], "{place}");
        }
    }
}

#[test]
fn a_check_is_one_document() {
    let said = faulty().run("check --format json");
    assert_eq!(said.code, 3);
    assert_shape(&json(&said));
    insta::assert_snapshot!(said.out);

    let said = Project::new().run("check --format json");
    assert_eq!(said.code, 0);
    assert_shape(&json(&said));
    insta::assert_snapshot!(said.out, @r#"
    {
      "command": "check",
      "diagnostics": [],
      "errors": 0,
      "exit_code": 0,
      "format": 1,
      "warnings": 0
    }
    "#);
}

#[test]
fn a_lock_is_one_document() {
    let project = Project::new();
    for words in ["lock --check", "lock", "lock --check", "lock"] {
        let said = project.run(&format!("{words} --format json"));
        let document = json(&said);
        assert_shape(&document);
        assert_eq!(document["exit_code"], said.code);
    }
    project.write(
        "migrations/users/V3__email.sql",
        "-- #[route(group = \"users\")]\nALTER TABLE account ADD email text;\n",
    );
    let said = project.run("lock --format json");
    assert_shape(&json(&said));
    insta::assert_snapshot!(said.out);

    let refused = faulty().run("lock --format json");
    assert_eq!(refused.code, 5);
    assert_shape(&json(&refused));
    let accepted = {
        let project = faulty();
        project.remove("migrations/V7__x.sql");
        project.run("lock --accept-changes --format json")
    };
    assert_eq!(accepted.code, 0);
    let document = json(&accepted);
    assert_shape(&document);
    assert_eq!(
        (&document["errors"], &document["warnings"], &document["lock"]["written"]),
        (&0.into(), &1.into(), &true.into())
    );
}

#[test]
fn the_migrations_are_one_document() {
    let project = Project::new();
    project.write("migrations/users/V2__account.down.sql", "DROP TABLE account;\n");
    let said = project.run("list --database users_01 --format json");
    assert_eq!(said.code, 0);
    assert_shape(&json(&said));
    insta::assert_snapshot!(said.out);

    let said = faulty().run("list --format json");
    assert_eq!(said.code, 3);
    let document = json(&said);
    assert_shape(&document);
    assert_eq!(document["migrations"].as_array().unwrap().len(), 4, "{document:#}");
}

#[test]
fn a_new_migration_is_one_document() {
    let project = Project::new();
    let said = project.run("new add_email --group users --down --format json");
    assert_eq!(said.code, 0);
    assert_shape(&json(&said));
    insta::assert_snapshot!(said.out);

    project.write("databases.toml", "[groups");
    let said = project.run("new add_email --group users --format json");
    assert_eq!(said.code, 5);
    assert_shape(&json(&said));
}

#[test]
fn the_first_files_are_one_document() {
    let project = Project::new();
    assert_eq!(project.run("init --format json").code, 5);
    assert_shape(&json(&project.run("init --format json")));
    project.remove("databases.toml");
    project.write("build.rs", "fn main() {}\n");
    let said = project.run("init --format json");
    assert_eq!(said.code, 0, "{}", said.out);
    let document = json(&said);
    assert_shape(&document);
    assert_eq!(document["init"]["created"], serde_json::json!(["databases.toml"]));
    assert_eq!(document["init"]["build_script"], "build.rs");
}

#[test]
fn a_squash_is_one_document() {
    let project = Project::new();
    project.write("databases.toml", "[databases.default]\nurl = \"sqlite:default.db\"\n");
    project.remove("migrations/catalog/V2__product.sql");
    project.remove("migrations/users/V2__account.sql");
    project.write("migrations/V2__more.sql", "-- #[route(everywhere)]\nCREATE TABLE more (id int);\n");
    for (words, is_written) in [("squash ..2 --dry-run", false), ("squash ..2", true)] {
        let document = json(&project.run(&format!("{words} --format json")));
        assert_shape(&document);
        assert_eq!(document["squash"]["written"], is_written);
    }
    let nothing = project.run("squash ..2 --format json");
    assert_eq!((nothing.code, nothing.out.as_str()), (2, ""));
    project.write("migrations/V3__wrong.sql", "-- #[rout(everywhere)]\n");
    let refused = project.run("squash ..3 --format json");
    assert_eq!(refused.code, 5);
    assert_shape(&json(&refused));
}

#[test]
fn annotations_are_lines_on_standard_output() {
    let project = faulty();
    let said = project.run("check --format github");
    insta::assert_snapshot!(said.all());

    let lock = Project::new().run("lock --check --format github");
    insta::assert_snapshot!(lock.all());
}

/// GitHub names files from the repository, in whatever folder a step runs.
#[test]
fn annotations_name_files_from_the_repository() {
    let project = faulty();
    project.write("src/main.rs", "");
    let in_src = |format: &str| {
        let mut command = program(&project.path("src"), &format!("check --format {format}"));
        Said::of(
            command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", project.folder()).output().unwrap(),
        )
    };
    assert!(
        in_src("github").out.contains("::error file=migrations/V7__x.sql,line=2,"),
        "{}",
        in_src("github").out
    );
    let human = in_src("human");
    assert!(human.err.contains("--> ../migrations/V7__x.sql:2:20"), "{}", human.err);
    assert_eq!(human.out, "", "what is shown does not depend on where it runs");
}
