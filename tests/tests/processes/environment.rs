//! What libpq's variables and files add to a URL.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sharded_migrations_tests::postgres::{Authority, Cluster, Options, Signature, TestRole};
use sharded_migrations_tests::project::Project;
use tempfile::TempDir;

use crate::program::{end, program};

const FILE: &str = "-- #[route(everywhere)]\nCREATE TABLE seen AS SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid();\n";

/// A server with TLS, a role there, and the home of somebody who connects to it.
struct Place {
    authority: Authority,
    cluster: Cluster,
    role: TestRole,
    home: TempDir,
    project: Project,
}

impl Place {
    fn new() -> Self {
        let authority = Authority::new("ours", Signature::Sha256);
        let cluster = Cluster::start(Options::default().tls(&authority.server(&["localhost"])));
        let role = cluster.create_role("app");
        cluster.psql(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name));
        let project =
            Project::new().databases_toml("[databases.one]\nurl = \"${ONE}\"\n").file("V1__seen.sql", FILE);
        Self { authority, cluster, role, home: TempDir::new().unwrap(), project }
    }

    /// The program on one URL.
    fn on(&self, url: &str) -> Command {
        let mut command = program("--migrate");
        command.env("FLEET_PROJECT", self.project.path()).env("HOME", self.home.path()).env("ONE", url);
        command
    }

    /// Runs it, and asks the migration itself how it came there: `t` with TLS, `f` in the clear; else
    /// what the program says.
    fn connect(&self, command: &mut Command) -> String {
        let (code, out, err) = end(command);
        assert!(!format!("{out}{err}").contains(&self.role.password), "{out}{err}");
        if code == 0 {
            let seen = self.cluster.psql("SELECT ssl FROM seen");
            self.cluster.psql("DROP TABLE seen, sharded_migrations_history");
            return seen;
        }
        err
    }

    fn write(&self, file: &str, text: &str, mode: u32) {
        let path = self.home.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    }
}

#[test]
fn the_environment_says_what_the_url_does_not() {
    let place = Place::new();
    let (role, port) = (&place.role, place.cluster.port().to_string());
    let variables = [
        ("PGHOST", "localhost"),
        ("PGPORT", &port),
        ("PGUSER", &role.name),
        ("PGPASSWORD", &role.password),
        ("PGDATABASE", "postgres"),
        ("PGSSLMODE", "disable"),
    ];
    assert_eq!(place.connect(place.on("postgres://").envs(variables)), "f");
    assert_eq!(place.connect(place.on("postgres:///?sslmode=require").envs(variables)), "t", "the URL wins");
    let wrong = place.connect(place.on("postgres://localhost:1").envs(variables));
    assert!(wrong.contains("the server localhost:1 cannot be reached"), "{wrong}");
    let demand = place.connect(place.on("postgres://").envs(variables).env("PGREQUIREAUTH", "scram-sha-256"));
    assert!(demand.contains("PGREQUIREAUTH in the environment asks for something"), "{demand}");
    let wrong = place.connect(place.on("postgres://").envs(variables).env("PGSSLMODE", "yes"));
    assert!(wrong.contains("PGSSLMODE in the environment has a value"), "{wrong}");
}

#[test]
fn the_password_file_is_used_when_it_is_the_users_alone() {
    let place = Place::new();
    let TestRole { name, password } = &place.role;
    let port = place.cluster.port();
    let url = format!("postgres://{name}@localhost:{port}/postgres?sslmode=disable");
    let none = place.connect(&mut place.on(&url));
    assert!(none.contains("asks for a password, and there is none"), "{none}");

    let line = format!("# ours\nlocalhost:1:*:*:wrong\nlocalhost:{port}:postgres:{name}:{password}\n");
    place.write(".pgpass", &line, 0o600);
    assert_eq!(place.connect(&mut place.on(&url)), "f");
    let url_wins = place.connect(&mut place.on(&url.replace('@', ":wrong@")));
    assert!(url_wins.contains("password authentication failed"), "{url_wins}");

    place.write(".pgpass", &line, 0o640);
    let open = place.connect(&mut place.on(&url));
    for part in ["asks for a password", "/.pgpass is not used: others than its owner", "chmod 600"] {
        assert!(open.contains(part), "{open}");
    }

    place.write(".pgpass", "*:*:other:*:x\n", 0o600);
    let no_line = place.connect(&mut place.on(&url));
    assert!(no_line.contains(&format!("has no line for localhost:{port}:postgres:{name}")), "{no_line}");

    place.write("elsewhere", "*:*:*:*:wrong\n", 0o600);
    let elsewhere = place.home.path().join("elsewhere");
    let wrong = place.connect(place.on(&url).env("PGPASSFILE", &elsewhere));
    assert!(wrong.contains("password authentication failed"), "{wrong}");
    assert!(wrong.contains(&format!("the one in line 1 of {}", elsewhere.display())), "{wrong}");
}

#[test]
fn the_users_root_certificate_is_what_servers_are_checked_against() {
    let place = Place::new();
    let TestRole { name, password } = &place.role;
    let password = password.replace(' ', "%20");
    let url = |mode| {
        format!("postgres://{name}:{password}@localhost:{}/postgres?sslmode={mode}", place.cluster.port())
    };
    let none = place.connect(&mut place.on(&url("verify-full")));
    assert!(none.contains("/.postgresql/root.crt either"), "{none}");
    assert_eq!(place.connect(&mut place.on(&url("require"))), "t", "there is nothing to check against");

    place.write(".postgresql/root.crt", place.authority.pem(), 0o644);
    assert_eq!(place.connect(&mut place.on(&url("verify-full"))), "t");
    // The system's own, as its variables have it; without a mode it is the strictest.
    let system = url("verify-full").replace("sslmode=verify-full", "sslrootcert=system");
    let root = place.home.path().join(".postgresql/root.crt");
    assert_eq!(place.connect(place.on(&system).env("SSL_CERT_FILE", &root)), "t");
    let by_address = system.replace("localhost", "127.0.0.1");
    let refused = place.connect(place.on(&by_address).env("SSL_CERT_FILE", &root));
    assert!(refused.contains("is not for the name 127.0.0.1"), "{refused}");

    // A root that is there is used, also where nobody asks for it: as libpq does it.
    place.write(".postgresql/root.crt", Authority::new("other", Signature::Sha256).pem(), 0o644);
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        let refused = place.connect(&mut place.on(&url(mode)));
        assert!(refused.contains("is not signed by a CA of "), "{mode}: {refused}");
    }
}
