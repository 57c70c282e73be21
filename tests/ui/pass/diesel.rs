//! `{version}_{name}/up.sql`: versions with dashes, with `-0000` and with neither, `metadata.toml`, empty reverse files.
//! A line of `[routes]` routes a whole project whose files are as diesel left them.

use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/diesel", databases = "ui/pass/diesel.toml");

fn main() {
    let found: Vec<String> = MIGRATIONS
        .migrations
        .iter()
        .map(|m| format!("{} {} {:?} [{}]", m.version, m.name, m.transaction, m.route))
        .collect();
    assert_eq!(
        found,
        [
            "0 diesel_initial_setup Whole [everywhere]",
            "20190226002946 account Whole [everywhere]",
            "20260730140001 add-email Whole [everywhere]",
            "20260730150000 email_index None [everywhere]",
            r#"20260730160000 email_unique Whole [group = "users"]"#,
        ]
    );
    let setup = &MIGRATIONS.migrations[0];
    assert_eq!(setup.statements.len(), 1, "the semicolons of a body end no statement");
    assert_eq!(setup.file, "00000000000000_diesel_initial_setup/up.sql");
    assert_eq!(MIGRATIONS.path(setup), "ui/pass/diesel/00000000000000_diesel_initial_setup/up.sql");
    assert_eq!(MIGRATIONS.stale(), None);
}
