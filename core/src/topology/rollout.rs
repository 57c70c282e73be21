//! `[rollout]`: how a run goes over the fleet.

use std::time::Duration;

use super::Database;
use super::table::Table;
use crate::rollout::{OnFailure, Rollout, Share};
use crate::source::Spanned;
use crate::{DatabaseName, Diagnostic, List, duration, suggest};

const KEYS: [&str; 8] =
    ["canary", "waves", "concurrency", "per_server", "pause", "check", "max_failures", "on_failure"];

/// Reads the table. Where the databases could not all be read, a name may be one of those.
pub(super) fn read(
    root: &Table<'_>,
    databases: &[Database],
    is_whole: bool,
    faults: &mut Vec<Diagnostic>,
) -> Rollout {
    let Some(table) = root.table("rollout", faults) else { return Rollout::DEFAULT };
    table.refuse_others(&KEYS, faults);
    Rollout {
        canary: canary(&table, databases, is_whole, faults),
        waves: waves(&table, faults),
        concurrency: table.number("concurrency", 1, faults).unwrap_or(Rollout::CONCURRENCY),
        per_server: table.number("per_server", 1, faults),
        pause: pause(&table, faults),
        on_failure: on_failure(&table, faults),
        check: table.text("check", faults).map(|check| check.value.into()),
    }
}

fn canary(
    table: &Table<'_>,
    databases: &[Database],
    is_whole: bool,
    faults: &mut Vec<Diagnostic>,
) -> List<DatabaseName> {
    let mut canary: Vec<DatabaseName> = Vec::new();
    for written in table.texts("canary", faults) {
        let primaries = || databases.iter().filter(|database| !database.is_replica());
        let name = primaries().map(|database| &database.name).find(|name| name.as_str() == written.value);
        match name {
            Some(name) if canary.contains(name) => {
                faults.push(table.fault(format!("the canary `{name}` is named twice"), &written.span));
            }
            Some(name) => canary.push(name.clone()),
            None if is_whole => {
                let names = primaries().map(|database| database.name.as_str());
                let message = format!("no database that is migrated is called `{}`", written.value);
                let help = suggest::help(&written.value, "databases", names);
                faults.push(table.fault(message, &written.span).help(help));
            }
            None => {}
        }
    }
    canary.into()
}

fn waves(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> List<Share> {
    let mut waves: Vec<Share> = Vec::new();
    for Spanned { value, span } in table.texts("waves", faults) {
        match value.parse() {
            Err(message) => faults.push(table.fault(message, &span)),
            Ok(share) if waves.last().is_some_and(|before| is_less(share, *before)) => {
                let message = format!("the wave of {share} ends before the one in front of it");
                let help = "each counts from the start of the rollout: `waves = [1, \"10%\", \"100%\"]`";
                faults.push(table.fault(message, &span).help(help));
            }
            Ok(share) => waves.push(share),
        }
    }
    waves.into()
}

/// A number and a percentage cannot be compared before the fleet is known.
fn is_less(one: Share, before: Share) -> bool {
    match (one, before) {
        (Share::Databases(one), Share::Databases(before)) | (Share::Percent(one), Share::Percent(before)) => {
            one <= before
        }
        _ => false,
    }
}

fn pause(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> Duration {
    let written = table.text("pause", faults);
    let pause = written.map(|Spanned { value, span }| {
        duration::parse(&value).map_err(|message| faults.push(table.fault(message, &span)))
    });
    pause.and_then(Result::ok).unwrap_or_default()
}

fn on_failure(table: &Table<'_>, faults: &mut Vec<Diagnostic>) -> OnFailure {
    let most = table.number("max_failures", 0, faults);
    let Some(Spanned { value, span }) = table.text("on_failure", faults) else {
        return OnFailure::StopAbove(most.unwrap_or(0));
    };
    match (value.as_str(), most) {
        ("stop", most) => return OnFailure::StopAbove(most.unwrap_or(0)),
        ("continue", None) => return OnFailure::Continue,
        ("continue", Some(_)) => faults.push(
            table
                .fault("`on_failure = \"continue\"` never stops, and `max_failures` says when to", &span)
                .help("keep one of the two"),
        ),
        (other, _) => {
            faults.push(
                table
                    .fault(format!("`{other}` is nothing to do after a failure"), &span)
                    .help(suggest::help(other, "possible values", ["stop", "continue"])),
            )
        }
    }
    OnFailure::StopAbove(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagnostic::Style;
    use crate::source::SourceFile;
    use crate::topology::read::read;

    const FLEET: &str = "[databases.\"users_{1..3}\"]\nurl = \"sqlite:{1..3}\"\n[databases.r]\n\
                         replica_of = \"users_1\"\nurl = \"sqlite:r\"\n[rollout]\n";

    fn rollout(lines: &str) -> (Rollout, Vec<Diagnostic>) {
        let source = SourceFile { path: "databases.toml".into(), text: format!("{FLEET}{lines}") };
        let mut faults = Vec::new();
        let file = read(&Arc::new(source), &mut faults).unwrap();
        (file.topology.rollout, faults)
    }

    #[test]
    fn all_there_is_to_say() {
        let (read, faults) = rollout(
            "canary = [\"users_2\"]\nwaves = [1, \"10%\", \"100%\"]\nconcurrency = 8\nper_server = 2\n\
             pause = \"1min\"\nmax_failures = 3\ncheck = \"./smoke-test\"\n",
        );
        assert_eq!(faults, []);
        let expected = Rollout {
            canary: vec![DatabaseName::embedded("users_2")].into(),
            waves: vec![Share::Databases(1), Share::Percent(10), Share::Percent(100)].into(),
            concurrency: 8,
            per_server: Some(2),
            pause: Duration::from_secs(60),
            on_failure: OnFailure::StopAbove(3),
            check: Some("./smoke-test".into()),
        };
        assert_eq!(read, expected);
        assert_eq!(rollout("").0, Rollout::DEFAULT);
        assert_eq!(rollout("on_failure = \"stop\"").0, Rollout::DEFAULT);
        assert_eq!(rollout("on_failure = \"continue\"").0.on_failure, OnFailure::Continue);
    }

    #[test]
    fn every_fault_is_pointed_at() {
        let cases = [
            "canary = [\"user_1\"]",
            "canary = [\"r\"]",
            "canary = [\"users_1\", \"users_1\"]",
            "canary = \"users_1\"",
            "waves = [\"ten\"]",
            "waves = [0]",
            "waves = [true]",
            "waves = [\"50%\", \"10%\"]",
            "waves = [2, 2]",
            "concurrency = 0",
            "per_server = \"two\"",
            "pause = 60",
            "max_failures = -1",
            "on_failure = \"stopp\"",
            "on_failure = \"continue\"\nmax_failures = 2",
            "conccurrency = 3",
        ];
        let rendered = cases.map(|lines| {
            let faults = rollout(lines).1;
            assert_eq!(faults.len(), 1, "{lines}: {faults:?}");
            faults[0].render(Style::Plain)
        });
        insta::assert_snapshot!(rendered.join("\n\n"));
    }
}
