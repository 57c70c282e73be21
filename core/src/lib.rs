//! The pure part of `sharded-migrations`, shared by the macro (at build time), the library (at run
//! time) and the command-line tool.
//!
//! Nothing here is asynchronous, opens a connection or reads a clock. The one place that touches
//! the outside is [`load`], which turns a folder into source files.
//!
//! Without features this crate holds what an application needs at run time: the embedded set and
//! its parts ([`Migrations`], [`Migration`], [`Route`], [`Topology`]), the history of a database
//! and the [`plan`](mod@plan). The feature `compile` adds what turns files into that set: headers, the
//! `databases.toml` reader and the checks; the feature `lint` what finds the safety lints.

pub mod diagnostic;
pub mod duration;
#[doc(hidden)]
pub mod embedded;
pub mod file_name;
pub mod fold;
pub mod history;
pub mod load;
pub mod migration;
pub mod names;
pub mod outside;
pub mod plan;
pub mod replaces;
pub mod rerouted;
pub mod rollout;
pub mod route;
pub mod set;
pub mod source;
pub mod spans;
pub mod suggest;
pub mod table_lock;
pub mod tables;
pub mod template;
pub mod topology;
pub mod vars;

#[cfg(feature = "compile")]
pub mod allow;
#[cfg(feature = "compile")]
mod catalog;
#[cfg(feature = "compile")]
pub mod check;
#[cfg(feature = "compile")]
pub mod compile;
#[cfg(feature = "compile")]
pub mod header;
#[cfg(feature = "compile")]
pub mod lex;
#[cfg(feature = "compile")]
pub mod lint;
#[cfg(feature = "compile")]
pub mod lock;
#[cfg(feature = "compile")]
mod parallel;
#[cfg(feature = "compile")]
pub mod project;
#[cfg(feature = "compile")]
pub mod rust;
#[cfg(feature = "compile")]
pub mod sql;

pub use diagnostic::Diagnostic;
pub use history::{HistoryRow, State};
pub use migration::{
    Checksum, Code, Direction, Kind, Migration, Reverse, Script, Timeouts, Transaction, Version,
};
pub use names::{DatabaseName, GroupName, Label};
pub use outside::{Outside, Resume};
pub use plan::{Back, Plan, Refusal, Start, Step, plan, plan_back};
pub use replaces::Replaces;
pub use rerouted::Rerouted;
pub use rollout::{OnFailure, Requirement, Rollout, Share};
pub use route::Route;
pub use set::Migrations;
pub use spans::Spans;
pub use table_lock::{LockLevel, Locks, TableLock};
pub use tables::TableChanges;
pub use topology::{Database, EngineKind, OutOfOrder, Role, Topology};

use std::borrow::Cow;

/// Text that is either embedded in a binary or owned.
///
/// The macro emits the borrowed form, so that an embedded set is const data; the same types can be
/// built at run time from files.
pub type Text = Cow<'static, str>;

/// A list that is either embedded in a binary or owned; see [`Text`].
pub type List<T> = Cow<'static, [T]>;
