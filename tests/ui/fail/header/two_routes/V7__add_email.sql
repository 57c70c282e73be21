-- Adds the address that the mailer reads.
-- #[route(group = "users")]
-- #[route(database = "default")]
ALTER TABLE account ADD COLUMN email text;
