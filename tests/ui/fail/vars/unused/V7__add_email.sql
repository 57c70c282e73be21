-- #[route(group = "users")]
-- #[vars(shard_id)]
ALTER SEQUENCE account_id RESTART WITH ${shardid};
