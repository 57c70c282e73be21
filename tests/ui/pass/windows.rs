//! Files with `\r\n` line ends and a byte order mark are the same set as files without.

use sharded_migrations::{Migrations, embed_sharded_migrations};

static UNIX: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/windows/unix", databases = "ui/pass/windows/unix.toml");

static WINDOWS: Migrations = embed_sharded_migrations!(
    migrations = "ui/pass/windows/windows",
    databases = "ui/pass/windows/windows.toml",
);

fn main() {
    // Whoever checks these files out must not have changed them.
    assert!(include_str!("windows/windows/3_text.sql").starts_with("\u{feff}-- no-transaction\r\n"));
    assert!(include_str!("windows/unix/3_text.sql").starts_with("-- no-transaction\n"));
    assert!(include_str!("windows/windows.toml").starts_with("\u{feff}[groups.users]\r\n"));

    assert!(include_str!("windows/windows/migrations.lock").starts_with("\u{feff}# Written"));
    assert!(include_str!("windows/windows/migrations.lock").contains("\r\nroute = "));

    assert_eq!(UNIX.migrations.len(), 3);
    assert_eq!(WINDOWS.migrations, UNIX.migrations);
    assert_eq!(WINDOWS.topology.databases, UNIX.topology.databases);
    let text = &WINDOWS.migrations[2];
    assert!(text.sql.ends_with("'two\nlines');\n"));
    assert_eq!(format!("{:?}", text.transaction), "None");
    assert_eq!(format!("{:?}", WINDOWS.migrations[1].transaction), "None", "by its metadata.toml");
}
