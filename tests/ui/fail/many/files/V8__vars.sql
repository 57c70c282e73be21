-- #[route(everywhere)]
-- #[vars(shard_id)]
ALTER SEQUENCE account_id RESTART WITH ${shard_id};
