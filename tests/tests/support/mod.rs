//! What the suites that run real migrations share: databases of either engine, a fleet of them, and
//! short texts that say what is in a database and how a run ended.

#![allow(dead_code, unused_imports, reason = "each suite uses its own part")]

pub(crate) mod database;
pub(crate) mod fleet;
pub(crate) mod outcome;
pub(crate) mod proxy;
pub(crate) mod session;

pub(crate) use database::{Engine, Target};
pub(crate) use fleet::TestFleet;
pub(crate) use outcome::{Run, amended, ending, error, why};

/// Makes a test of each scenario for each engine. A scenario that is not in the list is an unused
/// function, which the compiler points out.
macro_rules! on_every_engine {
    ($($scenario:ident),+ $(,)?) => {
        mod postgres {
            $(#[test] fn $scenario() { super::$scenario(crate::support::Engine::Postgres); })+
        }
        mod sqlite {
            $(#[test] fn $scenario() { super::$scenario(crate::support::Engine::Sqlite); })+
        }
    };
}
pub(crate) use on_every_engine;
