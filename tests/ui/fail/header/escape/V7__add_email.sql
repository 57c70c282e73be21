-- Adds the address that the mailer reads.
-- #[route(group = "users\n")]
ALTER TABLE account ADD COLUMN email text;
