//! In place of a server, where the engine for one is not in the binary.

use super::{Alike, Copies, TestFleetError};
use crate::engine::engine;
use crate::error::DatabaseError;
use sharded_migrations_core::EngineKind;

#[derive(Debug)]
pub(super) enum Server {}

impl Server {
    pub(super) async fn connect(_: &str) -> Result<Self, DatabaseError> {
        match engine(EngineKind::Postgres) {
            Err(error) => Err(error),
            Ok(_) => Err(DatabaseError::new("this binary has no PostgreSQL")),
        }
    }

    pub(super) async fn databases(&self, _: &Alike<'_>, _: Copies) -> Result<Vec<String>, TestFleetError> {
        match *self {}
    }
}
