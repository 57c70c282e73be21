//! Who takes part, and how each is driven.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use sharded_migrations_benches::application::Application;
use sharded_migrations_benches::server::names;
use sharded_migrations_benches::{Result, set};

use crate::tools::{Commits, Diesel, Raw, Refinery, Sqlx};

/// What a run is about: databases that have some of the migrations, and how many the tool knows.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    /// All of each database's URL but its end `_0001`.
    pub(crate) url: String,
    pub(crate) databases: usize,
    /// How many databases those that work on several at once may take.
    pub(crate) at_a_time: usize,
    pub(crate) applied: usize,
}

/// One line of the tables.
pub(crate) trait Contender {
    fn name(&self) -> String;

    /// Whether it takes one database after another.
    fn is_loop(&self) -> bool;

    /// Contenders of one tool share their databases, whose names begin with this word.
    fn tool(&self) -> &'static str;

    /// Where the tool keeps what it has applied; none for the raw limit, which keeps nothing.
    fn history(&self) -> Option<&'static str>;

    /// What its databases need besides the migrations before a run that finds nothing to do.
    fn preparation(&self) -> &'static str {
        ""
    }

    /// Applies what is pending. All that an application would do at its start is inside.
    fn run<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result>;
}

/// What drives one database.
pub(crate) trait Tool: Send + Sync + 'static {
    fn name(&self) -> &'static str;
    fn history(&self) -> Option<&'static str>;
    fn preparation(&self) -> &'static str {
        ""
    }
    fn migrate(self: Arc<Self>, url: String, applied: usize) -> BoxFuture<'static, Result>;
}

/// The names that the targets ask for.
pub(crate) const OURS: &str = "sharded-migrations";
pub(crate) const RAW: &str = "raw";
pub(crate) const REFINERY_LOOP: &str = "refinery, loop";

/// All of them, the raw limit first.
pub(crate) fn all(databases: &[usize]) -> Result<Vec<Box<dyn Contender>>> {
    let diesel = Arc::new(Diesel::new()?);
    let refinery = Arc::new(Refinery::new()?);
    let sqlx = Arc::new(Sqlx::new());
    Ok(vec![
        Box::new(Each { tool: Arc::new(Raw(Commits::Synchronous)), is_loop: false }),
        Box::new(Each { tool: Arc::new(Raw(Commits::LastOnly)), is_loop: false }),
        Box::new(Ours::new(databases)?),
        Box::new(Each { tool: refinery.clone(), is_loop: false }),
        Box::new(Each { tool: sqlx.clone(), is_loop: false }),
        Box::new(Each { tool: diesel.clone(), is_loop: false }),
        Box::new(Each { tool: refinery, is_loop: true }),
        Box::new(Each { tool: sqlx, is_loop: true }),
        Box::new(Each { tool: diesel, is_loop: true }),
    ])
}

/// A tool that knows one database, under a loop or a pool of tasks such as its users write.
struct Each<T> {
    tool: Arc<T>,
    is_loop: bool,
}

impl<T: Tool> Contender for Each<T> {
    fn name(&self) -> String {
        format!("{}{}", self.tool.name(), if self.is_loop { ", loop" } else { "" })
    }

    fn is_loop(&self) -> bool {
        self.is_loop
    }

    fn tool(&self) -> &'static str {
        self.tool.name().split(' ').next().unwrap_or_default()
    }

    fn history(&self) -> Option<&'static str> {
        self.tool.history()
    }

    fn preparation(&self) -> &'static str {
        self.tool.preparation()
    }

    fn run<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result> {
        let at_a_time = if self.is_loop { 1 } else { work.at_a_time };
        let one = move |url: String| {
            // A task of its own, so that all processors are used.
            let task = tokio::spawn(Arc::clone(&self.tool).migrate(url, work.applied));
            async move { task.await? }
        };
        let urls = names(&work.url, work.databases);
        Box::pin(stream::iter(urls.map(one)).buffer_unordered(at_a_time).try_collect())
    }
}

/// This crate, which knows fleets. An application's set is fixed when it is built, so there is one for
/// each number of databases.
struct Ours(Vec<(usize, Application)>);

impl Ours {
    fn new(databases: &[usize]) -> Result<Self> {
        let application = |&count: &usize| Ok((count, Application::new(count, set::ALL)?));
        Ok(Self(databases.iter().map(application).collect::<Result<_>>()?))
    }
}

impl Contender for Ours {
    fn name(&self) -> String {
        OURS.to_owned()
    }

    fn is_loop(&self) -> bool {
        false
    }

    fn tool(&self) -> &'static str {
        "ours"
    }

    fn history(&self) -> Option<&'static str> {
        Some("sharded_migrations_history")
    }

    fn run<'a>(&'a self, work: &'a Work) -> BoxFuture<'a, Result> {
        Box::pin(async move {
            let application = self.0.iter().find(|(databases, _)| *databases == work.databases);
            let (_, application) = application.ok_or("no application for this number of databases")?;
            let applied = application.migrate(&work.url, Some(work.at_a_time)).await?;
            let expected = work.databases * (set::ALL - work.applied);
            if applied != expected {
                return Err(format!("{applied} migrations were applied, not {expected}").into());
            }
            Ok(())
        })
    }
}
