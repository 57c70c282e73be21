-- #[route(group = "users")]
-- #[vars(shard)]
ALTER SEQUENCE account_id RESTART WITH ${shard};
