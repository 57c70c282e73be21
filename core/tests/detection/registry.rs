//! A set in the shape of a public project: the tables and foreign keys of crates.io, as `schema.rs` names them at commit
//! 57fa000 of rust-lang/crates.io (MIT or Apache-2.0). The keys that join accounts to packages are cut, as who spreads
//! such a schema over servers would; what still hangs together by keys becomes a group, and what stands alone goes to
//! the default database. Only the names are theirs: the migrations are made here.

use std::collections::BTreeMap;

use sharded_migrations_core::project::Sources;

/// A table, and the tables that its columns refer to.
type Table = (&'static str, &'static [(&'static str, &'static str)]);

/// In an order in which they can be made.
const TABLES: &[Table] = &[
    ("users", &[]),
    ("teams", &[]),
    ("categories", &[]),
    ("keywords", &[]),
    ("crates", &[]),
    ("background_jobs", &[]),
    ("cloudfront_invalidation_queue", &[]),
    ("metadata", &[]),
    ("processed_log_files", &[]),
    ("reserved_crate_names", &[]),
    ("reserved_usernames", &[]),
    ("trustpub_tokens", &[]),
    ("trustpub_used_jtis", &[]),
    ("api_tokens", &[("user_id", "users")]),
    ("deleted_crates", &[("deleted_by", "users")]),
    ("emails", &[("user_id", "users")]),
    ("oauth_github", &[("user_id", "users")]),
    ("publish_limit_buckets", &[("user_id", "users")]),
    ("publish_rate_overrides", &[("user_id", "users")]),
    ("crate_downloads", &[("crate_id", "crates")]),
    ("crate_owner_invitations", &[("crate_id", "crates")]),
    ("crate_owners", &[("crate_id", "crates"), ("team_id", "teams"), ("owner_id", "users")]),
    ("crates_categories", &[("category_id", "categories"), ("crate_id", "crates")]),
    ("crates_keywords", &[("crate_id", "crates"), ("keyword_id", "keywords")]),
    ("follows", &[("crate_id", "crates"), ("user_id", "users")]),
    ("recent_crate_downloads", &[("crate_id", "crates")]),
    ("trustpub_configs_github", &[("crate_id", "crates")]),
    ("trustpub_configs_gitlab", &[("crate_id", "crates")]),
    ("versions", &[("crate_id", "crates"), ("published_by", "users")]),
    ("default_versions", &[("crate_id", "crates"), ("version_id", "versions")]),
    ("dependencies", &[("crate_id", "crates"), ("version_id", "versions")]),
    ("readme_renderings", &[("version_id", "versions")]),
    ("reverse_dependencies", &[("version_id", "versions")]),
    ("version_downloads", &[("version_id", "versions")]),
    (
        "version_owner_actions",
        &[("version_id", "versions"), ("user_id", "users"), ("api_token_id", "api_tokens")],
    ),
    ("versions_published_by", &[("version_id", "versions")]),
];

/// Tables whose own keys to accounts are plain columns here.
const CUT: &[&str] = &["crate_owners", "follows", "versions", "version_owner_actions"];

/// The tables that accounts have; a key to one of them from a table in [`CUT`] is cut.
const ACCOUNTS: &[&str] = &["users", "api_tokens"];

const DATABASES: &str = r#"
[groups.packages]
[groups.accounts]
[databases.default]
url = "postgres://h/default"
[databases."packages_{01..02}"]
group = "packages"
url = "postgres://h/packages_{01..02}"
[databases."accounts_{01..04}"]
group = "accounts"
url = "postgres://h/accounts_{01..04}"
vars = { shard = "{1..4}" }
"#;

