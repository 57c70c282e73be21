//! `V{version}__{name}.sql` and `U{version}__{name}.sql`, and a number used by two groups.

use sharded_migrations::{Migrations, embed_sharded_migrations};

static MIGRATIONS: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/refinery", databases = "ui/databases.toml");

fn main() {
    let found: Vec<String> = MIGRATIONS
        .migrations
        .iter()
        .map(|m| format!("{} {} {:?} {} [{}]", m.version, m.name, m.kind, m.file, m.route))
        .collect();
    assert_eq!(
        found,
        [
            r#"1 account Ordered V1__account.sql [group = "users"]"#,
            r#"1 item Ordered catalog/V1__item.sql [group = "catalog"]"#,
            r#"2 add_email OutOfOrder U2__add_email.sql [group = "users"]"#,
            r#"3 add_phone Ordered V3__add_phone.sql [group = "users"]"#,
            r#"10 setting Ordered V010__setting.sql [everywhere]"#,
        ]
    );
    let on = |name: &str| -> Vec<i64> {
        let database = MIGRATIONS.topology.database(name).unwrap();
        MIGRATIONS.routed_to(database).map(|migration| migration.version.get()).collect()
    };
    assert_eq!(on("default"), [10]);
    assert_eq!(on("catalog"), [1, 10]);
    assert_eq!(on("users_02"), [1, 2, 3, 10]);
    assert_eq!(MIGRATIONS.stale(), None, "README.md and reverse files are no news");
}
