-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[vars("shard_id")]
ALTER TABLE account ADD COLUMN email text;
