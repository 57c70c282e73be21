//! The databases that one run after the other is struck on.

use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use sharded_migrations_tests::postgres::{Cluster, TestDatabase};
use sharded_migrations_tests::project::Project;

use crate::eye::Eye;
use crate::set::{NAMES, project};

/// Four databases, and the files for them.
pub(crate) struct Lane {
    port: u16,
    project: Project,
    pub(crate) databases: Vec<TestDatabase>,
    pub(crate) eye: Eye,
}

impl Lane {
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let databases = NAMES.map(|name| cluster.create_database(name)).into_iter().collect::<Vec<_>>();
        let eye = Eye::new(cluster, &databases);
        Self { port: cluster.port(), project: project(), databases, eye }
    }

    /// After the server was killed.
    pub(crate) fn reconnect(&mut self, cluster: &Cluster) {
        self.eye = Eye::new(cluster, &self.databases);
    }

    /// Makes the databases empty.
    pub(crate) fn empty(&self) {
        (0..NAMES.len()).for_each(|database| self.eye.empty(database));
    }

    /// A run on the port of a proxy or of the server.
    pub(crate) fn spawn(&self, port: u16, to: Option<&str>) -> Child {
        self.spawn_verb("apply", port, to)
    }

    /// Any verb.
    pub(crate) fn spawn_verb(&self, verb: &str, port: u16, to: Option<&str>) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fleet"));
        command.env_clear().env("FLEET_PROJECT", self.project.path()).stdin(Stdio::null());
        // Whoever counts connections is to see none that come with the time.
        command.arg(format!("--migrate={verb}")).args([
            "--format",
            "json",
            "--jobs",
            "4",
            "--progress",
            "never",
        ]);
        if let Some(to) = to {
            command.args(["--to", to]);
        }
        if verb == "down" {
            command.arg("--yes");
        }
        for (name, database) in NAMES.iter().zip(&self.databases) {
            let url = database.url().replace(&format!(":{}/", self.port), &format!(":{port}/"));
            command.env(name, format!("{url}?sslmode=disable"));
        }
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// A run that nobody disturbs, which must end well.
    pub(crate) fn run(&self, to: Option<&str>) {
        must_end_well(self.spawn(self.port, to));
    }

    pub(crate) fn server(&self) -> u16 {
        self.port
    }

    /// What all databases hold when all is done.
    pub(crate) fn fingerprint(&self) -> Vec<String> {
        (0..NAMES.len()).map(|database| self.eye.fingerprint(database)).collect()
    }

    /// The same by other means: the schemas alone.
    pub(crate) fn dump(&self) -> Vec<String> {
        self.databases.iter().map(TestDatabase::dump_schema).collect()
    }

    /// What a run said to have done must be there, however it ended.
    pub(crate) fn assert_is_there(&self, output: &Output) {
        for (kind, is_there) in [("migration_applied", true), ("migration_taken_back", false)] {
            for (name, version) in events(kind, &output.stdout) {
                let database = NAMES.iter().position(|known| *known == name).unwrap();
                let applied = self.eye.applied(database);
                assert_eq!(
                    applied.contains(&version),
                    is_there,
                    "{version} on {name}: {kind}, and it has {applied:?}"
                );
            }
        }
    }
}

pub(crate) fn must_end_well(process: Child) {
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The migrations of which a run said that they are applied. A line that it did not end is none.
pub(crate) fn reported(stdout: &[u8]) -> Vec<(String, i64)> {
    events("migration_applied", stdout)
}

fn events(kind: &str, stdout: &[u8]) -> Vec<(String, i64)> {
    let text = String::from_utf8_lossy(stdout);
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event"] == kind)
        .map(|event| {
            let name = event["database"].as_str().unwrap().to_owned();
            (name, event["migration"]["version"].as_i64().unwrap())
        })
        .collect()
}
