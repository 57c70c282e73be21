//! `{version}_{name}.sql`, `.up.sql` with `.down.sql`, and `-- no-transaction`.

use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/sqlx", databases = "ui/databases.toml");

fn main() {
    let found: Vec<String> = MIGRATIONS
        .migrations
        .iter()
        .map(|m| format!("{} {} {:?} {} [{}]", m.version, m.name, m.transaction, m.file, m.route))
        .collect();
    assert_eq!(
        found,
        [
            r#"20240131120000 account Whole 20240131120000_account.sql [everywhere]"#,
            r#"20240201120000 add-email Whole 20240201120000_add-email.up.sql [group = "users"]"#,
            r#"20240202120000 email_index None 20240202120000_email_index.sql [group = "users"]"#,
        ]
    );
    let index = &MIGRATIONS.migrations[2];
    let statements: Vec<&str> = index.statements.iter().map(|bytes| &index.sql[bytes.clone()]).collect();
    assert_eq!(
        statements,
        [
            "CREATE INDEX CONCURRENTLY account_email ON account (email)",
            "CREATE INDEX CONCURRENTLY account_email_id ON account (email, id)",
        ]
    );
    assert_eq!(MIGRATIONS.stale(), None);
}
