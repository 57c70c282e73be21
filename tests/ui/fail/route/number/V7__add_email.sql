-- Adds the address that the mailer reads.
-- #[route(group = 1)]
ALTER TABLE account ADD COLUMN email text;
