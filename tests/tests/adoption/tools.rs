//! A project of another tool, run by that tool and then by us.

use sharded_migrations::record::{Recorded, Records};
use sharded_migrations::{Migrations, Tool, ToolTable};
use sharded_migrations_tests::project::Project;

use crate::peer;
use crate::support::fleet::block_on;
use crate::support::{Engine, Target, TestFleet, amended, ending, on_every_engine, why};

on_every_engine!(
    a_file_that_was_edited_is_refused_and_nothing_is_changed_anywhere,
    a_file_with_other_line_ends_is_what_it_was,
    a_table_of_another_name_is_adopted_by_that_name,
    versions_of_eight_bytes_have_checksums_of_their_own,
    what_a_tool_has_applied_is_adopted_and_the_next_run_goes_on_behind_it,
);

const TOOLS: [Tool; 3] = [Tool::Refinery, Tool::Sqlx, Tool::Diesel];

const SETTING: &str = "CREATE TABLE setting (name varchar(20));\n";
const ACCOUNT: &str = "CREATE TABLE account (id int);\nINSERT INTO account VALUES (1);\n";
const EMAIL: &str = "ALTER TABLE account ADD email varchar(80);\n";
const PHONE: &str = "ALTER TABLE account ADD phone varchar(20);\n";

/// The file of a migration in the layout of a tool.
fn file(tool: Tool, group: &str, number: u32, name: &str) -> String {
    match tool {
        Tool::Refinery => format!("{group}/V{number}__{name}.sql"),
        Tool::Sqlx => format!("{group}/{number}_{name}.sql"),
        _ => format!("{group}/2026-01-0{number}-090000-0000_{name}/up.sql"),
    }
}

/// Its version here.
fn version(tool: Tool, number: u32) -> String {
    match tool {
        Tool::Diesel => format!("2026010{number}090001"),
        _ => number.to_string(),
    }
}

/// A project as the tool has it, for which each database is a call of its own.
fn old_project(tool: Tool) -> Project {
    let files = [
        (file(tool, "default", 1, "setting"), SETTING),
        (file(tool, "users", 1, "account"), ACCOUNT),
        (file(tool, "users", 2, "email"), EMAIL),
    ];
    files.iter().fold(Project::new(), |project, (path, text)| project.file(path, text))
}

/// A fleet that the tool has migrated.
fn migrated_by(tool: Tool, engine: Engine, project: &Project) -> TestFleet {
    let fleet = TestFleet::of_three(engine);
    for database in fleet.databases() {
        let folder = if database.name == "default" { "default" } else { "users" };
        peer::migrate(tool.name(), database, &project.migrations_path().join(folder));
    }
    fleet
}

/// The same files with routes, and one more.
fn new_set(tool: Tool, fleet: &TestFleet, email: &str) -> &'static Migrations {
    let users = "-- #[route(group = \"users\")]\n";
    let files = [
        (file(tool, "default", 1, "setting"), format!("-- #[route(database = \"default\")]\n{SETTING}")),
        (file(tool, "users", 1, "account"), format!("{users}{ACCOUNT}")),
        (file(tool, "users", 2, "email"), format!("{users}-- #[lock_timeout = \"2s\"]\n\n{email}")),
        (file(tool, "users", 3, "phone"), format!("{users}{PHONE}")),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), text.as_str())).collect();
    fleet.set(&files)
}

/// The exit code and a line for each database, as in `default: 1 setting`.
fn told(records: &Records) -> String {
    amended(records, |Recorded { version, name }| format!("{version} {name}"))
}

fn adopt(fleet: &TestFleet, set: &'static Migrations, tool: Tool) -> Records {
    let records = block_on(fleet.migrator(set).adopt(tool));
    fleet.wait_until_unlocked();
    records
}

/// What is in the tool's own table.
fn table(fleet: &TestFleet, tool: Tool) -> Vec<String> {
    let select = format!("SELECT * FROM {}", tool.table());
    fleet.databases().iter().map(|database| database.query(&select)).collect()
}

