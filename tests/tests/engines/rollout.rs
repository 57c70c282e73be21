//! Which databases come first, what waits for what, and what stops a run.

use std::sync::mpsc::channel;
use std::time::Duration;

use sharded_migrations::{DatabaseName, Event, Migrator, OnFailure, Rollout, Selection, Share};

use crate::support::fleet::run;
use crate::support::{Engine, Run, TestFleet, ending, error, on_every_engine};

on_every_engine!(
    a_barrier_is_passed_by_the_whole_fleet_together,
    a_canary_that_fails_stops_the_fleet_and_the_rest_goes_on_after_the_fix,
    a_check_between_waves_stops_the_run,
    a_database_that_fails_or_is_refused_need_not_stop_the_others,
    a_run_that_resumes_half_way_still_waits_for_what_it_has_to,
    waves_go_out_one_after_another,
    what_waits_for_a_database_that_is_not_selected_is_refused_unless_it_is_done_there,
);

pub(crate) const NAMES: [&str; 5] = ["default", "users_01", "users_02", "users_03", "users_04"];
const FIRST: (&str, &str) = ("V1__a.sql", "-- #[route(everywhere)]\nCREATE TABLE a (id int);\n");

/// Fails where there is a table `trap`.
const TRAPPED: (&str, &str) = ("V2__trap.sql", "-- #[route(everywhere)]\nCREATE TABLE trap (id int);\n");

/// Where the engine says that it fails.
fn place(engine: Engine) -> &'static str {
    engine.pick("2:1", "2:14")
}

fn trap(fleet: &TestFleet, name: &str) {
    fleet.database(name).execute("CREATE TABLE trap (x int)");
}

/// How a run ended and what happened on the way: `wave 1/2: default`, `default 1`, `pause`, `stop: ..`.
fn watched(migrator: Migrator<'static>) -> (String, Vec<String>) {
    watched_as(migrator, run)
}

