//! How often a client waits for a server's answer.

use std::collections::BTreeSet;

use sharded_migrations_tests::postgres::Cluster;
use tokio_postgres::NoTls;

use crate::lane::{Lane, must_end_well, said};
use crate::proxy::Proxy;

/// The counter itself, on a client of which we know what it asks.
#[test]
fn a_start_up_and_each_question_are_a_turn() {
    let cluster = Cluster::shared();
    let database = cluster.create_database("turns");
    let proxy = Proxy::start(cluster.port(), None);
    let url = database.url().replace(&format!(":{}/", cluster.port()), &format!(":{}/", proxy.port()));
    crate::eye::block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(async move { drop(connection.await) });
        assert_eq!(proxy.turns()[database.name()], 1);
        client.simple_query("SELECT 1").await.unwrap();
        client.simple_query("SELECT 1; SELECT 2").await.unwrap();
        assert_eq!(proxy.turns()[database.name()], 3);
    });
    let statements: Vec<_> = proxy.messages().iter().map(|message| message.statements).collect();
    assert_eq!(statements, [1, 2]);
}

/// The start-up is one; what proves who the client is, is not counted. With nothing pending the survey is
/// the other; with something pending all of it is the third, whatever it is.
#[test]
fn a_run_takes_two_turns_and_one_more_for_all_that_is_pending() {
    let lane = Lane::new(Cluster::shared());
    let turns = |to: &str| -> BTreeSet<usize> {
        let proxy = Proxy::start(lane.server(), None);
        must_end_well(lane.spawn(proxy.port(), Some(to)));
        let turns = proxy.turns();
        assert_eq!(turns.len(), lane.databases.len(), "{turns:?}");
        turns.into_values().collect()
    };
    let last = crate::set::LAST_IN_A_TRANSACTION;
    assert_eq!(turns("1"), BTreeSet::from([3]), "one pending");
    assert_eq!(turns("1"), BTreeSet::from([2]), "nothing pending");
    lane.empty();
    assert_eq!(turns(last), BTreeSet::from([3]), "all pending");
    assert_eq!(turns(last), BTreeSet::from([2]), "nothing pending");
}

/// What a probe asks every few seconds costs the start-up and one turn, whatever the answer is. `status` and `plan` also
/// find out whether a session keeps its lock, where a migration that is pending has to know.
#[test]
fn a_verb_that_looks_takes_one_turn_behind_the_start_up() {
    let lane = Lane::new(Cluster::shared());
    let look = |verb: &str, code: i32| {
        let proxy = Proxy::start(lane.server(), None);
        let output = lane.spawn_verb(verb, proxy.port(), None).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{verb}: {}", said(&output));
        let turns: Vec<usize> = proxy.turns().into_values().collect();
        assert_eq!(turns, vec![2; lane.databases.len()], "{verb}");
    };
    look("check", 3);
    lane.run(None);
    for verb in ["check", "status", "plan"] {
        look(verb, 0);
    }
}
