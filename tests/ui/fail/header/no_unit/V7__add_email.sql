-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[lock_timeout = 2]
ALTER TABLE account ADD COLUMN email text;
