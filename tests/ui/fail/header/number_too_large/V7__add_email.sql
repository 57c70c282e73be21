-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[lock_timeout = 99999999999999999999]
ALTER TABLE account ADD COLUMN email text;