fn what_a_tool_has_applied_is_adopted_and_the_next_run_goes_on_behind_it(engine: Engine) {
    for tool in TOOLS {
        let project = old_project(tool);
        let fleet = migrated_by(tool, engine, &project);
        let set = new_set(tool, &fleet, EMAIL);
        let [one, two, three] = [1, 2, 3].map(|number| version(tool, number));
        let users = format!("{one} account, {two} email");
        let adopted = format!("exit 0\ndefault: {one} setting\nusers_01: {users}\nusers_02: {users}");
        let (before, rows) = (fleet.fingerprint(), table(&fleet, tool));

        let planned = block_on(fleet.migrator(set).plan_adopt(tool));
        assert_eq!(told(&planned), adopted, "{tool}: {}", why(&planned));
        assert_eq!(planned.databases[0].notes, ["nothing is pending afterwards"]);
        assert_eq!(planned.databases[1].notes, [format!("pending afterwards: {three} phone")]);
        assert_eq!(fleet.fingerprint(), before, "{tool}: it was only looked");

        assert_eq!(told(&adopt(&fleet, set, tool)), adopted, "{tool}");
        let users_01 = fleet.database("users_01");
        let contents = format!("{} account | {users}", tool.table());
        assert_eq!(sorted(&users_01.contents()), sorted(&contents));
        assert!(
            users_01.audit().contains(&format!("adopt {one} account ({}: ", tool.table())),
            "{}",
            users_01.audit()
        );
        assert_eq!(table(&fleet, tool), rows, "{tool}: its own table is left alone");
        assert_eq!(times_that_differ(tool, users_01), "", "{tool}");

        let nothing = "exit 0\ndefault: nothing\nusers_01: nothing\nusers_02: nothing";
        let before = fleet.fingerprint();
        let again = adopt(&fleet, set, tool);
        assert_eq!(told(&again), nothing, "{tool}: once more does no harm");
        assert_eq!(again.databases[1].notes[0], format!("2 of what {tool} has applied are recorded already"));
        assert_eq!(fleet.fingerprint(), before);

        let run = fleet.run(set);
        assert_eq!(
            ending(&run),
            format!(
                "exit 0\ndefault: done, 1 before\nusers_01: done {three}, 2 before\nusers_02: done {three}, 2 before"
            )
        );
        assert_eq!(users_01.query("SELECT id, phone FROM account"), "1|");
        // Who goes back to the tool finds what it left.
        peer::migrate(tool.name(), users_01, &project.migrations_path().join("users"));
        assert_eq!(table(&fleet, tool), rows);
    }
}

/// The tables stand in another order on PostgreSQL.
fn sorted(contents: &str) -> Vec<&str> {
    let mut words: Vec<&str> = contents.split(' ').collect();
    words.sort_unstable();
    words
}

/// The rows whose time is not that of the tool's row; times may be kept with more digits there.
fn times_that_differ(tool: Tool, database: &Target) -> String {
    let (key, at) = match tool {
        Tool::Refinery => ("o.version", "applied_on"),
        Tool::Sqlx => ("o.version", "installed_on"),
        _ => ("substr(CAST(o.version AS varchar(14)), 1, 14) || ''", "run_on"),
    };
    // A counter of diesel's is seconds here.
    let own = if tool == Tool::Diesel { "CAST(h.version - 1 AS varchar(20))" } else { "h.version" };
    let tables = format!("sharded_migrations_history h JOIN {} o ON {own} = {key}", tool.table());
    let (ours, theirs) = match database.is_postgres() {
        true => (
            "date_trunc('second', h.applied_at)".to_owned(),
            format!("date_trunc('second', o.{at}::timestamptz)"),
        ),
        false => ("strftime('%s', h.applied_at)".to_owned(), format!("strftime('%s', o.{at})")),
    };
    let joined = database.query(&format!("SELECT count(*) FROM {tables}"));
    assert_eq!(joined, "2");
    database.query(&format!("SELECT h.version, {ours}, {theirs} FROM {tables} WHERE {ours} <> {theirs}"))
}