/// The same of whatever a migrator does.
pub(crate) fn watched_as(
    migrator: Migrator<'static>,
    run: impl FnOnce(&Migrator<'_>) -> Run,
) -> (String, Vec<String>) {
    let (tell, told) = channel();
    let listening = migrator.on_event(move |event| {
        let line = match event {
            Event::WaveStarted(wave) => {
                let names: Vec<_> = wave.databases.iter().map(|name| name.as_str()).collect();
                let stage = if wave.stages > 1 { format!("stage {} ", wave.stage) } else { String::new() };
                format!("{stage}wave {}/{}: {}", wave.number, wave.of, names.join(" "))
            }
            Event::MigrationApplied { database, migration, .. }
            | Event::MigrationTakenBack { database, migration, .. } => {
                format!("{database} {}", migration.version)
            }
            Event::WavePaused { .. } => "pause".into(),
            Event::RolloutStopped(why) => format!("stop: {why}"),
            _ => return,
        };
        tell.send(line).unwrap();
    });
    let ended = ending(&run(&listening));
    (ended, told.try_iter().collect())
}

pub(crate) fn rollout(canary: &[&'static str], waves: &[Share]) -> Rollout {
    Rollout {
        canary: canary.iter().copied().map(|name| DatabaseName::new(name).unwrap()).collect(),
        waves: waves.to_vec().into(),
        concurrency: 1,
        ..Rollout::DEFAULT
    }
}

fn waves_go_out_one_after_another(engine: Engine) {
    let lines =
        "[rollout]\ncanary = [\"users_02\"]\nwaves = [2, \"60%\"]\nconcurrency = 1\npause = \"1ms\"\n";
    let fleet = TestFleet::new(engine, &NAMES).toml(lines);
    let set = fleet.set(&[FIRST]);
    let (ended, told) = watched(fleet.migrator(set));
    let done = NAMES.map(|name| format!("\n{name}: done 1, 0 before"));
    assert_eq!(ended, format!("exit 0{}", done.concat()));
    assert_eq!(
        told,
        [
            "wave 1/4: users_02",
            "users_02 1",
            "pause",
            "wave 2/4: default",
            "default 1",
            "pause",
            "wave 3/4: users_01",
            "users_01 1",
            "pause",
            "wave 4/4: users_03 users_04",
            "users_03 1",
            "users_04 1",
        ]
    );
    // Nothing is pending, so there is nobody to wait for.
    assert_eq!(watched(fleet.migrator(set)).1, [""; 0]);
}

fn a_canary_that_fails_stops_the_fleet_and_the_rest_goes_on_after_the_fix(engine: Engine) {
    let fleet = TestFleet::new(engine, &NAMES).toml("[rollout]\ncanary = [\"users_03\"]\n");
    trap(&fleet, "users_03");
    let set = fleet.set(&[FIRST, TRAPPED]);
    let before: Vec<_> = fleet.fingerprint();
    let everybody_else = |fleet: &TestFleet| {
        let mut all = fleet.fingerprint();
        all.remove(3);
        all
    };
    // Even where failures are to stop nobody.
    let going_on = Rollout { on_failure: OnFailure::Continue, ..fleet.fleet(set).rollout().clone() };
    let (ended, told) = watched(fleet.migrator(set).rollout(going_on));
    assert_eq!(
        ended,
        format!(
            "exit 4\ndefault: not started\nusers_01: not started\nusers_02: not started\n\
             users_03: failed at migrations/V2__trap.sql:{}, 1 applied, 0 before\nusers_04: not started",
            place(engine)
        )
    );
    assert_eq!(told, ["wave 1/2: users_03", "users_03 1", "stop: the canary `users_03` failed"]);
    let mut untouched = before;
    untouched.remove(3);
    assert_eq!(everybody_else(&fleet), untouched, "nothing else was written");

    fleet.database("users_03").execute("DROP TABLE trap");
    let (ended, told) = watched(fleet.migrator(set).concurrency(1));
    assert_eq!(
        ended,
        "exit 0\ndefault: done 1 2, 0 before\nusers_01: done 1 2, 0 before\nusers_02: done 1 2, 0 before\n\
         users_03: done 2, 1 before\nusers_04: done 1 2, 0 before"
    );
    assert_eq!(told[0], "wave 1/2: users_03");
    assert_eq!(told[2], "wave 2/2: default users_01 users_02 users_04");
}

fn a_database_that_fails_or_is_refused_need_not_stop_the_others(engine: Engine) {
    let failing = |on_failure: OnFailure| {
        let fleet = TestFleet::new(engine, &NAMES);
        trap(&fleet, "users_01");
        trap(&fleet, "users_02");
        let set = fleet.set(&[FIRST, TRAPPED]);
        let (ended, told) = watched(fleet.migrator(set).rollout(Rollout { on_failure, ..rollout(&[], &[]) }));
        let words = ended.lines().map(|line| line.split([',', ' ']).nth(1).unwrap_or_default().to_owned());
        let stops = told.into_iter().filter(|line| line.starts_with("stop"));
        words.chain(stops).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(failing(OnFailure::StopAbove(0)), "4 done failed not not not stop: a database failed");
    assert_eq!(failing(OnFailure::StopAbove(1)), "4 done failed failed not not stop: 2 databases failed");
    assert_eq!(failing(OnFailure::StopAbove(2)), "4 done failed failed done done");
    assert_eq!(failing(OnFailure::Continue), "4 done failed failed done done");

    let fleet = TestFleet::new(engine, &NAMES).toml("[rollout]\non_failure = \"continue\"\n");
    fleet.run(fleet.set(&[FIRST])).unwrap();
    fleet.database("users_01").execute("UPDATE sharded_migrations_history SET name = 'other'");
    let second = ("V2__b.sql", "-- #[route(everywhere)]\nCREATE TABLE b (id int);\n");
    let set = fleet.set(&[FIRST, second]);
    assert_eq!(
        ending(&fleet.run(set)),
        "exit 4\ndefault: done 2, 1 before\nusers_01: refused divergent\nusers_02: done 2, 1 before\n\
         users_03: done 2, 1 before\nusers_04: done 2, 1 before"
    );
}

const BARRIER: [(&str, &str); 3] = [
    FIRST,
    ("V2__b.sql", "-- #[route(database = \"default\")]\n-- #[barrier]\nCREATE TABLE b (id int);\n"),
    ("V3__c.sql", "-- #[route(everywhere)]\nCREATE TABLE c (id int);\n"),
];

fn a_barrier_is_passed_by_the_whole_fleet_together(engine: Engine) {
    let fleet = TestFleet::new(engine, &NAMES[..3]);
    let set = fleet.set(&BARRIER);
    let (ended, told) = watched(fleet.migrator(set).rollout(rollout(&["default"], &[])));
    assert_eq!(
        ended,
        "exit 0\ndefault: done 1 2 3, 0 before\nusers_01: done 1 3, 0 before\nusers_02: done 1 3, 0 before"
    );
    assert_eq!(
        told,
        [
            "stage 1 wave 1/2: default",
            "default 1",
            "stage 1 wave 2/2: users_01 users_02",
            "users_01 1",
            "users_01 3",
            "users_02 1",
            "users_02 3",
            "stage 2 wave 1/1: default",
            "default 2",
            "default 3",
        ]
    );
}

fn a_run_that_resumes_half_way_still_waits_for_what_it_has_to(engine: Engine) {
    let fleet = TestFleet::new(engine, &NAMES[..3]);
    trap(&fleet, "users_02");
    let files = [("V1__trap.sql", TRAPPED.1), BARRIER[1], BARRIER[2]];
    let set = fleet.set(&files);
    // The others go on, but not through the barrier.
    let going_on = Rollout { on_failure: OnFailure::Continue, ..rollout(&[], &[]) };
    let (ended, told) = watched(fleet.migrator(set).rollout(going_on));
    assert_eq!(
        ended,
        format!(
            "exit 4\ndefault: waits, 1 applied: it is a barrier, and 1 is still pending on `users_02`\n\
             users_01: done 1 3, 0 before\nusers_02: failed at migrations/V1__trap.sql:{}, applied, 0 before",
            place(engine)
        )
    );
    assert_eq!(
        told,
        ["stage 1 wave 1/1: default users_01 users_02", "default 1", "users_01 1", "users_01 3"]
    );
    // Nor when nothing is pending there but the barrier itself.
    let only = |names: &[&str]| {
        let databases = names.iter().map(|name| (*name).to_owned()).collect();
        let selection = Selection { databases, groups: Vec::new() };
        Migrator::new(set, fleet.try_fleet(set, &selection).unwrap())
    };
    assert_eq!(
        ending(&run(&only(&["default", "users_01"]))),
        "exit 5\ndefault: refused waits\nusers_01: done, 2 before"
    );

    fleet.database("users_02").execute("DROP TABLE trap");
    let (ended, told) = watched(fleet.migrator(set).concurrency(1));
    assert_eq!(
        ended,
        "exit 0\ndefault: done 2 3, 1 before\nusers_01: done, 2 before\nusers_02: done 1 3, 0 before"
    );
    assert_eq!(
        told,
        [
            "stage 1 wave 1/1: users_02",
            "users_02 1",
            "users_02 3",
            "stage 2 wave 1/1: default",
            "default 2",
            "default 3",
        ]
    );
}

fn what_waits_for_a_database_that_is_not_selected_is_refused_unless_it_is_done_there(engine: Engine) {
    let fleet = TestFleet::new(engine, &NAMES[..3]);
    let second = "-- #[route(group = \"users\")]\n-- #[requires(\"default:1\")]\nCREATE TABLE b (id int);\n";
    let set = fleet.set(&[FIRST, ("V2__b.sql", second)]);
    let only = |name: &str| {
        let selection = Selection { databases: vec![name.to_owned()], groups: Vec::new() };
        Migrator::new(set, fleet.try_fleet(set, &selection).unwrap())
    };
    let before = fleet.fingerprint();
    let refused = run(&only("users_01"));
    assert_eq!(ending(&refused), "exit 5\nusers_01: refused waits");
    let message = error(&refused);
    for part in [
        "users_01: ",
        "it requires 1 on `default`, which is not applied there",
        "migrate that database first",
    ] {
        assert!(message.contains(part), "{part} is not in:\n{message}");
    }
    assert_eq!(fleet.fingerprint(), before);
    assert_eq!(ending(&run(&only("default"))), "exit 0\ndefault: done 1, 0 before");
    assert_eq!(ending(&run(&only("users_01"))), "exit 0\nusers_01: done 1 2, 0 before");
    // All together, in an order of their own.
    let fleet = TestFleet::new(engine, &NAMES[..3]);
    let (ended, told) = watched(fleet.migrator(set).rollout(rollout(&[], &[])));
    assert!(ended.starts_with("exit 0\n"), "{ended}");
    assert_eq!(
        told,
        [
            "stage 1 wave 1/1: default users_01 users_02",
            "default 1",
            "users_01 1",
            "users_02 1",
            "stage 2 wave 1/1: users_01 users_02",
            "users_01 2",
            "users_02 2",
        ]
    );
}

fn a_check_between_waves_stops_the_run(engine: Engine) {
    let fleet = TestFleet::new(engine, &NAMES[..3]).toml("[rollout]\nwaves = [1, 2]\nconcurrency = 1\n");
    let set = fleet.set(&[FIRST]);
    let refusing = fleet.migrator(set).check_between_waves(|wave| {
        let (number, databases) = (wave.number, wave.databases.len());
        async move { if number == 1 { Ok(()) } else { Err(format!("{databases} is too many")) } }
    });
    let (ended, told) = watched(refusing);
    assert_eq!(ended, "exit 4\ndefault: done 1, 0 before\nusers_01: done 1, 0 before\nusers_02: not started");
    assert_eq!(told.last().unwrap(), "stop: the check between two waves failed: 1 is too many");

    // The same by a command, which is told of the wave.
    let folder = tempfile::TempDir::new().unwrap();
    let said = folder.path().join("said");
    let command = |end: &str| {
        let variables = "$SHARDED_MIGRATIONS_WAVE/$SHARDED_MIGRATIONS_WAVES $SHARDED_MIGRATIONS_DATABASES";
        Some(format!("echo \"{variables}\" >> '{}'; {end}", said.display()).into())
    };
    for (end, code, stop) in [
        ("true", 0, None),
        ("echo 'no, thanks' >&2; exit 7", 4, Some("ended with exit status: 7: no, thanks")),
        ("no_such_command", 4, Some("no_such_command")),
    ] {
        let fleet = TestFleet::new(engine, &NAMES[..3]);
        let rollout = Rollout { check: command(end), ..rollout(&["users_01"], &[Share::Percent(60)]) };
        let (ended, told) = watched(fleet.migrator(set).rollout(rollout));
        assert!(ended.starts_with(&format!("exit {code}\n")), "{ended}");
        let last = told.last().unwrap();
        assert_eq!(last.starts_with("stop: "), stop.is_some(), "{told:?}");
        assert!(stop.is_none_or(|stop| last.contains(stop)), "{last}");
    }
    let said = std::fs::read_to_string(said).unwrap();
    assert_eq!(said, "1/3 users_01\n2/3 default\n1/3 users_01\n1/3 users_01\n");
}

/// A pause ends when the run is to end.
#[test]
fn an_interruption_ends_a_pause() {
    let fleet = TestFleet::new(Engine::Sqlite, &NAMES[..2]);
    let set = fleet.set(&[FIRST]);
    let rollout = Rollout { pause: Duration::from_secs(3600), ..rollout(&[], &[Share::Databases(1)]) };
    let migrator = fleet.migrator(set).rollout(rollout);
    let interrupter = migrator.interrupter();
    let migrator = migrator.on_event(move |event| {
        if let Event::WavePaused { .. } = event {
            interrupter.interrupt();
        }
    });
    assert_eq!(ending(&run(&migrator)), "exit 130\ndefault: done 1, 0 before\nusers_01: not started");
}
