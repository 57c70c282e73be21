//! Two branches that each add a migration, merged by git.

use std::process::Command;

use crate::support::{LOCK, Project, Said};

struct Repository(Project);

impl Repository {
    /// With a locked project on `main`, and the branch `other` there.
    fn new() -> Self {
        let this = Self(Project::locked());
        this.git("init --quiet --initial-branch main");
        this.commit("locked");
        this.git("branch other");
        this
    }

    fn try_git(&self, words: &str) -> Said {
        let mut git = Command::new("git");
        git.current_dir(self.0.folder()).args(words.split_whitespace());
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for name in ["GIT_AUTHOR", "GIT_COMMITTER"] {
            git.env(format!("{name}_NAME"), "a").env(format!("{name}_EMAIL"), "a@example.com");
        }
        Said::of(git.output().unwrap())
    }

    fn git(&self, words: &str) {
        let said = self.try_git(words);
        assert_eq!(said.code, 0, "git {words}: {}{}", said.out, said.err);
    }

    fn commit(&self, message: &str) {
        self.git("add --all");
        self.git(&format!("commit --quiet --message {message}"));
    }

    /// A migration with its lock, committed on a branch.
    fn add(&self, branch: &str, file: &str, route: &str) {
        self.git(&format!("checkout --quiet {branch}"));
        let table = file.replace(['/', '.'], "_");
        let text = format!("-- #[route({route})]\nCREATE TABLE {table} (id int);\n");
        self.0.write(&format!("migrations/{file}"), text);
        let said = self.0.run("lock");
        assert_eq!(said.code, 0, "{}", said.err);
        self.commit(branch);
    }

    /// Merges `main` into `other`; whether git could.
    fn merge(&self) -> bool {
        self.git("checkout --quiet other");
        self.try_git("merge --quiet --no-edit main").code == 0
    }
}

const USERS: &str = "group = \"users\"";
const CATALOG: &str = "group = \"catalog\"";

/// The other branch's number is lower: on a database where `main` is applied it would come late.
#[test]
fn two_branches_show_themselves_and_the_late_one_gets_another_number() {
    let repository = Repository::new();
    repository.add("main", "users/V4__a.sql", USERS);
    repository.add("other", "users/V3__b.sql", USERS);
    assert!(!repository.merge(), "the lock is in conflict");
    let conflict = repository.0.run("check");
    assert_eq!(conflict.code, 3);
    assert!(conflict.err.contains("two branches have changed the lock"), "{}", conflict.err);

    let advice = "git checkout main -- migrations/migrations.lock";
    assert!(conflict.err.contains(advice), "{}", conflict.err);
    repository.git(advice.strip_prefix("git ").unwrap());
    let said = repository.0.run("lock");
    assert_eq!(said.code, 5);
    insta::assert_snapshot!(said.all());

    repository.0.rename("migrations/users/V3__b.sql", "migrations/users/V5__b.sql");
    assert_eq!(
        repository.0.run("lock").out,
        "added 1 migration to migrations/migrations.lock:\n  5 b (users/V5__b.sql)\n"
    );
    repository.commit("merged");
    assert_eq!(repository.0.run("check").code, 0);
}

/// They add their blocks at different places, which git merges by itself: the digest does not let it.
#[test]
fn blocks_at_different_places_are_a_conflict_too() {
    let repository = Repository::new();
    repository.add("main", "catalog/V3__a.sql", CATALOG);
    repository.add("main", "users/V4__b.sql", USERS);
    repository.git("branch --force other");
    repository.add("main", "users/V9__c.sql", USERS);
    repository.add("other", "catalog/V4__d.sql", CATALOG);
    assert!(!repository.merge(), "the lock is in conflict");
    let text = repository.0.read(LOCK);
    assert_eq!(text.matches("<<<<<<< ").count(), 1, "only the digest: {text}");

    // Kept by hand from both sides, whichever digest is taken.
    for side in ["--theirs", "--ours"] {
        repository.git(&format!("checkout {side} {LOCK}"));
        let digest =
            repository.0.read(LOCK).lines().find(|line| line.starts_with("digest")).unwrap().to_owned();
        let (before, rest) = text.split_once("<<<<<<< ").unwrap();
        let (_, after) = rest.split_once(">>>>>>> ").unwrap();
        let (_, after) = after.split_once('\n').unwrap();
        repository.0.write(LOCK, format!("{before}{digest}\n{after}"));
        let said = repository.0.run("check");
        assert_eq!(said.code, 3);
        assert!(
            said.err.contains("the lock is not as `cargo sharded-migrations lock` wrote it"),
            "{}",
            said.err
        );
        assert_eq!(repository.0.run("lock").code, 5);
    }

    // They are for different databases, so nothing is late.
    repository.git(&format!("checkout main -- {LOCK}"));
    assert_eq!(repository.0.run("lock").code, 0);
    assert_eq!(repository.0.run("check").code, 0);
}

