-- Adds the address that the mailer reads.
-- #[route(group)]
ALTER TABLE account ADD COLUMN email text;
