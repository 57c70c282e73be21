-- Adds the address that the mailer reads.
-- #[route(group = "users")] and nowhere else
ALTER TABLE account ADD COLUMN email text;
