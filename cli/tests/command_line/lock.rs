//! `lock`: what is written, what is refused, and files that are not as it wrote them.

use std::fs;

use crate::support::{FILES, LOCK, Project, Said};

const EMAIL: &str = "-- #[route(group = \"users\")]\nALTER TABLE account ADD email text;\n";
const UP_TO_DATE: &str = "migrations/migrations.lock is up to date: 3 migrations\n";

fn done(out: &str) -> Said {
    Said { code: 0, out: out.into(), err: String::new() }
}

#[test]
fn the_first_lock_has_all_migrations() {
    let project = Project::new();
    assert_eq!(project.run("lock"), done("wrote migrations/migrations.lock: 3 migrations\n"));
    insta::assert_snapshot!(project.read(LOCK));
    assert_eq!(project.run("check").code, 0);
    assert_eq!(project.run("lock"), done(UP_TO_DATE));
    let beside: Vec<_> =
        fs::read_dir(project.path("migrations")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside.len(), 4, "{beside:?}");
}

#[test]
fn what_is_new_is_added() {
    let project = Project::locked();
    let before = project.read(LOCK);
    project.write("migrations/users/V3__email.sql", EMAIL);
    assert_eq!(project.run("check").code, 0, "what is not locked yet is fine");
    let out = "added 1 migration to migrations/migrations.lock:\n  3 email (users/V3__email.sql)\n";
    assert_eq!(project.run("lock"), done(out));
    let after = project.read(LOCK);
    let blocks = |text: &str| text[text.find("\n[[").unwrap()..].to_owned();
    assert!(blocks(&after).starts_with(&blocks(&before)), "{after}");
}

#[test]
fn what_no_database_can_see_is_written_without_a_word() {
    let project = Project::locked();
    project.rename("migrations/users/V2__account.sql", "migrations/users/V002__account.sql");
    assert_eq!(project.run("check").code, 0);
    assert_eq!(project.run("lock --check").code, 3);
    assert_eq!(project.run("lock"), done("wrote migrations/migrations.lock: 3 migrations\n"));
    assert!(project.read(LOCK).contains("file = \"users/V002__account.sql\""));
}

type Change = fn(&Project);

/// Each change of what is locked stops the build, is refused, and can be accepted.
#[test]
fn a_change_of_what_is_locked_has_to_be_accepted() {
    const ACCOUNT: &str = "migrations/users/V2__account.sql";
    let changes: [(&str, Change); 5] = [
        ("locked-edited", |project| project.replace(ACCOUNT, "int", "bigint")),
        ("locked-renamed", |project| project.rename(ACCOUNT, "migrations/users/V2__accounts.sql")),
        ("locked-rerouted", |project| {
            project.replace(ACCOUNT, "group = \"users\"", "database = \"users_01\"")
        }),
        ("locked-deleted", |project| project.remove("migrations/catalog/V2__product.sql")),
        ("locked-inserted", |project| {
            project.write("migrations/V0__first.sql", "-- #[route(database = \"default\")]\nSELECT 1;\n");
        }),
    ];
    for (check, change) in changes {
        let project = Project::locked();
        change(&project);
        let before = project.read(LOCK);

        let said = project.run("check --format json");
        assert_eq!(said.code, 3, "{check}");
        assert!(said.out.contains(&format!("\"check\": \"{check}\"")), "{check}: {}", said.out);
        assert!(project.run("check").err.ends_with("error: 1 error\n"), "{check}");
        assert_eq!(project.run("lock --check").code, 3, "{check}");

        let refused = project.run("lock");
        assert_eq!((refused.code, refused.out.as_str()), (5, ""), "{check}");
        let why = "error: nothing was written: what is locked is in the way; if this is meant, add `--accept-changes`\n";
        assert!(refused.err.starts_with("error: ") && refused.err.ends_with(why), "{check}: {}", refused.err);
        assert_eq!(project.read(LOCK), before, "{check}");

        let accepted = project.run("lock --accept-changes");
        assert_eq!(accepted.code, 0, "{check}: {}", accepted.err);
        assert!(accepted.err.starts_with("warning: "), "{check}: {}", accepted.err);
        assert_ne!(project.read(LOCK), before, "{check}");
        assert_eq!(project.run("check").code, 0, "{check}");
        assert_eq!(project.run("lock --check").code, 0, "{check}");
    }
}

