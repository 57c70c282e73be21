//! Databases of PostgreSQL: copies of a template that was migrated.
//!
//! Whose a database is says an advisory lock, in the database that the server's URL names: a fleet holds the one of its
//! number for as long as it lives, so a number whose lock is free is that of a process that is gone.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::{Alike, Copies, TestFleetError};
use crate::backoff::Backoff;
use crate::engine::Admin;
use crate::error::DatabaseError;

/// What the names of databases begin with.
const TEST: &str = "sharded_migrations_test_";
const TEMPLATE: &str = "sharded_migrations_template_";

/// The first number of an advisory lock: of fleets, and of templates that are being made.
const FLEETS: i32 = 0x5ade_d000;
const TEMPLATES: i32 = 0x5ade_d001;

/// How many bytes of a name the server keeps.
const NAME: usize = 63;

/// How long a template is waited for that somebody is still connected to: the server notices a little late that nobody is.
const IN_USE: Duration = Duration::from_secs(30);

/// The fleet's own part of a server. Its databases are dropped with it.
pub(super) struct Server {
    url: String,
    admin: Admin,
    number: i32,
    made: AtomicUsize,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Server {
    /// Connects, takes a number, and drops what others have left.
    pub(super) async fn connect(url: &str) -> Result<Self, DatabaseError> {
        let admin = Admin::connect(url).await?;
        let number = loop {
            let number = fastrand::i32(..);
            if try_lock(&admin, FLEETS, number).await? {
                break number;
            }
        };
        let server = Self { url: url.to_owned(), admin, number, made: AtomicUsize::new(0) };
        server.drop_left_behind().await?;
        Ok(server)
    }

    /// Makes databases that get the same; their URLs.
    pub(super) async fn databases(
        &self,
        alike: &Alike<'_>,
        copies: Copies,
    ) -> Result<Vec<String>, TestFleetError> {
        let template = match copies {
            Copies::OfTemplates => Some(self.template(alike).await?),
            Copies::OfNothing => None,
        };
        let mut urls = Vec::new();
        for database in &alike.databases {
            let index = self.made.fetch_add(1, Ordering::Relaxed);
            let mut name = format!("{}{index}_{}", prefix(self.number), database.name);
            name.truncate(name.floor_char_boundary(NAME));
            let url = with_database(&self.url, &name);
            let new = format!("CREATE DATABASE {}", quoted(&name));
            match &template {
                Some(template) => {
                    self.once_nobody_is_there(&format!("{new} TEMPLATE {}", quoted(template))).await?
                }
                // Of the server's own template everything would be in it that somebody has put there.
                None => {
                    self.once_nobody_is_there(&format!("{new} TEMPLATE template0")).await?;
                    alike.migrate(url.clone()).await?;
                }
            }
            urls.push(url);
        }
        Ok(urls)
    }

    /// A database that has all migrations, and nobody connects to.
    async fn template(&self, alike: &Alike<'_>) -> Result<String, TestFleetError> {
        let name = format!("{TEMPLATE}{:016x}", alike.kind);
        // Half of the number will do: whoever waits for another template waits a little longer.
        let [a, b, c, d, ..] = alike.kind.to_be_bytes();
        let key = i32::from_be_bytes([a, b, c, d]);
        self.run(&format!("SELECT pg_catalog.pg_advisory_lock({TEMPLATES}, {key})")).await?;
        let made = self.template_made_now(&name, alike).await;
        self.run(&format!("SELECT pg_catalog.pg_advisory_unlock({TEMPLATES}, {key})")).await?;
        made.map(|()| name)
    }

    async fn template_made_now(&self, name: &str, alike: &Alike<'_>) -> Result<(), TestFleetError> {
        let used = format!("COMMENT ON DATABASE {} IS ", quoted(name));
        let unused = format!(
            "SELECT pg_catalog.now() - pg_catalog.shobj_description(oid, 'pg_database')::timestamptz > '1 day' \
             FROM pg_catalog.pg_database WHERE datname = '{name}'"
        );
        let now = self.column("SELECT pg_catalog.now()").await?.concat();
        match self.column(&unused).await?.first().map(String::as_str) {
            Some("f") => return Ok(()),
            Some(_) => return self.run(&format!("{used}'{now}'")).await,
            None => {}
        }
        self.drop_old_templates().await?;
        let making = format!("{name}_making");
        self.run(&drop_database(&making)).await?;
        self.run(&format!("CREATE DATABASE {}", quoted(&making))).await?;
        if let Err(error) = alike.migrate(with_database(&self.url, &making)).await {
            self.run(&drop_database(&making)).await?;
            return Err(error);
        }
        self.once_nobody_is_there(&format!("ALTER DATABASE {} RENAME TO {}", quoted(&making), quoted(name)))
            .await?;
        self.run(&format!("{used}'{now}'")).await
    }

    async fn drop_old_templates(&self) -> Result<(), TestFleetError> {
        let old = format!(
            "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ '^{TEMPLATE}[0-9a-f]{{16}}$' AND \
             pg_catalog.now() - pg_catalog.shobj_description(oid, 'pg_database')::timestamptz > '7 days'"
        );
        for name in self.column(&old).await? {
            self.run(&drop_database(&name)).await?;
        }
        Ok(())
    }

    async fn drop_left_behind(&self) -> Result<(), DatabaseError> {
        let numbers = format!(
            "SELECT DISTINCT pg_catalog.substr(datname, {}, 8) FROM pg_catalog.pg_database \
             WHERE datname ~ '^{TEST}[0-9a-f]{{8}}_'",
            TEST.len() + 1
        );
        for number in self.admin.column(&numbers).await? {
            let Ok(number) = u32::from_str_radix(&number, 16) else { continue };
            let number = number.cast_signed();
            if number != self.number && try_lock(&self.admin, FLEETS, number).await? {
                drop_databases(&self.admin, number).await?;
                self.admin.run(&format!("SELECT pg_catalog.pg_advisory_unlock({FLEETS}, {number})")).await?;
            }
        }
        Ok(())
    }

    async fn once_nobody_is_there(&self, sql: &str) -> Result<(), TestFleetError> {
        const OBJECT_IN_USE: &str = "55006";
        let mut backoff = Backoff::new(IN_USE);
        loop {
            match self.admin.run(sql).await {
                Ok(()) => return Ok(()),
                Err(error) => match backoff.pause() {
                    Some(pause) if error.sqlstate.as_deref() == Some(OBJECT_IN_USE) => {
                        tokio::time::sleep(pause).await
                    }
                    _ => return Err(TestFleetError::Server(error)),
                },
            }
        }
    }

    async fn run(&self, sql: &str) -> Result<(), TestFleetError> {
        self.admin.run(sql).await.map_err(TestFleetError::Server)
    }

    async fn column(&self, sql: &str) -> Result<Vec<String>, TestFleetError> {
        self.admin.column(sql).await.map_err(TestFleetError::Server)
    }
}

impl Drop for Server {
    /// On a thread with a runtime of its own: the one that this was made in may be about to end. What is not dropped now
    /// is by the next test.
    fn drop(&mut self) {
        let (url, number) = (self.url.clone(), self.number);
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let admin = Admin::connect(&url).await.ok()?;
                drop_databases(&admin, number).await.ok()?;
                admin.close().await;
                Some(())
            })
        });
        let _the_next_test_does_it_else = dropping.join();
    }
}

