//! `cargo xtask layering`: dependencies between the crates go down only, and the core stays pure.

use std::process::ExitCode;

use serde_json::Value;

use crate::{cargo, output};

const CORE: &str = "sharded-migrations-core";

/// The crates from the bottom up. Each may depend on those of the rows below its own.
const LAYERS: [&[&str]; 4] = [
    &[CORE],
    &["sharded-migrations-macros", "sharded-migrations-build"],
    &["sharded-migrations"],
    &["cargo-sharded-migrations"],
];

/// What would bring a runtime, a driver or a command line into the core, and so into every build of
/// a user's crate.
const NOT_IN_CORE: [&str; 6] = ["clap", "futures", "refinery", "rusqlite", "tokio", "tokio-postgres"];

pub(crate) fn run() -> Result<ExitCode, String> {
    let tree = output(cargo().args(["tree", "--package", CORE, "--edges", "normal"]).args([
        "--all-features",
        "--prefix",
        "none",
    ]))?;
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata = serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let mut faults = forbidden_in_core(&tree);
    faults.extend(upward_arrows(&metadata));
    if faults.is_empty() {
        eprintln!("xtask: the layers hold");
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!("the layers are broken:\n  {}", faults.join("\n  ")))
}

/// Reads the output of `cargo tree --prefix none`: a line for each package, its name first.
fn forbidden_in_core(tree: &str) -> Vec<String> {
    NOT_IN_CORE
        .into_iter()
        .filter(|name| tree.lines().any(|line| line.split(' ').next() == Some(name)))
        .map(|name| {
            format!("{CORE} depends on {name}: `cargo tree -p {CORE} --all-features -i {name}` shows how")
        })
        .collect()
}

/// Finds dependencies from a lower layer to a higher or equal one. Dev-dependencies may point
/// anywhere: they are no part of what users build.
fn upward_arrows(metadata: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for package in entries(&metadata["packages"]) {
        let Some((name, layer)) = layer_of(package) else {
            continue;
        };
        for dependency in entries(&package["dependencies"]) {
            match layer_of(dependency) {
                Some((other, other_layer)) if other_layer >= layer && dependency["kind"] != "dev" => {
                    faults.push(format!("{name} depends on {other}, which is not below it"));
                }
                _ => {}
            }
        }
    }
    faults
}

fn entries(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn layer_of(package: &Value) -> Option<(&str, usize)> {
    let name = package["name"].as_str()?;
    let layer = LAYERS.iter().position(|layer| layer.contains(&name))?;
    Some((name, layer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Value {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        json!({ "name": name, "dependencies": dependencies })
    }

    #[test]
    fn arrows_that_go_down_are_fine() {
        let metadata = json!({ "packages": [
            package("sharded-migrations", &[(CORE, None), ("sharded-migrations-macros", None), ("tokio", None)]),
            package("sharded-migrations-macros", &[(CORE, None)]),
            package(CORE, &[("sharded-migrations", Some("dev"))]),
            package("sharded-migrations-tests", &[("sharded-migrations", None)]),
        ]});
        assert_eq!(upward_arrows(&metadata), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_up_or_across_is_named() {
        let metadata = json!({ "packages": [
            package(CORE, &[("sharded-migrations", Some("build"))]),
            package("sharded-migrations-macros", &[("sharded-migrations-build", None)]),
        ]});
        assert_eq!(
            upward_arrows(&metadata),
            [
                "sharded-migrations-core depends on sharded-migrations, which is not below it",
                "sharded-migrations-macros depends on sharded-migrations-build, which is not below it",
            ]
        );
    }

    #[test]
    fn a_driver_in_the_core_is_named_and_a_namesake_is_not() {
        let tree =
            "sharded-migrations-core v0.1.0 (/somewhere)\ntokio-util v0.7.0\ntokio-postgres v0.7.0 (*)\n";
        let faults = forbidden_in_core(tree);
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].contains("depends on tokio-postgres:"), "{faults:?}");
    }
}