#[test]
fn looking_writes_nothing_and_says_what_is_missing() {
    let project = Project::new();
    let mut said = vec![project.run("lock --check").all()];
    assert!(!project.path(LOCK).exists());
    assert_eq!(project.run("lock").code, 0);
    said.push(project.run("lock --check").all());
    project.write("migrations/users/V3__email.sql", EMAIL);
    project.write(
        "migrations/V3__flag.sql",
        "-- #[route(database = \"default\")]\nCREATE TABLE flag (id int);\n",
    );
    said.push(project.run("lock --check").all());
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_set_with_errors_is_not_locked() {
    let project = Project::new();
    project.write("migrations/V7__x.sql", "-- #[route(group = \"user\")]\nSELECT 1;\n");
    let said = project.run("lock --accept-changes");
    assert_eq!((said.code, said.out.as_str()), (5, ""));
    assert!(said.err.contains("no shard group is called `user`"), "{}", said.err);
    assert!(said.err.ends_with("error: nothing was written: there are errors\n"), "{}", said.err);
    assert!(!project.path(LOCK).exists());
    assert_eq!(project.run("lock --check").code, 3);
}

#[test]
fn a_checkout_with_other_line_ends_is_the_same_lock() {
    let project = Project::locked();
    let lock = project.read(LOCK);
    for same in [lock.replace('\n', "\r\n"), format!("\u{feff}{lock}")] {
        project.write(LOCK, &same);
        assert_eq!(project.run("check").code, 0);
        assert_eq!(project.run("lock"), done(UP_TO_DATE));
        assert_eq!(project.read(LOCK), same, "it is left as it is");
    }
    for (file, text) in FILES {
        project.write(&format!("migrations/{file}"), text.replace('\n', "\r\n"));
    }
    assert_eq!(project.run("check").code, 0);
}

#[test]
fn a_lock_that_is_not_as_it_was_written_is_a_fault() {
    let project = Project::locked();
    let lock = project.read(LOCK);
    let last = lock.rfind("\n[[").unwrap();
    let broken = [
        Vec::new(),
        lock.as_bytes()[..last].to_vec(),
        lock.as_bytes()[..last + 40].to_vec(),
        lock.replace("digest = \"", "digest = \"0").into_bytes(),
        b"\xff\xfe".to_vec(),
        lock.replace("format = 1", "format = 2").into_bytes(),
    ];
    for text in broken {
        project.write(LOCK, &text);
        for (words, code) in [("check", 3), ("lock --check", 3), ("lock", 5)] {
            let said = project.run(words);
            assert_eq!((said.code, said.out.as_str()), (code, ""), "{words}: {}", said.err);
            assert!(said.err.contains("migrations/migrations.lock"), "{words}: {}", said.err);
        }
        assert_eq!(fs::read(project.path(LOCK)).unwrap(), text);
        assert_eq!(project.run("lock --accept-changes").code, 0);
        assert_eq!(project.read(LOCK), lock);
    }
}

#[test]
fn a_lock_that_cannot_be_read_or_written_is_named() {
    let project = Project::locked();
    project.write("migrations/users/V3__email.sql", EMAIL);
    let path = project.path(LOCK);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let said = project.run("lock");
    let why = "error: `migrations/migrations.lock` cannot be written: the file is read-only\n";
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (1, "", why));
    assert_eq!(project.run("check").code, 0);

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    for (words, code) in [("check", 3), ("lock --check", 3), ("lock --accept-changes", 5)] {
        let said = project.run(words);
        assert_eq!((said.code, said.out.as_str()), (code, ""), "{words}: {}", said.err);
        assert!(said.err.contains("`migrations/migrations.lock` cannot be read: "), "{words}: {}", said.err);
    }
}

const ACCOUNT: &str = "migrations/users/V2__account.sql";
const WIDER: &str = "any(group = \"users\", database = \"default\")";

