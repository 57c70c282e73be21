//! `down` and `redo`: migrations are taken back, and with `redo` applied again.

use sharded_migrations_core::{Back, Migrations, Version};

use super::args::{Options, Verb};
use super::consent::{Consent, ask};
use super::{apply, known, migrator, plan, print, warnings};
use crate::executor::Migrator;
use crate::exit_code;
use crate::reporter::count;
use crate::survey::Goal;

/// Shows what would be taken back, asks, and does it as far as that is wanted; the exit code. The error says what is
/// wrong with the command line.
pub(super) async fn down(
    verb: Verb,
    back: Back,
    options: &Options,
    migrations: &Migrations,
) -> Result<u8, String> {
    let consent = Consent::of(options, verb.name())?;
    if consent == Consent::DryRun && options.report.is_some() {
        return Err("`--report` is about what a run did, and `--dry-run` runs nothing".into());
    }
    if consent == Consent::Given && options.sql {
        return Err(
            "`--sql` shows what would be run, and `--yes` has it run: give `--dry-run` with it".into()
        );
    }
    if let Back::To(to) = back
        && to.get() > 0
    {
        known(migrations, to, "--to")?;
    }
    if consent != Consent::Given {
        let plan = warnings(migrator_of(options, migrations)?).plan_down(back).await;
        let code = plan::show(verb, &plan, options);
        let migrations = plan.survey.pending();
        if consent == Consent::DryRun || code != exit_code::DONE || migrations == 0 {
            return Ok(code);
        }
        let again = if verb == Verb::Redo { ", and apply it again" } else { "" };
        let question =
            format!("Take back {}{again}? What they made is lost.", count(migrations, "migration"));
        if !ask(question).await {
            return Ok(print("", "nothing is taken back\n", exit_code::REFUSED));
        }
    }
    let done = apply::run(migrator_of(options, migrations)?, migrations, options, Goal::Down(back)).await;
    let report = match done {
        Ok(report) => report,
        Err(code) => return Ok(code),
    };
    let newest: Option<Version> =
        report.databases.iter().flat_map(|database| &database.taken_back).map(|step| step.version).max();
    match newest {
        Some(newest) if verb == Verb::Redo && report.exit_code() == exit_code::DONE => {
            Ok(apply::apply(migrator_of(options, migrations)?.to(newest), migrations, options).await)
        }
        _ => Ok(report.exit_code()),
    }
}

/// `--to` says here what remains: it is no limit of what is applied.
fn migrator_of<'m>(options: &Options, migrations: &'m Migrations) -> Result<Migrator<'m>, String> {
    migrator(&Options { to: None, ..options.clone() }, migrations)
}
