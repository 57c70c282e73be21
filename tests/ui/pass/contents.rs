//! What is embedded is what the files say.

use sharded_migrations::{Migrations, Role, embed_sharded_migrations};

static HERE: Migrations =
    embed_sharded_migrations!(migrations = "ui/pass/contents/here", databases = "ui/databases.toml");

/// The same SQL with other routes, and a file with one comment more.
static THERE: Migrations =
    embed_sharded_migrations!(databases = "ui/databases.toml", migrations = "ui/pass/contents/there");

fn main() {
    migrations();
    checksums();
    fleet();
}

fn migrations() {
    let [setting, values] = &HERE.migrations[..] else { panic!("{HERE:?}") };
    assert_eq!((setting.version.get(), setting.name.as_ref()), (1, "setting"));
    assert_eq!((values.version.get(), values.name.as_ref()), (2, "values"));
    assert_eq!(setting.sql, include_str!("contents/here/V1__setting.sql"));
    assert_eq!(values.sql, include_str!("contents/here/V2__values.sql"));
    assert_eq!(setting.route.to_string(), "everywhere");
    assert_eq!(
        values.route.to_string(),
        r#"any(group = "users", all(label = "eu", not(database = "users_01")))"#
    );
    assert_eq!((setting.timeouts.lock, setting.timeouts.statement), (None, None));
    assert_eq!(values.timeouts.lock.unwrap().as_millis(), 2_000);
    assert_eq!(values.timeouts.statement.unwrap().as_millis(), 60_000);
    assert_eq!(setting.vars[..], [""; 0]);
    assert_eq!(values.vars[..], ["shard_id"]);
    let locks = |index: usize| HERE.migrations[index].locks.as_ref().map(ToString::to_string);
    assert_eq!((locks(0).as_deref(), locks(1).as_deref()), (Some(""), Some("ROW EXCLUSIVE on setting")));
    let statement = &values.sql[values.statements.get(0).unwrap()];
    assert!(statement.starts_with("INSERT INTO setting") && statement.ends_with("'${other}')"));
    assert!(setting.replaces.is_nothing());
    let ways = THERE.migrations[3].replaces.0.iter();
    let ways: Vec<Vec<i64>> = ways.map(|way| way.iter().map(|version| version.get()).collect()).collect();
    assert_eq!(ways, [vec![4, 5, 6, 7], vec![6, 7]]);
}

fn checksums() {
    // By `grep -v '#\[' FILE | sha256sum`.
    let setting = "415130b0c49938ca436f1475ae18e5680a46b2d8c9e52f334266f56a703250a9";
    let values = "662bb1aa2b3e7871dd5a408e52c60ed8c0d16dcaa9465e003c73e150ed84027e";
    for set in [&HERE, &THERE] {
        assert_eq!(set.migrations[0].checksum.to_string(), setting);
        assert_eq!(set.migrations[1].checksum.to_string(), values);
    }
    assert_ne!(THERE.migrations[0].route, HERE.migrations[0].route);
    assert_ne!(THERE.migrations[2].checksum, THERE.migrations[0].checksum);
}

fn fleet() {
    let fleet = &HERE.topology;
    assert_eq!(fleet.file, "ui/databases.toml");
    assert_eq!(fleet.rollout.concurrency, 32);
    let groups: Vec<&str> = fleet.groups.iter().map(|group| group.as_str()).collect();
    assert_eq!(groups, ["users", "catalog"]);
    let primaries: Vec<&str> = fleet.primaries().map(|database| database.name.as_str()).collect();
    assert_eq!(primaries, ["default", "users_01", "users_02", "catalog"]);

    let shard = fleet.database("users_02").unwrap();
    assert_eq!(shard.group.as_ref().unwrap().as_str(), "users");
    assert_eq!(shard.labels[0].as_str(), "eu");
    assert_eq!(shard.var("shard_id"), Some("2"));
    // Secrets stay in the environment: nothing is filled in at build time.
    assert_eq!(shard.url, "postgres://app:${DB_PASSWORD}@db02/users");
    assert_eq!(shard.line, 7);

    let replica = fleet.database("users_01_replica").unwrap();
    assert!(matches!(&replica.role, Role::ReplicaOf(primary) if primary.as_str() == "users_01"));
}
