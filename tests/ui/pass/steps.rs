//! Migrations that are written in Rust, in an expression, in an item, and in modules of all kinds.

use sharded_migrations::step::{Error, StepFunction};
use sharded_migrations::{Fleet, Migrations, Migrator, Selection, Transaction, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/steps", databases = "ui/pass/steps.toml");

embed_sharded_migrations!(
    /// In the place of an item.
    pub(crate) static ITEM,
    migrations = "ui/pass/steps",
    databases = "ui/pass/steps.toml",
);

mod inner {
    pub mod deep {
        use sharded_migrations::embed_sharded_migrations;

        embed_sharded_migrations!(pub static ITEM, migrations = "ui/pass/steps", databases = "ui/pass/steps.toml");
    }
}

/// What steps share with the crate.
pub fn shared() -> Result<(), Error> {
    Ok(())
}

/// Runs them, as an application does.
fn run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let fleet = Fleet::select_with(&ITEM, &Selection::default(), |_| Some(path.clone())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(Migrator::new(&ITEM, fleet).run()).unwrap();
    assert_eq!(report.applied(), 4);
    let users = rusqlite::Connection::open(folder.path().join("users_01.db")).unwrap();
    let account: (i64, String) =
        users.query_row("SELECT id, slug FROM account", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(account, (7, "z".into()));
    let checkpoint = "SELECT checkpoint FROM sharded_migrations_history WHERE version = 7";
    assert_eq!(users.query_row::<String, _, _>(checkpoint, [], |row| row.get(0)).unwrap(), "done");
}

fn main() {
    assert_eq!(MIGRATIONS.migrations, ITEM.migrations);
    assert_eq!(MIGRATIONS.migrations, inner::deep::ITEM.migrations);
    let found: Vec<String> = MIGRATIONS
        .migrations
        .iter()
        .map(|m| {
            let function = m.code.as_ref().map(|code| code.function.as_ref());
            format!("{} {} {:?} {} {function:?} [{}]", m.version, m.name, m.transaction, m.file, m.route)
        })
        .collect();
    assert_eq!(
        found,
        [
            r#"1 account Whole V1__account.sql None [everywhere]"#,
            r#"3 backfill Whole V3__backfill.rs Some("backfill") [group = "users"]"#,
            r##"7 slugs None 7_slugs/up.rs Some("r#move") [group = "users"]"##,
        ]
    );
    let backfill = &MIGRATIONS.migrations[1];
    assert!(backfill.sql.starts_with("//! What the file is for."));
    assert_eq!(*backfill.vars, ["shard_id"]);
    assert!(backfill.timeouts.lock.is_some() && backfill.transaction == Transaction::Whole);
    assert!(backfill.code.as_ref().is_some_and(|code| code.run::<StepFunction>().is_some()));
    assert_eq!(MIGRATIONS.stale(), None);
    run();
}
