//! How often a client waits for a server's answer.

use sharded_migrations_tests::postgres::Cluster;
use tokio_postgres::NoTls;

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