fn a_file_that_was_edited_is_refused_and_nothing_is_changed_anywhere(engine: Engine) {
    for tool in [Tool::Refinery, Tool::Sqlx] {
        let fleet = migrated_by(tool, engine, &old_project(tool));
        let set = new_set(tool, &fleet, &EMAIL.replace("80", "90"));
        let before = fleet.fingerprint();
        let records = adopt(&fleet, set, tool);
        assert_eq!(
            told(&records),
            "exit 5\ndefault: not started\nusers_01: refused divergent\nusers_02: refused divergent",
            "{tool}"
        );
        let message = why(&records);
        let edited = file(tool, "users", 2, "email");
        assert!(message.contains(&format!("`{edited}` is not what {tool} has applied here")), "{message}");
        assert_eq!(fleet.fingerprint(), before, "{tool}");
    }
}

fn a_file_with_other_line_ends_is_what_it_was(engine: Engine) {
    // The server reads no byte order mark.
    let mark = engine.pick("", "\u{feff}");
    for tool in TOOLS {
        let fleet = TestFleet::of_one(engine);
        let path = file(tool, "all", 1, "account");
        let of_windows = format!("{mark}{}", ACCOUNT.replace('\n', "\r\n"));
        let project = Project::new().file(&path, of_windows);
        peer::migrate(tool.name(), fleet.database("default"), &project.migrations_path().join("all"));
        let text = format!("-- #[route(everywhere)]\n{ACCOUNT}");
        let set = fleet.set(&[(&path, &text)]);
        assert_eq!(told(&adopt(&fleet, set, tool)), format!("exit 0\ndefault: {} account", version(tool, 1)));
        assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done, 1 before");
    }
}

/// Neither tool quotes the name, so PostgreSQL has it in lower case.
fn a_table_of_another_name_is_adopted_by_that_name(engine: Engine) {
    for tool in [Tool::Refinery, Tool::Sqlx] {
        let table = engine.pick("Audit.Applied_By_Hand", "Applied_By_Hand");
        let path = file(tool, "all", 1, "account");
        let fleet = TestFleet::of_one(engine);
        let default = fleet.database("default");
        if engine == Engine::Postgres {
            default.execute("CREATE SCHEMA audit");
        }
        let project = Project::new().file(&path, ACCOUNT);
        peer::migrate_with_table(tool.name(), default, &project.migrations_path().join("all"), table);
        let text = format!("-- #[route(everywhere)]\n{ACCOUNT}");
        let set = fleet.set(&[(&path, &text)]);
        let without = block_on(fleet.migrator(set).adopt(tool));
        assert_eq!(told(&without), "exit 5\ndefault: refused no-table", "{tool}");

        let from = ToolTable::named(tool, table).unwrap();
        let records = block_on(fleet.migrator(set).adopt(from));
        fleet.wait_until_unlocked();
        assert_eq!(told(&records), "exit 0\ndefault: 1 account", "{tool}: {}", why(&records));
        let audit = default.audit();
        assert!(audit.contains(&format!("adopt 1 account ({table}: ")), "{audit}");
        assert_eq!(ending(&fleet.run(set)), "exit 0\ndefault: done, 1 before");
    }
}

fn versions_of_eight_bytes_have_checksums_of_their_own(engine: Engine) {
    let fleet = TestFleet::of_one(engine);
    let files = [("V1__account.sql", ACCOUNT), ("V20260131120000__email.sql", EMAIL)];
    let project = files.iter().fold(Project::new(), |project, (path, text)| project.file(path, text));
    peer::migrate_int8(fleet.database("default"), &project.migrations_path());
    let texts = files.map(|(path, text)| (path, format!("-- #[route(everywhere)]\n{text}")));
    let set = fleet.set(&texts.each_ref().map(|(path, text)| (*path, text.as_str())));
    assert_eq!(told(&adopt(&fleet, set, Tool::Refinery)), "exit 0\ndefault: 1 account, 20260131120000 email");
}
