//! Real PostgreSQL servers.
//!
//! ```no_run
//! use sharded_migrations_tests::postgres::Cluster;
//!
//! let database = Cluster::shared().create_database("users_01");
//! database.psql("CREATE TABLE account (id bigint)");
//! assert_eq!(database.psql("SELECT count(*) FROM account"), "0");
//! println!("{}", database.url());
//! ```

mod binaries;
mod certificates;
mod client;
mod cluster;
mod database;
mod replica;
mod server;

pub use binaries::Binaries;
pub use certificates::{Authority, Certificate, Signature};
pub(crate) use client::{PASSWORD, SUPERUSER, admin_url};
pub use client::{psql, url};
pub use cluster::{CLUSTER_VARIABLE, Cluster, Options, TestRole};
pub use database::TestDatabase;
pub use replica::Replica;
