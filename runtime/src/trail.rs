//! What databases keep of what happened to them, read from all of them.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use sharded_migrations_core::{DatabaseName, GroupName};

use crate::engine::{Facts, Session};
use crate::error::DatabaseError;
use crate::executor::Migrator;
use crate::exit_code;
use crate::fleet::Target;
use crate::slots::Slots;
use crate::survey::{connect_and_survey, patiently};

/// What databases keep: `T` is one record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trails<T> {
    /// One entry for each selected database, in the fleet's order.
    pub databases: Vec<DatabaseTrail<T>>,
}

/// What one database keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseTrail<T> {
    /// The database.
    pub name: DatabaseName,
    /// Its group.
    pub group: Option<GroupName>,
    /// Its records, the newest last; empty where there are none yet.
    pub records: Result<Vec<T>, DatabaseError>,
}

impl<T> Trails<T> {
    /// The exit code for it; see [`exit_code`].
    pub fn exit_code(&self) -> u8 {
        match self.databases.iter().filter(|database| database.records.is_err()).count() {
            0 => exit_code::DONE,
            unread if unread == self.databases.len() => exit_code::FAILED,
            _ => exit_code::PARTLY_FAILED,
        }
    }
}

/// What databases keep records of.
#[async_trait]
pub(crate) trait Kept: Sized + Send {
    /// Reads those of a database, once a survey of this session has found these facts.
    async fn read(session: &mut dyn Session, facts: &Facts) -> Result<Vec<Self>, DatabaseError>;
}

impl Migrator<'_> {
    pub(crate) async fn trails<T: Kept>(&self) -> Trails<T> {
        let slots = Slots::new(&self.rollout, &self.fleet.targets);
        let mut work: Vec<(&Target, BoxFuture<'_, DatabaseTrail<T>>)> = Vec::new();
        for target in &self.fleet.targets {
            let read = Box::pin(async move {
                DatabaseTrail {
                    name: target.database.name.clone(),
                    group: target.database.group.clone(),
                    records: read(target).await,
                }
            });
            work.push((target, read));
        }
        Trails { databases: slots.run(1, work).await }
    }
}

async fn read<T: Kept>(target: &Target) -> Result<Vec<T>, DatabaseError> {
    let (mut session, facts) = connect_and_survey(target).await?;
    let records = patiently(T::read(session.as_mut(), &facts)).await;
    session.close().await;
    records
}
