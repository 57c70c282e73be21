-- Adds the address that the mailer reads.
-- #[route(group = "users")
ALTER TABLE account ADD COLUMN email text;
