-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[lock_timout = "2s"]
ALTER TABLE account ADD COLUMN email text;
