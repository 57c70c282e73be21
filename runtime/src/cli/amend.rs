//! What verbs that change the history have in common: they show what they would do, ask, do it, and show that.

use serde_json::Value;

use super::args::{Format, Options};
use super::consent::{Consent, ask};
use super::show::{alike, and, block, of_databases, refusals};
use super::{print, show};
use crate::amend::{Amended, AmendedDatabase, Amendment, Amendments};
use crate::executor::Migrator;
use crate::exit_code;
use crate::reporter::{self, count, document};

/// How a verb says what it does.
pub(super) struct Words<T> {
    /// What documents call it.
    pub(super) verb: &'static str,
    /// What it is about: `migration`.
    pub(super) noun: &'static str,
    /// What it does to one: `settle`.
    pub(super) does: &'static str,
    /// What it did: `settled`.
    pub(super) did: &'static str,
    /// A changed row in a line: `2 b: ..`.
    pub(super) line: fn(&T) -> String,
    /// The same for programs.
    pub(super) json: fn(&T) -> Value,
    /// Whether a run follows, whose events are lines of JSON.
    pub(super) is_followed: bool,
}

/// Carries an amendment out as far as it is wanted; the exit code. The error says what is wrong with the
/// command line.
pub(super) async fn amend<A: Amendment<Row: PartialEq>>(
    migrator: &Migrator<'_>,
    options: &Options,
    amendment: &A,
    words: &Words<A::Row>,
) -> Result<u8, String> {
    let consent = Consent::of(options, words.verb)?;
    let told = |amendments: &Amendments<A::Row>| {
        let json = || document::amendments(words.verb, amendments, words.json);
        match options.format {
            Format::Json if words.is_followed => print(&format!("{}\n", json()), "", amendments.exit_code()),
            _ => show(options, amendments.exit_code(), json, || lines(amendments, words)),
        }
    };
    if consent == Consent::Ask {
        let planned = migrator.amend(amendment, true).await;
        let code = told(&planned);
        if code != exit_code::DONE || planned.changes() == 0 {
            return Ok(code);
        }
        let question = format!("{} this? Nothing else is touched.", capital(words.does));
        if !ask(question).await {
            return Ok(print("", "nothing is changed\n", exit_code::REFUSED));
        }
    }
    let done = migrator.amend(amendment, consent == Consent::DryRun).await;
    Ok(told(&done))
}

/// What is changed, or would be, and what could not be.
fn lines<T: PartialEq>(amendments: &Amendments<T>, words: &Words<T>) -> (String, String) {
    let (mut text, mut failures) = (String::new(), String::new());
    let databases = amendments.databases.iter();
    let outcomes = databases
        .clone()
        .filter(|database| !matches!(database.outcome, Amended::Refused(_)))
        .map(|database| ((&database.outcome, &database.notes), (&database.name, database.group.as_ref())));
    for ((outcome, notes), members) in alike(outcomes) {
        let heading = block(&members);
        let notes: String = notes.iter().map(|note| format!("  {note}\n")).collect();
        match outcome {
            Amended::Failed(error) => failures.push_str(&(heading + &reporter::failure(error))),
            Amended::NotStarted => text.push_str(&format!("{heading}  nothing is changed\n")),
            Amended::Done(rows) if rows.is_empty() => {
                text.push_str(&format!("{heading}  nothing to {}\n{notes}", words.does));
            }
            Amended::Done(rows) => {
                text.push_str(&heading);
                let would = if amendments.dry_run { "would " } else { "" };
                let word = if amendments.dry_run { words.does } else { words.did };
                text.extend(rows.iter().map(|row| format!("  {would}{word} {}\n", (words.line)(row))));
                text.push_str(&notes);
            }
            Amended::Refused(_) => {}
        }
    }
    failures.push_str(&refusals(databases.filter_map(|database| match &database.outcome {
        Amended::Refused(reasons) => Some((&database.name, database.group.as_ref(), reasons.as_slice())),
        _ => None,
    })));
    text.push_str(&format!("\n{}\n", summary(amendments, words)));
    (text, failures)
}

fn summary<T>(amendments: &Amendments<T>, words: &Words<T>) -> String {
    let of = |is: fn(&AmendedDatabase<T>) -> bool| amendments.databases.iter().filter(|one| is(one)).count();
    let to = if amendments.dry_run { format!("to {}", words.does) } else { words.did.to_owned() };
    format!(
        "{} {to} on {} {}{}{}{}",
        count(amendments.changes(), words.noun),
        of(|database| !database.outcome.changes().is_empty()),
        of_databases(amendments.databases.len()),
        and(of(|database| matches!(database.outcome, Amended::NotStarted)), "not started"),
        and(of(|database| matches!(database.outcome, Amended::Refused(_))), "refused"),
        and(of(|database| matches!(database.outcome, Amended::Failed(_))), "failed"),
    )
}

/// With its first letter large, as a sentence begins.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
