//! URLs of several servers, sockets, and ports at which something else answers.

use std::io::{Read, Write};
use std::net::TcpListener;

use sharded_migrations_tests::pgbouncer::{PgBouncer, PoolMode};
use sharded_migrations_tests::postgres::{Cluster, Options, psql, url};
use sharded_migrations_tests::wait_for;

use crate::support::fleet::run_at;
use crate::support::session::Session;
use crate::support::{Engine, TestFleet};

fn connect(url: &str) -> String {
    run_at(url, &[("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n")])
}

fn connects(url: &str) {
    let seen = connect(url);
    assert!(seen.starts_with("exit 0\none: done"), "{url}:\n{seen}");
}

fn fails(url: &str, parts: &[&str]) -> String {
    let seen = connect(url);
    for part in parts {
        assert!(seen.contains(part), "{url}: {part} is not in:\n{seen}");
    }
    assert!(!seen.contains("db error"), "{seen}");
    seen
}

/// The URL with other hosts.
fn at(url: &str, hosts: &str) -> String {
    let (start, rest) = url.split_once('@').unwrap();
    let (_, database) = rest.split_once('/').unwrap();
    match hosts.split_once('?') {
        Some((hosts, query)) => format!("{start}@{hosts}/{database}?{query}"),
        None => format!("{start}@{hosts}/{database}"),
    }
}

#[test]
fn a_server_that_is_down_is_passed_over() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let own = fleet.database("default").url();
    let port = Cluster::shared().port();
    connects(&at(&own, &format!("127.0.0.1:1,127.0.0.1:{port}")));
    connects(&at(&own, &format!("no-such-host.invalid,127.0.0.1:{port}")));
    for _ in 0..8 {
        connects(&at(&own, &format!("127.0.0.1:1,127.0.0.1:{port}?load_balance_hosts=random")));
    }
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap().port();
    connects(&at(&own, &format!("127.0.0.1:{silent},127.0.0.1:{port}?connect_timeout=1")));
    connects(&at(&own, &format!("a,b?hostaddr=127.0.0.1,127.0.0.1&port=1,{port}")));
}

#[test]
fn an_error_says_what_happened_at_each_server() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let database = fleet.database("default").postgres();
    let port = Cluster::shared().port();
    fails(
        &at(&database.url(), "127.0.0.1:1,no-such-host.invalid"),
        &[
            "none of the 2 servers in the URL can be used",
            "the server 127.0.0.1:1 cannot be reached",
            "Connection refused",
            "the server no-such-host.invalid:5432 cannot be reached: its name is not known",
        ],
    );
    // As for libpq, a server that is there and says no speaks for all.
    let wrong = database.url_with_user("nobody", "hunter2");
    let seen =
        fails(&at(&wrong, &format!("127.0.0.1:{port},127.0.0.1:1")), &["password authentication failed"]);
    assert!(!seen.contains("127.0.0.1:1 ") && !seen.contains("hunter2"), "{seen}");
    let tried =
        ["none of the 3 servers", "2 were tried, and the last of them speaks for all", "SQLSTATE 28P01"];
    fails(&at(&wrong, &format!("127.0.0.1:1,127.0.0.1:{port},127.0.0.1:2")), &tried);
}

#[test]
fn target_session_attrs_finds_the_primary() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let database = fleet.database("default").postgres();
    let port = Cluster::shared().port();
    let replica = database.replica_url();
    let replica = replica.split_once('@').unwrap().1.split_once('/').unwrap().0;
    let own = database.url();
    for attributes in ["primary", "read-write"] {
        let both = format!("{replica},127.0.0.1:{port}?target_session_attrs={attributes}");
        connects(&at(&own, &both));
        fails(
            &at(&own, &format!("{replica}?target_session_attrs={attributes}")),
            &["is a standby, and `target_session_attrs` asks for another", "name the primary"],
        );
    }
    // A primary may be one that takes no writes by itself.
    let role = Cluster::shared().create_role("reader");
    database.psql(&format!("ALTER ROLE {} SET default_transaction_read_only = on", role.name));
    let reader = database.url_with_user(&role.name, &role.password);
    fails(
        &format!("{reader}?target_session_attrs=read-write"),
        &["takes no writes, and `target_session_attrs`"],
    );
    // A pooler does not report all of that by itself.
    let pooler = PgBouncer::start(Cluster::shared(), PoolMode::Session);
    connects(&format!("{}?target_session_attrs=primary", pooler.url(database)));
    fails(
        &format!(
            "{}?target_session_attrs=read-write",
            pooler.url_with_user(database, &role.name, &role.password)
        ),
        &["takes no writes, and `target_session_attrs`"],
    );
}

