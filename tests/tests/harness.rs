//! The harness itself: that what it starts works, and that nothing of it stays behind.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sharded_migrations_tests::pgbouncer::{PgBouncer, PoolMode};
use sharded_migrations_tests::postgres::{Cluster, Options, TestDatabase, psql};
use sharded_migrations_tests::sqlite::SqliteFolder;
use sharded_migrations_tests::wait_for;

fn exists(name: &str) -> bool {
    Cluster::shared().psql(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")) == "1"
}

#[test]
fn a_database_is_its_own_and_goes_with_its_value() {
    let cluster = Cluster::shared();
    let first = cluster.create_database("users-01");
    let second = cluster.create_database("users-01");
    first.psql("CREATE TABLE account (id bigint); INSERT INTO account VALUES (1), (2)");
    assert_eq!(first.psql("SELECT id, id + 1 FROM account ORDER BY id"), "1|2\n2|3");
    assert_eq!(second.psql("SELECT to_regclass('account') IS NULL"), "t");

    let copy = cluster.create_database_from("copy", &first);
    assert_eq!(copy.psql("SELECT count(*) FROM account"), "2");

    let name = first.name().to_owned();
    assert!(exists(&name));
    drop(first);
    assert!(!exists(&name));
}

#[test]
fn an_error_of_the_server_reaches_the_test() {
    let database = Cluster::shared().create_database("errors");
    let error = database.try_psql("SELECT 1; SELECT 1 / 0; CREATE TABLE never (id int)").unwrap_err();
    assert!(error.contains("ERROR:  division by zero"), "{error}");
    assert_eq!(database.psql("SELECT to_regclass('never') IS NULL"), "t");
}

#[test]
fn a_big_script_and_a_big_answer_do_not_wait_for_each_other() {
    let database = Cluster::shared().create_database("big");
    let script = "SELECT repeat('x', 1000);\n".repeat(2_000);
    assert_eq!(database.psql(&script).lines().count(), 2_000);
}

#[test]
fn dumps_of_equal_schemas_are_equal() {
    let cluster = Cluster::shared();
    let [first, second] = ["first", "second"].map(|hint| cluster.create_database(hint));
    let schema = "CREATE TABLE account (id bigint PRIMARY KEY); CREATE VIEW ids AS SELECT id FROM account;";
    first.psql(schema);
    second.psql(schema);
    second.psql("CREATE TABLE my_history (version bigint)");
    assert!(first.dump_schema().contains("CREATE TABLE public.account"));
    assert_eq!(first.dump_schema(), second.dump_schema_without("*_history"));
    assert_ne!(first.dump_schema(), second.dump_schema());
}

#[test]
fn a_role_may_log_in_and_no_more() {
    let cluster = Cluster::shared();
    let database = cluster.create_database("rights");
    let role = cluster.create_role("app");
    let url = database.url_with_user(&role.name, &role.password);
    assert_eq!(psql(&url, "SELECT current_user"), Ok(role.name.clone()));
    let error = psql(&url, "CREATE TABLE t (id int)").unwrap_err();
    assert!(error.contains("permission denied for schema public"), "{error}");
    let error = psql(&database.url_with_user(&role.name, "wrong"), "SELECT 1").unwrap_err();
    assert!(error.contains("password authentication failed"), "{error}");
}

#[test]
fn the_replica_shows_what_the_primary_committed() {
    let database = Cluster::shared().create_database("replicated");
    for round in 1..=20 {
        // An asynchronous commit is the harder case: it is not flushed when the client hears of it.
        database.psql(&format!(
            "SET synchronous_commit = off; CREATE TABLE t{round} (id int); INSERT INTO t{round} VALUES ({round})"
        ));
        let seen = psql(&database.replica_url(), &format!("SELECT id, pg_is_in_recovery() FROM t{round}"));
        assert_eq!(seen, Ok(format!("{round}|t")));
    }
}

#[test]
fn a_crashed_cluster_comes_back_on_its_port_with_what_was_committed() {
    let mut cluster = Cluster::start(Options::default().fsync(true).setting("work_mem", "1234kB"));
    let database = cluster.create_database("crash");
    assert_eq!(database.psql("SHOW fsync; SHOW work_mem; SHOW listen_addresses"), "on\n1234kB\n127.0.0.1");
    database.psql("CREATE TABLE account (id bigint); INSERT INTO account VALUES (7)");
    database.psql("SELECT 1");
    let replica_url = database.replica_url();

    cluster.stop_immediate();
    assert!(database.try_psql("SELECT 1").is_err());
    for _ in 0..3 {
        cluster.restart();
        assert_eq!(database.psql("SELECT id FROM account"), "7");
    }
    // The replica finds it again by itself.
    database.psql("INSERT INTO account VALUES (8)");
    assert_eq!(database.replica_url(), replica_url);
    assert_eq!(psql(&replica_url, "SELECT count(*) FROM account"), Ok("2".to_owned()));

    let folder = cluster.folder().unwrap().to_owned();
    assert!(folder.exists());
    drop(cluster);
    assert!(!folder.exists());
    drop(database);
}

#[test]
fn pgbouncer_pools_as_it_was_told() {
    let cluster = Cluster::shared();
    let database = cluster.create_database("pooled");
    let role = cluster.create_role("app");
    for (mode, name) in [(PoolMode::Transaction, "transaction"), (PoolMode::Session, "session")] {
        let pool = PgBouncer::start(cluster, mode);
        assert_eq!(pool_mode(&pool, &database), name);
        // Roles that were made without its knowledge get through too.
        let url = pool.url_with_user(&database, &role.name, &role.password);
        assert_eq!(psql(&url, "SELECT current_user"), Ok(role.name.clone()));
        assert!(psql(&pool.url_with_user(&database, &role.name, "wrong"), "SELECT 1").is_err());
    }
}

fn pool_mode(pool: &PgBouncer, database: &TestDatabase) -> String {
    let url = pool.url(database);
    psql(&url, "SELECT 1").unwrap();
    let pools = psql(&url.replace(database.name(), "pgbouncer"), "SHOW POOLS").unwrap();
    let row = pools.lines().find(|row| row.starts_with(database.name())).unwrap();
    row.rsplit('|').next().unwrap().to_owned()
}

#[test]
fn sqlite_urls_are_of_files_in_a_folder_of_their_own() {
    let folder = SqliteFolder::new();
    let urls = folder.urls("users", 2);
    assert_eq!(urls, [folder.url("users_01"), folder.url("users_02")]);
    assert_eq!(urls[0], format!("sqlite:{}", folder.path("users_01").display()));
    assert!(folder.path("users_01").parent().unwrap().is_dir());
}

const KILLED: &str = "SHARDED_MIGRATIONS_TEST_KILLED";

/// Runs itself in a process of its own, kills that as nothing can be caught, and looks for what is
/// left of it.
#[test]
fn nothing_is_left_of_a_killed_process() {
    if std::env::var_os(KILLED).is_some() {
        return killed_process();
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "nothing_is_left_of_a_killed_process", "--nocapture"])
        .env(KILLED, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut lines = output.lines().map(Result::unwrap);
    let folder = lines.find_map(|line| Some(line.strip_prefix("folder ")?.to_owned()));
    let folder = PathBuf::from(folder.unwrap());
    let ports = lines.find_map(|line| Some(line.strip_prefix("ports ")?.to_owned())).unwrap();
    let ports: Vec<&str> = ports.split(' ').collect();
    let listens = |port: &str| TcpStream::connect(format!("127.0.0.1:{port}")).is_ok();
    assert_eq!(ports.len(), 3);
    assert!(folder.exists() && ports.iter().all(|port| listens(port)));

    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("the servers and the folder to go", || {
        (!folder.exists() && !ports.iter().any(|port| listens(port))).then_some(())
    });
}

#[allow(clippy::print_stdout, reason = "the test that runs it reads this")]
fn killed_process() {
    let cluster = Cluster::start(Options::default());
    let pool = PgBouncer::start(&cluster, PoolMode::Session);
    println!("\nfolder {}", cluster.folder().unwrap().display());
    println!("ports {} {} {}", cluster.port(), cluster.replica().port(), pool.port());
    // Until it is killed, or who should have killed it is gone.
    let _ = std::io::stdin().read_line(&mut String::new());
}
