//! PostgreSQL.

use std::fs;
use std::path::Path;

use sharded_migrations_tests::postgres::{Binaries, Cluster, Options, TestDatabase, psql, url};

use super::fleet::{applied, files, migrate};
use super::support::{Project, Said};

const NAMES: [&str; 4] = ["default", "users_01", "users_02", "users_03"];

const FILES: [(&str, &str); 6] = [
    (
        "V1__setting.sql",
        "-- #[route(everywhere)]\nCREATE TABLE setting (name text PRIMARY KEY, value jsonb);\n\
         INSERT INTO setting VALUES ('it''s; -- ü', '{\"a\": 1}'), ('none', NULL);\n",
    ),
    (
        "users/V2__account.sql",
        "-- #[route(group = \"users\")]\nCREATE TYPE mood AS ENUM ('sad', 'ok');\n\
         CREATE TABLE account (id bigserial PRIMARY KEY, mail text UNIQUE, mood mood, at timestamptz DEFAULT now());\n\
         INSERT INTO account (mail) VALUES ('a'), ('b');\nDELETE FROM account WHERE mail = 'b';\n",
    ),
    (
        "users/V3__session.sql",
        "-- #[route(group = \"users\")]\n-- #[requires(\"default:1\")]\n\
         CREATE TABLE session (id uuid PRIMARY KEY, account bigint REFERENCES account (id), n int GENERATED ALWAYS AS IDENTITY);\n\
         CREATE FUNCTION count_account() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM count(*) FROM account; \
         RETURN NEW; END; $$;\n\
         CREATE TRIGGER counts BEFORE INSERT ON session FOR EACH ROW EXECUTE FUNCTION count_account();\n\
         CREATE VIEW mails AS SELECT 1 AS mail;\n",
    ),
    (
        "users/V4__index.sql",
        "-- #[route(group = \"users\")]\n-- #[no_transaction]\nCREATE INDEX CONCURRENTLY session_account ON session (account);\n",
    ),
    ("users/V5__value.sql", "-- #[route(group = \"users\")]\nALTER TYPE mood ADD VALUE 'happy';\n"),
    (
        "users/V6__age.sql",
        "-- #[route(group = \"users\")]\n-- #[allow(drop-view)]\nALTER TABLE account ADD COLUMN age int;\n\
         UPDATE account SET age = 3;\nDROP VIEW mails;\nINSERT INTO account (mail) VALUES (clock_timestamp());\n",
    ),
];

/// A database each, and the project for them.
fn project(cluster: &Cluster, files: &[(&str, &str)]) -> (Vec<TestDatabase>, Project) {
    let databases: Vec<TestDatabase> = NAMES.iter().map(|name| cluster.create_database(name)).collect();
    let mut fleet = "[groups.users]\n".to_owned();
    for (name, database) in NAMES.iter().zip(&databases) {
        let group = if name.starts_with("users") { "group = \"users\"\n" } else { "" };
        fleet.push_str(&format!("[databases.{name}]\n{group}url = \"{}\"\n", database.url()));
    }
    (databases, Project::with(&fleet, files))
}

fn squash(project: &Project, words: &str, scratch: &str) -> Said {
    let mut command = project.command(&format!("squash {words}"));
    Said::of(command.env("SHARDED_MIGRATIONS_SCRATCH_URL", scratch).output().unwrap())
}

fn left_behind(cluster: &Cluster) -> String {
    let names = "SELECT datname FROM pg_database WHERE datname LIKE 'sharded\\_migrations\\_t%'";
    psql(&cluster.url(), names).unwrap()
}

