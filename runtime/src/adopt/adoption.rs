//! What another tool has applied goes into the history, on every database.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use sharded_migrations_core::{DatabaseName, HistoryRow, State};

use super::matching::{Match, Matches, matches};
use super::{Mismatch, ToolTable, tool};
use crate::amend::{Action, Amendment};
use crate::engine::foreign::Foreign;
use crate::engine::{Facts, RowChange, Session};
use crate::executor::Migrator;
use crate::fleet::Target;
use crate::record::{Recorded, Records, record, refuse_what_does_not_fit};
use crate::report::Reason;
use crate::survey::{Goal, Question, patiently, plan_from};

/// How many pending migrations are named.
const NAMED: usize = 5;

/// The adoption of all that a tool has applied.
pub(crate) struct Adoption {
    from: ToolTable,
    /// What was found out about each database besides what is to be recorded.
    notes: Mutex<BTreeMap<DatabaseName, Vec<String>>>,
}

impl Adoption {
    pub(crate) fn of(from: ToolTable) -> Self {
        Self { from, notes: Mutex::default() }
    }
}

impl Migrator<'_> {
    /// Records on every database what another tool has applied there, as its own table says, and runs nothing. The next
    /// run goes on behind it.
    ///
    /// The table is read and never written. Each of its rows has to be a migration that is routed to this database, with
    /// the checksum that the tool has kept, where it keeps one: else the database is refused, and then nothing is
    /// changed anywhere. A database where that table is missing is refused as well, unless it is new, or has a
    /// history here already: there is nothing to adopt then. What is recorded already is left alone.
    ///
    /// A tool that was told to keep its history in another table is given with it: [`ToolTable::named`].
    ///
    /// ```no_run
    /// # use sharded_migrations::Migrations;
    /// # static MIGRATIONS: Migrations = Migrations::EMPTY;
    /// use sharded_migrations::{Fleet, Migrator, Tool};
    ///
    /// # async fn adopt() -> Result<(), Box<dyn std::error::Error>> {
    /// let migrator = Migrator::new(&MIGRATIONS, Fleet::from_env(&MIGRATIONS)?);
    /// for database in migrator.adopt(Tool::Refinery).await.databases {
    ///     println!("{}: {} migrations", database.name, database.outcome.changes().len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn adopt(&self, from: impl Into<ToolTable>) -> Records {
        self.amend(&Adoption::of(from.into()), false).await
    }

    /// What [`adopt`](Self::adopt) would do. Nothing is written.
    pub async fn plan_adopt(&self, from: impl Into<ToolTable>) -> Records {
        self.amend(&Adoption::of(from.into()), true).await
    }
}

#[async_trait]
impl Amendment for Adoption {
    type Change = RowChange;
    type Row = Recorded;

    fn action(&self) -> Action {
        Action::Adopt
    }

    async fn decide(
        &self,
        migrator: &Migrator<'_>,
        target: &Target,
        session: &mut dyn Session,
        facts: &Facts,
    ) -> Result<Vec<(RowChange, Recorded)>, Vec<Reason>> {
        // What is left out would be pending, and run again: it is always the whole table.
        let question = Question { goal: Goal::Up(None), ..migrator.question(false) };
        refuse_what_does_not_fit(target, facts, question)?;
        let (database, set) = (&target.database, &migrator.migrations.migrations);
        let foreign = patiently(session.read_foreign(tool::table(&self.from))).await;
        let record = match foreign.map_err(|error| vec![Reason::Error(error)])? {
            Foreign::Rows(rows) => Ok(tool::read(&self.from, &rows)),
            Foreign::Absent { is_new } => Err(self.without_table(facts, is_new)?),
        };
        let mut notes = Vec::new();
        let Matches { matches, left_out } = match &record {
            Ok(record) => matches(&self.from, record, set, database)
                .map_err(|faults| faults.into_iter().map(Reason::Adoption).collect::<Vec<_>>())?,
            Err(note) => {
                notes.push(note.clone());
                Matches::default()
            }
        };
        let is_recorded =
            |found: &&Match<'_>| facts.history.iter().any(|row| row.version == found.migration.version);
        let (before, new): (Vec<_>, Vec<_>) = matches.iter().partition(is_recorded);
        if !before.is_empty() {
            notes.push(format!(
                "{} of what {} has applied are recorded already",
                before.len(),
                self.from.tool()
            ));
        }
        notes.extend(left_out.into_iter().map(|what| format!("left out: {what}")));
        let history: Vec<HistoryRow> = facts.history.iter().cloned().chain(new.iter().map(row)).collect();
        notes.push(match plan_from(target, &history, question) {
            Ok(plan) => {
                let pending: Vec<String> = plan.steps.iter().map(ToString::to_string).collect();
                self::pending(&pending)
            }
            Err(reasons) => {
                let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
                format!("the next run will be refused: {}", reasons.join("; "))
            }
        });
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(database.name.clone(), notes);
        Ok(new.into_iter().map(|found| self.record(found)).collect())
    }

    fn notes(&self, database: &DatabaseName) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).get(database).cloned().unwrap_or_default()
    }
}

impl Adoption {
    /// Why there may be nothing to adopt.
    fn without_table(&self, facts: &Facts, is_new: bool) -> Result<String, Vec<Reason>> {
        let why = match (facts.history.is_empty(), is_new) {
            (false, _) => "and there is a history already",
            (true, true) => "nor any other: the database is new",
            (true, false) => {
                return Err(vec![Reason::Adoption(Mismatch::NoTable { from: self.from.clone() })]);
            }
        };
        Ok(format!("there is no table `{}` here, {why}", self.from))
    }

    fn record(&self, found: &Match<'_>) -> (RowChange, Recorded) {
        let Match { migration, applied } = found;
        let checksum = applied.checksum.as_ref().map(|sum| format!(", checksum {sum}")).unwrap_or_default();
        let detail = format!("{}: {}{checksum}", self.from, applied.label);
        record(migration, applied.applied_at.clone(), Some(detail))
    }
}

/// What a migration will be in the history.
fn row(found: &&Match<'_>) -> HistoryRow {
    HistoryRow {
        version: found.migration.version,
        name: found.migration.name.to_string(),
        checksum: found.migration.checksum,
        state: State::Applied,
        statements_done: 0,
    }
}

fn pending(pending: &[String]) -> String {
    match pending.split_at_checked(NAMED) {
        _ if pending.is_empty() => "nothing is pending afterwards".into(),
        Some((named, more)) if !more.is_empty() => {
            format!("pending afterwards: {} and {} more", named.join(", "), more.len())
        }
        _ => format!("pending afterwards: {}", pending.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pending_is_named_as_far_as_it_is_little() {
        let names: Vec<String> = (1..=7).map(|version| format!("{version} a")).collect();
        assert_eq!(pending(&[]), "nothing is pending afterwards");
        assert_eq!(pending(&names[..2]), "pending afterwards: 1 a, 2 a");
        assert_eq!(pending(&names[..5]), "pending afterwards: 1 a, 2 a, 3 a, 4 a, 5 a");
        assert_eq!(pending(&names), "pending afterwards: 1 a, 2 a, 3 a, 4 a, 5 a and 2 more");
    }

    /// An application may run it from any task, on any thread.
    #[test]
    fn what_adopts_a_fleet_can_be_spawned() {
        fn is_send(_: &impl Send) {}
        static NOTHING: crate::Migrations = crate::Migrations::EMPTY;
        let fleet = crate::Fleet::of_none();
        is_send(&async move { Migrator::new(&NOTHING, fleet).adopt(crate::Tool::Sqlx).await.changes() });
    }
}
