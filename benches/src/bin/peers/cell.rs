//! One table: a scenario, a number of databases, a network; every contender, in rounds.

use std::time::{Duration, Instant};

use sharded_migrations_benches::server::Server;
use sharded_migrations_benches::{Result, proc, set};

use crate::contender::{Contender, Work};
use crate::proxy::Proxy;

/// What a tool finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Empty databases, made for this one run.
    Fresh,
    /// All is applied.
    Nothing,
    /// All but the last migration is applied.
    One,
}

impl Scenario {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Nothing => "nothing pending",
            Self::One => "one pending",
        }
    }

    fn applied(self) -> usize {
        match self {
            Self::Fresh => 0,
            Self::Nothing => set::ALL,
            Self::One => set::ALL - 1,
        }
    }
}

/// What all cells have in common.
pub(crate) struct Bench<'a> {
    pub(crate) server: &'a Server,
    pub(crate) contenders: &'a [Box<dyn Contender>],
    pub(crate) rounds: usize,
    pub(crate) at_a_time: usize,
    pub(crate) random: fastrand::Rng,
}

/// Which table.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) scenario: Scenario,
    pub(crate) databases: usize,
    /// Milliseconds one way.
    pub(crate) delay: u64,
    /// What makes the delay; without one, connections go to the server itself.
    pub(crate) proxy: Option<&'a Proxy>,
}

/// A table's figures.
pub(crate) struct Cell {
    pub(crate) scenario: Scenario,
    pub(crate) databases: usize,
    pub(crate) delay: u64,
    pub(crate) rows: Vec<Row>,
}

/// One contender's runs, by round.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) is_loop: bool,
    pub(crate) runs: Vec<Run>,
}

pub(crate) struct Run {
    pub(crate) elapsed: Duration,
    /// Unknown with a proxy, which works in the same process.
    pub(crate) client_cpu: Option<Duration>,
    pub(crate) server_cpu: Option<Duration>,
    /// Turns and connections, on all databases together; known to a proxy only.
    pub(crate) wire: Option<(u64, u64)>,
}

/// Loops whose time is a plain sum of delays are not repeated from this many databases on.
const LONG_LOOP: usize = 16;

impl Bench<'_> {
    /// Makes, once, the databases of the scenarios that start from applied migrations: a set a tool.
    pub(crate) async fn prepare(&self, databases: usize) -> Result {
        let mut made: Vec<&str> = Vec::new();
        for contender in self.contenders.iter().filter(|contender| !contender.is_loop()) {
            let tool = contender.tool();
            if made.contains(&tool) {
                continue;
            }
            eprintln!("preparing {databases} databases of {tool}");
            made.push(tool);
            self.server.create(tool, databases, "template1").await?;
            let (url, at_a_time) = (self.server.url(tool), self.at_a_time);
            contender.run(&Work { url, databases, at_a_time, applied: 0 }).await?;
            let sql = format!("{} {}", contender.preparation(), set::CHECK);
            self.server.script(tool, databases, &sql).await?;
        }
        Ok(())
    }

    /// Measures a cell: in each round every contender once, in an order drawn for that round.
    pub(crate) async fn measure(&mut self, setting: Setting<'_>) -> Result<Cell> {
        let Setting { scenario, databases, delay, .. } = setting;
        // For the raw limit, one commit is the last one.
        let contenders: Vec<&dyn Contender> = self.contenders.iter().map(AsRef::as_ref).collect();
        let takes_part =
            |contender: &&dyn Contender| scenario == Scenario::Fresh || contender.name() != "raw async";
        let contenders: Vec<&dyn Contender> = contenders.into_iter().filter(takes_part).collect();
        let mut rows: Vec<Row> = contenders
            .iter()
            .map(|contender| Row { name: contender.name(), is_loop: contender.is_loop(), runs: Vec::new() })
            .collect();
        for round in 0..self.rounds {
            let mut order: Vec<usize> = (0..contenders.len()).collect();
            self.random.shuffle(&mut order);
            for index in order {
                let contender = contenders[index];
                if round > 0 && delay > 0 && databases >= LONG_LOOP && contender.is_loop() {
                    continue;
                }
                let run = self.one_run(contender, setting).await;
                rows[index].runs.push(run.map_err(|error| format!("{}: {error}", contender.name()))?);
            }
        }
        Ok(Cell { scenario, databases, delay, rows })
    }

    async fn one_run(&self, contender: &dyn Contender, setting: Setting<'_>) -> Result<Run> {
        let Setting { scenario, databases, proxy, .. } = setting;
        let prefix = match scenario {
            Scenario::Fresh => "fresh",
            Scenario::Nothing | Scenario::One => contender.tool(),
        };
        match (scenario, contender.history()) {
            (Scenario::Fresh, _) => self.server.create(prefix, databases, "template1").await?,
            (Scenario::Nothing, _) => {}
            (Scenario::One, history) => self.server.script(prefix, databases, &undo_last(history)).await?,
        }
        self.server.settle().await?;
        let url = self.server.url(prefix);
        let url = match proxy {
            Some(proxy) => {
                proxy.take();
                url.replace(&format!(":{}/", self.server.port()), &format!(":{}/", proxy.port()))
            }
            None => url,
        };
        let work = Work { url, databases, at_a_time: self.at_a_time, applied: scenario.applied() };

        let before = (proc::own_cpu(), self.server.cpu().await?);
        let started = Instant::now();
        contender.run(&work).await?;
        let elapsed = started.elapsed();
        let after = (proc::own_cpu(), self.server.cpu().await?);

        let spent = |before: Option<Duration>, after: Option<Duration>| Some(after?.saturating_sub(before?));
        self.server.script(prefix, databases, set::CHECK).await?;
        if scenario == Scenario::Fresh {
            self.server.drop(prefix, databases).await?;
        }
        Ok(Run {
            elapsed,
            client_cpu: spent(before.0, after.0).filter(|_| proxy.is_none()),
            server_cpu: spent(before.1, after.1),
            wire: proxy.map(Proxy::take),
        })
    }
}

/// diesel keeps versions as text with leading zeros.
fn undo_last(history: Option<&str>) -> String {
    let forget =
        history.map(|table| format!("DELETE FROM {table} WHERE version::text ~ '^0*{}$';", set::ALL));
    format!("{} {}", set::UNDO_LAST, forget.unwrap_or_default())
}