#[test]
fn two_branches_with_the_same_number_are_told_so() {
    let repository = Repository::new();
    repository.add("main", "users/V3__a.sql", USERS);
    repository.add("other", "users/V3__b.sql", USERS);
    assert!(!repository.merge());
    repository.git(&format!("checkout main -- {LOCK}"));
    let said = repository.0.run("check");
    assert_eq!(said.code, 3);
    insta::assert_snapshot!(said.all());
    repository.0.rename("migrations/users/V3__b.sql", "migrations/users/V4__b.sql");
    assert_eq!(repository.0.run("lock").code, 0);
}

/// Each branch lets `new` find a version, and neither knows of the other.
#[test]
fn two_branches_that_begin_a_migration_are_told_which_one_is_renamed() {
    let repository = Repository::new();
    let begin = |branch: &str, name: &str| {
        repository.git(&format!("checkout --quiet {branch}"));
        let said = repository.0.run(&format!("new {name} --group users"));
        assert_eq!(said.code, 0, "{}", said.err);
        let file = format!("migrations/users/V3__{name}.sql");
        let text = repository.0.read(&file);
        repository.0.write(&file, format!("{text}CREATE TABLE {name} (id int);\n"));
        assert_eq!(repository.0.run("lock").code, 0);
        repository.commit(branch);
    };
    begin("main", "orders");
    begin("other", "invoices");
    assert!(!repository.merge(), "the lock is in conflict");
    let conflict = repository.0.run("check");
    assert!(conflict.err.contains("two branches have changed the lock"), "{}", conflict.err);
    assert!(
        conflict.err.contains("version 3 is used twice"),
        "also before that is settled: {}",
        conflict.err
    );

    repository.git(&format!("checkout main -- {LOCK}"));
    let said = repository.0.run("check");
    assert_eq!(said.code, 3);
    assert!(said.err.contains("`users/V3__orders.sql` is locked"), "{}", said.err);
    assert!(
        said.err.contains("rename `users/V3__invoices.sql`: give it a version above 3\n"),
        "{}",
        said.err
    );
    repository.0.rename("migrations/users/V3__invoices.sql", "migrations/users/V4__invoices.sql");
    assert_eq!(repository.0.run("lock").code, 0);
    let next = repository.0.run("new refunds --group users");
    assert!(next.out.starts_with("created migrations/users/V5__refunds.sql\n"), "{}", next.out);
}

/// Nothing is in conflict for git, and `check` finds it.
#[test]
fn without_a_lock_two_branches_show_themselves_in_the_check() {
    let project = Project::new();
    let repository = Repository(project);
    repository.git("init --quiet --initial-branch main");
    repository.commit("start");
    repository.git("branch other");
    for (branch, name) in [("main", "orders"), ("other", "invoices")] {
        repository.git(&format!("checkout --quiet {branch}"));
        assert_eq!(repository.0.run(&format!("new {name} --group users")).code, 0);
        let file = format!("migrations/users/V3__{name}.sql");
        let text = repository.0.read(&file);
        repository.0.write(&file, format!("{text}CREATE TABLE {name} (id int);\n"));
        assert_eq!(repository.0.run("check").code, 0);
        repository.commit(branch);
    }
    assert!(repository.merge());
    let said = repository.0.run("check");
    assert_eq!(said.code, 3);
    insta::assert_snapshot!(said.all());
}