#[test]
fn a_socket_connects_whatever_sslmode_says() {
    let cluster = Cluster::start(Options::default());
    let role = cluster.create_role("app");
    cluster.psql(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name));
    let folder = cluster.folder().unwrap().display().to_string();
    let own = url(&role.name, &role.password, cluster.port(), "postgres");
    let user = own.split_once('@').unwrap().0;
    let port = cluster.port();
    connects(&format!("{user}@/postgres?host={folder}&port={port}"));
    connects(&format!("{user}@{}:{port}/postgres?sslmode=require", folder.replace('/', "%2F")));
    fails(
        &format!("{user}@/postgres?host={folder}&port=1"),
        &[&format!("the server {folder}/.s.PGSQL.1 cannot be reached"), "the folder of its socket"],
    );
}

#[test]
fn what_a_server_says_no_with_comes_with_advice() {
    let fleet = TestFleet::of_one(Engine::Postgres);
    let database = fleet.database("default").postgres();
    let role = Cluster::shared().create_role("app");
    let own = database.url_with_user(&role.name, &role.password);
    database.psql(&format!("ALTER ROLE {} CONNECTION LIMIT 0", role.name));
    fails(&own, &["SQLSTATE 53300", "too many connections for role", "`--jobs`"]);
    let no_password = format!("postgres://app@{}", own.split_once('@').unwrap().1);
    fails(&no_password, &["asks for a password, and there is none", "PGPASSWORD"]);
    let pooler = PgBouncer::start(Cluster::shared(), PoolMode::Transaction);
    fails(
        &format!("{}?options=-c%20geqo%3Doff", pooler.url(database)),
        &["startup parameter", "a pooler takes no `options`"],
    );
}

#[test]
fn a_server_that_shuts_down_is_passed_over() {
    let cluster = Cluster::start(Options::default());
    let session = Session::new(&cluster.url());
    // It waits for the session, and lets in nobody else.
    cluster.psql("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; kill -TERM $(head -1 postmaster.pid)'");
    wait_for("the server to begin its shutdown", || {
        psql(&cluster.url(), "SELECT 1").is_err_and(|error| error.contains("shutting down")).then_some(())
    });
    fails(
        &cluster.url(),
        &["SQLSTATE 57P03", "the database system is shutting down", "wait until the server is up"],
    );
    let fleet = TestFleet::of_one(Engine::Postgres);
    let own = fleet.database("default").url();
    let (first, second) = (cluster.port(), Cluster::shared().port());
    connects(&at(&own, &format!("127.0.0.1:{first},127.0.0.1:{second}")));
    drop(session);
}

/// Answers every client with the same bytes, and goes on until the test ends.
fn answers(bytes: &'static [u8], is_greeting: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if !is_greeting {
                let _ = stream.read(&mut [0; 1024]);
            }
            let _ = stream.write_all(bytes);
        }
    });
    port
}

#[test]
fn a_port_of_something_else_is_said_so() {
    let http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".as_slice();
    let cases = [
        (answers(http, false), "it talks HTTP"),
        (answers(b"SSH-2.0-x\r\n", true), "its answer is not of PostgreSQL's protocol"),
        (answers(b"220 mail.example ESMTP\r\n", true), "its answer is not of PostgreSQL's protocol"),
        (answers(b"\x15\x03\x01\x00\x02\x02\x46", false), "it wants TLS before anything else"),
    ];
    for (port, what) in cases {
        for mode in ["disable", "prefer", "require"] {
            fails(
                &format!("postgres://app@127.0.0.1:{port}/x?sslmode={mode}&connect_timeout=2"),
                &[&format!("the server 127.0.0.1:{port} is not PostgreSQL: {what}"), "correct host and port"],
            );
        }
    }
}
