//! TLS, with servers and certificates of every kind: seen from the server's side.

use std::fs;

use sharded_migrations_tests::postgres::{
    Authority, Certificate, Cluster, Options, Signature, TestRole, url,
};
use tempfile::TempDir;

use crate::support::fleet::run_at;

/// A server, and a role that can migrate its database `postgres`.
struct Server {
    cluster: Cluster,
    role: TestRole,
}

impl Server {
    fn start(options: Options) -> Self {
        let cluster = Cluster::start(options);
        let role = cluster.create_role("app");
        cluster.psql(&format!("GRANT CREATE ON SCHEMA public TO {}", role.name));
        Self { cluster, role }
    }

    /// The role's URL, by the name that the certificates are for.
    fn url(&self, query: &str) -> String {
        let url = url(&self.role.name, &self.role.password, self.cluster.port(), "postgres");
        format!("{}?{query}", url.replace("127.0.0.1", "localhost"))
    }

    /// Migrates, and asks the migration itself how it came there: `TLS`, or `clear`; else the error.
    fn connect(&self, query: &str) -> String {
        let seen = connect(&self.url(query));
        if seen == "exit 0\none: done 1, 0 before" {
            let seen = self.cluster.psql("SELECT CASE WHEN ssl THEN 'TLS' ELSE 'clear' END FROM seen");
            self.cluster.psql("DROP TABLE seen, sharded_migrations_history");
            return seen;
        }
        seen
    }
}

fn connect(url: &str) -> String {
    let seen = "-- #[route(everywhere)]\n\
                CREATE TABLE seen AS SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid();\n";
    run_at(url, &[("V1__seen.sql", seen)])
}

/// Files for clients.
fn files(authorities: &[(&str, &Authority)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, authority) in authorities {
        fs::write(folder.path().join(name), authority.pem()).unwrap();
    }
    folder
}

/// Expects a word for how it connects, or the parts of an error.
fn check(server: &Server, query: &str, expected: &[&str]) {
    let seen = server.connect(query);
    match expected {
        [how @ ("TLS" | "clear")] => assert_eq!(seen, *how, "{query}"),
        parts => {
            assert!(!seen.contains(&server.role.password), "{query}:\n{seen}");
            for part in parts {
                assert!(seen.contains(part), "{query}: {part} is not in:\n{seen}");
            }
        }
    }
}

#[test]
fn each_sslmode_connects_to_each_server_as_libpq_does_or_says_why_not() {
    let ours = Authority::new("ours", Signature::Sha256);
    let other = Authority::new("other", Signature::Sha256);
    let folder = files(&[("ours.crt", &ours), ("other.crt", &other)]);
    let root = |name: &str| format!("sslrootcert={}/{name}.crt", folder.path().display());
    let (ours_file, other_file) = (root("ours"), root("other"));
    let (ours_file, other_file) = (ours_file.as_str(), other_file.as_str());

    let plain = Server::start(Options::default());
    let good = Server::start(Options::default().tls(&ours.server(&["localhost"])));
    let misnamed = Server::start(Options::default().tls(&ours.server(&["db01.internal"])));
    let expired = Server::start(Options::default().tls(&ours.expired(&["localhost"])));

    let no_tls = |mode: &str| format!("speaks no TLS, and `sslmode={mode}` insists on it");
    let unknown = ["is not signed by a CA of ", "other.crt", "let `sslrootcert` name"];
    let is_expired = ["the certificate of the server localhost:", " is expired", "give the server a new one"];
    let misnamed_error = [
        "is not for the name localhost",
        "db01.internal",
        "`sslmode=verify-ca`, which does not look at names",
    ];
    let no_root = ["needs the certificate of a CA", "let `sslrootcert` name its file"];

    let cases: &[(&Server, &str, &str, &[&str])] = &[
        (&plain, "disable", "", &["clear"]),
        (&plain, "allow", "", &["clear"]),
        (&plain, "prefer", "", &["clear"]),
        (&plain, "prefer", ours_file, &["clear"]),
        (&plain, "require", "", &[&no_tls("require"), "no connection is made in the clear"]),
        (&plain, "verify-ca", ours_file, &[&no_tls("verify-ca")]),
        (&plain, "verify-full", ours_file, &[&no_tls("verify-full")]),
        (&good, "disable", "", &["clear"]),
        (&good, "allow", "", &["clear"]),
        (&good, "prefer", "", &["TLS"]),
        (&good, "require", "", &["TLS"]),
        (&good, "require", ours_file, &["TLS"]),
        (&good, "verify-ca", "", &no_root),
        (&good, "verify-full", "", &no_root),
        (&good, "verify-ca", ours_file, &["TLS"]),
        (&good, "verify-full", ours_file, &["TLS"]),
        // Of a certificate that is wrong nothing but `sslmode=disable` makes a connection in the clear.
        (&good, "prefer", other_file, &unknown),
        (&good, "require", other_file, &unknown),
        (&good, "verify-ca", other_file, &unknown),
        (&good, "verify-full", other_file, &unknown),
        (&misnamed, "prefer", "", &["TLS"]),
        (&misnamed, "require", ours_file, &["TLS"]),
        (&misnamed, "verify-ca", ours_file, &["TLS"]),
        (&misnamed, "verify-full", ours_file, &misnamed_error),
        (&expired, "prefer", "", &["TLS"]),
        (&expired, "require", "", &["TLS"]),
        (&expired, "require", ours_file, &is_expired),
        (&expired, "verify-ca", ours_file, &is_expired),
        (&expired, "verify-full", ours_file, &is_expired),
    ];
    for (server, mode, root, expected) in cases {
        check(server, &format!("sslmode={mode}&{root}"), expected);
    }
    check(&good, "", &["TLS"]);
    if good.cluster.psql("SELECT current_setting('server_version_num')::int < 170000") == "t" {
        let direct = ["the TLS handshake with the server localhost:", "a server before PostgreSQL 17"];
        check(&good, "sslmode=require&sslnegotiation=direct", &direct);
    } else {
        check(&good, "sslmode=require&sslnegotiation=direct", &["TLS"]);
    }
    check(&plain, "", &["clear"]);
    // The name is what the certificate is compared with, the address is where it is.
    let renamed = misnamed.url(&format!("sslmode=verify-full&{ours_file}&hostaddr=127.0.0.1"));
    let renamed = renamed.replace("localhost", "db01.internal");
    assert_eq!(connect(&renamed), "exit 0\none: done 1, 0 before");
    // A public CA did not sign any of these.
    check(&good, "sslrootcert=system", &["is not signed by a CA that the system trusts"]);
}

