-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[lock_timeout = 2s]
ALTER TABLE account ADD COLUMN email text;
