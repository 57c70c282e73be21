//! What a step is given: a database, and a session that can reach no other.

use std::ops::Deref;

use sharded_migrations_core::{Database, DatabaseName, EngineKind, GroupName, Label, Migration, Version};
use tokio::sync::mpsc::UnboundedSender;

use super::control;
use super::value::{Row, ToValue, Value};
use crate::engine::{Answer, Mark, Session};
use crate::error::DatabaseError;
use crate::interrupt::{Interrupter, Urgency};

/// A database, as a step sees it. What it does there goes over the connection that holds the migration lock, and in a step
/// without `#[no_transaction]` it is one transaction together with the history row.
pub struct Context {
    session: Box<dyn Session>,
    database: Database,
    engine: EngineKind,
    version: Version,
    declared: Vec<String>,
    mode: Mode,
    told: UnboundedSender<Told>,
    interrupter: Interrupter,
    /// The first error of its SQL, which the step may have passed over.
    failure: Option<DatabaseError>,
    is_interrupted: bool,
}

/// How a step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mode {
    /// In one transaction.
    Whole,
    /// Outside of one, with what was last saved.
    Parts { checkpoint: Option<String>, is_open: bool },
}

/// How far a step has come, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) done: u64,
    pub(crate) of: u64,
}

impl Context {
    pub(crate) fn new(
        session: Box<dyn Session>,
        (database, engine): (&Database, EngineKind),
        migration: &Migration,
        mode: Mode,
        told: UnboundedSender<Told>,
        interrupter: Interrupter,
    ) -> Self {
        Self {
            session,
            database: database.clone(),
            engine,
            version: migration.version,
            declared: migration.vars.iter().map(|var| var.to_string()).collect(),
            mode,
            told,
            interrupter,
            failure: None,
            is_interrupted: false,
        }
    }

    /// The database's name in `databases.toml`.
    pub fn database(&self) -> &DatabaseName {
        &self.database.name
    }

    /// Its group, if it has one.
    pub fn group(&self) -> Option<&GroupName> {
        self.database.group.as_ref()
    }

    /// Its labels.
    pub fn labels(&self) -> &[Label] {
        &self.database.labels
    }

    /// What kind of database it is.
    pub fn engine(&self) -> EngineKind {
        self.engine
    }

    /// The value that a variable has for this database.
    ///
    /// # Errors
    /// Where the step does not declare it: `#[vars(name)]` has the build look whether every database has it.
    pub fn var(&self, name: &str) -> Result<&str, DatabaseError> {
        let value = self.database.var(name).filter(|_| self.declared.iter().any(|declared| declared == name));
        value.ok_or_else(|| {
            DatabaseError::new(format!("the step does not declare the variable `{name}`"))
                .help(format!("write `#[vars({name})]` before its function"))
        })
    }

    /// Runs one statement, and says how many rows it changed. `$1`, `$2`, .. stand for the values.
    ///
    /// # Errors
    /// What the database says. In a transaction of PostgreSQL nothing more can be done after an error.
    pub async fn execute(
        &mut self,
        sql: &str,
        values: &[&(dyn ToValue + Sync)],
    ) -> Result<u64, DatabaseError> {
        self.leave_nothing_open().await;
        Ok(self.answer(sql, values).await?.count)
    }

