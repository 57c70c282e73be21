-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[lock_timeout = "2s"]
-- #[lock_timeout = "3s"]
ALTER TABLE account ADD COLUMN email text;
