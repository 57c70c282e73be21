-- Adds the address that the mailer reads.
-- #[route(group = "users", label = "eu")]
ALTER TABLE account ADD COLUMN email text;
