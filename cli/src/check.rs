//! `check`: what the build would say.

use sharded_migrations_core::compile::{Examined, examine};

use crate::exit_code;
use crate::project::Project;
use crate::report::{Findings, count, tally};

pub(crate) fn run(project: &Project) -> Findings {
    let examined = project.read().map(|sources| examine(&sources));
    let Examined { set, diagnostics } =
        examined.unwrap_or_else(|diagnostics| Examined { set: None, diagnostics });
    let tally = tally(&diagnostics);
    let (code, result, failure) = match &set {
        Some(set) => {
            let migrations = count(set.migrations.len(), "migration");
            let databases = count(set.topology.primaries().count(), "database");
            (exit_code::DONE, format!("{migrations} for {databases}: {tally}"), None)
        }
        None => (exit_code::NO, String::new(), Some(tally)),
    };
    Findings { command: "check", diagnostics, product: None, result, failure, code }
}