/// The set.
pub(crate) fn sources() -> Sources {
    let routes = routes();
    let mut files: Vec<(String, String)> = Vec::new();
    let mut add = |name: String, text: String, reverse: String| {
        let version = files.iter().filter(|(file, _)| !file.ends_with(".down.sql")).count() + 1;
        files.push((format!("V{version}__{name}.sql"), text));
        files.push((format!("V{version}__{name}.down.sql"), reverse));
    };
    let common = "-- #[route(everywhere)]\nCREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$\n\
                  BEGIN\n    NEW.changed_at := now();\n    RETURN NEW;\nEND\n$$;\n";
    add("note_change".into(), common.into(), "DROP FUNCTION note_change();\n".into());
    for route in ["group = \"packages\"", "group = \"accounts\""] {
        let name = if route.contains("packages") { "package" } else { "account" };
        let text = format!(
            "-- #[route({route})]\nCREATE TYPE {name}_state AS ENUM ('active', 'locked');\n\
             CREATE DOMAIN {name}_label AS text CHECK (length(VALUE) < 64);\n"
        );
        add(format!("{name}_types"), text, format!("DROP DOMAIN {name}_label;\nDROP TYPE {name}_state;\n"));
    }
    for (table, keys) in TABLES {
        let route = &routes[table];
        add((*table).to_owned(), create(table, keys, route), format!("DROP TABLE {table};\n"));
    }
    // What came later, a file for every fourth table.
    for (table, _) in TABLES.iter().step_by(4) {
        let route = &routes[table];
        let text = format!(
            "-- #[route({route})]\n-- #[lock_timeout = \"2s\"]\nALTER TABLE {table} ADD COLUMN note text;\n\
             CREATE VIEW {table}_noted AS SELECT * FROM {table} WHERE note IS NOT NULL;\n\
             CREATE TRIGGER {table}_change\n    BEFORE UPDATE ON {table}\n    FOR EACH ROW EXECUTE FUNCTION note_change();\n"
        );
        let reverse = format!(
            "DROP TRIGGER {table}_change ON {table};\nDROP VIEW {table}_noted;\nALTER TABLE {table} DROP COLUMN note;\n"
        );
        add(format!("{table}_notes"), text, reverse);
    }
    Sources {
        folder: "migrations".into(),
        files: files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect(),
        databases: "databases.toml".into(),
        databases_bytes: DATABASES.into(),
        lock: None,
    }
}

fn create(table: &str, keys: &[(&str, &str)], route: &str) -> String {
    let mut columns = vec!["    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY".to_owned()];
    columns.extend(keys.iter().map(|(column, to)| match is_cut(table, to) {
        true => format!("    {column} bigint NOT NULL"),
        false => format!("    {column} bigint NOT NULL REFERENCES {to} (id) ON DELETE CASCADE"),
    }));
    columns.push("    changed_at timestamptz NOT NULL DEFAULT now()".to_owned());
    let mut text = format!("-- #[route({route})]\nCREATE TABLE {table} (\n{}\n);\n", columns.join(",\n"));
    for (column, _) in keys {
        text.push_str(&format!("CREATE INDEX {table}_{column}_idx ON {table} ({column});\n"));
    }
    text
}

fn is_cut(table: &str, to: &str) -> bool {
    CUT.contains(&table) && ACCOUNTS.contains(&to)
}

/// Where each table goes: tables that hang together by keys go together.
fn routes() -> BTreeMap<&'static str, String> {
    let mut component: BTreeMap<&str, usize> =
        TABLES.iter().enumerate().map(|(number, (table, _))| (*table, number)).collect();
    for (table, keys) in TABLES {
        for (_, to) in keys.iter().filter(|(_, to)| !is_cut(table, to)) {
            let (from, into) = (component[table], component[to]);
            component.values_mut().filter(|number| **number == from).for_each(|number| *number = into);
        }
    }
    let route = |table: &str| {
        let own = component[table];
        match component.values().filter(|number| **number == own).count() {
            1 => "database = \"default\"",
            _ if own == component["users"] => "group = \"accounts\"",
            _ => "group = \"packages\"",
        }
    };
    TABLES.iter().map(|(table, _)| (*table, route(table).to_owned())).collect()
}
