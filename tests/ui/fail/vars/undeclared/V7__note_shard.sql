-- #[route(group = "users")]
INSERT INTO shard (id) VALUES ('${shard_id}');
