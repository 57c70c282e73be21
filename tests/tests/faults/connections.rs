//! Somebody takes the connections that a run still needs.

use sharded_migrations_tests::postgres::{Cluster, Options};
use sharded_migrations_tests::wait_for;
use tokio_postgres::{Client, NoTls};

use crate::lane::{Lane, must_end_well, said};
use crate::proxy::{Place, Point, Proxy};
use crate::set::LAST_IN_A_TRANSACTION;

/// One run stands between its survey and its first write, while the rest of the server's connections
/// go to somebody else; then another run starts.
#[test]
fn a_server_without_a_free_connection_is_a_clear_refusal_and_the_next_run_ends_well() {
    let options = Options::default().setting("max_connections", "20").setting("max_wal_senders", "0");
    let cluster = Cluster::start(options);
    let lane = Lane::new(&cluster);
    let to = Some(LAST_IN_A_TRANSACTION);
    let database = lane.databases[0].name().to_owned();
    let proxy = Proxy::start(lane.server(), Some(Point { database, message: 1, place: Place::Before }));
    let standing = lane.spawn(proxy.port(), to);
    wait_for("the run to stand behind its survey", || proxy.stands().then_some(()));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = lane.databases[3].url();
    let taken: Vec<Client> = runtime.block_on(async {
        let mut taken = Vec::new();
        while let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await {
            tokio::spawn(async move { drop(connection.await) });
            taken.push(client);
        }
        taken
    });
    assert!(!taken.is_empty());
    let output = lane.spawn(lane.server(), to).wait_with_output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(5), "{text}");
    assert!(text.contains("too many clients already") && text.contains("`--jobs`"), "{text}");
    proxy.cut_all();
    let output = standing.wait_with_output().unwrap();
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    lane.assert_is_there(&output);

    drop(taken);
    drop(runtime);
    wait_for("the connections to be free", || {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
        (lane.eye.query(0, count) == lane.databases.len().to_string()).then_some(())
    });
    must_end_well(lane.spawn(lane.server(), to));
    lane.eye.wait_until_alone();
}
