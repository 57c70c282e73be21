-- Adds the address that the mailer reads.
-- #[route(any(group = "users",
--             group = "catalog"))]
ALTER TABLE account ADD COLUMN email text;
