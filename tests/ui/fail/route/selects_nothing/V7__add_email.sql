-- Adds the address that the mailer reads.
-- #[route(all(group = "users", group = "catalog"))]
ALTER TABLE account ADD COLUMN email text;
