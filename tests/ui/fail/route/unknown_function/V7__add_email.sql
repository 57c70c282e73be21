-- Adds the address that the mailer reads.
-- #[route(none(group = "users"))]
ALTER TABLE account ADD COLUMN email text;
