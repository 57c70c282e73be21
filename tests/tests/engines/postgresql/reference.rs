//! The reference fleet of this repository, on real servers.

use std::fs;
use std::path::Path;
use std::process::Command;

use sharded_migrations::{Fleet, Migrations, Migrator, Selection};
use sharded_migrations_core::{compile::compile, project::Sources};
use sharded_migrations_tests::postgres::{Binaries, Cluster, Options, psql, url};

use crate::support::ending;
use crate::support::fleet::run;

const PASSWORD: &str = "sh@p/p:ss%";

/// Whether a file is for a database.
type Predicate = fn(&str) -> bool;

/// Each database, the value of its variable, and which files are for it: the folders, and the exceptions.
const DATABASES: [(&str, &str, Predicate); 7] = [
    ("default", "", |file| file.starts_with("default/") || is_everywhere(file) || file.contains("__outbox")),
    ("users_01", "1", is_european),
    ("users_02", "2", is_european),
    ("users_03", "3", is_american),
    ("users_04", "4", is_american),
    ("catalog_eu", "", |file| file.starts_with("catalog/") || is_everywhere(file)),
    ("catalog_us", "", |file| file.starts_with("catalog/") || is_everywhere(file)),
];

fn is_everywhere(file: &str) -> bool {
    file.starts_with("everywhere/")
}

fn is_european(file: &str) -> bool {
    file.starts_with("users/") || is_everywhere(file)
}

fn is_american(file: &str) -> bool {
    is_european(file) && !file.contains("erasure_requests")
}

/// The files of the folder that go forward: version, path below the folder, text.
fn files() -> Vec<(u32, String, String)> {
    let root = root().join("migrations");
    let mut files = Vec::new();
    for folder in ["default", "users", "catalog", "everywhere"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_forward = name.ends_with(".sql") && !name.ends_with(".down.sql");
            if is_forward {
                let version = name[1..].split("__").next().unwrap().parse().unwrap();
                let text = fs::read_to_string(root.join(folder).join(&name)).unwrap();
                files.push((version, format!("{folder}/{name}"), text));
            }
        }
    }
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn set() -> Migrations {
    let (migrations, databases) = (root().join("migrations"), root().join("databases.toml"));
    let sources = Sources::read(&migrations, &databases, |path| path.display().to_string()).unwrap();
    compile(&sources).unwrap()
}

fn dump(url: &str) -> String {
    let mut command = Command::new(Binaries::find().unwrap().path("pg_dump"));
    let output = command
        .env_clear()
        .args(["--schema-only", "--exclude-table=sharded_migrations_history", "-d", url])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let is_stable = |line: &&str| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ");
    text.lines().filter(is_stable).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_reference_fleet_is_what_its_files_make_of_it_one_by_one() {
    let cluster = Cluster::start(Options::default());
    cluster.psql(&format!("CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'"));
    let url = |database: &str| url("shop", PASSWORD, cluster.port(), database);
    let files = files();
    for (name, shard, is_for) in DATABASES {
        cluster.psql(&format!(
            "CREATE DATABASE shop_{name} OWNER shop; CREATE DATABASE by_hand_{name} OWNER shop"
        ));
        let texts = files
            .iter()
            .filter(|(_, path, _)| is_for(path))
            .map(|(.., text)| text.replace("${shard_id}", shard));
        psql(&url(&format!("by_hand_{name}")), &texts.collect::<Vec<_>>().join("\n;\n")).unwrap();
    }

    let set = set();
    let fleet = || {
        Fleet::select_with(&set, &Selection::default(), |variable| match variable {
            "SHOP_PASSWORD" => Some(PASSWORD.into()),
            "SHOP_PORT" => Some(cluster.port().to_string()),
            _ => None,
        })
        .unwrap()
    };
    let versions = |is_for: Predicate| {
        let routed = files.iter().filter(|(_, path, _)| is_for(path));
        routed.map(|(version, ..)| version.to_string()).collect::<Vec<_>>()
    };
    let mut fresh = "exit 0".to_owned();
    let mut again = "exit 0".to_owned();
    for (name, _, is_for) in DATABASES {
        let versions = versions(is_for);
        fresh += &format!("\n{name}: done {}, 0 before", versions.join(" "));
        again += &format!("\n{name}: done, {} before", versions.len());
    }
    assert_eq!(ending(&run(&Migrator::new(&set, fleet()))), fresh);
    assert_eq!(ending(&run(&Migrator::new(&set, fleet()))), again);

    for (name, _, is_for) in DATABASES {
        let history =
            psql(&url(&format!("shop_{name}")), "SELECT version FROM sharded_migrations_history ORDER BY 1");
        assert_eq!(history.unwrap().lines().collect::<Vec<_>>(), versions(is_for), "{name}");
        let [ours, by_hand] = ["shop", "by_hand"].map(|kind| dump(&url(&format!("{kind}_{name}"))));
        assert!(ours.contains("CREATE TABLE public.audit_log"), "{ours}");
        assert_eq!(ours, by_hand, "{name}");
    }
}