    /// Runs one statement, and gives all of its rows. `$1`, `$2`, .. stand for the values.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn query(
        &mut self,
        sql: &str,
        values: &[&(dyn ToValue + Sync)],
    ) -> Result<Vec<Row>, DatabaseError> {
        self.leave_nothing_open().await;
        Ok(self.answer(sql, values).await?.rows)
    }

    /// Runs any number of statements.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn batch(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.leave_nothing_open().await;
        self.several(sql).await
    }

    /// Says how far it has come, to whoever watches the run: so many of so many, in any unit.
    pub fn progress(&self, done: u64, of: u64) {
        // Nobody listens any more when the run is over.
        let _ = self.told.send(Told { done, of });
    }

    /// What was last saved, by this run or by one that broke off; `None` at the start, and in a step that is one
    /// transaction.
    pub fn checkpoint(&self) -> Option<&str> {
        match &self.mode {
            Mode::Whole => None,
            Mode::Parts { checkpoint, .. } => checkpoint.as_deref(),
        }
    }

    /// Saves a checkpoint. What is done between two of them may be done again after a crash: where that would do harm, do
    /// it in a [`transaction`](Self::transaction).
    ///
    /// # Errors
    /// In a step without `#[no_transaction]`, where somebody else has been at the history, and what the database says.
    pub async fn save(&mut self, checkpoint: impl Into<String>) -> Result<(), DatabaseError> {
        self.leave_nothing_open().await;
        self.mark(checkpoint.into()).await
    }

    /// Begins a transaction, which is committed together with a checkpoint ([`Part::commit`]): whatever happens, either
    /// both are there or none. When it is dropped before, what was done in it is undone.
    ///
    /// # Errors
    /// In a step without `#[no_transaction]`, when the run is to end (Ctrl-C): nothing is lost then, and the next run goes
    /// on from the checkpoint; and what the database says.
    pub async fn transaction(&mut self) -> Result<Part<'_>, DatabaseError> {
        if self.mode == Mode::Whole {
            return Err(is_whole());
        }
        self.leave_nothing_open().await;
        self.may_go_on(Urgency::Drain)?;
        let began = self.session.begin_part().await;
        self.noted(began)?;
        if let Mode::Parts { is_open, .. } = &mut self.mode {
            *is_open = true;
        }
        Ok(Part { context: self })
    }

    async fn answer(&mut self, sql: &str, values: &[&(dyn ToValue + Sync)]) -> Result<Answer, DatabaseError> {
        if control::refuse(sql)? > 1 {
            return Err(DatabaseError::new("there are several statements where one is expected")
                .help("run them one by one, or with `batch`"));
        }
        self.may_go_on(Urgency::Cancel)?;
        let values: Vec<Value> = values.iter().map(|value| value.to_value()).collect();
        let answer = self.session.query(sql, &values).await;
        self.noted(answer)
    }

    async fn several(&mut self, sql: &str) -> Result<(), DatabaseError> {
        control::refuse(sql)?;
        self.may_go_on(Urgency::Cancel)?;
        let ran = self.session.batch(sql).await;
        self.noted(ran)
    }

    async fn mark(&mut self, now: String) -> Result<(), DatabaseError> {
        let Mode::Parts { checkpoint, is_open } = &self.mode else { return Err(is_whole()) };
        let (version, before, ends_part) = (self.version, checkpoint.as_deref(), *is_open);
        let saved = self.session.save(Mark { version, before, now: &now, ends_part }).await;
        self.noted(saved)?;
        self.mode = Mode::Parts { checkpoint: Some(now), is_open: false };
        Ok(())
    }

    /// A transaction that was dropped is undone before anything else is done.
    async fn leave_nothing_open(&mut self) {
        if let Mode::Parts { is_open: is_open @ true, .. } = &mut self.mode {
            *is_open = false;
            self.session.roll_back().await;
        }
    }

    fn may_go_on(&mut self, urgency: Urgency) -> Result<(), DatabaseError> {
        if self.interrupter.urgency() < urgency {
            return Ok(());
        }
        self.is_interrupted = true;
        Err(DatabaseError { is_cancelled: true, ..DatabaseError::new("the run is to end") })
    }

    fn noted<T>(&mut self, result: Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        if let Err(error) = &result {
            self.failure.get_or_insert_with(|| error.clone());
        }
        result
    }

    /// What is left of it when the step is over.
    pub(crate) fn end(self) -> Ended {
        let Self { session, failure, is_interrupted, .. } = self;
        Ended { session, failure, is_interrupted }
    }
}

/// A step that is over.
pub(crate) struct Ended {
    pub(crate) session: Box<dyn Session>,
    /// The first error of its SQL.
    pub(crate) failure: Option<DatabaseError>,
    /// Whether it was told that the run is to end.
    pub(crate) is_interrupted: bool,
}

/// A transaction of a step that is not one itself.
pub struct Part<'c> {
    context: &'c mut Context,
}

impl Part<'_> {
    /// Commits it together with a checkpoint.
    ///
    /// # Errors
    /// Where somebody else has been at the history, and what the database says: then nothing of it is there, but where the
    /// connection was lost, of which the next run finds out by the checkpoint.
    pub async fn commit(self, checkpoint: impl Into<String>) -> Result<(), DatabaseError> {
        self.context.mark(checkpoint.into()).await
    }

    /// Runs one statement, see [`Context::execute`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn execute(
        &mut self,
        sql: &str,
        values: &[&(dyn ToValue + Sync)],
    ) -> Result<u64, DatabaseError> {
        Ok(self.context.answer(sql, values).await?.count)
    }

    /// Runs one statement, see [`Context::query`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn query(
        &mut self,
        sql: &str,
        values: &[&(dyn ToValue + Sync)],
    ) -> Result<Vec<Row>, DatabaseError> {
        Ok(self.context.answer(sql, values).await?.rows)
    }

    /// Runs any number of statements, see [`Context::batch`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn batch(&mut self, sql: &str) -> Result<(), DatabaseError> {
        self.context.several(sql).await
    }
}

/// What there is to know, and [`Context::progress`].
impl Deref for Part<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        self.context
    }
}

fn is_whole() -> DatabaseError {
    DatabaseError::new("the step is one transaction, and has no checkpoints")
        .help("write `#[no_transaction]` before its function")
}
