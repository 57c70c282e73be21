//! An index that `CREATE INDEX CONCURRENTLY` left behind half made.

use sharded_migrations_tests::postgres::{Cluster, Options};
use sharded_migrations_tests::wait_for;

use crate::lane::{Lane, said};
use crate::set::LAST_IN_A_TRANSACTION;

/// Struck while it waits for somebody else's transaction: the index is there then and not valid.
#[test]
fn an_index_that_is_half_made_is_made_again() {
    let mut cluster = Cluster::start(Options::default());
    let mut lane = Lane::new(&cluster);
    lane.run(None);
    lane.eye.wait_until_alone();
    let undisturbed = lane.fingerprint();
    for kills_server in [false, true] {
        lane.empty();
        lane.run(Some(LAST_IN_A_TRANSACTION));
        // A transaction that has written to the table holds up the making of an index.
        lane.eye.query(2, "BEGIN; INSERT INTO log VALUES ('never')");
        let mut process = lane.spawn(lane.server(), None);
        let is_waiting = "SELECT count(*) FROM pg_index JOIN pg_stat_progress_create_index p \
            ON p.index_relid = indexrelid WHERE NOT indisvalid AND p.phase LIKE 'waiting%' \
            AND p.datname = current_database()";
        wait_for("an index to be half made", || (lane.eye.query(2, is_waiting) == "1").then_some(()));
        if kills_server {
            cluster.stop_immediate();
            let output = process.wait_with_output().unwrap();
            assert!(matches!(output.status.code(), Some(1 | 4 | 5)), "{}", said(&output));
            cluster.restart();
            lane.reconnect(&cluster);
        } else {
            process.kill().unwrap();
            process.wait().unwrap();
            // The server notices, and ends what works for nobody.
            lane.eye.query(
                2,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index WHERE datname = current_database()",
            );
            lane.eye.query(2, "ROLLBACK");
        }
        let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
        assert_eq!(lane.eye.query(2, invalid), "1", "the strike came in time");
        lane.run(None);
        lane.eye.wait_until_alone();
        assert_eq!(lane.fingerprint(), undisturbed);
    }
}
