//! A run that is struck at a point, and the one after it.

use std::process::{Child, Output};

use sharded_migrations_tests::wait_for;

use crate::lane::{Lane, must_end_well, said};
use crate::proxy::{Place, Point, Proxy};
use crate::set::NAMES;

/// Which part of the set is struck. What comes before it is there already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    verb: &'static str,
    before: Option<&'static str>,
    to: Option<&'static str>,
}

impl Part {
    /// The migrations in transactions, from nothing.
    pub(crate) const IN_TRANSACTIONS: Self =
        Self { verb: "apply", before: None, to: Some(crate::set::LAST_IN_A_TRANSACTION) };
    /// Those outside transactions, behind the others.
    pub(crate) const OUTSIDE: Self =
        Self { verb: "apply", before: Some(crate::set::LAST_IN_A_TRANSACTION), to: None };
    /// The newest of them are taken back, one of them outside a transaction.
    pub(crate) const BACK: Self =
        Self { verb: "down", before: Some(crate::set::NEWEST_TO_GO), to: Some(crate::set::REMAINS) };

    /// Makes the databases as they are before the part.
    pub(crate) fn prepare(self, lane: &Lane) {
        lane.empty();
        if self.before.is_some() {
            lane.run(self.before);
        }
    }

    /// A run through a proxy.
    pub(crate) fn spawn(self, lane: &Lane, proxy: &Proxy) -> Child {
        lane.spawn_verb(self.verb, proxy.port(), self.to)
    }
}

/// What a run leaves that nobody disturbs, and where others can be struck.
pub(crate) struct Undisturbed {
    pub(crate) part: Part,
    fingerprint: Vec<String>,
    dump: Vec<String>,
    pub(crate) points: Vec<Point>,
}

impl Undisturbed {
    pub(crate) fn run(lane: &Lane, part: Part) -> Self {
        part.prepare(lane);
        let proxy = Proxy::start(lane.server(), None);
        must_end_well(part.spawn(lane, &proxy));
        lane.eye.wait_until_alone();
        let names = lane.databases.iter().map(|database| database.name().to_owned());
        let mut points = Vec::new();
        // Databases by their place in the lane: each lane has names of its own.
        for (database, name) in names.enumerate() {
            let own = proxy.messages().into_iter().filter(|message| message.database == name);
            for (message, sent) in own.enumerate() {
                let behind = (1..sent.statements).map(Place::Behind);
                let places = [Place::Before].into_iter().chain(behind).chain([Place::After]);
                points.extend(places.map(|place| Point { database: database.to_string(), message, place }));
            }
        }
        Self { part, fingerprint: lane.fingerprint(), dump: lane.dump(), points }
    }

    /// Starts a run and has it stand at a point.
    pub(crate) fn stand(&self, lane: &Lane, point: &Point) -> (Child, Proxy) {
        self.part.prepare(lane);
        let index: usize = point.database.parse().unwrap();
        let database = lane.databases[index].name().to_owned();
        let proxy = Proxy::start(lane.server(), Some(Point { database: database.clone(), ..point.clone() }));
        let mut process = self.part.spawn(lane, &proxy);
        wait_for("the run to come to the point", || {
            assert!(
                proxy.stands() || process.try_wait().unwrap().is_none(),
                "the run ended before {} of {}",
                point.message,
                NAMES[index]
            );
            proxy.stands().then_some(())
        });
        if let Place::Behind(_) = point.place {
            lane.eye.wait_for_sleep(&database);
        }
        (process, proxy)
    }

    /// Runs again, and looks at what is there then.
    /// A run that was struck says so, unless all that it lost was an answer.
    pub(crate) fn assert_says_so(&self, lane: &Lane, point: &Point, output: &Output) {
        match output.status.code() {
            Some(1 | 4 | 5) => {}
            Some(0) => assert_eq!(lane.fingerprint(), self.fingerprint, "{point:?}: {}", said(output)),
            _ => panic!("{point:?}: {}", said(output)),
        }
    }

    pub(crate) fn assert_ends_alike(&self, lane: &Lane, point: &Point, with_dump: bool) {
        let Part { verb, to, .. } = self.part;
        let output = lane.spawn_verb(verb, lane.server(), to).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "after {point:?}:\n{}", said(&output));
        lane.eye.wait_until_alone();
        assert_eq!(lane.fingerprint(), self.fingerprint, "after {point:?}");
        if with_dump {
            assert_eq!(lane.dump(), self.dump, "after {point:?}");
        }
    }
}
