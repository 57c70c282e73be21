//! Reset: a developer's databases are emptied, so that the next run makes them anew.

use async_trait::async_trait;

use crate::amend::{Action, Amendment, Amendments, Made};
use crate::engine::{Entry, Facts, Session};
use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::fleet::Target;
use crate::report::Reason;

/// What became of every database; the history, and the audit with it, went as well.
pub type Resets = Amendments<Emptied>;

/// A schema that was emptied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emptied {
    /// Its name; `main` on SQLite.
    pub schema: String,
    /// How many tables it had; on SQLite with its views.
    pub tables: u64,
}

impl Migrator<'_> {
    /// Drops all that is in the databases: every schema with what it has (on SQLite all tables and views). Only where
    /// `databases.toml` says `development = true`; otherwise every database is refused.
    pub async fn reset(&self) -> Resets {
        self.amend(&Reset, false).await
    }

    /// What [`reset`](Self::reset) would drop; nothing is changed.
    pub async fn plan_reset(&self) -> Resets {
        self.amend(&Reset, true).await
    }
}

/// All of it.
pub(crate) struct Reset;

/// A part of what is in a database; it goes with the others.
pub(crate) struct Content;

#[async_trait]
impl Made for Content {
    async fn make(session: &mut dyn Session, _: &[Self], _: &Entry) -> Result<(), DatabaseError> {
        session.empty().await
    }
}

#[async_trait]
impl Amendment for Reset {
    type Change = Content;
    type Row = Emptied;

    fn action(&self) -> Action {
        Action::Reset
    }

    async fn decide(
        &self,
        migrator: &Migrator<'_>,
        _: &Target,
        session: &mut dyn Session,
        _: &Facts,
    ) -> Result<Vec<(Content, Emptied)>, Vec<Reason>> {
        if !migrator.fleet.is_development {
            let file = &migrator.migrations.topology.file;
            return Err(vec![Reason::Error(
                DatabaseError::new(format!("{file} does not say that its databases may be emptied")).help(format!(
                    "if they are a developer's own, write `development = true` at the top of {file}; where the same file is \
                     used elsewhere, `development = \"${{DEVELOPMENT:-false}}\"`"
                )),
            )]);
        }
        let contents = session.contents().await.map_err(|error| vec![Reason::Error(error)])?;
        Ok(contents.into_iter().map(|(schema, tables)| (Content, Emptied { schema, tables })).collect())
    }
}
