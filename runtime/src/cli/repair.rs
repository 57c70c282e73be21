//! `repair`: what somebody has found is written into the history.

use crate::repair::{RepairedDatabase, Repairs};
use crate::reporter::{self, count, heading};

/// What was settled, and what could not be.
pub(super) fn lines(repairs: &Repairs) -> (String, String) {
    let (mut text, mut failures) = (String::new(), String::new());
    for RepairedDatabase { name, group, settled } in &repairs.databases {
        let heading = heading(name, group.as_ref());
        match settled {
            Err(error) => failures.push_str(&format!("{heading}{}", reporter::failure(error))),
            Ok(settled) if settled.is_empty() => text.push_str(&format!("{heading}  nothing to settle\n")),
            Ok(settled) => {
                text.push_str(&heading);
                for one in settled {
                    text.push_str(&format!("  settled {} {}: {}\n", one.version, one.name, one.next));
                }
            }
        }
    }
    text.push_str(&format!("\n{}\n", summary(repairs)));
    (text, failures)
}

fn summary(repairs: &Repairs) -> String {
    let of = |is: fn(&RepairedDatabase) -> bool| repairs.databases.iter().filter(|one| is(one)).count();
    let changed = of(|database| database.settled.as_ref().is_ok_and(|settled| !settled.is_empty()));
    let failed = match of(|database| database.settled.is_err()) {
        0 => String::new(),
        failed => format!("; {failed} failed"),
    };
    format!(
        "{} settled on {changed} of {}{failed}",
        count(repairs.settled(), "migration"),
        count(repairs.databases.len(), "database"),
    )
}