/// What becomes of each database that a new route concerns has to be declared.
#[test]
fn a_new_route_is_locked_with_what_is_declared_of_it() {
    let project = Project::locked();
    let before = project.read(LOCK);
    let route = |was: &str, is: &str| project.replace(ACCOUNT, was, is);
    route("group = \"users\"", "any(database = \"users_01\", database = \"default\")");
    assert!(project.run("check").err.contains("--rerouted users/V2__account.sql=..`"));
    let wrong = [
        ("2=backfill", "`2` is the version of several migrations; say which by its file: "),
        ("7=backfill", "no migration has the version or the file `7`"),
        (
            "users/V2__account.sql=backfill",
            "is no longer for users_02: declare `--rerouted users/V2__account.sql=abandon`",
        ),
        (
            "users/V2__account.sql=abandon",
            "is new on default: declare `--rerouted users/V2__account.sql=backfill`",
        ),
    ];
    for (words, said) in wrong {
        let refused = project.run(&format!("lock --rerouted {words}"));
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{words}");
        assert!(refused.err.contains(said), "{words}: {}", refused.err);
        assert_eq!(project.read(LOCK), before, "{words}");
    }
    let both = "lock --rerouted users/V2__account.sql=backfill --rerouted users/V2__account.sql=abandon";
    assert_eq!(project.run(both), done("wrote migrations/migrations.lock: 3 migrations\n"));
    assert!(project.read(LOCK).ends_with("rerouted = \"backfill, abandon\"\n"), "{}", project.read(LOCK));
    assert_eq!(project.run("check").code, 0);
    assert_eq!(project.run(both), done(UP_TO_DATE));

    // It stays declared, whatever else is locked, until the route is another one.
    project.write(
        "migrations/V3__flag.sql",
        "-- #[route(database = \"default\")]\nCREATE TABLE flag (id int);\n",
    );
    assert_eq!(project.run("lock").code, 0);
    assert_eq!(project.read(LOCK).matches("rerouted = ").count(), 1);
    route("any(database = \"users_01\", database = \"default\")", WIDER);
    assert_eq!(project.run("lock").code, 5);
    assert_eq!(project.run("lock --rerouted users/V2__account.sql=backfill").code, 0);
    assert!(project.read(LOCK).contains("rerouted = \"backfill\"\n"), "{}", project.read(LOCK));
    assert_eq!(project.run("lock --check").code, 0);
}

#[test]
fn what_is_not_locked_has_nothing_to_declare() {
    let project = Project::locked();
    project.write("migrations/users/V3__email.sql", EMAIL);
    let said = project.run("lock --rerouted 3=backfill");
    assert_eq!(said.code, 2);
    assert!(said.err.contains("`users/V3__email.sql` is not locked"), "{}", said.err);
    project.remove(LOCK);
    let said = project.run("lock --rerouted 3=backfill");
    assert!(said.code == 2 && said.err.contains("there is no lock that can be read"), "{}", said.err);
}

/// Any other change is refused as before.
#[test]
fn what_is_declared_accepts_nothing_but_a_route() {
    let project = Project::locked();
    project.replace(ACCOUNT, "group = \"users\"", WIDER);
    project.replace(ACCOUNT, "int", "bigint");
    let before = project.read(LOCK);
    let said = project.run("lock --rerouted users/V2__account.sql=backfill");
    assert_eq!(said.code, 5, "{}", said.err);
    let [edited, rerouted] = ["was edited after", "was routed otherwise"].map(|what| said.err.contains(what));
    assert!(edited && !rerouted, "{}", said.err);
    assert_eq!(project.read(LOCK), before);
}

#[test]
fn another_word_in_the_lock_is_a_fault() {
    let project = Project::locked();
    project.replace(ACCOUNT, "group = \"users\"", WIDER);
    assert_eq!(project.run("lock --rerouted users/V2__account.sql=backfill").code, 0);
    project.replace(LOCK, "\"backfill\"", "\"keep\"");
    let said = project.run("check");
    assert_eq!(said.code, 3);
    assert!(said.err.contains("`rerouted` is `backfill`, `abandon`, or `backfill, abandon`"), "{}", said.err);
}