async fn drop_databases(admin: &Admin, number: i32) -> Result<(), DatabaseError> {
    let own = format!(
        "SELECT datname FROM pg_catalog.pg_database WHERE pg_catalog.starts_with(datname, '{}')",
        prefix(number)
    );
    for name in admin.column(&own).await? {
        admin.run(&drop_database(&name)).await?;
    }
    Ok(())
}

async fn try_lock(admin: &Admin, kind: i32, number: i32) -> Result<bool, DatabaseError> {
    let answer = admin.column(&format!("SELECT pg_catalog.pg_try_advisory_lock({kind}, {number})")).await?;
    Ok(answer.first().is_some_and(|taken| taken == "t"))
}

fn prefix(number: i32) -> String {
    format!("{TEST}{number:08x}_")
}

fn drop_database(name: &str) -> String {
    format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The URL of another database of the same server. A name of ours needs no encoding but for what the fleet's names have.
fn with_database(url: &str, name: &str) -> String {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let hosts = place.find("://").map_or(0, |at| at + 3);
    let hosts_end = place[hosts..].find('/').map_or(place.len(), |at| hosts + at);
    let parameters: Vec<&str> =
        query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("dbname=")).collect();
    let query = if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) };
    format!("{}/{name}{query}", &place[..hosts_end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_another_database_of_the_server() {
        for (url, other) in [
            ("postgres://h", "postgres://h/x"),
            ("postgres://u:p%2F@h:1/postgres", "postgres://u:p%2F@h:1/x"),
            (
                "postgresql://h/?sslmode=require&dbname=a&options=",
                "postgresql://h/x?sslmode=require&options=",
            ),
            ("postgres:///a?host=/tmp", "postgres:///x?host=/tmp"),
        ] {
            assert_eq!(with_database(url, "x"), other);
        }
    }
}