#[test]
fn a_fleet_goes_on_whether_it_was_migrated_before_or_is_new() {
    let cluster = Cluster::start(Options::default());
    let (databases, project) = project(&cluster, &FILES);
    assert_eq!(project.run("lock").code, 0);
    // One is up to date, one of them had the range, one is half way, and one is new.
    assert_eq!(applied(&project, "default"), 1);
    assert_eq!(migrate(&project, "users_01", Some(5)).unwrap().applied(), 5);
    assert_eq!(migrate(&project, "users_03", Some(2)).unwrap().applied(), 2);

    // More than to make databases its role need not be allowed to.
    let maker = cluster.create_role("maker");
    cluster.psql(&format!("ALTER ROLE {} CREATEDB", maker.name));
    let scratch = url(&maker.name, &maker.password, cluster.port(), "postgres");
    let said = squash(&project, "1..5", &scratch);
    assert_eq!(said.code, 0, "{}", said.all());
    insta::assert_snapshot!(said.all());
    assert_eq!(
        files(&project),
        ["V5__squash_default.sql", "migrations.lock", "users/V5__squash_users.sql", "users/V6__age.sql"]
    );
    // With a minute and a time zone of the day.
    let text = project.read("migrations/users/V5__squash_users.sql");
    let lines = text.lines().filter(|line| !line.starts_with("INSERT INTO public.account "));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
    assert!(
        text.contains("INSERT INTO public.account (id, mail, mood, at) VALUES (1, 'a', NULL, '20"),
        "{text}"
    );
    insta::assert_snapshot!(project.read("migrations/V5__squash_default.sql"));
    assert_eq!(left_behind(&cluster), "");

    assert_eq!(project.run("lock --check").code, 3);
    assert_eq!(project.run("lock").code, 0);
    assert_eq!(project.run("check").code, 0);

    assert_eq!(applied(&project, "default"), 0);
    assert_eq!(applied(&project, "users_01"), 1, "what is above");
    assert_eq!(applied(&project, "users_02"), 2, "the squash, and what is above");
    let ours = "sharded_migrations_*";
    assert_eq!(databases[1].dump_schema_without(ours), databases[2].dump_schema_without(ours));
    let next = "SELECT nextval('account_id_seq')";
    assert_eq!(databases[1].psql(next), databases[2].psql(next));
    assert_eq!(databases[2].psql("SELECT count(*) FROM setting").trim(), "2");
    let half = migrate(&project, "users_03", None).unwrap_err().to_string();
    assert!(half.contains("V5__squash_users.sql"), "{half}");
}

#[test]
fn rights_and_owners_that_migrations_gave_are_kept_and_no_others() {
    let cluster = Cluster::start(Options::default());
    let (reader, owner) = (cluster.create_role("reader"), cluster.create_role("owner"));
    let sql = format!(
        "-- #[route(everywhere)]\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\nALTER TABLE b OWNER TO {owner};\n\
         GRANT SELECT ON a TO {reader};\nREVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;\n\
         ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {reader};\n\
         COMMENT ON TABLE a IS 'the a''s';\n",
        owner = owner.name,
        reader = reader.name
    );
    let more = "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n";
    let (_databases, project) = project(&cluster, &[("V1__a.sql", &sql), ("V2__c.sql", more)]);
    let said = squash(&project, "..2 --name all", &cluster.url());
    assert_eq!(said.code, 0, "{}", said.all());
    let text = project.read("migrations/V2__all.sql");
    insta::assert_snapshot!(
        text.replace("  TO", " TO").replace(&reader.name, "reader").replace(&owner.name, "owner")
    );
    NAMES.iter().for_each(|name| assert_eq!(applied(&project, name), 1));
}

