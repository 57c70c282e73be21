-- #[route(any(group = "users", database = "default"))]
-- #[vars(shard_id)]
ALTER SEQUENCE account_id RESTART WITH ${shard_id};
