-- Adds the address that the mailer reads.
-- #[route(not(group = "users", group = "catalog"))]
ALTER TABLE account ADD COLUMN email text;