#[test]
fn a_certificate_as_the_manual_makes_one_is_trusted_by_itself_and_by_its_common_name() {
    let own = Certificate::self_signed("localhost");
    let folder = TempDir::new().unwrap();
    own.write(folder.path(), "server");
    let file = format!("sslrootcert={}/server.crt", folder.path().display());
    let server = Server::start(Options::default().tls(&own));
    check(&server, &format!("sslmode=verify-full&{file}"), &["TLS"]);
    let by_address = server.url(&format!("sslmode=verify-full&{file}")).replace("localhost", "127.0.0.1");
    assert!(connect(&by_address).contains("is not for the name 127.0.0.1"), "{by_address}");
    // Another one of the same name is not the one that is trusted.
    let imposter = Server::start(Options::default().tls(&Certificate::self_signed("localhost")));
    check(&imposter, &format!("sslmode=verify-full&{file}"), &["cannot be accepted", "certificate"]);
    let ours = Authority::new("ours", Signature::Sha256);
    fs::write(folder.path().join("ours.crt"), ours.pem()).unwrap();
    let server = Server::start(Options::default().tls(&ours.with_common_name("localhost")));
    let file = format!("sslrootcert={}/ours.crt", folder.path().display());
    check(&server, &format!("sslmode=verify-full&{file}"), &["TLS"]);
}

#[test]
fn channel_binding_is_used_where_the_certificate_has_a_hash_for_it() {
    for (signature, binds) in
        [(Signature::Sha256, true), (Signature::Sha384, true), (Signature::Ed25519, false)]
    {
        let authority = Authority::new("ours", signature);
        let server = Server::start(Options::default().tls(&authority.server(&["localhost"])));
        check(&server, "sslmode=require", &["TLS"]);
        check(&server, "sslmode=require&channel_binding=disable", &["TLS"]);
        let refused = ["does not bind the password to the TLS connection", "signed with RSA or ECDSA"];
        let expected: &[&str] = if binds { &["TLS"] } else { &refused };
        check(&server, "sslmode=require&channel_binding=require", expected);
        check(&server, "sslmode=disable&channel_binding=require", &refused[..1]);
    }
}

#[test]
fn a_client_certificate_is_shown_to_a_server_that_wants_one() {
    let ours = Authority::new("ours", Signature::Sha256);
    let clients = Authority::new("clients", Signature::Sha256);
    let others = Authority::new("others", Signature::Sha256);
    let access = "local all all scram-sha-256\n\
                  host all postgres all scram-sha-256\n\
                  hostssl all all all scram-sha-256 clientcert=verify-full\n";
    let options =
        Options::default().tls(&ours.server(&["localhost"])).client_authority(&clients).access(access);
    let server = Server::start(options);
    let folder = files(&[("ours.crt", &ours)]);
    let path = folder.path();
    clients.with_common_name(&server.role.name).write(path, "own");
    clients.with_common_name("somebody").write(path, "somebody");
    others.with_common_name(&server.role.name).write(path, "foreign");
    let query = |certificate: &str, key: &str| {
        let path = path.display();
        format!(
            "sslmode=verify-full&sslrootcert={path}/ours.crt&sslcert={path}/{certificate}.crt&sslkey={path}/{key}.key"
        )
    };
    check(&server, &query("own", "own"), &["TLS"]);
    check(
        &server,
        "sslmode=require",
        &["connection requires a valid client certificate", "let `sslcert` and `sslkey` name"],
    );
    check(&server, &query("somebody", "somebody"), &["that the common name of the client's certificate"]);
    check(&server, &query("foreign", "foreign"), &["does not take the client's certificate", "ssl_ca_file"]);
    check(&server, &query("own", "somebody"), &["cannot be used as a client certificate"]);
    // pg_hba.conf has no line for who comes in the clear; `allow` comes again with TLS.
    check(
        &server,
        "sslmode=disable",
        &["pg_hba.conf", "if the server wants TLS here, use `sslmode=require`"],
    );
    check(&server, &query("own", "own").replace("verify-full", "allow"), &["TLS"]);
}