/// Of each kind of thing one, with rows that need quotes.
const OF_EACH: &str = r#"-- #[route(everywhere)]
CREATE SCHEMA "Shop's";
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE TYPE pair AS (a int, b text);
CREATE TYPE spread AS RANGE (subtype = float8);
CREATE SEQUENCE odd INCREMENT 2;
CREATE TABLE "Shop's"."Order ""1""" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pair pair, twice int GENERATED ALWAYS AS (1 * 2) STORED, size small DEFAULT 3);
INSERT INTO "Shop's"."Order ""1""" (pair) VALUES ('(1,"x;'' y")'), (NULL);
CREATE TABLE event (id int, day date NOT NULL, body bytea, span interval, f float8, tags text[], e text DEFAULT E'a\n''b') PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE event_rest PARTITION OF event DEFAULT;
CREATE INDEX event_day ON event (day);
INSERT INTO event VALUES (1, '2026-01-05', '\x00ff', '1 day 2 hours', 'NaN', '{a,"b c"}', DEFAULT), (2, '2027-01-01', NULL, NULL, 0.1, NULL, E'line\n-- two;\\');
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (more text) INHERITS (parent);
CREATE UNLOGGED TABLE fast (id int, CONSTRAINT positive CHECK (id > 0)) WITH (fillfactor = 70);
ALTER TABLE fast ADD CONSTRAINT late CHECK (id < 9) NOT VALID;
CREATE TABLE linked (id int PRIMARY KEY, up int REFERENCES parent DEFERRABLE INITIALLY DEFERRED, during spread, EXCLUDE USING gist (during WITH &&));
ALTER TABLE linked CLUSTER ON linked_pkey;
ALTER TABLE linked REPLICA IDENTITY FULL;
CREATE MATERIALIZED VIEW unfilled AS SELECT 1 AS n WITH NO DATA;
CREATE VIEW safe WITH (security_barrier) AS SELECT 1 AS one;
CREATE FUNCTION add_one(n int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT n + 1; END;
CREATE PROCEDURE nothing() LANGUAGE plpgsql AS $body$ BEGIN NULL; END; $body$;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'a;b'; RETURN NEW; END $$;
CREATE TRIGGER told AFTER UPDATE OF id ON linked FOR EACH ROW WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION told();
CREATE AGGREGATE joined(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE OPERATOR <+> (RIGHTARG = int, FUNCTION = add_one);
CREATE RULE no_delete AS ON DELETE TO linked DO INSTEAD NOTHING;
CREATE STATISTICS of_event (dependencies) ON id, day FROM event;
CREATE INDEX added ON linked (add_one(id)) WHERE id > 0;
ALTER TABLE linked ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON linked FOR SELECT USING (id = add_one(0));
CREATE FUNCTION watched() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE EVENT TRIGGER watched ON ddl_command_end WHEN TAG IN ('CREATE COLLATION') EXECUTE FUNCTION watched();
CREATE PUBLICATION told_of FOR TABLE linked;
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
COMMENT ON COLUMN linked.during IS 'when; -- and more';
COMMENT ON SCHEMA "Shop's" IS 'it''s';
REVOKE EXECUTE ON FUNCTION add_one(int) FROM PUBLIC;
SELECT setval('odd', 7);
INSERT INTO linked VALUES (1, NULL, '[1,2)');
CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM linked;
CREATE UNIQUE INDEX total_n ON total (n);
"#;

#[test]
fn whatever_migrations_make_is_made_again() {
    let cluster = Cluster::start(Options::default().setting("wal_level", "logical"));
    let more = "-- #[route(everywhere)]\nALTER TABLE linked ADD COLUMN more int DEFAULT add_one(1);\nDROP VIEW safe;\n";
    let (databases, project) =
        project(&cluster, &[("V1__of_each.sql", OF_EACH), FILES[1], ("V3__more.sql", more)]);
    assert_eq!(applied(&project, "default"), 2);
    let said = squash(&project, "..2", &cluster.url());
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!((applied(&project, "default"), applied(&project, "users_01")), (0, 2));
    assert_eq!(databases[1].psql("SELECT e FROM event WHERE id = 2"), "line\n-- two;\\");
    assert_eq!(databases[1].psql("SELECT n FROM total"), "1");
}

/// The shards of the reference set have a number each, which is in the defaults of their keys.
#[test]
fn the_reference_set_is_squashed_with_its_variables() {
    let cluster = Cluster::start(Options::default());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = Project::with(&fs::read_to_string(workspace.join("databases.toml")).unwrap(), &[]);
    for (file, path) in sharded_migrations_core::load::list(&workspace.join("migrations")).unwrap() {
        project.write(&format!("migrations/{file}"), fs::read(path).unwrap());
    }
    assert_eq!(project.run("lock").code, 0);
    let said = squash(&project, "..12", &cluster.url());
    assert_eq!(said.code, 0, "{}", said.all());
    assert_eq!(project.run("lock").code, 0);
    let made: Vec<String> = files(&project).into_iter().filter(|file| file.contains("squash")).collect();
    assert_eq!(
        made,
        [
            "catalog/V12__squash_catalog.sql",
            "default/V12__squash_default.sql",
            "users/V12__squash_users_eu.sql",
            "users/V12__squash_users_not_eu.sql"
        ]
    );
    for file in &made[2..] {
        let text = project.read(&format!("migrations/{file}"));
        assert!(text.contains("-- #[vars(shard_id)]\n"), "{text}");
        assert_eq!(text.matches("${shard_id}").count(), 3, "{text}");
    }
}

/// A `pg_dump` that a test has written, in a folder of its own.
#[cfg(unix)]
fn pg_dump(folder: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let program = folder.join("pg_dump");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn what_does_not_come_to_the_same_is_not_written() {
    let cluster = Cluster::start(Options::default());
    let (_databases, project) = project(&cluster, &FILES);
    let before = files(&project);
    let refused = |project: &Project| {
        let mut command = project.command("squash ..4 --name all");
        let scratch = cluster.url();
        command.env("SHARDED_MIGRATIONS_SCRATCH_URL", scratch).env("PG_BIN", project.folder());
        let said = Said::of(command.output().unwrap());
        assert_eq!(files(project), before);
        assert_eq!(left_behind(&cluster), "");
        said.all().replace(&project.folder().display().to_string(), "..")
    };
    // Each dump has a table more than the one before.
    let real = Binaries::find().unwrap().path("pg_dump");
    let more = format!(
        "{} \"$@\" || exit 1\necho x >> {log}\nfor line in $(cat {log}); do n=$((n + 1)); echo \"CREATE TABLE public.more$n (id int);\"; done",
        real.display(),
        log = project.path("calls").display()
    );
    pg_dump(&project.folder(), &more);
    let said = refused(&project);
    assert!(said.contains("exit code 5"), "{said}");
    insta::assert_snapshot!(said);

    pg_dump(
        &project.folder(),
        "echo 'pg_dump: error: aborting because of server version mismatch' >&2; exit 1",
    );
    insta::assert_snapshot!(refused(&project));

    fs::remove_file(project.path("pg_dump")).unwrap();
    insta::assert_snapshot!(refused(&project));
}

#[test]
fn a_migration_that_fails_or_a_server_that_is_not_there_is_told_of() {
    let cluster = Cluster::start(Options::default());
    let wrong =
        ("users/V3__wrong.sql", "-- #[route(group = \"users\")]\nINSERT INTO setting VALUES (1, 2, 3);\n");
    let (_databases, project) = project(&cluster, &[FILES[0], FILES[1], wrong]);
    let before = files(&project);
    let said = squash(&project, "..3", &cluster.url());
    assert_eq!(said.code, 5, "{}", said.all());
    assert!(said.err.contains("migrations/users/V3__wrong.sql:2"), "{}", said.err);
    assert_eq!(left_behind(&cluster), "");
    let said = squash(&project, "..2", "postgres://127.0.0.1:1/postgres");
    assert_eq!(said.code, 1, "{}", said.all());
    assert!(said.err.contains("the scratch server"), "{}", said.err);
    let said = squash(&project, "..2", "");
    assert_eq!(said.code, 2, "{}", said.all());
    assert!(said.err.contains("`--scratch`"), "{}", said.err);
    assert_eq!(files(&project), before);
}
