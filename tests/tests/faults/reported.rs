//! What a run has reported outlives its server.

use std::io::{BufRead, BufReader};

use sharded_migrations_tests::postgres::{Cluster, Options};

use crate::lane::{Lane, reported};
use crate::set::NAMES;

/// Killed at once behind each report that a run makes. The runs on the other databases go on meanwhile.
#[test]
fn nothing_reported_is_lost_with_the_server() {
    let mut cluster = Cluster::start(Options::default());
    let mut lane = Lane::new(&cluster);
    let mut faults = 0;
    // Behind the first report, behind the second one, and so on to the end of the run.
    for count in 1.. {
        lane.empty();
        let mut process = lane.spawn(lane.server(), Some(crate::set::LAST_IN_A_TRANSACTION));
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut text = Vec::new();
        while reported(&text).len() < count && output.read_until(b'\n', &mut text).unwrap() > 0 {}
        let before = reported(&text);
        cluster.stop_immediate();
        // And what it still says.
        while output.read_until(b'\n', &mut text).unwrap() > 0 {}
        process.wait_with_output().unwrap();
        cluster.restart();
        lane.reconnect(&cluster);
        for (name, version) in reported(&text) {
            let database = NAMES.iter().position(|known| *known == name).unwrap();
            assert!(lane.eye.applied(database).contains(&version), "{version} on {name} is lost");
        }
        lane.run(Some(crate::set::LAST_IN_A_TRANSACTION));
        if before.len() < count {
            break;
        }
        faults += 1;
    }
    println!("server killed behind a report: {faults} faults");
    assert!(faults > 0);
}
